"""The writing process: redacts, links and writes what the proxy processes tell it (``recorder.relay``).

Started by ``recorder.crew`` with one socket per proxy, whose file descriptors are its arguments; the plan comes on
stdin, events go to stdout as JSON lines. It ends when every proxy has; nothing else ends it, so that what they tell is
on disk, also when the parent was killed or the whole process group was sent a signal. One command may follow the plan:
``abandon``, write nothing more and count it.
"""

from __future__ import annotations

import gc
import math
import queue
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from captures.errors import RetapeError
from captures.model import Exchange, Headers, Message
from captures.writer import CaptureWriter
from recorder.desk import Desk
from recorder.line import Batch, Call, receive
from recorder.memory import stay_small
from recorder.orders import orders
from recorder.plan import ProxyPlan
from recorder.relay import total
from recorder.report import Report

TICK = 1.0  # seconds between counters
BLOCKED = 30.0  # seconds traffic may wait for a file that cannot be written (--on-overload block)
LOOK = 0.01  # seconds between two looks whether the writer has room again
OVERDUE = 1.0  # seconds after which what one proxy told does not wait here for the others' words any more
WAITING = 4  # batches read and not applied yet, of each proxy


@dataclass(slots=True)
class _Told:
    """What one proxy told."""

    calls: deque[Call] = field(default_factory=deque)  # and was not applied yet
    came: float = 0.0  # when the first of these did
    until: float = 0.0  # everything before this time was told
    ids: dict[int, int] = field(default_factory=dict)  # of its open exchanges, by handle
    gone: float | None = None  # when it had ended


class Intake:
    """Hands on to ``desk`` what ``proxies`` tell, in the order of time."""

    def __init__(self, desk: Desk, proxies: int) -> None:
        self._desk = desk
        self._proxies = {number: _Told() for number in range(proxies)}
        self._ids: dict[int, int] = {}  # of the proxy whose call is applied
        self._at = 0.0  # when that was told
        self.metas: list[Mapping[str, Any]] = []  # the proxies' last words
        self.endings: list[str] = []
        self.faults = 0  # calls that could not be applied

    def take(self, proxy: int, batch: Batch, now: float) -> int:
        """A batch of ``proxy`` has come. Returns what :meth:`apply` does."""
        told = self._proxies[proxy]
        told.until, calls = batch
        told.came = told.came if told.calls else now
        told.calls.extend(calls)
        return self.apply(now)

    def gone(self, proxy: int, now: float) -> int:
        """``proxy`` tells nothing more; what it told may still wait for the others. Returns what :meth:`apply` does."""
        told = self._proxies[proxy]
        told.until, told.gone = float("inf"), now
        return self.apply(now)

    def apply(self, now: float) -> int:
        """Apply what nothing earlier can come before any more.

        How many exchanges are lost: proxies of which nothing is left to apply had begun them, and were killed.
        """
        lost = self._let_go()
        while (told := self._next(now)) is not None:
            self._apply(told, told.calls.popleft())
            if told.gone is not None:
                lost += self._let_go()
        return lost

    def _let_go(self) -> int:
        lost = 0
        for number, told in list(self._proxies.items()):
            if told.gone is not None and not told.calls:
                for identity in told.ids.values():
                    self._desk.lose(identity, "proxy_died", told.gone)
                lost += len(told.ids)
                del self._proxies[number]
        return lost

    def _next(self, now: float) -> _Told | None:
        if len(self._proxies) == 1:
            (only,) = self._proxies.values()
            return only if only.calls else None
        first: _Told | None = None
        told_until = now
        for told in self._proxies.values():
            if not told.calls:
                told_until = min(told_until, told.until)
            elif first is None or told.calls[0][0] < first.calls[0][0]:
                first = told
        if first is not None and (first.calls[0][0] <= told_until or first.came < now - OVERDUE):
            return first
        return None

    def _apply(self, told: _Told, call: Call) -> None:
        self._ids = told.ids
        self._at, method, *arguments = call
        try:
            getattr(self, f"_{method}")(*arguments)
        except Exception:  # noqa: BLE001 - one exchange that cannot be taken must not end the recording of all others
            self.faults += 1

    # -- what a relay tells ------------------------------------------------------------------------------------------

    def _start(self, handle: int) -> None:
        self._ids[handle] = self._desk.start()

    def _inbound_started(self, handle: int, headers: Headers, at: float, target: bytes) -> None:
        self._desk.inbound_started(self._ids[handle], headers, at, target)

    def _inbound_body(self, handle: int, headers: Headers, body: bytes) -> None:
        self._desk.inbound_body(self._ids[handle], headers, body)

    def _settle(self, handle: int, kept: bool) -> None:
        self._desk.settle(self._ids[handle], kept)

    def _inbound_answered(self, handle: int) -> None:
        self._desk.inbound_answered(self._ids[handle])

    def _inbound_ended(self, handle: int, at: float) -> None:
        self._desk.inbound_ended(self._ids[handle], at)

    def _call_started(self, handle: int, headers: Headers, at: float, target: bytes, connection: str) -> None:
        self._desk.call_started(self._ids[handle], headers, at, target, connection)

    def _begin(self, exchange: Exchange) -> None:
        self._desk.begin(replace(exchange, id=self._ids[exchange.id]))

    def _add(self, message: Message) -> None:
        self._desk.add(replace(message, exchange=self._ids[message.exchange]))

    def _put(self, exchange: Exchange, wanted: bool, messages: tuple[Message, ...] = (), begun: bool = False) -> None:
        identity = self._ids.pop(exchange.id)
        said = tuple(replace(one, exchange=identity) for one in messages)
        try:
            self._desk.put(replace(exchange, id=identity), wanted, said, begun)
        except Exception:
            self._desk.lose(identity, "unwritten", self._at)
            raise

    def _lose(self, handle: int, reason: str, at: float) -> None:
        self._desk.lose(self._ids.pop(handle), reason, at)

    def _drop(self, number: int) -> None:
        self._desk.drop(number, "queue_full")

    def _end(self, meta: Mapping[str, Any], ending: str) -> None:
        self.metas.append(meta)
        self.endings.append(ending)


