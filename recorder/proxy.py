"""The proxy process: reads its plan from stdin, records until stdin closes, reports JSON lines on stdout.

Started by ``recorder.child`` with ``python -O`` as a process of its own, so that mitmproxy's pins, global state
and crashes stay here. Commands on stdin: ``service PID`` (CMD's process group; 0: it has ended), ``drain`` (close the
inbound listeners, let what is open finish), ``stop``, ``now`` (stop without waiting), ``discard`` (stop; a capture
this process made and nothing was put into is removed). The end of stdin without one of these means that the parent was
killed: CMD, which would go on with a dead proxy, is ended, and the parent's temporary files are removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from captures.errors import RetapeError
from captures.links import Linker
from captures.writer import CaptureWriter
from recorder.listeners import Role
from recorder.plan import ProxyPlan

TICK = 1.0  # seconds between counters
GRACE = 5.0  # seconds CMD gets to end after SIGTERM when the parent was killed
ENDINGS = ("stop", "now", "discard", "orphan")
SWITCH = 0.0005  # seconds the writer's thread may keep the interpreter from the loop (Python's default: ten times that)


def main() -> int:
    """Run the process; its exit code (0, or 2 when it could not start)."""
    from captures.redaction import RedactionPolicy, Redactor, fingerprint

    report = Report()
    plan = ProxyPlan.from_line(sys.stdin.buffer.readline())
    policy = RedactionPolicy.from_config(plan.redaction)
    redactor = Redactor(plan.redaction_key, policy)
    capture = Path(plan.capture)
    ours = not capture.exists()
    try:
        writer = CaptureWriter(
            plan.capture,
            mode="record",
            meta=plan.meta,
            redaction_key=fingerprint(plan.redaction_key),
            prepare=redactor.exchange,
        )
    except RetapeError as error:
        report(event="error", message=error.message, hint=error.hint)
        return 2
    wanted = False
    try:
        wanted = asyncio.run(_main(plan, writer, report)) != "discard"
    except RetapeError as error:
        # The file goes before the parent hears of it: what it says next is the last thing that happens.
        _close(writer, capture if ours else None)
        report(event="error", message=error.message, hint=error.hint)
        return 2
    finally:
        _close(writer, capture if ours and not wanted else None)
    return 0


def _close(writer: CaptureWriter, unwanted: Path | None) -> None:
    if writer.close().seen == 0 and unwanted is not None:
        unwanted.unlink(missing_ok=True)


class Report:
    """Writes events as JSON lines to the parent. A parent that is gone is noticed on stdin, not here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # What a library prints must not end between our lines.
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)

    def __call__(self, **event: Any) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._out.write(json.dumps(event) + "\n")


