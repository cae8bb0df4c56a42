"""Running pins: one target for all of them, one at a time, from ordinary (synchronous) code.

The stub server, the client and the desk live on an event loop in a thread of their own for as long as the
:class:`PinRunner` does; the build is started once. Each pin loads its own stubs into the desk before anything is sent.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from captures.errors import UsageError
from captures.model import Request, Session
from captures.service import Wiring, environment
from captures.state import state_dir
from captures.trust import Authority
from diffing.classes import class_of
from diffing.model import Judgement, Level
from diffing.rulebook.rules import RuleBook
from replayer.alignment import MISSING
from replayer.client import Client, Outcome, Target
from replayer.launch import Launched, launch, listen
from replayer.pin_check import Came, judge
from replayer.pin_desk import PinDesk
from replayer.pin_send import bound_value, to_send
from replayer.pinning.listeners import Listeners
from replayer.pins import Pin, PinStub, Step
from replayer.plan import ReplayPlan
from replayer.prerequisites import SAFE
from replayer.stubs import Desk, StubServer

SETTLE = 1.0  # seconds a pinned call is waited for that comes after the response
EXIT = 0.5  # seconds a build that broke a connection off may take to be seen to have exited
POLL = 0.02
IN_VAIN = 8
"""Fresh builds in a row that made no pin hold, after which no more are started: the build has changed."""
NEW = "it is new: nothing says what to expect (retape pin update --only new writes what the build answers)"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RunnerPlan:
    """Against what pins run. With a ``command`` its outbound calls are stubbed and compared; else nothing is known."""

    command: Sequence[str] = ()
    target: str = ""  # URL; with a command as well, where that listens
    ready: str | None = None
    ready_timeout: float = 60.0
    timeout: float = 30.0
    dependencies: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # name -> (URL, variable)
    rules: RuleBook = field(default_factory=RuleBook)
    isolate: bool = False  # start the command anew for every pin: none sees what another left behind

    @property
    def sees_calls(self) -> bool:
        """Whether the build's outbound calls come to our stubs: we start it."""
        return bool(self.command)


@dataclass(frozen=True, slots=True)
class PinOutcome:
    """What a pin came to. ``problem``: why it could not be judged; then there is no judgement."""

    judgement: Judgement | None = None
    problem: str = ""
    came: Came | None = None  # what was judged
    names: Mapping[str, Any] = field(default_factory=dict)  # bound by setup and stubs
    fresh: bool = False  # it failed on the build that other pins had used, so this is of a fresh one

    @property
    def holds(self) -> bool:
        """Whether nothing is to be told that fails a pin by default."""
        judged = self.judgement
        if judged is None or judged.inconclusive:
            return False
        return all(class_of(one.class_id).level is Level.INFO for one in judged.findings)


