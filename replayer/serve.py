"""Serving a capture's stubs without a replay: the dependencies only, for local development."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from captures.errors import EmptyCapture
from captures.links import Linker
from captures.model import Direction, Exchange
from captures.redacting.redaction import RedactionPolicy, Redactor
from captures.service import Wiring, environment
from captures.state import redaction_key, state_dir
from captures.store import Capture
from captures.trust import Authority
from diffing.rulebook.rules import RuleBook
from replayer.bindings import Bindings
from replayer.desk import ReplayDesk
from replayer.events import Event
from replayer.launch import listen
from replayer.library import StubLibrary
from replayer.loops import run as run_loop
from replayer.plan import Exhausted, OnMiss
from replayer.stubs import StubServer


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the stubs listen, and what a service needs in its environment to use them."""

    proxy: str
    ca: Path
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Served:
    """Counts at the end. ``unused``: recorded calls nobody made."""

    served: int
    missed: int
    unused: int


class _Unwritten:
    """Takes exchanges and keeps none: serving alone makes no run."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def reserve_id(self) -> int:
        return next(self._ids)

    def put(self, exchange: Exchange) -> bool:
        del exchange
        return True


def serve(
    capture: Path,
    port: int,
    *,
    on_ready: Callable[[Serving], None],
    on_event: Callable[[Event], None],
    on_miss: OnMiss = OnMiss.NEAREST,
    exhausted: Exhausted = Exhausted.LAST,
    latency: float = 0.0,
    rules: RuleBook | None = None,
    endpoints: Sequence[str] = (),
) -> Served:
    """Serve until SIGINT, SIGTERM or SIGHUP.

    Each call gets the next recorded answer to it, whatever inbound request it is for.

    ``latency`` is a factor on recorded times; ``rules`` let a call differ; ``endpoints`` are the user's path templates.

    Raises :class:`EmptyCapture` when no outbound exchange was recorded, :class:`UsageError` when ``port`` is taken.
    """
    with Capture.open(capture) as source:
        if not source.count(Direction.OUTBOUND):
            raise EmptyCapture(
                f"{capture} holds no outbound exchange to serve.",
                hint="Record the service's calls: retape record --outbound 0 … -- CMD",
            )

        def desk_of(library: StubLibrary) -> ReplayDesk:
            return ReplayDesk(
                library,
                Linker(),
                Bindings(),
                Redactor(redaction_key(), RedactionPolicy()),
                _Unwritten(),
                on_event,
                on_miss=on_miss,
                exhausted=exhausted,
                one_pool=True,
                latency=latency,
                rules=rules,
            )

        return run_loop(_serve(source, port, on_ready, desk_of, endpoints))


async def _serve(
    source: Capture,
    port: int,
    on_ready: Callable[[Serving], None],
    desk_of: Callable[[StubLibrary], ReplayDesk],
    endpoints: Sequence[str],
) -> Served:
    sessions = [session for session in source.sessions() if session.mode != "replay"]
    desk = desk_of(StubLibrary(source, (session.id for session in sessions), endpoints))
    authority = Authority.load_or_create(state_dir())
    stubs = StubServer(desk, authority, desk.protocols)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with suppress(ValueError, RuntimeError, NotImplementedError):  # not in the main thread
            loop.add_signal_handler(number, stop.set)
    try:
        proxy, dependencies = await listen(stubs, sessions, port)
        work = state_dir() / "stub"
        variables = environment(Wiring(proxy, authority, dependencies), {}, work)
        on_ready(Serving(proxy, authority.certificate_path, variables))
        await stop.wait()
    finally:
        await stubs.close()
    return Served(desk.served, desk.missed, desk.unused)
