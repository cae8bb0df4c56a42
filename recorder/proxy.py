"""The proxy process: reads its plan from stdin, records until stdin closes, reports JSON lines on stdout.

Started by ``recorder.child`` with ``python -O`` as a process of its own, so that mitmproxy's pins, global state
and crashes stay here. Commands on stdin: ``drain`` (close the inbound listeners, let what is open finish), ``stop``,
``now`` (stop without waiting). The end of stdin, which is also how the parent's death shows, means ``stop``.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from captures.errors import RetapeError
from captures.links import Linker
from captures.writer import CaptureWriter
from recorder.listeners import Role
from recorder.plan import ProxyPlan

TICK = 1.0  # seconds between counters
SWITCH = 0.0005  # seconds the writer's thread may keep the interpreter from the loop (Python's default: ten times that)


def main() -> int:
    """Run the process; its exit code (0, or 2 when it could not start)."""
    from captures.redaction import RedactionPolicy, Redactor, fingerprint

    report = Report()
    plan = ProxyPlan.from_line(sys.stdin.buffer.readline())
    policy = RedactionPolicy.from_config(plan.redaction)
    redactor = Redactor(plan.redaction_key, policy)
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
    try:
        asyncio.run(_main(plan, writer, report))
    except RetapeError as error:
        writer.close()
        report(event="error", message=error.message, hint=error.hint)
        return 2
    finally:
        writer.close()
    return 0


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


async def _main(plan: ProxyPlan, writer: CaptureWriter, report: Report) -> None:
    commands = _commands()

    def hear(**event: Any) -> None:
        report(**event)
        if event["event"] == "started":
            # What lives until the end need not be walked by every collection: it shows in the 99th percentile.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            sys.setswitchinterval(SWITCH)

    await serve(plan, writer, hear, commands)


async def serve(
    plan: ProxyPlan, writer: CaptureWriter, report: Callable[..., None], commands: asyncio.Queue[str]
) -> None:
    """Record until a command ends it; closes ``writer``. Raises :class:`UsageError` when a port is taken."""
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
        }

    drain = plan.drain
    while True:
        try:
            command = await asyncio.wait_for(commands.get(), TICK)
        except TimeoutError:
            report(event="counters", **counters())
            continue
        if command == "drain":
            await proxy.close_listeners(Role.INBOUND)
            if await _settle(lambda: tape.open_count(Role.INBOUND) == 0, drain, commands):
                drain = 0.0
            report(event="drained")
            continue
        break
    await proxy.close_listeners(*Role)
    if command == "stop":
        proxy.cut(tape.is_busy)
        await _settle(lambda: tape.open_count() == 0, drain, commands)
    await proxy.shutdown()
    tape.finish("the recording ended")
    meta = {"untrusted": dict(connections.untrusted), "opaque": dict(connections.opaque), "faults": faults.count}
    await asyncio.to_thread(writer.close, {name: value for name, value in meta.items() if value})
    report(event="done", **counters(), untrusted=dict(connections.untrusted), opaque=dict(connections.opaque))


async def _settle(settled: Callable[[], bool], seconds: float, commands: asyncio.Queue[str]) -> bool:
    """Wait until ``settled``, at most ``seconds``; whether a ``now`` came in between, which ends the waiting."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not settled() and loop.time() < deadline:
        if not commands.empty() and commands.get_nowait() == "now":
            return True
        await asyncio.sleep(0.01)
    return False


def _commands() -> asyncio.Queue[str]:
    """The parent's commands; SIGTERM and SIGINT mean ``stop``."""
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before stdin did
            for line in sys.stdin.buffer:
                loop.call_soon_threadsafe(commands.put_nowait, line.decode().strip())
            loop.call_soon_threadsafe(commands.put_nowait, "stop")

    threading.Thread(target=read, name="commands", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, commands.put_nowait, "stop")
    return commands


if __name__ == "__main__":
    sys.exit(main())