def main() -> int:
    """Run the process; its exit code (0, or 2 when the capture cannot be written)."""
    from captures.redacting.bounds import SECONDS
    from captures.redacting.redaction import RedactionPolicy, Redactor, fingerprint
    from captures.redacting.secret_messages import message_redactor

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    report = Report()
    said = orders()
    plan = ProxyPlan.from_line(next(said, b""))
    redactor = Redactor(plan.redaction_key, RedactionPolicy.from_config(plan.redaction), seconds=SECONDS)
    try:
        writer = CaptureWriter(
            plan.capture,
            mode="record",
            meta=plan.meta,
            redaction_key=fingerprint(plan.redaction_key),
            prepare=redactor.exchange,
            prepare_messages=message_redactor(redactor),
            max_queued_bytes=plan.max_queue // 2,  # the other half waits in the proxies
            blocks=True,  # what does not fit stays there
            # But where the disk is full for hours, what the proxies tell is taken and counted: it would pile up there.
            spills=not plan.blocks,
            # A disk may be full for hours: what memory holds is written then. Who waits for it cannot wait so long.
            patience=BLOCKED if plan.blocks else math.inf,
            rotation=plan.rotation,
        )
    except RetapeError as error:
        report(event="error", message=error.message, hint=error.hint)
        return 2
    report(event="open", capture=str(writer.path))
    gc.collect()
    gc.freeze()
    stay_small()
    threading.Thread(target=_hear, args=(writer, said), name="commands", daemon=True).start()
    lines = [socket.socket(fileno=int(number)) for number in sys.argv[1:]]
    desk = Desk(writer, plan.choice, plan.sample_key.encode())
    intake = Intake(desk, len(lines))
    attend(intake, desk, lines, report)
    desk.finish()
    meta = total([*intake.metas, {"faults": intake.faults}, desk.meta()])
    with _reporting(lambda: report(event="counters", **desk.counters(), unapplied=intake.faults)):
        numbers = writer.close({name: value for name, value in meta.items() if value})
    if set(intake.endings) == {"discard"} and writer.is_new and numbers.seen == 0:
        writer.path.unlink(missing_ok=True)
    report(event="done", **desk.counters(), unapplied=intake.faults)
    return 0


def _hear(writer: CaptureWriter, said: Iterator[bytes]) -> None:
    for line in said:
        if line.strip() == b"abandon":
            writer.give_up()


@contextmanager
def _reporting(report: Callable[[], None]) -> Iterator[None]:
    """Report every second what is written inside the block."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(TICK):
            report()

    thread = threading.Thread(target=run, name="report", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def attend(intake: Intake, desk: Desk, lines: list[socket.socket], report: Report) -> None:
    """Take what comes over ``lines`` until all have ended."""
    inbox: queue.Queue[tuple[int, Batch | None]] = queue.Queue(WAITING * len(lines))
    for number, line in enumerate(lines):
        threading.Thread(target=_read, args=(number, line, inbox), name=f"proxy-{number}", daemon=True).start()
    left = len(lines)
    due = time.monotonic() + TICK
    while left:
        try:
            number, batch = inbox.get(timeout=max(0.0, min(due - time.monotonic(), OVERDUE / 4)))
        except queue.Empty:
            lost = intake.apply(time.monotonic())
        else:
            if batch is None:
                left -= 1
                lost = intake.gone(number, time.monotonic())
            else:
                lost = intake.take(number, batch, time.monotonic())
        if lost:
            report(event="lost", exchanges=lost)
        while True:  # what does not fit waits in the sockets and in the proxies, which count or hold back
            if time.monotonic() >= due:
                report(event="counters", **desk.counters(), unapplied=intake.faults)
                due = time.monotonic() + TICK
            if not desk.is_full():
                break
            time.sleep(LOOK)


def _read(number: int, line: socket.socket, inbox: queue.Queue[tuple[int, Batch | None]]) -> None:
    with line.makefile("rb") as source:
        while (batch := receive(source)) is not None:
            inbox.put((number, batch))
    inbox.put((number, None))


if __name__ == "__main__":
    sys.exit(main())
