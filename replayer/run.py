"""The life of one replay: what it needs is brought up, everything is sent, and the end of the run is written.

The run is a capture of mode ``replay``. What cannot be replayed is written down with its reason; nothing is left out.
Which request goes out when is in ``schedule``, the sending of one in ``sending``.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from captures.commits import built_from
from captures.digest import digest
from captures.errors import UsageError
from captures.links import Linker
from captures.model import Direction, Exchange, Session
from captures.redacting.bounds import SECONDS
from captures.redacting.commands import shown_command
from captures.redacting.redaction import RedactionPolicy, Redactor, fingerprint
from captures.service import Wiring
from captures.state import redaction_key, state_dir
from captures.store import Capture
from captures.trust import Authority
from captures.versions import version_of
from captures.writer import CaptureWriter, is_being_written
from replayer.bound import Bound
from replayer.choosing import Chosen, chosen
from replayer.client import Client, Target
from replayer.credentials import logged_in
from replayer.desk import ReplayDesk
from replayer.engine import Engine
from replayer.events import Beat, Event, Finished, Notice, Started, Stopping
from replayer.handovers import handed_over, moved_listeners
from replayer.health import Health
from replayer.interrupting import interruptible
from replayer.launch import Launched, enforced, launch, listen
from replayer.ledger import Ledger
from replayer.library import StubLibrary
from replayer.loops import run as run_loop
from replayer.plan import ReplayPlan, RunOutcome
from replayer.sending import Sender
from replayer.stubs import StubServer
from replayer.surroundings import Surroundings, surrounded
from replayer.tiers.smoke import in_order
from replayer.tracing import Unlinked
from replayer.turns import Turns

BEAT = 1.0  # seconds
PATIENCE = 60.0  # seconds the disk is waited for before an exchange is lost


def replay(capture: Path, plan: ReplayPlan, on_event: Callable[[Event], None]) -> RunOutcome:
    """Replay ``capture`` as ``plan`` says; the run is in ``plan.output`` afterwards, also when it was cut short.

    Raises :class:`EmptyCapture` when there is nothing to replay, :class:`TargetError` when the build does not start,
    :class:`UsageError` for a port that is taken or a plan without target and command, and what :class:`Capture` raises.
    """
    if not plan.command and plan.target is None:
        raise UsageError(
            "There is no build to replay against.", hint="Start it: -- CMD, or name one that runs: --target URL"
        )
    with prepared(capture, plan, on_event) as one:
        return run_loop(one.run())


@contextmanager
def prepared(
    capture: Path, plan: ReplayPlan, on_event: Callable[[Event], None], turns: Turns | None = None, side: int = 0
) -> Iterator[Replay]:
    """The replay of ``capture`` that ``plan`` asks for, in its surroundings. Raises what :func:`replay` raises."""
    with Capture.open(capture) as source:
        sessions = [session for session in source.sessions() if session.mode != "replay"]
        selected = chosen(source, sessions, plan)
        with surrounded(plan, source, sorted(selected.send)) as surroundings:
            yield Replay(source, sessions, selected, plan, on_event, surroundings, turns, side)


class Replay:
    """One replay, from the first listener to the last row."""

    def __init__(
        self,
        source: Capture,
        sessions: list[Session],
        selected: Chosen,
        plan: ReplayPlan,
        on_event: Callable[[Event], None],
        surroundings: Surroundings,
        turns: Turns | None = None,
        side: int = 0,
    ) -> None:
        # ``turns``: shared with the replays beside this one, among which this is number ``side``.
        self._source = source
        self._sessions = sessions
        self._chosen = selected.send
        self._spans = selected.spans
        self._setup = selected.setup
        self._tier = selected.tier
        self._plan = plan
        self._emit = on_event
        self._linker = Linker()
        self._bound = Bound(plan.chains)
        self._credentials = plan.auth
        self._told = selected.notes  # for the reports: nothing to be warned of
        self._notes: list[str] = list(selected.notes)
        self._interrupted = False
        self._lost = ""
        self._warned = False  # that something cannot be written
        self._surroundings = surroundings
        self._turns = turns
        self._side = side
        self._launched = Launched(surroundings=surroundings)
        self._moved: list[tuple[str, str]] = []  # listeners of dependencies: where they were recorded, where they are

    async def run(self) -> RunOutcome:
        plan = self._plan
        key = redaction_key(plan.redaction_key)
        self._redactor = Redactor(key, RedactionPolicy.from_config(plan.redaction), seconds=SECONDS)
        library = StubLibrary(self._source, (session.id for session in self._sessions), plan.endpoints)
        meta = self._meta(key)
        with CaptureWriter(
            plan.output, mode="replay", meta=meta, redaction_key=fingerprint(key), replace_run=True
        ) as self._writer:
            self._ledger = Ledger(len(self._chosen), self._setup, self._writer, self._emit, notes=self._notes)
            self._engine = Engine(in_order(self._source, self._chosen), self._chosen, plan, self._ledger, self._emit)
            self._calls = Unlinked(self._writer)
            self._desk = ReplayDesk(
                library,
                self._linker,
                self._bound.bindings,
                self._redactor,
                self._calls,
                self._emit,
                on_miss=plan.on_miss,
                exhausted=plan.exhausted,
                timeout_cap=plan.timeout_cap,
                latency=plan.stub_latency,
                rules=plan.rules,
                on_bound=self._bound.note,
            )
            with tempfile.TemporaryDirectory(prefix="retape-") as work, interruptible(self._launched, self._stopping):
                try:
                    if self._chosen:
                        await self._run(Path(work))
                    else:
                        self._writer.begun()  # nothing to start a build for
                except asyncio.CancelledError:
                    self._writer.begun()
                    self._interrupted = True
                    self._engine.interrupt()
            self._conclude()
            outcome = self._outcome()
        told = outcome.replayed, outcome.not_replayed, outcome.reasons, self._engine.lag(), outcome.lost
        self._emit(Finished(plan.output, *told))
        return outcome

    def _stopping(self) -> None:
        self._emit(Stopping())

    def _outcome(self) -> RunOutcome:
        ledger = self._ledger
        return RunOutcome(
            self._plan.output,
            ledger.judged,
            ledger.replayed,
            ledger.judged - ledger.replayed,
            self._desk.missed,
            tuple(ledger.reasons),
            self._interrupted,
            self._engine.died,
            self._lost,
        )

    async def _run(self, work: Path) -> None:
        around = self._surroundings
        authority = Authority.load_or_create(state_dir(), ahead=around.shift) if self._stubbed else None
        stubs = StubServer(self._desk, authority, self._desk.protocols)
        try:
            wiring = Wiring()
            if self._stubbed:
                proxy, variables = await listen(
                    stubs,
                    self._sessions,
                    self._plan.stub_listen or 0,
                    configured=self._plan.dependencies,
                    surroundings=around,
                )
                wiring = Wiring(proxy, authority, variables)
                handed = handed_over(self._sessions, self._plan.dependencies)
                self._moved = moved_listeners(self._source, handed, variables)
            elif self._source.count(Direction.OUTBOUND):
                self._ledger.reasons.append(
                    "the target was started by someone else, so its outbound calls could not be seen or stubbed"
                )
            target = await launch(self._launched, self._plan, wiring, work)
            self._emit(Started(len(self._chosen), str(target), self._plan.output))
            client = Client(
                target,
                timeout=self._plan.timeout,
                ca=self._plan.target_ca,
                connections=self._plan.connections,
                http_version=self._plan.http_version,
                dial=around.dial,
                max_body=self._plan.max_body,
            )
            try:
                await around.begin()
                await self._log_in(client, target)
                self._writer.begun()
                await self._send_all(client, target)
            finally:
                await client.close()
        finally:
            try:
                await self._launched.stop()
            finally:  # also when that was interrupted
                await stubs.close()

    @property
    def _stubbed(self) -> bool:
        return bool(self._plan.command) or self._plan.stub_listen is not None

    async def _log_in(self, client: Client, target: Target) -> None:
        """Get the fresh credentials of ``[replay.auth]``; they are hidden wherever they may show."""
        place = target.scheme, target.host, target.port
        self._credentials = await logged_in(self._plan.auth, place, client.send)
        self._redactor.hide(self._credentials.secrets)
        self._bound.supply(self._credentials.supplied)

    # -- sending --------------------------------------------------------------------------------------------------

    async def _send_all(self, client: Client, target: Target) -> None:
        loop = asyncio.get_running_loop()
        sender = Sender(
            client,
            self._desk,
            self._linker,
            self._redactor,
            self._writer,
            self._bound,
            self._plan,
            target,
            self._stubbed,
            self._setup,
            self._credentials,
            room=self._room,
            notice=self._notice,
        )
        beating = loop.create_task(self._beat())
        try:
            send = sender.send if self._turns is None else self._turns.of(self._side, sender.send)
            await self._engine.run(send, Health(self._launched.service, loop.time), loop.time, self._bound.withhold)
        finally:
            beating.cancel()

    async def _room(self, exchange: Exchange) -> None:
        """Wait while the disk is behind: large answers come faster than they are written."""
        if not self._writer.has_room(exchange):
            await asyncio.to_thread(self._writer.flush, PATIENCE)

    def _notice(self, text: str) -> None:
        self._notes.append(text)
        self._emit(Notice(text))

    async def _beat(self) -> None:
        """Let a display go on while nothing comes back."""
        while True:
            await asyncio.sleep(BEAT)
            self._emit(Beat(self._ledger.done, self._ledger.total))
            self._warn_of_losses()

    def _warn_of_losses(self) -> None:
        """Say once, and at once, that the run cannot be written: whoever waits can make room, or stop."""
        counters = self._writer.counters()
        why = counters.trouble or (counters.last_error if counters.dropped else "")
        if why and not self._warned:
            self._warned = True
            self._emit(Notice(f"what is replayed cannot be written to {self._plan.output}: {why}; make room"))

    # -- writing down ---------------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        """Write the end of the run, with the reasons that only the end can tell."""
        reasons = self._ledger.reasons
        for server, times in self._desk.distrusting.items():
            reasons.append(
                f"the build refused the stub server's certificate for {server} ({times} times): its HTTP client does "
                "not trust the CA it was given, so these calls were not seen"
            )
        for stub in sorted(self._desk.partial):
            reasons.append(f"recorded call {stub} was answered with the part of its body that was recorded")
        if self._calls.reason is not None:
            reasons.append(self._calls.reason)
        if not self._writer.flush():
            reasons.append("the run could not be written in time")
        counters = self._writer.counters()
        if counters.dropped:
            plural = "" if counters.dropped == 1 else "s"
            self._lost = f"{counters.dropped} exchange{plural} could not be written: {counters.last_error}"
            reasons.append(self._lost)
        self._warn_of_losses()
        self._writer.close(
            {
                "inconclusive": reasons,
                "notes": self._notes,
                "bindings": [list(pair) for pair in self._bound.shown.items()],
                "named_bindings": self._bound.named(),
                "handed_over": [list(pair) for pair in self._moved],
                "withheld": [list(pair) for pair in self._bound.withheld],
                "stubs_served": self._desk.served,
                "stubs_missed": self._desk.missed,
                "lag": self._engine.lag(),
            }
        )

    def _meta(self, key: bytes) -> dict[str, Any]:
        plan = self._plan
        notes = self._notes
        fingerprints = {session.redaction_key for session in self._sessions if session.redaction_key}
        if fingerprints and fingerprint(key) not in fingerprints:
            notes.append(
                "redacted with another key than the recording: secrets that stayed the same show as changed "
                "(set RETAPE_REDACT_KEY to the recorder's key)"
            )
        if is_being_written(self._source.path):
            notes.append(f"{self._source.path} is still being recorded: the run covers what was there when it began")
        if not self._chosen:
            notes.append(f"Shard {plan.shard} of {self._source.path} holds no exchange: its run is empty, and merges.")
        notes.extend(self._surroundings.notes())
        for note in notes:
            if note not in self._told:
                self._emit(Notice(note))
        return {
            "source": str(self._source.path),
            "source_sessions": [[session.id, session.started] for session in self._sessions],
            "command": shown_command(plan.command),
            "target": str(plan.target) if plan.target else None,
            "options": [list(words) for words in plan.arguments],
            "only": plan.only.text if plan.only else None,
            "shard": str(plan.shard) if plan.shard else None,
            "source_digest": digest(self._source) if plan.shard else None,
            "rules_digest": plan.rules_digest,
            "selected": len(self._chosen) - len(self._setup),
            "spans": self._spans,
            "last_id": self._source.newest or None,
            "versions": {"retape": version_of("retape")},
            "enforced": enforced(self._sessions, plan),
            "isolated": plan.isolate,
            "clock": self._surroundings.shift,
            "notes": notes,
            "stubbed": self._stubbed,
            "concurrency": plan.concurrency,
            "order": plan.order.value,
            **built_from(plan.label),
            **({"tier": self._tier} if self._tier is not None else {}),
            "pacing": str(plan.pacing),
        }
