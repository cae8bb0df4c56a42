"""One simulated replay: the real engine, sender, desk, linker and chaining, among a simulated build, disk and clock.

Everything that may go differently is drawn from the seed: how many at once, in which order, at which pace, how long
each answer and each call takes, and what breaks.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from captures.links import Linker
from captures.model import Direction, Exchange, Failure, FailureKind, Headers, Request, Response, Timing, header
from captures.redacting.redaction import Redactor
from captures.traces import trace_ids
from replayer.bound import Bound
from replayer.client import Outcome, Target
from replayer.desk import ReplayDesk
from replayer.engine import Engine
from replayer.events import Event
from replayer.health import Health
from replayer.ledger import Ledger
from replayer.library import StubLibrary
from replayer.pacing import Pacing
from replayer.plan import Order, ReplayPlan
from replayer.sending import Sender
from tests.replayer.simulation.recording import (
    Recording,
    audit,
    charge,
    fresh_session,
    fresh_uuid,
    stock,
)
from tests.replayer.simulation.virtual import VirtualLoop, run
from tests.replayer.tapes import response

TARGET = Target("http", "127.0.0.1", 8000)
MISSING = "it needs what was never made"
PACES = ("none", "none", "recorded", "recorded*4", "20/s", "3/s")


@dataclass(frozen=True, slots=True)
class Faults:
    """What breaks; times are seconds after the start."""

    resets: float = 0.0  # share of requests
    slow: float = 0.0  # share of calls that take seconds
    dies: float | None = None
    deaf: bool = False  # dying, its process lives on and refuses
    interrupted: float | None = None
    interrupted_after: int | None = None  # rows: at the very moment one is written
    room: int | None = None  # rows the disk takes
    lost: float = 0.0  # share of exchanges that are withheld

    @classmethod
    def drawn(cls, chance: random.Random) -> Faults:
        """Half of the seeds have none: what must come out right then, must."""
        if chance.random() < 0.5:
            return cls(slow=chance.choice([0.0, 0.3]))
        moment = chance.uniform(0, 4)
        kind = chance.choice(["reset", "die", "deaf", "interrupt", "disk", "lost", "all"])
        every = kind == "all"
        return cls(
            resets=0.2 if kind == "reset" or every else 0.0,
            slow=chance.choice([0.0, 0.3]),
            dies=moment if kind in ("die", "deaf") or every else None,
            deaf=kind == "deaf",
            interrupted=moment if kind == "interrupt" or every else None,
            interrupted_after=chance.randint(1, 9) if kind == "interrupt" and chance.random() < 0.5 else None,
            room=chance.randint(0, 12) if kind == "disk" or every else None,
            lost=0.2 if kind == "lost" or every else 0.0,
        )

    @property
    def none(self) -> bool:
        """Whether everything must be answered as recorded."""
        return self == Faults(slow=self.slow)


class Disk:
    """A capture writer's outside: takes rows until there is no room."""

    def __init__(self, room: int | None, on_row: Callable[[int], None]) -> None:
        self._room = room
        self._on_row = on_row
        self._next = 0
        self.rows: list[Exchange] = []
        self.lost_rows: list[Exchange] = []
        self.skipped: list[tuple[int, str]] = []
        self.dropped = 0

    def reserve_id(self) -> int:
        self._next += 1
        return self._next

    def put(self, exchange: Exchange) -> bool:
        if exchange.direction is Direction.INBOUND:
            assert exchange.replay_of is not None
            self._on_row(exchange.replay_of)
        if self._room is not None and len(self.rows) >= self._room:
            self.dropped += 1
            self.lost_rows.append(exchange)
            return False
        self.rows.append(exchange)
        return True

    def skip(self, exchange: int, reason: str) -> None:
        self.skipped.append((exchange, reason))


@dataclass(slots=True)
class Call:
    """One call of the build: what really caused it, and what the desk made of it is in the row after ``at``."""

    inbound: int  # recorded id
    row: Exchange