class Faults(logging.Handler):
    """Counts what mitmproxy logs as an error. Its text may quote traffic, so it goes nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """One more."""
        self.count += 1
        if os.environ.get("RETAPE_DEBUG"):
            sys.stderr.write(logging.Formatter("%(message)s").format(record) + "\n")


async def _main(plan: ProxyPlan, writer: CaptureWriter, report: Report) -> str:
    commands = _commands()

    def hear(**event: Any) -> None:
        report(**event)
        if event["event"] == "started":
            # What lives until the end need not be walked by every collection: it shows in the 99th percentile.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            sys.setswitchinterval(SWITCH)

    return await serve(plan, writer, hear, commands)


async def serve(
    plan: ProxyPlan, writer: CaptureWriter, report: Callable[..., None], commands: asyncio.Queue[str]
) -> str:
    """Record until a command ends it, and return that; closes ``writer``.

    Raises :class:`UsageError` when a port is taken.
    """
    from recorder import shortcuts
    from recorder.connections import Connections, Doors
    from recorder.h2c import PriorKnowledge
    from recorder.master import Proxy
    from recorder.mends import mend
    from recorder.tape import Tape

    mend()
    shortcuts.take()
    faults = Faults()
    logging.getLogger().addHandler(faults)
    doors = Doors()
    connections = Connections(doors, lambda what, where: report(event="warning", what=what, where=where))
    tape = Tape(writer, Linker(), doors, connections, dependencies=plan.dependencies, max_body=plan.max_body)
    proxy = Proxy(plan)
    proxy.add_first(PriorKnowledge())
    proxy.add(connections)
    proxy.add(tape)
    try:
        for bound in await proxy.start(plan.listeners):
            doors.open(bound.spec, bound.listener, bound.host, bound.port)
        for index, bound in enumerate(proxy.bound):
            report(event="listening", index=index, host=bound.host, port=bound.port)
    except RetapeError:
        await proxy.shutdown()
        raise
    report(event="started")

    def counters() -> dict[str, Any]:
        numbers = writer.counters()
        return {
            "seen": numbers.seen,
            "written": numbers.written,
            "dropped": numbers.dropped,
            "truncated": numbers.truncated,
            "error": numbers.last_error,
            "open": tape.open_count(),
            "faults": faults.count,
            "refused": connections.refused,
        }

    drain = plan.drain
    service = 0
    while True:
        try:
            command = await asyncio.wait_for(commands.get(), TICK)
        except TimeoutError:
            report(event="counters", **counters())
            continue
        if command.startswith("service "):
            service = int(command.removeprefix("service "))
            continue
        if command == "drain":
            await proxy.close_listeners(Role.INBOUND)
            if await _settle(lambda: tape.open_count(Role.INBOUND) == 0, drain, commands):
                drain = 0.0
            if service:
                tape.ending()  # the parent ends CMD next
            report(event="drained")
            continue
        break
    await proxy.close_listeners(*Role)
    orphan = asyncio.create_task(asyncio.to_thread(_end_orphan, service, plan.work)) if command == "orphan" else None
    if command != "now":
        proxy.cut(tape.is_busy)
        await _settle(lambda: tape.open_count() == 0, drain, commands)
    tape.ending()
    await proxy.shutdown()
    tape.finish()
    if orphan is not None:
        await orphan
    meta = {
        "untrusted": dict(connections.untrusted),
        "distrusted": dict(connections.distrusted),
        "opaque": dict(connections.opaque),
        "faults": faults.count,
        "refused": connections.refused,
    }
    await asyncio.to_thread(writer.close, {name: value for name, value in meta.items() if value})
    report(event="done", **{**meta, **counters()})
    return command


def _end_orphan(service: int, work: str) -> None:
    """End CMD, whose parent was killed, with all its children, and remove the parent's temporary files."""
    if service:
        deadline = time.monotonic() + GRACE
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(service, signal.SIGTERM)
            while time.monotonic() < deadline:
                os.killpg(service, 0)
                time.sleep(0.05)
            os.killpg(service, signal.SIGKILL)
    if work:
        shutil.rmtree(work, ignore_errors=True)


async def _settle(settled: Callable[[], bool], seconds: float, commands: asyncio.Queue[str]) -> bool:
    """Wait until ``settled``, at most ``seconds``; whether a ``now`` came in between, which ends the waiting.

    Another command that ends the recording ends the waiting as well, and stays in the queue.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not settled() and loop.time() < deadline:
        if not commands.empty():
            command = commands.get_nowait()
            if command == "now":
                return True
            if command in ENDINGS:
                commands.put_nowait(command)
                return False
        await asyncio.sleep(0.01)
    return False


def _commands() -> asyncio.Queue[str]:
    """The parent's commands; SIGTERM and SIGINT mean ``stop``."""
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before stdin did
            told = False
            for line in sys.stdin.buffer:
                command = line.decode().strip()
                told = told or command in ENDINGS
                loop.call_soon_threadsafe(commands.put_nowait, command)
            if not told:
                loop.call_soon_threadsafe(commands.put_nowait, "orphan")

    threading.Thread(target=read, name="commands", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, commands.put_nowait, "stop")
    return commands


if __name__ == "__main__":
    sys.exit(main())
