"""What need not be searched for secrets again: parts of a replayed exchange that equal those of the recorded one. Pure.

Every value at a secret place of a recorded exchange is taken for a pseudonym (:meth:`Redactor.leave`) and stays as it
is. So a part of the replayed exchange with the same bytes, read the same way, has nothing to replace: the search would
go the same way and meet the same values. Whatever differs by one byte is searched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from captures.model import Exchange, Headers, Request, Response

_READ_BY = {len(name): name for name in (b"content-type", b"content-encoding")}
"""Headers that say how a body is read, by their length: few names have one of the two."""


@dataclass(frozen=True, slots=True)
class Left:
    """A recorded exchange, searched as a whole, whose secrets are all taken for pseudonyms."""

    exchange: Exchange


class Unlike(NamedTuple):  # two are made for each exchange, and a frozen dataclass costs four times as much
    """What of one message differs from the recorded one; None and "": nothing there has to be searched."""

    side: str  # "request", "response"
    headers: Headers | None
    trailers: Headers | None
    target: bytes | None
    body: bytes
    about: Headers  # the headers that the body goes with


def unlike(exchange: Exchange, left: Left) -> Iterator[Unlike]:
    """The parts of ``exchange`` that are not byte for byte those of ``left``."""
    recorded = left.exchange
    yield _differing("request", exchange.request, recorded.request)
    if exchange.response is not None:
        yield _differing("response", exchange.response, recorded.response)


def _differing(side: str, message: Request | Response, recorded: Request | Response | None) -> Unlike:
    target = message.target if isinstance(message, Request) else None
    headers, body = message.headers, message.body
    if recorded is None:
        return Unlike(side, headers, message.trailers, target, body, headers)
    if isinstance(recorded, Request) and recorded.target == target:
        target = None
    same = headers == recorded.headers
    if body and body == recorded.body and (same or read_by(headers) == read_by(recorded.headers)):
        body = b""
    trailers = message.trailers
    return Unlike(
        side, None if same else headers, None if trailers == recorded.trailers else trailers, target, body, headers
    )


def read_by(headers: Headers) -> Headers:
    """The headers that say how a body is read."""
    found: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        wanted = _READ_BY.get(len(name))
        if wanted is not None and name.lower() == wanted:
            found.append((wanted, value))
    return tuple(found)
