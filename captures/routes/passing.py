"""What a request says in its body and query: where a call of the service has one of these in its path, it is no fixed
word but what the caller chose.

``POST /items {"name": "apple"}`` that makes the service ask for ``GET /stock/apple`` says so. The caller's own path
says nothing: a gateway passes fixed words on just as well.
"""

from __future__ import annotations

from typing import Any

from captures.formats.decoding import FormBody, JsonBody, decode, form_fields
from captures.model import Request

LARGEST = 256 * 1024
"""Bytes of a body that is read."""

MOST = 2_000
"""Values of one request that are looked at."""


def said_in(request: Request) -> frozenset[str]:
    """The strings among the values of the query and of the JSON or form body of ``request``."""
    said = {value for _, value in form_fields(request.target.partition(b"?")[2])}
    if 0 < len(request.body) <= LARGEST:
        body = decode(request.body, request.headers)
        if isinstance(body, FormBody):
            said.update(value for _, value in body.fields[:MOST])
        elif isinstance(body, JsonBody):
            _strings(body.value, said)
    return frozenset(said)


def _strings(value: Any, said: set[str]) -> None:
    stack = [value]
    for _ in range(MOST):
        if not stack:
            return
        item = stack.pop()
        if isinstance(item, str):
            said.add(item)
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
