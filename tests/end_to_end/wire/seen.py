"""What a client saw of an answer, and how two such sights, or a sight and the tape, are held against each other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from captures.model import Exchange, Headers

MOVING = (b"date",)
"""Headers that differ between two requests to one server by themselves."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer as its client saw it."""

    version: str = ""  # "1.0", "1.1", "2"
    status: int = 0
    reason: bytes = b""
    headers: Headers = ()
    body: bytes = b""
    trailers: Headers = ()
    informational: tuple[tuple[int, Headers], ...] = ()  # 1xx, in order
    error: str = ""  # why the client is not content, in its words or its code

    def settled(self) -> Seen:
        """Without what moves by itself, and without the blanks around a value, which mean nothing (RFC 9110 5.5)."""
        return replace(
            self,
            headers=settled(self.headers),
            trailers=settled(self.trailers),
            informational=tuple((status, settled(headers)) for status, headers in self.informational),
        )


def settled(headers: Headers) -> Headers:
    """Header lines without what moves by itself."""
    return tuple(
        (name, b"" if name.lower() in MOVING else re.sub(rb"\s*\r?\n\s+", b" ", value.strip()))
        for name, value in headers
    )


def written(headers: Headers) -> Headers:
    """Header lines as they may be on the tape: the values of cookies are replaced before the write."""
    return tuple(
        (name, re.sub(rb"=[^;]*", b"=", value, count=1) if name.lower() == b"set-cookie" else value)
        for name, value in settled(headers)
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One request by one client on one way."""

    name: str
    client: str
    way: str
    options: tuple[str, ...] = ()  # the client's
    path: str = ""  # what the server is asked for, where that is not its name

    @property
    def id(self) -> str:
        """Its name in a test's output."""
        return f"{self.client}-{self.way}-{self.name}"

    @property
    def target(self) -> str:
        """Its request target: unique, so that its exchange is found on the tape."""
        return f"/{self.path or self.name}?by={self.client}&way={self.way}&for={self.name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case, done."""

    direct: Seen  # without the recorder
    through: Seen
    exchanges: tuple[Exchange, ...]  # on the tape

    @property
    def exchange(self) -> Exchange:
        """The one on the tape."""
        (one,) = self.exchanges
        return one

    def taped(self) -> Seen:
        """The answer on the tape, as a client would have seen it."""
        response = self.exchange.response
        assert response is not None, self.exchange.failure
        return Seen(
            status=response.status,
            reason=response.reason,
            headers=response.headers,
            body=response.body,
            trailers=response.trailers,
        )
