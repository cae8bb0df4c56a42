"""What passes between the stub server's listeners and the desk that decides: requests in, answers out. Pure values."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

from captures.model import Failure, Request, Response


@dataclass(frozen=True, slots=True)
class Server:
    """A dependency as it was recorded: what a reverse listener stands for."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a body, written ``after`` seconds from the one before it (the first: from the head)."""

    after: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do about a request. A ``failure`` without a response: hold ``hold`` seconds, then break off."""

    response: Response | None
    failure: Failure | None = None
    hold: float = 0.0  # seconds before the first byte
    pieces: tuple[Piece, ...] = ()  # the response's body as it is written; none: at once
    ends: bool = True  # False: the recorded client left an unended stream; it stays open until this one does
    encoded: dict[Hashable, tuple[bytes, bool]] = field(default_factory=dict, compare=False, repr=False)
    # ^ what a listener made of it, for the next time the same answer is given


class Desk(Protocol):
    """Decides the answers. Called on the event loop; must not block."""

    def refuse(self, host: str, port: int) -> bool:
        """Whether the tunnel to ``host:port`` is refused (recorded so)."""

    def answer(self, request: Request) -> Answer:
        """The answer to a complete request."""

    def distrusted(self, host: str, port: int, why: str) -> None:
        """The build gave up a TLS handshake with us."""
