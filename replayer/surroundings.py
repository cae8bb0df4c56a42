"""What the build is put into for a replay: a network of its own, another time. Neither unless asked for, never half."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from captures.errors import UsageError
from captures.service import Doorway, free_port
from captures.state import state_dir
from captures.store import Capture
from replayer.clock import LONG, RecordedClock
from replayer.faketime import required_library
from replayer.isolation import WITHOUT, Namespace
from replayer.plan import Clock, ReplayPlan
from replayer.stubs import BACKLOG, Serve


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where and when the build runs; the default is here and now."""

    namespace: Namespace | None = None
    clock: RecordedClock | None = None
    hurried: bool = False  # later requests come long before the time they were recorded at

    @property
    def doorway(self) -> Doorway:
        """How a command is started there, and reached."""
        return self.namespace.doorway if self.namespace is not None else Doorway()

    @property
    def dial(self) -> Callable[[str, int], Awaitable[socket.socket]] | None:
        """How a connection is made to what listens there, when not as usual."""
        return self.namespace.dial if self.namespace is not None else None

    @property
    def serve(self) -> Serve | None:
        """How the stub server listens there, when not as usual."""
        return self._serve if self.namespace is not None else None

    async def _serve(self, protocol: Callable[[], asyncio.Protocol], host: str, port: int) -> asyncio.Server:
        assert self.namespace is not None
        bound = self.namespace.listen(host, port)
        return await asyncio.get_running_loop().create_server(protocol, sock=bound, backlog=BACKLOG)

    @property
    def shift(self) -> int:
        """Seconds the build's clock is ahead of ours."""
        return self.clock.shift if self.clock is not None else 0

    def free_port(self) -> int:
        """A port for the build."""
        return self.namespace.free_port() if self.namespace is not None else free_port()

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """``base``, with the clock set."""
        return self.clock.environment(base) if self.clock is not None else dict(base)

    async def begin(self) -> None:
        """Until the build's clock shows the time of the first request."""
        if self.clock is not None:
            await asyncio.sleep(self.clock.until_due(time.time()))

    def notes(self) -> list[str]:
        """What the report must say about the time."""
        if self.clock is None:
            return []
        said = [self.clock.statement()]
        if self.hurried:
            said.append(
                "Requests came sooner one after the other than they were recorded: to the build, a token that was made "
                "late in the recording is not valid yet. With --pacing recorded each comes at its time."
            )
        return said


@contextmanager
def surrounded(plan: ReplayPlan, source: Capture, send: list[int]) -> Iterator[Surroundings]:
    """What ``plan`` asks for, for as long as the context lasts. ``send``: the ids of what will be sent, in order.

    Raises :class:`UsageError` when something asked for is not to be had here: nothing is started without it then.
    """
    if plan.isolate and not plan.command:
        raise UsageError(
            "--isolate holds back a build that retape starts; one that runs already has its network.",
            hint=f"Let retape start it: -- CMD. {WITHOUT}",
        )
    if plan.isolate and plan.target is not None and not plan.target.loopback:
        raise UsageError(
            f"--isolate lets nobody reach {plan.target}: CMD has no network but its own loopback.",
            hint="Leave --target out, or name a port of 127.0.0.1 on which CMD listens.",
        )
    recorded = hurried = None
    if plan.clock is Clock.RECORDED and send:
        library = required_library(plan.command, os.environ.get("PATH"), state_dir())
        first, last = (next(source.exchanges(ids=[one])).timing.started for one in (send[0], send[-1]))
        recorded = RecordedClock.starting(first, time.time(), library)
        hurried = last - first > LONG and plan.pacing.speed is None
    if not plan.isolate:
        yield Surroundings(None, recorded, bool(hurried))
        return
    with Namespace.open() as namespace:
        yield Surroundings(namespace, recorded, bool(hurried))
