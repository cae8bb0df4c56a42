"""The messages of one exchange on their way to the writer: WebSocket, server-sent events, gRPC.

They are handed over as they come, so that a socket that lives for days gathers nothing here. Runs on the proxy's event
loop, in the path of the traffic: nothing here raises or waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from captures.model import Exchange, Headers, Message
from recorder.cutting import Cutter, Events, GrpcMessages, Unpacked
from recorder.messages import first, media_type
from recorder.tee import HEAD, Tee

NAMED_CUT = 100  # messages over the limit whose length is noted


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept of one exchange's messages."""

    body: int  # bytes of one message; of a longer one the beginning is kept
    messages: int  # after so many, the rest is counted
    size: int  # the same for their bytes together


class Taker(Protocol):
    """Writes exchanges while they go on. What it has no room for it refuses (False)."""

    def begin(self, exchange: Exchange) -> bool:
        """``exchange`` is open."""

    def add(self, message: Message) -> bool:
        """It has a further message."""


@dataclass(slots=True)
class Conversation:
    """The messages of the exchange that ``snapshot`` makes (as it stands at that moment).

    It begins in the file with :meth:`begin`, at the latest when one side has said two things: before that an exchange
    may be over in no time (a unary gRPC call), and is written at once.
    """

    writer: Taker
    limits: Limits
    snapshot: Callable[[], Exchange]
    now: Callable[[], float]
    wanted: Callable[[Exchange], bool] | None = None  # whether filters keep it, as far as can be told when it opens
    count: int = 0  # messages of both sides
    size: int = 0  # bytes of those that are kept
    not_kept: int = 0  # beyond the limits
    lost: int = 0  # dropped, since the writer had no room
    broken: str = ""  # why messages could not be told apart
    over: bool = False
    begun: bool | None = None  # None: not yet; False: there was no room for it
    cut: dict[str, int] = field(default_factory=dict)  # place -> true length
    waiting: list[Message] = field(default_factory=list)
    cutters: list[tuple[Cutter, bool, str]] = field(default_factory=list)
    identity: int = 0

    def begin(self) -> None:
        """Put the exchange into the file, as one that is open."""
        if self.begun is None:
            exchange = self.snapshot()
            if self.wanted is not None and not self.wanted(exchange):
                self.begun, self.not_kept, self.waiting = False, self.not_kept + len(self.waiting), []
                self.limits = Limits(0, 0, 0)
                return
            self.begun = self.writer.begin(exchange)
            for message in self.waiting:
                self.lost += not self.writer.add(message)
            self.waiting = []

    def say(self, from_client: bool, kind: str, body: bytes, size: int | None = None) -> None:
        """One message; ``size`` is its true length where ``body`` is only its beginning."""
        self.count += 1
        length = len(body) if size is None else size
        if length > self.limits.body:
            body = body[: min(HEAD, self.limits.body)]
        if self.count > self.limits.messages or self.size + len(body) > self.limits.size:
            self.not_kept += 1
            return
        self.size += len(body)
        if length > len(body) and len(self.cut) < NAMED_CUT:
            self.cut[str(self.count)] = length
        message = Message(self.identity, self.count, from_client, kind, self.now(), body)
        if self.begun is None:
            again = any(one.from_client is from_client for one in self.waiting)
            self.waiting.append(message)
            if again and not self.over:
                self.begin()
        else:
            self.lost += not self.writer.add(message)

    def listen(self, tee: Tee, from_client: bool, kind: str, cutter: Cutter) -> None:
        """Cut what passes through ``tee`` into messages."""
        self.cutters.append((cutter, from_client, kind))

        def hear(data: bytes) -> None:
            try:
                for body, size in cutter.feed(data):
                    self.say(from_client, kind, body, size)
            except Exception as error:  # noqa: BLE001 - whatever the bytes are, they must flow
                tee.also = None
                self.broken = f"messages could not be told apart ({type(error).__name__})"

        tee.also = hear

    def finish(self) -> tuple[Message, ...]:
        """It is over: what has still to be handed over, with the exchange itself."""
        self.over = True
        for cutter, from_client, kind in self.cutters:
            rest = cutter.rest()
            if rest is not None:
                self.say(from_client, kind, *rest)
        self.cutters = []
        return tuple(self.waiting)

    @property
    def incomplete(self) -> bool:
        """Whether messages, or parts of some, are missing in the file."""
        return bool(self.not_kept or self.lost or self.cut or self.broken)

    def notes(self) -> dict[str, Any]:
        """What is missing, for the exchange's notes."""
        found: dict[str, Any] = {
            "messages_not_kept": self.not_kept,
            "messages_lost": self.lost,
            "messages_cut": self.cut,
            "messages_broken": self.broken,
        }
        return {key: value for key, value in found.items() if value}


def is_grpc(headers: Headers) -> bool:
    """Whether bodies are length-prefixed messages (gRPC, gRPC-Web but for its base64 form)."""
    kind = media_type(headers)
    return kind.startswith(b"application/grpc") and b"-text" not in kind


def cutter_of(headers: Headers, limit: int) -> tuple[str, Cutter] | None:
    """The kind of the messages that a body under ``headers`` is made of, and what cuts them; None for one body."""
    if is_grpc(headers):
        return "grpc", GrpcMessages(limit)
    if not media_type(headers).startswith(b"text/event-stream"):
        return None
    coding = first(headers, b"content-encoding").lower().strip().decode("latin-1")
    if coding in ("", "identity"):
        return "event", Events(limit)
    try:
        return "event", Unpacked(coding, Events(limit))
    except ValueError:
        return None
