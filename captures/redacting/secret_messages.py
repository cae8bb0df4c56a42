"""Secrets in the messages of a long exchange, each searched when it comes, before it is written.

A message is read as a body of its kind would be: an event as a stream of events, text as text that may be JSON or a
form (also behind the digits that Socket.IO and Engine.IO put before it, and between the record separators of SignalR),
a gRPC message as its media type says. What is secret in the heads of the exchange, in its request's body or in an
earlier message is looked for in all that follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from captures.model import Exchange, Headers, Message, header
from captures.redacting.redaction import Doing, Found, Redactor, without

SEPARATOR = b"\x1e"  # ends each message of SignalR's JSON protocol
_NUMBERED = re.compile(rb"(?:\d{1,6}(?:-)?)?(?:/[^,\[{\s]{0,100},)?\d{0,10}(?=[\[{])|a(?=\[)")
"""``42/chat,7["event",…]``: the type of packet, the namespace and the number before the JSON of Socket.IO; ``a[…]`` of
SockJS."""
_REMEMBERED = 1_000  # secrets that were found in earlier messages of one exchange
_TEXT: Headers = ((b"content-type", b"text/plain"),)
_EVENTS: Headers = ((b"content-type", b"text/event-stream"),)


def message_redactor(redactor: Redactor) -> Callable[[Exchange], Callable[[Message], Message | None]]:
    """For each exchange that opens: what takes the secrets out of its messages, as ``redactor`` would.

    That returns None for a message that should be searched and cannot be: it must not be kept.
    """

    def of(exchange: Exchange) -> Callable[[Message], Message | None]:
        opened = Found()
        redactor.search(exchange, opened)
        found = Found(echoes=opened.echoes.copy())

        def redacted(message: Message) -> Message | None:
            nonlocal found
            if len(found.echoes) > _REMEMBERED:
                found = Found(echoes=opened.echoes.copy())
            found.asked = 0  # of this message: it bounds how much one text may hold
            sides = (exchange.request.headers, exchange.response.headers if exchange.response else ())
            headers = _read_as(message, sides[not message.from_client])
            side = "request" if message.from_client else "response"
            parts = _parts(message.kind, message.body)
            body = b"".join([before + redactor.body(found, side, part, headers) for before, part in parts])
            if found.unscannable:
                found.unscannable.clear()
                return None
            return message if body == message.body else replace(message, body=body)

        return redacted

    return of


def inspected(redactor: Redactor, exchange: Exchange, messages: Iterable[Message]) -> Found:
    """What redaction would replace in the messages of ``exchange``, as :meth:`Redactor.inspect` says it."""
    found = Found(Doing.INSPECT)
    sides = (exchange.request.headers, exchange.response.headers if exchange.response else ())
    for message in messages:
        side = "request" if message.from_client else "response"
        for _, part in _parts(message.kind, message.body):
            redactor.body(found, side, part, _read_as(message, sides[not message.from_client]))
    found.counts, found.pseudonyms = (
        {
            place.replace(".body", ".message", 1): count
            for place, count in without(redactor.places(counts), found.met).items()
        }
        for counts in (found.counts, found.pseudonyms)
    )
    return found


def _read_as(message: Message, headers: Headers) -> Headers:
    """The headers that say how to read ``message``, of an exchange with ``headers`` on its side."""
    if message.kind == "event":
        return _EVENTS
    if message.kind in ("text", "close"):
        return _TEXT
    return ((b"content-type", header(headers, "content-type") or b""),) if message.kind == "grpc" else ()


def _parts(kind: str, body: bytes) -> list[tuple[bytes, bytes]]:
    """``body`` as pairs of what is not searched and what is."""
    if kind != "text":
        return [(b"", body)]
    parts: list[tuple[bytes, bytes]] = []
    for index, record in enumerate(body.split(SEPARATOR)):
        number = _NUMBERED.match(record)
        end = number.end() if number else 0
        parts.append((SEPARATOR * (index > 0) + record[:end], record[end:]))
    return parts