class PinRunner:
    """A target to run pins against. Context manager; use from one thread at a time."""

    def __init__(self, plan: RunnerPlan) -> None:
        self._plan = plan
        self._desk = PinDesk()
        self._launched = Launched()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="retape-pins", daemon=True)
        self._work: tempfile.TemporaryDirectory[str] | None = None
        self._stubs: StubServer | None = None
        self._target: Target | None = None
        self._wiring = Wiring()
        self._listeners = Listeners()
        self._used = False  # by an earlier pin
        self._changed = False  # by a request that may change something
        self._in_vain = 0  # fresh builds in a row that helped nothing
        self._exposed = False

    @classmethod
    def start(cls, plan: RunnerPlan) -> Self:
        """Start the build (or find the target). Raises ``TargetError`` or :class:`UsageError`."""
        if not plan.command and not plan.target:
            raise UsageError("There is no build to run pins against.")
        return cls._started(plan)

    @classmethod
    def stubs_only(cls, plan: RunnerPlan) -> Self:
        """Only the stub server of ``plan``, no build: for clients that somebody else runs."""
        return cls._started(replace(plan, command=(), target=""))

    @classmethod
    def _started(cls, plan: RunnerPlan) -> Self:
        runner = cls(plan)
        runner._thread.start()
        try:
            runner._call(runner._start())
        except BaseException:
            runner.close()
            raise
        return runner

    def close(self) -> None:
        """Stop the build and everything else. Idempotent."""
        if self._loop.is_closed():
            return
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        if self._work is not None:
            self._work.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, pin: Pin, endpoint: str = "") -> PinOutcome:
        """Run one pin. Whatever the target does ends in the outcome.

        One that fails on a build which other pins have changed runs again on a fresh one, and only that counts.
        """
        return self._call(self._run_fairly(pin, endpoint or pin.name))

    @property
    def url(self) -> str:
        """Where the build listens; "" where there is none. Who has it relies on it: the build is not replaced then."""
        self._exposed = True
        return str(self._target) if self._target is not None else ""

    def variables(self) -> dict[str, str]:
        """What a client needs in its environment to be answered by the stubs. Opens the stub server where it is not."""
        assert self._work is not None
        self._call(self._open_stubs())
        return environment(self._wiring, {}, Path(self._work.name))

    def answer_from(self, desk_of: Callable[[], Desk] | None) -> None:
        """Let ``desk_of()``, called on the event loop, answer all calls from now on; None: the pins' stubs again."""
        self._call(self._answer_from(desk_of))

    def on_loop(self, work: Callable[[], Result]) -> Result:
        """``work()`` on the event loop, where the desks live."""

        async def done() -> Result:
            return work()

        return self._call(done())

    async def _answer_from(self, desk_of: Callable[[], Desk] | None) -> None:
        await self._open_stubs()
        assert self._stubs is not None
        self._stubs.desk = self._desk if desk_of is None else desk_of()

    def _call(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> None:
        plan = self._plan
        self._work = tempfile.TemporaryDirectory(prefix="retape-pins-")
        if plan.command or not plan.target:
            await self._open_stubs()
        if plan.command or plan.target:
            await self._launch()

    async def _open_stubs(self) -> None:
        if self._stubs is None:
            authority = Authority.load_or_create(state_dir())
            self._stubs = StubServer(self._desk, authority)
            self._wiring = Wiring(*await self._listen(authority))

    async def _launch(self, again: bool = False) -> None:
        plan = self._plan
        kept = str(self._target) if again and self._exposed else plan.target
        assert self._work is not None
        replay_plan = ReplayPlan(
            output=Path(self._work.name) / "unused",
            command=plan.command,
            target=Target.parse(kept) if kept else None,
            ready=plan.ready,
            ready_timeout=plan.ready_timeout,
        )
        self._target = await launch(self._launched, replay_plan, self._wiring, Path(self._work.name))

    async def _listen(self, authority: Authority) -> tuple[str, Authority, dict[str, str]]:
        assert self._stubs is not None
        named = {name: {"url": url, "env": variable} for name, (url, variable) in self._plan.dependencies.items()}
        proxy, variables = await listen(self._stubs, [Session(0, "pins", 0.0, None, meta={"dependencies": named})])
        self._listeners = Listeners.handed(self._plan.dependencies, variables)
        return proxy, authority, variables

    async def _stop(self) -> None:
        await self._launched.stop()
        if self._stubs is not None:
            await self._stubs.close()

    async def _run_fairly(self, pin: Pin, endpoint: str) -> PinOutcome:
        if self._plan.isolate and self._used and self._plan.command:
            await self._relaunch()
        changed = self._changed
        outcome = await self._run(pin, endpoint)
        fresh_may_help = changed and self._plan.command and not self._exposed and self._in_vain < IN_VAIN
        if outcome.holds or not fresh_may_help or pin.expect is None or self._gone():
            return outcome
        await self._relaunch()
        outcome = await self._run(pin, endpoint)
        self._in_vain = 0 if outcome.holds else self._in_vain + 1
        return replace(outcome, fresh=True)

    async def _relaunch(self) -> None:
        await self._launched.stop()
        self._launched = Launched()
        await self._launch(again=True)
        self._changed = False

    async def _run(self, pin: Pin, endpoint: str) -> PinOutcome:
        self._used = True
        self._changed |= any(one.method not in SAFE for one in (pin.request, *(step.request for step in pin.setup)))
        assert self._target is not None
        gone = self._gone()
        if gone:
            return PinOutcome(problem=gone)
        names: dict[str, Any] = {}
        client = Client(self._target, timeout=self._plan.timeout)
        try:
            for number, step in enumerate(pin.setup, start=1):
                problem = await self._step(client, step, names)
                if problem:
                    where = f"setup step {number} ({step.request.method} {step.request.target})"
                    return PinOutcome(problem=f"{where} {problem}; the pinned request was not sent")
            try:
                request = to_send(pin.request, self._target, names, os.environ)
            except ValueError as error:
                return PinOutcome(problem=f"the request cannot be sent: {error}")
            outcome = await self._send(client, request, pin.stubs, names)
            if outcome.response is not None:
                self._desk.answered(pin, outcome.response)
            if outcome.failure is not None and await self._ended():
                return PinOutcome(problem=self._gone())
            if self._desk.distrusting:
                servers = ", ".join(sorted(self._desk.distrusting))
                return PinOutcome(problem=f"the build refused the stub server's certificate for {servers}")
            came = Came(
                request,
                outcome.timing,
                outcome.response,
                outcome.failure,
                tuple(self._desk.calls),
                self._plan.sees_calls,
            )
            if pin.expect is None:
                return PinOutcome(problem=NEW, came=came, names=names)
            return PinOutcome(judge(pin, came, dict(names), endpoint, self._plan.rules), came=came, names=names)
        finally:
            self._desk.finish()
            await client.close()

    async def _step(self, client: Client, step: Step, names: dict[str, Any]) -> str:
        """Send a setup step and bind its names; one clause when it went wrong."""
        assert self._target is not None
        try:
            request = to_send(step.request, self._target, names, os.environ)
        except ValueError as error:
            return f"cannot be sent: {error}"
        outcome = await self._send(client, request, step.stubs, names)
        if outcome.response is None or outcome.failure is not None:
            return f"failed ({outcome.failure.kind.value if outcome.failure else 'no response'})"
        if outcome.response.status != step.status:
            return f"was answered {outcome.response.status}, not {step.status}"
        for name, place in step.bind:
            value = bound_value(place, outcome.response)
            if value is MISSING:
                return f"was answered without anything at {place} (to bind {name})"
            names[name] = value
        return ""

    async def _send(self, client: Client, request: Request, stubs: Sequence[PinStub], names: dict[str, Any]) -> Outcome:
        self._desk.load(stubs, names, request)
        outcome = await client.send(request, connection="pin")
        if outcome.response is not None and self._listeners.pairs:
            outcome = replace(outcome, response=self._listeners.translated(outcome.response))
        if self._plan.sees_calls and outcome.response is not None:
            await self._settled(len(stubs))
        return outcome

    async def _settled(self, expected: int) -> None:
        """Until every stub was called: a build may finish its calls after the response."""
        deadline = asyncio.get_running_loop().time() + SETTLE
        while len({call.stub for call in self._desk.calls} - {None}) < expected:
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(POLL)

    async def _ended(self) -> str:
        """:meth:`_gone`, a moment later: a process is known to have exited only after its sockets have closed."""
        deadline = asyncio.get_running_loop().time() + EXIT
        while not (gone := self._gone()) and self._launched.service is not None:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(POLL)
        return gone

    def _gone(self) -> str:
        service = self._launched.service
        if service is None or service.returncode is None:
            return ""
        return f"the build exited with code {service.returncode}. Its last lines:\n{service.stderr_tail()}"


def dependencies_of(pins: Iterable[Pin]) -> dict[str, tuple[str, str]]:
    """Every dependency the build is told of in a variable. Raises :class:`UsageError` when two pins contradict."""
    found: dict[str, tuple[str, str]] = {}
    for pin in pins:
        for name, url, variable in pin.dependencies:
            if found.setdefault(name, (url, variable)) != (url, variable):
                raise UsageError(
                    f"Two pins say different things of the dependency {name!r} ({pin.path} is one of them).",
                    hint="Make url and env under dependencies: the same in all pins.",
                )
    return found
