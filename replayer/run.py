"""The engine: replays a capture against a build and writes what happened as a run (a capture of mode ``replay``).

One exchange at a time, in the recorded order: at every moment it is known which inbound exchange is open, so every
call of the build has one certain cause. What cannot be replayed is written down with its reason; nothing is left out.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from captures.errors import UsageError
from captures.links import Linker
from captures.model import Direction, Exchange, FailureKind, Session, header
from captures.redaction import RedactionPolicy, Redactor, fingerprint
from captures.service import Service, Wiring
from captures.state import redaction_key, state_dir
from captures.store import Capture
from captures.trust import Authority
from captures.versions import version_of
from captures.writer import CaptureWriter, is_being_written
from replayer.bindings import Binding, Bindings
from replayer.chaining import absorb, learn
from replayer.choosing import Chosen, chosen
from replayer.client import Client, Outcome, Target
from replayer.desk import ReplayDesk
from replayer.events import Event, ExchangeDone, Finished, Notice, Passed, Started, TargetDied
from replayer.launch import Launched, enforced, launch, listen
from replayer.library import StubLibrary
from replayer.plan import ReplayPlan, RunOutcome, reason_to_skip, with_headers
from replayer.rewriting import Change, apply
from replayer.stubs import StubServer

SETTLE = 2.0  # seconds a call is waited for that was recorded after its response
GRACE = 0.25  # seconds such a call may be later than it was when recorded
MAX_BINDINGS = 50_000  # written into the run


def replay(capture: Path, plan: ReplayPlan, on_event: Callable[[Event], None]) -> RunOutcome:
    """Replay ``capture`` as ``plan`` says; the run is in ``plan.output`` afterwards, also when it was cut short.

    Raises :class:`EmptyCapture` when there is nothing to replay, :class:`TargetError` when the build does not start,
    :class:`UsageError` for a port that is taken or a plan without target and command, and what :class:`Capture` raises.
    """
    if not plan.command and plan.target is None:
        raise UsageError(
            "There is no build to replay against.", hint="Start it: -- CMD, or name one that runs: --target URL"
        )
    with Capture.open(capture) as source:
        sessions = [session for session in source.sessions() if session.mode != "replay"]
        selected = chosen(source, sessions, plan)
        return asyncio.run(_Replay(source, sessions, selected, plan, on_event).run())


class _Replay:
    """One replay, from the first listener to the last row."""

    def __init__(
        self,
        source: Capture,
        sessions: list[Session],
        selected: Chosen,
        plan: ReplayPlan,
        on_event: Callable[[Event], None],
    ) -> None:
        self._source = source
        self._sessions = sessions
        self._chosen = selected.send
        self._setup = selected.setup
        self._plan = plan
        self._emit = on_event
        self._linker = Linker()
        self._bindings = Bindings()
        self._learned: dict[str, str] = {}
        self._reasons: list[str] = []
        self._notes: list[str] = []
        self._done = self._replayed = 0
        self._died = self._interrupted = False
        self._refused = 0  # connections refused in a row
        self._launched = Launched()

    async def run(self) -> RunOutcome:
        plan = self._plan
        key = redaction_key(plan.redaction_key)
        self._redactor = Redactor(key, RedactionPolicy.from_config(plan.redaction))
        library = StubLibrary(self._source, (session.id for session in self._sessions))
        with CaptureWriter(
            plan.output, mode="replay", meta=self._meta(key), redaction_key=fingerprint(key)
        ) as self._writer:
            self._desk = ReplayDesk(
                library,
                self._linker,
                self._bindings,
                self._redactor,
                self._writer,
                self._emit,
                on_miss=plan.on_miss,
                exhausted=plan.exhausted,
                timeout_cap=plan.timeout_cap,
                on_bound=self._note,
            )
            _cancel_on_sigterm()
            with tempfile.TemporaryDirectory(prefix="retape-") as work:
                try:
                    await self._run(Path(work))
                except asyncio.CancelledError:
                    self._interrupted = True
                    self._reasons.append(f"interrupted after {self._done} of {len(self._chosen)} exchanges")
                    self._pass_over("the replay was interrupted")
            self._conclude()
            meta = {
                "inconclusive": self._reasons,
                "notes": self._notes,
                "bindings": [list(pair) for pair in self._learned.items()],
            }
            self._writer.close({**meta, "stubs_served": self._desk.served, "stubs_missed": self._desk.missed})
        outcome = RunOutcome(
            plan.output,
            len(self._chosen) - len(self._setup),
            self._replayed,
            len(self._chosen) - len(self._setup) - self._replayed,
            self._desk.missed,
            tuple(self._reasons),
            self._interrupted,
            self._died,
        )
        self._emit(Finished(plan.output, outcome.replayed, outcome.not_replayed, outcome.reasons))
        return outcome

    async def _run(self, work: Path) -> None:
        authority = Authority.load_or_create(state_dir()) if self._stubbed else None
        stubs = StubServer(self._desk, authority)
        try:
            wiring = Wiring()
            if self._stubbed:
                proxy, variables = await listen(stubs, self._sessions, self._plan.stub_listen or 0)
                wiring = Wiring(proxy, authority, variables)
            elif self._source.count(Direction.OUTBOUND):
                self._reasons.append(
                    "the target was started by someone else, so its outbound calls could not be seen or stubbed"
                )
            target = await launch(self._launched, self._plan, wiring, work)
            self._emit(Started(len(self._chosen), str(target), self._plan.output))
            client = Client(target, timeout=self._plan.timeout, ca=self._plan.target_ca)
            try:
                await self._send_all(client, target)
            finally:
                await client.close()
        finally:
            await self._launched.stop()
            await stubs.close()

    @property
    def _stubbed(self) -> bool:
        return bool(self._plan.command) or self._plan.stub_listen is not None

    # -- sending --------------------------------------------------------------------------------------------------

    def _recorded(self) -> Iterator[Exchange]:
        """The chosen exchanges, a few hundred in memory at a time."""
        return self._source.exchanges(ids=self._chosen)

    async def _send_all(self, client: Client, target: Target) -> None:
        for recorded in self._recorded():
            reason = reason_to_skip(recorded)
            if reason is not None:
                self._skip(recorded.id, reason)
                continue
            await self._send(client, target, recorded)
            if self._died:
                self._pass_over(self._reasons[-1])
                return

    async def _send(self, client: Client, target: Target, recorded: Exchange) -> None:
        self._redactor.leave(recorded)
        request, changes = apply(self._bindings, recorded.request)
        authority = recorded.notes.get("authority")
        if isinstance(authority, str) and header(request.headers, "host") is None:  # of HTTP/2
            request = replace(request, headers=((b"Host", authority.encode("latin-1", "replace")), *request.headers))
            changes.append(Change("header host", "HTTP/2 has none; taken from :authority"))
        request = replace(request, scheme=target.scheme, host=target.host, port=target.port)
        headers, names = with_headers(request, self._plan.headers)
        changes += [Change(f"header {name}", "given with --header") for name in names]
        if self._plan.host == "target":
            place = str(target).partition("//")[2].encode()
            headers = tuple((name, place if name.lower() == b"host" else value) for name, value in headers)
            changes.append(Change("header host", "--host target"))
        request = replace(request, headers=headers)
        identity = self._writer.reserve_id()
        self._desk.begin(identity, recorded.id)
        self._linker.inbound_started(identity, request.headers, time.monotonic())
        outcome = await client.send(request, connection=recorded.connection)
        if self._stubbed and outcome.failure is None:
            await self._settle(recorded)
        self._linker.inbound_ended(identity, time.monotonic())
        noted = [*(change.to_json() for change in changes), *outcome.changes]
        raw = Exchange(
            id=identity,
            direction=Direction.INBOUND,
            request=request,
            response=outcome.response,
            failure=outcome.failure,
            timing=outcome.timing,
            replay_of=recorded.id,
            connection=recorded.connection,
            notes={**({"changes": noted} if noted else {}), **({"setup": True} if recorded.id in self._setup else {})},
        )
        written = self._redactor.exchange(raw)
        self._writer.put(written)
        self._chain(recorded, raw, written)
        if recorded.id in self._setup:
            self._check_setup(recorded, raw)
        else:
            self._replayed += 1
        self._done += 1
        self._emit(
            ExchangeDone(
                recorded.id,
                identity,
                f"{recorded.request.method} {recorded.request.target.decode('latin-1')}",
                outcome.response.status if outcome.response else None,
                outcome.failure.kind if outcome.failure else None,
                (outcome.timing.ended or outcome.timing.started) - outcome.timing.started,
                self._done,
                len(self._chosen),
            )
        )
        self._died = self._died or await self._is_dead(outcome)

    def _chain(self, recorded: Exchange, raw: Exchange, written: Exchange) -> None:
        """Learn the new ids, and note them for the run as far as they may be written."""
        if recorded.response is None or raw.response is None:
            return
        origin = f"exchange {recorded.id}"
        at = recorded.timing.started
        fresh = absorb(self._bindings, recorded.request, recorded.response, raw.response, origin, at=at)
        if written.response is not raw.response and written.response is not None:
            settled = {binding.recorded for binding in fresh}
            shown = learn(recorded.request, recorded.response, written.response, origin, at=at)
            fresh = [binding for binding in shown if binding.recorded in settled]
        for binding in fresh:
            self._note(binding)

    def _note(self, binding: Binding) -> None:
        """Keep a binding, both sides redacted, for the run."""
        if binding.noun is None and len(self._learned) < MAX_BINDINGS:
            self._learned[binding.recorded] = binding.live

    async def _settle(self, recorded: Exchange) -> None:
        """Wait for calls that were recorded after the response, or the next exchange would be blamed for them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                while (seconds := self._desk.awaits(recorded, SETTLE)) is not None:
                    async with asyncio.timeout(seconds + GRACE):
                        await self._desk.answered()

    async def _is_dead(self, outcome: Outcome) -> bool:
        """Whether the build is gone: its process has ended, or it refused two connections in a row."""
        kind = outcome.failure.kind if outcome.failure else None
        self._refused = self._refused + 1 if kind is FailureKind.CONNECT else 0
        if kind is None or kind not in (FailureKind.CONNECT, FailureKind.RESET, FailureKind.TRUNCATED):
            return False
        reason = None
        service = self._launched.service
        if service is not None and await self._has_exited(service):
            reason = (
                f"the target stopped answering after {self._counted()}: "
                f"{service.name} exited with code {service.returncode}"
            )
        elif self._refused >= 2:
            reason = f"the target stopped answering after {self._counted()}: it refuses connections"
        if reason is None:
            return False
        self._reasons.append(reason)
        self._emit(TargetDied(reason))
        return True

    def _counted(self) -> str:
        return f"{self._replayed} exchange{'' if self._replayed == 1 else 's'}"

    async def _has_exited(self, service: Service) -> bool:
        """A process whose connections broke may need a moment to be gone."""
        deadline = time.monotonic() + 0.3
        while service.returncode is None:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True

    # -- writing down ---------------------------------------------------------------------------------------------

    def _check_setup(self, recorded: Exchange, replayed: Exchange) -> None:
        """Say so when what was only sent for the others' sake went another way than recorded: they will, too."""
        then, now = (exchange.response.status if exchange.response else None for exchange in (recorded, replayed))
        if then != now:
            request = f"{recorded.request.method} {recorded.request.target.decode('latin-1')}"
            self._notes.append(
                f"Exchange {recorded.id} ({request}), which selected ones need, was answered with "
                f"{now or 'a failure'} instead of {then or 'a failure'}: expect drift that follows from it."
            )

    def _skip(self, exchange: int, reason: str) -> None:
        if exchange in self._setup:
            self._reasons.append(f"exchange {exchange}, which selected ones need, was not replayed: {reason}")
        else:
            self._writer.skip(exchange, reason)
        self._done += 1
        self._emit(Passed(exchange, reason, self._done, len(self._chosen)))

    def _pass_over(self, reason: str) -> None:
        """Note all that is left as not replayed."""
        for exchange in self._chosen[self._done :]:
            if exchange not in self._setup:
                self._writer.skip(exchange, reason)
        self._done = len(self._chosen)

    def _conclude(self) -> None:
        """Reasons that only the end can tell."""
        for server, times in self._desk.distrusting.items():
            self._reasons.append(
                f"the build refused the stub server's certificate for {server} ({times} times): its HTTP client does "
                "not trust the CA it was given, so these calls were not seen"
            )
        for stub in sorted(self._desk.partial):
            self._reasons.append(f"recorded call {stub} was answered with the part of its body that was recorded")
        if not self._writer.flush():
            self._reasons.append("the run could not be written in time")
        counters = self._writer.counters()
        if counters.dropped:
            self._reasons.append(f"{counters.dropped} exchanges could not be written: {counters.last_error}")

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
        for note in notes:
            self._emit(Notice(note))
        return {
            "source": str(self._source.path),
            "source_sessions": [[session.id, session.started] for session in self._sessions],
            "command": list(plan.command),
            "target": str(plan.target) if plan.target else None,
            "only": plan.only.text if plan.only else None,
            "shard": f"{plan.shard.index}/{plan.shard.count}" if plan.shard else None,
            "selected": len(self._chosen) - len(self._setup),
            "versions": {"retape": version_of("retape")},
            "enforced": enforced(self._sessions) if self._stubbed else [],
            "notes": notes,
            "stubbed": self._stubbed,
        }


def _cancel_on_sigterm() -> None:
    task = asyncio.current_task()
    if task is not None:
        with suppress(ValueError, RuntimeError, NotImplementedError):  # not in the main thread: nobody signals us there
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
