"""Who a request is about, by the names that people go by: an e-mail address, a user name. Pure.

A log-in shows no id that the sign-up made, yet it is nothing without it: the address ties the two.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from captures.flows.mentions import leaves
from captures.flows.words import unquote
from captures.formats.decoding import FormBody, JsonBody, MultipartBody, TextBody, decode, form_fields
from captures.model import Exchange, Headers, header
from replayer.touching import only_reads

MAX_BODY = 65_536
"""Bytes of a body that is looked through: what people are called stands in small ones."""
LEAST = 3
_ADDRESS = re.compile(r"[^@\s/]{1,64}@[^@\s/]{1,190}\.[A-Za-z]{2,24}")
_NAMES = frozenset("email mail username user login account handle nick nickname phone msisdn".split())


def names_of(recorded: Exchange) -> frozenset[str]:
    """The names that a request brings, and those that the answer to one that changes something shows."""
    request, response = recorded.request, recorded.response
    path, _, query = request.target.partition(b"?")
    found = {segment for raw in path.split(b"/") if raw and _ADDRESS.fullmatch(segment := unquote(raw))}
    found.update(value for name, value in form_fields(query) if _is_name(name, value))
    found.update(value for name, value in fields_of(request.body, request.headers) if _is_name(name, value))
    found.update(_basic(request.headers))
    if response is not None and response.status < 400 and not only_reads(request):
        found.update(value for name, value in fields_of(response.body, response.headers) if _is_name(name, value))
    return frozenset(value.lower() for value in found)


def _is_name(name: str, value: str) -> bool:
    if _ADDRESS.fullmatch(value):
        return True
    return len(value) >= LEAST and not value.isdigit() and re.sub(r"[^a-z]", "", name.lower()) in _NAMES


def fields_of(body: bytes, headers: Headers) -> Iterator[tuple[str, str]]:
    """The names and values of a small JSON or form body, lists left out."""
    if not body or len(body) > MAX_BODY:
        return
    decoded = decode(body, headers)
    if isinstance(decoded, JsonBody):
        for place, value in leaves((), decoded.value, listed=False):
            names = [step for step in place if isinstance(step, str)]
            yield names[-1] if names else "", value
    elif isinstance(decoded, FormBody):
        yield from decoded.fields
    elif isinstance(decoded, MultipartBody):
        for part in decoded.parts:
            if part.filename is None and isinstance(part.content, TextBody):
                yield part.name, part.content.text


def _basic(headers: Headers) -> Iterator[str]:
    """The user of Basic credentials (RFC 7617), whom redaction leaves the name."""
    raw = header(headers, "authorization") or b""
    if raw[:6].lower() != b"basic ":
        return
    try:
        user = base64.b64decode(raw[6:].strip(), validate=True).decode("utf-8").partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return
    if len(user) >= LEAST:
        yield user