class Build:
    """The simulated build: it remembers, it makes ids, it calls, and it breaks. Also stands for the client."""

    name = "build"

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = random.Random(f"build {world.seed}")
        self._orders: dict[str, str] = {}
        self._sessions: set[str] = set()
        self.returncode: int | None = None
        self.gone = False
        self.under_way = 0
        self.most = 0
        self.sent: list[tuple[int, float, Request]] = []  # recorded id, when, what
        self.traces: list[tuple[str, str]] = []
        self._tails: set[asyncio.Task[None]] = set()

    async def send(self, request: Request, *, connection: str = "", leave: object = None) -> Outcome:
        world = self._world
        recorded = world.opened[-1]  # begun in the same step
        world.log.append(("sent", recorded))
        self.sent.append((recorded, world.loop.time(), request))
        self.traces += trace_ids(request.headers)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        started = world.now()
        try:
            await asyncio.sleep(self._chance.choice([0.0, self._chance.uniform(0, 0.02)]))
            failure = self._broken()
            answered = None
            if failure is None:
                answered = await self._handle(recorded, request)
                failure = self._broken(after=True)
        finally:
            self.under_way -= 1
        done = world.now()
        if failure is not None:
            return Outcome(Timing(started, None, None, done), None, failure)
        return Outcome(Timing(started, started, done, done), answered)

    def die(self, *, deaf: bool) -> None:
        self.gone = True
        self.returncode = None if deaf else 3

    def _broken(self, *, after: bool = False) -> Failure | None:
        if self.gone:
            return Failure(FailureKind.RESET if after else FailureKind.CONNECT)
        if not after and self._chance.random() < self._world.faults.resets:
            return Failure(FailureKind.RESET)
        return None

    async def _handle(self, recorded: int, request: Request) -> Response:
        chance, method = self._chance, request.method
        parts = [part for part in request.target.decode().split("?")[0].split("/") if part]
        await asyncio.sleep(chance.choice([0.0, chance.uniform(0, 0.4)]))
        cookie = header(request.headers, "cookie")
        if cookie is not None and not any(session in cookie.decode() for session in self._sessions):
            return response(401, {})
        if parts == ["login"]:
            session = fresh_session(chance)
            self._sessions.add(session)
            return response(200, {}, headers=((b"Set-Cookie", f"sid={session}; Path=/".encode()),))
        if parts == ["orders"] and method == "POST":
            order = fresh_uuid(chance)
            await self._call(recorded, request.headers, stock())
            await self._call(recorded, request.headers, charge(order))
            self._orders[order] = "new"
            return response(201, {"id": order, "state": "new"})
        if parts == ["orders"]:
            return response(200, {"ids": list(self._orders)})
        if parts == ["board"]:
            return response(200, {"latest": [{"id": order} for order in self._orders]})
        if parts[0] == "static":
            await self._later(recorded, request.headers, int(parts[1]))
            return response(200, {})
        order = json.loads(request.body)["order"] if parts == ["bills"] else parts[1]
        if order not in self._orders:
            return response(404, {"error": "no such order"})
        if parts == ["bills"]:
            return response(200, {"billed": True})
        if parts[-1] == "pay":
            await self._call(recorded, request.headers, charge(order))
        state = {"PUT": "changed", "POST": "paid"}.get(method, "new")
        return response(200, {"id": order, "state": state})

    async def _call(self, recorded: int, headers: Headers, asked: Request) -> None:
        """Call a dependency, the trace passed on as a service does that knows of traces."""
        world, chance = self._world, self._chance
        await asyncio.sleep(chance.uniform(0, 0.05))
        trace = header(headers, "traceparent")
        if trace is not None:
            asked = Request(
                asked.method, asked.scheme, asked.host, asked.port, asked.target,
                (*asked.headers, (b"traceparent", trace)), asked.body,
            )  # fmt: skip
        before = len(world.disk.rows) + len(world.disk.lost_rows)
        world.desk.answer(asked)
        rows = [*world.disk.rows, *world.disk.lost_rows]
        assert len(rows) == before + 1
        world.calls.append(Call(recorded, max(rows, key=lambda row: row.id)))
        await asyncio.sleep(chance.uniform(1, 5) if chance.random() < world.faults.slow else 0.01)

    async def _later(self, recorded: int, headers: Headers, number: int) -> None:
        """A call that comes after the answer."""

        async def late() -> None:
            await asyncio.sleep(self._chance.uniform(0.01, 0.4))
            if not self.gone:
                await self._call(recorded, headers, audit(number))

        task = asyncio.ensure_future(late())
        self._tails.add(task)
        task.add_done_callback(self._tails.discard)

    async def at_rest(self) -> None:
        """Until the late calls are over."""
        while self._tails:
            await asyncio.wait(self._tails)


