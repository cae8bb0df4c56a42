"""The proxy process: reads its plan from stdin, records until stdin closes, reports JSON lines on stdout.

Started by ``recorder.crew`` with ``python -O`` as a process of its own, so that mitmproxy's pins, global state
and crashes stay here. What its tape tells goes to the writing process, over the socket that its first argument names;
over the second one the parent hands it another such socket when the writing process has died.
Commands on stdin: ``service PID`` (CMD's process group; 0: it has ended), ``drain`` (close the inbound listeners, let
what is open finish), ``stop``, ``now`` (stop without waiting), ``discard`` (stop; a capture this recording made and
nothing was put into is removed). The end of stdin without one of these means that the parent was killed: CMD, which
would go on with a dead proxy, is ended, and the parent's temporary files are removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import resource
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from captures.errors import RetapeError
from captures.writer import CaptureWriter
from recorder.desk import Desk
from recorder.lean import leave_addons_out
from recorder.listeners import Role
from recorder.memory import stay_small
from recorder.orders import orders
from recorder.plan import ProxyPlan
from recorder.relay import Relay
from recorder.report import Report

TICK = 1.0  # seconds between counters
GRACE = 5.0  # seconds CMD gets to end after SIGTERM when the parent was killed
ENDINGS = ("stop", "now", "discard", "orphan")
SWITCH = 0.0005  # seconds the relay's thread may keep the interpreter from the loop (Python's default: ten times that)


def main() -> int:
    """Run the process; its exit code (0, or 2 when it could not start)."""
    report = Report()
    _lift_limit()
    leave_addons_out()
    importlib.import_module("recorder.mends")  # with all of mitmproxy, which takes a second: the plan may come later
    said = orders()
    plan = ProxyPlan.from_line(next(said, b""))
    line = socket.socket(fileno=int(sys.argv[1]))
    share = plan.max_queue // 2 // plan.workers  # the other half waits in the writing process
    relay = Relay(
        line, share, blocks=plan.blocks, several=plan.workers > 1,
        renewals=socket.socket(fileno=int(sys.argv[2])), broke=lambda told: report(event="broke", told=told),
    )  # fmt: skip
    try:
        asyncio.run(_main(plan, relay, report, said))
    except RetapeError as error:
        relay.close(ending="discard")
        report(event="error", message=error.message, hint=error.hint)
        return 2
    finally:
        relay.close()
    return 0


def _lift_limit() -> None:
    """Open as many files as the system lets this process. Each exchange under way takes two connections, and the usual
    soft limit, 1,024, is there for programs that use select(2): without this, clients get nothing from some 500 on.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS tells of no limit and has one
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


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


async def _main(plan: ProxyPlan, relay: Relay, report: Report, said: Iterator[bytes]) -> str:
    commands = _commands(said)

    def hear(**event: Any) -> None:
        report(**event)
        if event["event"] == "started":
            # What lives until the end need not be walked by every collection: it shows in the 99th percentile.
            gc.collect()
            gc.freeze()
            # Every connection leaves a cycle behind. What is walked is small now, so that the oldest generation can be
            # looked at often; seldom, it holds some 20 MB of connections that ended long ago.
            gc.set_threshold(20_000, 5, 2)
            sys.setswitchinterval(SWITCH)
            stay_small()

    return await serve(plan, relay, hear, commands)


async def serve(
    plan: ProxyPlan, writer: CaptureWriter | Relay, report: Callable[..., None], commands: asyncio.Queue[str]
) -> str:
    """Record until a command ends it, and return that; closes ``writer`` (or the way to one in another process).

    Raises :class:`UsageError` when a port is taken.
    """
    from recorder import shortcuts
    from recorder.choosing import Chooser
    from recorder.connections import Connections, Doors
    from recorder.h2c import PriorKnowledge
    from recorder.master import Proxy
    from recorder.mends import mend
    from recorder.multiplexed.taking import ShortStreams
    from recorder.plain.taking import ShortWay
    from recorder.tape import Tape

    mend()
    shortcuts.take()
    faults = Faults()
    logging.getLogger().addHandler(faults)
    doors = Doors()
    connections = Connections(doors, lambda what, where: report(event="warning", what=what, where=where))
    desk = writer if isinstance(writer, Relay) else Desk(writer, plan.choice, plan.sample_key.encode())
    chooser = None if plan.choice.everything else Chooser(plan.choice)
    tape = Tape(
        desk, doors, connections,
        dependencies=plan.dependencies, max_body=plan.max_body, max_messages=plan.max_messages, blocks=plan.blocks,
        inject_trace=plan.inject_trace,
        chooser=chooser,
    )  # fmt: skip
    proxy = Proxy(plan)
    proxy.add_first(PriorKnowledge())
    proxy.add(connections)
    proxy.add(tape)
    proxy.add(ShortWay(tape))
    proxy.add(ShortStreams(tape))
    try:
        for bound in await proxy.start(plan.listeners):
            doors.open(bound.spec, bound.listener, bound.host, bound.port)
        for index, bound in enumerate(proxy.bound):
            report(event="listening", index=index, host=bound.host, port=bound.port)
    except RetapeError:
        await proxy.shutdown()
        raise
    report(event="started", capture=plan.capture if isinstance(writer, Relay) else str(writer.path))

    def counters() -> dict[str, Any]:
        return {
            **desk.counters(),
            "open": tape.open_count(),
            "held_back": tape.held_back,
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
            began = time.monotonic()
            asked_again = await _settle(lambda: tape.open_count(Role.INBOUND) == 0, drain, commands)
            drain = 0.0 if asked_again else max(0.0, drain - (time.monotonic() - began))
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
    said = {name: value for name, value in meta.items() if value}
    if isinstance(writer, Relay):
        report(event="counters", **counters())  # the last for a while: the rest is told now
        await asyncio.to_thread(writer.close, said, command)
    elif isinstance(desk, Desk):
        desk.finish()
        await asyncio.to_thread(writer.close, {**said, **desk.meta()})
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


def _commands(said: Iterator[bytes]) -> asyncio.Queue[str]:
    """The parent's commands, which are ``said``; SIGTERM, SIGINT and SIGHUP mean ``stop``."""
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before stdin did
            told = False
            for line in said:
                command = line.decode().strip()
                told = told or command in ENDINGS
                loop.call_soon_threadsafe(commands.put_nowait, command)
            if not told:
                loop.call_soon_threadsafe(commands.put_nowait, "orphan")

    threading.Thread(target=read, name="commands", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN and number is signal.SIGHUP:
            continue  # nohup
        loop.add_signal_handler(number, commands.put_nowait, "stop")
    return commands


if __name__ == "__main__":
    sys.exit(main())
