"""What is made of what a tape tells: ids, causes, the choice of what is kept, and the writing. No mitmproxy.

A tape tells it directly (in tests), or from a process of its own by ``recorder.relay`` and ``recorder.scribe``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from captures.links import Linker
from captures.model import Cause, Direction, Exchange, Headers, Message
from captures.queued import size_of
from captures.writer import CaptureWriter
from recorder.choosing import Choice
from recorder.gate import Gate
from recorder.sampling import Sampler


class Desk:
    """One recording's writer, linker and gate. Times are any one monotonic scale."""

    def __init__(self, writer: CaptureWriter, choice: Choice, sample_key: bytes = b"") -> None:
        # ``sample_key``: of the sample's draw, one for a recording.
        self._writer = writer
        self._linker = Linker()
        self._sampler = Sampler(choice.sample, sample_key) if choice.sample is not None else None
        follow = bool(choice.only or choice.exclude or choice.sample)
        self._gate = Gate(self._keep, follow, self._sampler, self._forget, self._weigh)
        self._causes: dict[int, Cause] = {}  # of calls that are open, as far as their beginning tells
        self._messages: dict[int, tuple[Message, ...]] = {}  # of exchanges that are not decided yet
        self._unsaid: Counter[int] = Counter()  # messages of open exchanges that there was no room for
        self._declined: Counter[int] = Counter()  # messages of those that the sample does not expect to keep
        self._chooses = not choice.everything

    def start(self) -> int:
        """The id of an exchange that starts now."""
        return self._writer.reserve_id()

    def inbound_started(self, exchange: int, headers: Headers, at: float, target: bytes) -> None:
        """An inbound request's head arrived."""
        self._linker.inbound_started(exchange, headers, at, target)
        self._gate.begun(exchange)

    def inbound_body(self, exchange: int, headers: Headers, body: bytes) -> None:
        """The inbound request is complete."""
        self._linker.inbound_body(exchange, headers, body)

    def settle(self, exchange: int, kept: bool) -> None:
        """An inbound exchange that has not ended is decided already."""
        self._gate.settle(exchange, kept)

    def inbound_answered(self, exchange: int) -> None:
        """The head of its answer has come."""
        self._linker.inbound_answered(exchange)

    def inbound_ended(self, exchange: int, at: float) -> None:
        """The inbound exchange causes nothing any more."""
        self._linker.inbound_ended(exchange, at)

    def call_started(self, call: int, headers: Headers, at: float, target: bytes, connection: str) -> None:
        """An outbound request's head arrived; see :class:`captures.links.Linker`."""
        self._causes[call] = self._linker.call_started(call, headers, at, target, connection)

    def begin(self, exchange: Exchange) -> bool:
        """``exchange`` is open, and written while it goes on. False: not in the sample, or no room."""
        is_request = exchange.direction is Direction.INBOUND
        if is_request and self._sampler is not None and not self._sampler.expects(exchange):
            self._declined[exchange.id] = 0
            return False
        if is_request:
            self._gate.settle(exchange.id, True)
        return self._writer.begin(replace(exchange, cause=self._causes.get(exchange.id)))

    def add(self, message: Message) -> bool:
        """A further message of an exchange that is open; False where there is no room."""
        if message.exchange in self._declined:
            self._declined[message.exchange] += 1
            return False
        said = self._writer.add(message)
        if not said:
            self._unsaid[message.exchange] += 1
        return said

    def put(
        self, exchange: Exchange, wanted: bool = True, messages: tuple[Message, ...] = (), begun: bool = False
    ) -> None:
        """``exchange`` has ended; ``wanted`` by the filters. An outbound one gets its cause here.

        ``messages``: those that are not written yet. ``begun``: it is written while it goes on, and so kept.
        """
        begun = begun and exchange.id not in self._declined
        exchange = self._noted(exchange)
        if messages:
            self._messages[exchange.id] = messages
        if exchange.direction is Direction.INBOUND:
            self._gate.request(exchange, wanted, begun=begun)
        else:
            self._call(exchange, wanted, begun)
        if messages and not self._gate.holds(exchange.id):
            self._forget(exchange.id)

    def _noted(self, exchange: Exchange) -> Exchange:
        """``exchange`` with what was said of it and is not written."""
        unsaid, declined = self._unsaid.pop(exchange.id, 0), self._declined.pop(exchange.id, 0)
        if not unsaid and not declined:
            return exchange
        notes = dict(exchange.notes)
        lost = notes.pop("messages_lost", 0)  # a tape that is told at once counts both as lost
        if declined:
            notes["messages_not_kept"] = notes.get("messages_not_kept", 0) + declined
        else:
            notes["messages_lost"] = max(unsaid, lost)
        return replace(exchange, body_truncated=True, notes=notes)

    def _weigh(self, exchange: Exchange) -> int:
        return size_of(exchange) + sum(map(size_of, self._messages.get(exchange.id, ())))

    def _keep(self, exchange: Exchange) -> bool:
        return self._writer.put(exchange, self._messages.pop(exchange.id, ()))

    def _forget(self, exchange: int) -> None:
        self._messages.pop(exchange, None)

    def _call(self, exchange: Exchange, wanted: bool, begun: bool) -> None:
        candidates = self._linker.candidates(exchange.id)
        answer = (exchange.response.headers, exchange.response.body) if exchange.response is not None else None
        first = self._causes.pop(exchange.id, None)
        cause = self._linker.call_ended(exchange.id, exchange.request.body, answer) or first
        exchange = replace(exchange, cause=cause)
        if begun:
            self._keep(exchange)
            return
        certain = cause is not None and cause.exchange is not None and not cause.how.is_guess
        causes = (cause.exchange,) if certain and cause is not None and cause.exchange is not None else candidates
        self._gate.call(exchange, wanted, causes)

    def lose(self, exchange: int, reason: str, at: float) -> None:
        """``exchange``, which had started, is lost for one of ``captures.faults.REASONS``: counted."""
        self._linker.inbound_ended(exchange, at)
        self._gate.lost(exchange)
        self._causes.pop(exchange, None)
        self._unsaid.pop(exchange, None)
        self._declined.pop(exchange, None)
        self._writer.lose(exchange, reason)

    def drop(self, number: int, reason: str) -> None:
        """Count ``number`` exchanges that nothing else was told of."""
        self._writer.drop(number, reason)

    def is_full(self) -> bool:
        """Whether so much waits to be written that who can wait should."""
        return self._writer.is_full()

    def finish(self) -> None:
        """Nothing more comes: what still waited for a decision is kept."""
        self._gate.close()

    def counters(self) -> dict[str, Any]:
        """The numbers as an event carries them."""
        numbers = self._writer.counters()
        return {
            "seen": numbers.seen,
            "written": numbers.written,
            "dropped": numbers.dropped,
            "truncated": numbers.truncated,
            "error": numbers.last_error,
            "dropped_by": numbers.dropped_by,
            "redacted": numbers.redacted,
            "queued": numbers.queued,
            "queued_bytes": numbers.queued_bytes,
            "lag": round(numbers.lag, 3),
            "trouble": numbers.trouble,
            "capture": str(self._writer.path),
            "files": [list(one) for one in numbers.files],
            "untold_files": dict(zip(("files", "bytes"), numbers.untold, strict=True)),
            "removed": dict(zip(("files", "exchanges"), numbers.removed, strict=True)),
            "unrotated": numbers.unrotated,
            **(self._left_out() if self._chooses else {}),
        }

    def meta(self) -> dict[str, Any]:
        """What was not kept by choice, with what became of the sessions of clients, for the session's meta."""
        sampler = self._sampler
        if sampler is None:
            return self._left_out()
        return {**self._left_out(), "sampling": {"sessions": sampler.sessions, "kept": dict(sampler.kept_for)}}

    def _left_out(self) -> dict[str, int]:
        left = self._gate.left
        counted = {"left_out": left.requests, "left_out_calls": left.calls}
        if self._sampler is not None:
            counted |= {"sampled_out": left.sampled, "sampled_out_calls": left.sampled_calls}
        return counted