@dataclass
class World:
    """One replay of ``recording``. After :meth:`play` everything that happened can be asked."""

    recording: Recording
    seed: int
    log: list[tuple[str, int]] = field(default_factory=list)  # ("sent" | "written", recorded id), as it happened
    opened: list[int] = field(default_factory=list)  # recorded ids, as the desk heard of them
    open_now: set[int] = field(default_factory=set)  # run ids that the desk takes for open
    calls: list[Call] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    finished: dict[int, float] = field(default_factory=dict)  # recorded id -> when its row was written
    task: asyncio.Task[None] | None = None
    interrupted: float | None = None  # when

    def __post_init__(self) -> None:
        chance = random.Random(f"world {self.seed}")
        self.faults = Faults.drawn(chance)
        self.plan = ReplayPlan(
            output=Path("unused"),
            target=TARGET,
            concurrency=chance.choice([1, 1, 2, 3, 8, 16]),
            order=chance.choice(list(Order)),
            pacing=Pacing.parse(chance.choice(PACES)),
        )
        self.refused = {one.id for one in self.recording.exchanges if chance.random() < self.faults.lost}
        self.loop = VirtualLoop()
        self.disk = Disk(self.faults.room, self._row)
        self.linker = Linker()
        self.bound = Bound()
        self.redactor = Redactor(b"k" * 32)
        library = StubLibrary(self.recording.capture, [1])
        self.desk = ReplayDesk(
            library,
            self.linker,
            self.bound.bindings,
            self.redactor,
            self.disk,
            self.events.append,
            now=self.now,
            clock=self.loop.time,
        )
        chosen = [one.id for one in self.recording.exchanges]
        self.ledger = Ledger(len(chosen), frozenset(), self.disk, self.events.append)
        self.engine = Engine(self.recording.exchanges, chosen, self.plan, self.ledger, self.events.append)
        self.build = Build(self)
        self.began = 0.0
        self._watch(self.desk)

    def _watch(self, desk: ReplayDesk) -> None:
        begin, end = desk.begin, desk.end

        def begun(replayed: int, recorded: int) -> None:
            self.opened.append(recorded)
            self.open_now.add(replayed)
            begin(replayed, recorded)

        def ended(replayed: int) -> None:
            self.open_now.remove(replayed)
            end(replayed)

        desk.begin, desk.end = begun, ended  # type: ignore[method-assign]

    def _row(self, recorded: int) -> None:
        self.log.append(("written", recorded))
        self.finished[recorded] = self.loop.time()
        if len(self.finished) == self.faults.interrupted_after:
            self.loop.call_soon(self._interrupt)

    def _withhold(self, recorded: Exchange) -> str | None:
        self.log.append(("asked", recorded.id))
        return MISSING if recorded.id in self.refused else None

    def _interrupt(self) -> None:
        if self.task is not None and not self.task.done() and self.interrupted is None:
            self.interrupted = self.loop.time()
            self.task.cancel()

    def now(self) -> float:
        return 1_790_000_000.0 + self.loop.time()

    def play(self) -> World:
        run(self._play(), self.loop)
        return self

    async def _play(self) -> None:
        loop, faults = self.loop, self.faults
        self.began = loop.time()
        sender = Sender(
            self.build, self.desk, self.linker, self.redactor, self.disk, self.bound, self.plan, TARGET, stubbed=True,
            clock=loop.time, random=random.Random(f"traces {self.seed}").randbytes,
        )  # fmt: skip
        health = Health(self.build, loop.time)
        self.task = loop.create_task(self.engine.run(sender.send, health, loop.time, self._withhold))
        timers = []
        if faults.dies is not None:
            timers.append(loop.call_later(faults.dies, lambda: self.build.die(deaf=faults.deaf)))
        if faults.interrupted is not None:
            timers.append(loop.call_later(faults.interrupted, self._interrupt))
        try:
            await self.task
        except asyncio.CancelledError:
            self.engine.interrupt()
        for timer in timers:
            timer.cancel()
        await self.build.at_rest()
