"""Values as words: which stand in a message, where in a text, and which of them are secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from captures.flows.words import words_of
from captures.formats.decoding import JsonBody, content_decoded, decode
from captures.model import Exchange, Headers, Request
from replayer import pin_notation
from replayer.pin_headers import HOP_BY_HOP
from replayer.pin_notation import Slot
from replayer.pins import Pin, PinRequest, PinResponse
from replayer.tokens import noun_of


def spans(text: str, known: Iterable[str]) -> list[tuple[int, int]]:
    """Where one of ``known`` stands in ``text`` as a whole word; of two at one place the longer."""
    words = sorted(known, key=len, reverse=True)
    if not words:
        return []
    pattern = r"(?<![A-Za-z0-9])(?:" + "|".join(map(re.escape, words)) + r")(?![A-Za-z0-9])"
    return [match.span() for match in re.finditer(pattern, text)]


def is_segment(text: str, value: str, name: str) -> bool:
    """Whether ``value`` stands in ``text`` as the id of what it is named after: ``/orders/17`` for ``order_id``."""
    match = re.search(rf"([^/?#]+)/{re.escape(value)}(?=[/?#]|\Z)", text)
    return match is not None and name.startswith(f"{noun_of(match[1])}_id")


def secrets_of(exchange: Exchange, again: Exchange) -> frozenset[str]:
    """Values at secret places of ``exchange``: those that ``again``, its redaction with another key, no longer has."""
    before, after = words_in_request(exchange.request), words_in_request(again.request)
    if exchange.response is not None and again.response is not None:
        before |= words_in_message(exchange.response.headers, exchange.response.body)
        after |= words_in_message(again.response.headers, again.response.body)
    return frozenset(before - after)


def words_in_request(request: Request) -> set[str]:
    """Every word a request says."""
    words = set(words_of(request.target.decode("latin-1")))
    for separator in "/?&=":
        words.update(request.target.decode("latin-1").replace("&", "?").replace("=", "?").split(separator))
    return words | words_in_message(request.headers, request.body)


def words_in_message(headers: Headers, body: bytes) -> set[str]:
    """Every word of headers and body."""
    words: set[str] = set()
    for name, value in headers:
        if name.decode("latin-1").lower() not in HOP_BY_HOP | {"date"}:
            words.update(words_of(value.decode("latin-1")))
    try:
        text = content_decoded(body, headers)
    except ValueError:
        return words
    decoded = decode(body, headers)
    if isinstance(decoded, JsonBody):
        stack = [decoded.value]
        while stack:
            item = stack.pop()
            if isinstance(item, dict | list):
                stack.extend(item.values() if isinstance(item, dict) else item)
            elif item is not None and not isinstance(item, bool):
                words.update(words_of(str(item)))
        return words
    return words | set(words_of(text.decode("latin-1")))


def references(pin: Pin) -> set[str]:
    """Every name that something in ``pin`` refers to."""
    messages: list[PinRequest | PinResponse] = [pin.request, *([pin.expect] if pin.expect else [])]
    for stub in (*pin.stubs, *(stub for step in pin.setup for stub in step.stubs)):
        messages += [stub.request, *([stub.response] if stub.response else [])]
    messages += [step.request for step in pin.setup]
    found: set[str] = set()
    stack: list[Any] = []
    for message in messages:
        stack += [*(value for _, value in message.headers), message.body.value]
        stack += [message.target] if isinstance(message, PinRequest) else []
    while stack:
        item = stack.pop()
        if isinstance(item, dict | list):
            stack.extend(item.values() if isinstance(item, dict) else item)
        elif isinstance(item, str) and pin_notation.has_slot(item):
            found |= {part.name for part in pin_notation.parse(item) if isinstance(part, Slot) and not part.kind}
    return found
