"""The proxy's end of the way to the writing process (``recorder.scribe``): what the tape tells is noted, and sent in
batches by a thread of its own (``recorder.line``).

Redacting, linking and writing there keeps them off the interpreter that carries the traffic: a body of 30 MB is
searched for seconds, in steps that no thread can interrupt. An exchange is known here by a *handle*; its id, which
follows the order of start over all proxies, is given there, and so is its cause.

What waits here is bounded in bytes, notes of every kind among them. An exchange that begins while there is no room is
not told of, only counted with the others that were dropped so: hours without room leave one number behind.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from captures.identities import SCANNED
from captures.model import Exchange, Headers, Message
from captures.queued import Whole, size_of
from recorder.line import Call, Line

GATHER = 0.02  # seconds that calls gather for one batch: waking up for each would cost the traffic's thread
BATCH = 512  # calls of one pickle, which holds the interpreter while it is made
HEARTBEAT = 0.05  # seconds between two words of a proxy that has nothing to tell, where others wait for it
ALONE = 0.5  # the same where nobody waits: so it notices that the writing process has gone
CALL = 512  # bytes that a call takes, about, beside its bodies


class Relay:
    """In place of :class:`recorder.desk.Desk` in a proxy process.

    ``several``: other proxies write into the same capture, and wait to hear from this one. ``renewals`` and ``broke``:
    see :class:`recorder.line.Line`.
    """

    def __init__(
        self,
        line: socket.socket,
        max_queued_bytes: int,
        *,
        blocks: bool = False,
        several: bool = False,
        renewals: socket.socket | None = None,
        broke: Callable[[int], object] = lambda told: None,
    ) -> None:
        self._line = Line(line, renewals, broke)
        self._max_queued_bytes = max_queued_bytes
        self._blocks = blocks
        self._heartbeat = HEARTBEAT if several else ALONE
        self._calls: queue.SimpleQueue[tuple[int, Call] | None] = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._state = threading.Lock()
        self._queued_bytes = 0
        self._handles = 0
        self._heard: set[int] = set()  # exchanges that are open and told of
        self._dropped = 0  # exchanges there was no room for, and that is not told yet
        self._ended = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def start(self) -> int:
        """The handle of an exchange that starts now."""
        self._handles += 1
        if self._takes(CALL):
            self._heard.add(self._handles)
            self._note(CALL, "start", self._handles)
        return self._handles

    def inbound_started(self, exchange: int, headers: Headers, at: float, target: bytes) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._tell("inbound_started", exchange, headers, at, target)

    def inbound_body(self, exchange: int, headers: Headers, body: bytes) -> None:
        """See :class:`recorder.desk.Desk`. What is not looked through does not go over twice."""
        looked_at = body[:SCANNED]
        if self._takes(CALL + len(looked_at)):
            self._tell("inbound_body", exchange, headers, looked_at, size=CALL + len(looked_at))

    def settle(self, exchange: int, kept: bool) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._tell("settle", exchange, kept)

    def inbound_answered(self, exchange: int) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._tell("inbound_answered", exchange)

    def inbound_ended(self, exchange: int, at: float) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._tell("inbound_ended", exchange, at)

    def call_started(self, call: int, headers: Headers, at: float, target: bytes, connection: str) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._tell("call_started", call, headers, at, target, connection)

    def begin(self, exchange: Exchange) -> bool:
        """See :class:`recorder.desk.Desk`."""
        return self._offer(CALL + size_of(exchange), "begin", exchange.id, exchange)

    def add(self, message: Message) -> bool:
        """See :class:`recorder.desk.Desk`."""
        return self._offer(CALL + len(message.body), "add", message.exchange, message)

    def put(
        self, exchange: Exchange, wanted: bool = True, messages: tuple[Message, ...] = (), begun: bool = False
    ) -> None:
        """See :class:`recorder.desk.Desk`. Where there is no room it is dropped, and counted there. Never blocks."""
        heard = self._leaves(exchange.id)
        size = size_of(Whole(exchange, messages)) if wanted else CALL
        self._ended += heard or wanted
        if not heard:
            with self._state:
                self._dropped += wanted
        elif not self._takes(size):
            self._note(CALL, "lose", exchange.id, "queue_full", time.monotonic())
        elif wanted:
            self._note(size, "put", exchange, True, messages, begun)
        else:  # it is only counted
            answer = replace(exchange.response, body=b"") if exchange.response is not None else None
            bare = replace(exchange, request=replace(exchange.request, body=b""), response=answer)
            self._note(size, "put", bare, False)

    def _leaves(self, exchange: int) -> bool:
        """``exchange`` is open no longer; whether it was told of."""
        heard = exchange in self._heard
        self._heard.discard(exchange)
        return heard

    def _tell(self, method: str, exchange: int, *arguments: Any, size: int = CALL) -> None:
        """Note something of an exchange that is told of. There are few of these for each, so that all have room."""
        if exchange in self._heard:
            self._note(size, method, exchange, *arguments)

    def _offer(self, size: int, method: str, exchange: int, item: Exchange | Message) -> bool:
        """Nobody waits to begin these, so that room is needed for them also where exchanges are never refused."""
        with self._state:
            if self._queued_bytes and self._queued_bytes + size > self._max_queued_bytes * (1 + self._blocks):
                return False
        if exchange not in self._heard:
            return False
        self._note(size, method, item)
        return True

    def counters(self) -> dict[str, int]:
        """How many exchanges have ended, and how many of them a writing process was told of; see ``recorder.line``."""
        return {"ended": self._ended, "told": self._line.told, "untold": self._line.untold}

    def is_full(self) -> bool:
        """Whether so much waits to be sent that who can wait should."""
        return self._queued_bytes >= self._max_queued_bytes and not self._line.is_cut

    def close(self, meta: Mapping[str, Any] | None = None, ending: str = "stop") -> None:
        """Tell the rest, what goes into the session's ``meta``, and how it ended. Idempotent."""
        if not self._closed:
            self._closed = True
            self._note(0, "end", dict(meta or {}), ending)
            self._calls.put(None)
            self._hurry.set()
            self._thread.join()

    # -- sending -----------------------------------------------------------------------------------------------------

    def _takes(self, size: int) -> bool:
        with self._state:
            return self._blocks or not self._queued_bytes or self._queued_bytes + size <= self._max_queued_bytes

    def _note(self, size: int, method: str, *arguments: Any) -> None:
        with self._state:
            self._queued_bytes += size
        self._calls.put((size, (time.monotonic(), method, *arguments)))

    def _run(self) -> None:
        ending = False
        while not ending:
            until, batch = self._gather()
            ending = bool(batch) and batch[-1] is None
            calls = [one[1] for one in batch if one is not None]
            with self._state:
                dropped, self._dropped = self._dropped, 0
            if dropped:
                calls.append((until, "drop", dropped))
            self._line.tell(until, calls)
            with self._state:
                self._queued_bytes -= sum(one[0] for one in batch if one is not None)
        self._line.close()

    def _gather(self) -> tuple[float, list[tuple[int, Call] | None]]:
        try:
            batch = [self._calls.get(timeout=self._heartbeat)]
        except queue.Empty:
            batch = []
        self._hurry.wait(GATHER)
        until = time.monotonic()
        while len(batch) < BATCH and not (batch and batch[-1] is None):
            try:
                batch.append(self._calls.get_nowait())
            except queue.Empty:
                break
        else:
            until = next((one[1][0] for one in reversed(batch) if one is not None), until)  # more is waiting
        return until, batch


def total(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Numbers of several proxies as one: those of one name are added, also in mappings."""
    found: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if isinstance(value, Mapping):
                found[name] = total([found.get(name, {}), value])
            else:
                found[name] = found[name] + value if name in found else value
    return found
