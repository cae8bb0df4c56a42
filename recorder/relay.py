"""The proxy's end of the way to the writing process (``recorder.scribe``): what the tape tells is noted, and sent in
batches by a thread of its own.

Redacting, linking and writing there keeps them off the interpreter that carries the traffic: a body of 30 MB is
searched for seconds, in steps that no thread can interrupt. An exchange is known here by a *handle*; its id, which
follows the order of start over all proxies, is given there, and so is its cause. What waits here is bounded in bytes.

A batch is one pickle, of a socket that only the two processes have: ``(until, calls)``. Nothing that is noted later
happened before ``until``; a call is ``(time, method of recorder.scribe.Intake, arguments…)``. Times are of the
machine's monotonic clock, which all its processes share.
"""

from __future__ import annotations

import pickle
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any, BinaryIO

from captures.identities import SCANNED
from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Headers,
    Message,
    Request,
    Response,
    Timing,
)
from captures.queued import Whole, size_of

GATHER = 0.02  # seconds that calls gather for one batch: waking up for each would cost the traffic's thread
BATCH = 512  # calls of one pickle, which holds the interpreter while it is made
HEARTBEAT = 0.05  # seconds between two words of a proxy that has nothing to tell, where others wait for it
CALL = 512  # bytes that a call takes, about, beside its bodies

Call = tuple[Any, ...]
Batch = tuple[float, list[Call]]


def _reducers() -> dict[type, Callable[[Any], tuple[Any, ...]]]:
    """How to pickle what an exchange is made of: a tenth of what frozen, slotted dataclasses cost by themselves."""
    found: dict[type, Callable[[Any], tuple[Any, ...]]] = {}
    for kind in (Exchange, Request, Response, Timing, Cause, Failure, Message):
        found[kind] = _reducer(kind, attrgetter(*(field.name for field in fields(kind))))
    for word in (Direction, CauseHow, FailureKind):
        found[word] = _reducer(word, lambda one: (one.value,))
    return found


def _reducer(made: type, arguments: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda one: (made, arguments(one))


def send(batch: Batch, out: BinaryIO, reducers: Mapping[type, Any]) -> None:
    """Write ``batch`` to ``out``. Large bodies are not copied, and leave while other threads run."""
    pickler = pickle.Pickler(out, 5)
    pickler.dispatch_table = reducers
    pickler.dump(batch)
    out.flush()


def receive(source: BinaryIO) -> Batch | None:
    """The next batch; None at the end, also where that cuts a batch short (its sender was killed)."""
    try:
        batch: Batch = pickle.load(source)  # noqa: S301 - written by our own process, over a socket nobody else has
    except (EOFError, OSError, pickle.UnpicklingError):
        return None
    return batch


class Relay:
    """In place of :class:`recorder.desk.Desk` in a proxy process.

    ``several``: other proxies write into the same capture, and wait to hear from this one.
    """

    def __init__(
        self, line: socket.socket, max_queued_bytes: int, *, blocks: bool = False, several: bool = False
    ) -> None:
        self._line = line
        self._max_queued_bytes = max_queued_bytes
        self._blocks = blocks
        self._heartbeat = HEARTBEAT if several else None
        self._calls: queue.SimpleQueue[tuple[int, Call] | None] = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._state = threading.Lock()
        self._queued_bytes = 0
        self._handles = 0
        self._gone = False  # the writing process
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def start(self) -> int:
        """The handle of an exchange that starts now."""
        self._handles += 1
        self._note(0, "start", self._handles)
        return self._handles

    def inbound_started(self, exchange: int, headers: Headers, at: float, target: bytes) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._note(0, "inbound_started", exchange, headers, at, target)

    def inbound_body(self, exchange: int, headers: Headers, body: bytes) -> None:
        """See :class:`recorder.desk.Desk`. What is not looked through does not go over twice."""
        self._note(0, "inbound_body", exchange, headers, body[:SCANNED])

    def settle(self, exchange: int, kept: bool) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._note(0, "settle", exchange, kept)

    def inbound_answered(self, exchange: int) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._note(0, "inbound_answered", exchange)

    def inbound_ended(self, exchange: int, at: float) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._note(0, "inbound_ended", exchange, at)

    def call_started(self, call: int, headers: Headers, at: float, target: bytes, connection: str) -> None:
        """See :class:`recorder.desk.Desk`."""
        self._note(0, "call_started", call, headers, at, target, connection)

    def begin(self, exchange: Exchange) -> bool:
        """See :class:`recorder.desk.Desk`."""
        return self._offer(CALL + size_of(exchange), "begin", exchange)

    def add(self, message: Message) -> bool:
        """See :class:`recorder.desk.Desk`."""
        return self._offer(CALL + len(message.body), "add", message)

    def put(
        self, exchange: Exchange, wanted: bool = True, messages: tuple[Message, ...] = (), begun: bool = False
    ) -> None:
        """See :class:`recorder.desk.Desk`. Where there is no room it is dropped, and counted there. Never blocks."""
        size = size_of(Whole(exchange, messages)) if wanted else CALL
        if not self._takes(size):
            self._note(0, "lose", exchange.id, "queue_full", time.monotonic())
        elif wanted:
            self._note(size, "put", exchange, True, messages, begun)
        else:  # it is only counted
            answer = replace(exchange.response, body=b"") if exchange.response is not None else None
            bare = replace(exchange, request=replace(exchange.request, body=b""), response=answer)
            self._note(size, "put", bare, False)

    def _offer(self, size: int, method: str, item: Exchange | Message) -> bool:
        """Nobody waits to begin these, so that room is needed for them also where exchanges are never refused."""
        with self._state:
            if self._queued_bytes and self._queued_bytes + size > self._max_queued_bytes * (1 + self._blocks):
                return False
        self._note(size, method, item)
        return True

    def is_full(self) -> bool:
        """Whether so much waits to be sent that who can wait should."""
        return self._queued_bytes >= self._max_queued_bytes and not self._gone

    def close(self, meta: Mapping[str, Any] | None = None, ending: str = "stop") -> None:
        """Tell the rest, what goes into the session's ``meta``, and how it ended. Idempotent."""
        if not self._closed:
            self._closed = True
            self._note(0, "end", dict(meta or {}), ending)
            self._calls.put(None)
            self._hurry.set()
            self._thread.join()
            self._line.close()

    # -- sending -----------------------------------------------------------------------------------------------------

    def _takes(self, size: int) -> bool:
        with self._state:
            return self._blocks or not self._queued_bytes or self._queued_bytes + size <= self._max_queued_bytes

    def _note(self, size: int, method: str, *arguments: Any) -> None:
        if size:
            with self._state:
                self._queued_bytes += size
        self._calls.put((size, (time.monotonic(), method, *arguments)))

    def _run(self) -> None:
        reducers = _reducers()
        out = self._line.makefile("wb")
        ending = False
        while not ending:
            until, batch = self._gather()
            ending = bool(batch) and batch[-1] is None
            calls = [one[1] for one in batch if one is not None]
            if not self._gone and (calls or self._heartbeat):
                try:
                    send((until, calls), out, reducers)
                except OSError:
                    self._gone = True  # its end is told by the parent; the traffic goes on
            with self._state:
                self._queued_bytes -= sum(one[0] for one in batch if one is not None)
        with suppress(OSError):
            out.close()

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
