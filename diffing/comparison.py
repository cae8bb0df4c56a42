"""Two captures made ready to be compared: which exchange answers to which, and what the recording and all pairs say as
a whole (profile, identities). Streaming: memory is bounded by one exchange, the profile and the ids of the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from heapq import merge
from pathlib import Path
from typing import Any

from captures.errors import EmptyCapture, UsageError
from captures.model import CauseHow, Direction, Exchange, Session
from captures.routes.endpoints import Endpoints, dependency_of
from captures.selection import Selection
from captures.selection import parse as parse_selection
from captures.spans import Spans
from captures.store import Capture
from captures.unready import unready
from diffing.exchange import Context, learn_pair, learn_recorded
from diffing.messages import startup
from diffing.model import Approval, Level
from diffing.openanswers import OpenAnswers
from diffing.pairing import pair_by_likeness
from diffing.place import BUDGET
from diffing.rulebook.rules import Rule, current
from diffing.values.chained import certain_pairs, handed_pairs
from diffing.values.identity import Identity


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """How to compare. ``today`` decides which rules have expired."""

    rules: tuple[Rule, ...] = ()
    approvals: tuple[Approval, ...] = ()  # what people decided of drift
    fail_on: Level = Level.WARNING
    only: str | None = None  # a selection over recorded exchanges
    endpoints: tuple[str, ...] = ()  # explicit path templates
    today: date | None = None
    budget: int = BUDGET
    unended: str = ""  # why the run has no end, where the caller knows it: it made the run

    @property
    def day(self) -> date:
        """``today``; where it is not given that of the user's own calendar."""
        return self.today or date.today()  # noqa: DTZ011 - rules and approvals expire by it


@dataclass(frozen=True, slots=True)
class Pair:
    """A recorded inbound exchange, what answers to it, and the calls each side caused."""

    recorded: Exchange
    replayed: Exchange | None
    reason: str = ""  # why there is no partner
    recorded_calls: tuple[Exchange, ...] = ()
    replayed_calls: tuple[Exchange, ...] = ()


@contextmanager
def prepared(recorded: Path, replayed: Path, options: DiffOptions | None = None) -> Iterator[Comparison]:
    """Both captures open and learnt from, ready to be judged pair by pair.

    Raises :class:`captures.errors.CaptureError` for files that are no captures, :class:`EmptyCapture` when the
    recording has no inbound exchange.
    """
    with ExitStack() as stack:
        source = stack.enter_context(Capture.open(recorded))
        run = stack.enter_context(Capture.open(replayed))
        comparison = Comparison(source, run, options or DiffOptions())
        comparison.prepare()
        comparison.learn()
        yield comparison


@dataclass(slots=True)
class Side:
    """One capture with what is asked of it again and again."""

    capture: Capture
    sessions: dict[int, Session]
    session: int | None = None  # in a run file: only its last replay
    unready: frozenset[int] = frozenset()  # what came before the service listened

    @classmethod
    def of(cls, capture: Capture, *, last_replay: bool) -> Side:
        sessions = {session.id: session for session in capture.sessions()}
        replays = [session.id for session in sessions.values() if session.mode == "replay"]
        session = replays[-1] if replays and last_replay else None
        return cls(capture, sessions, session, unready(capture, sessions.values()))

    def inbound(self) -> Iterator[Exchange]:
        found = self.capture.exchanges(direction=Direction.INBOUND, session=self.session)
        return (exchange for exchange in found if exchange.id not in self.unready)

    def uncaused(self) -> Iterator[Exchange]:
        """Its outbound exchanges that no single request is known to have caused."""
        return self.capture.uncaused(self.session)

    def has(self, exchange: Exchange) -> bool:
        """Whether ``exchange`` is of the session looked at."""
        return self.session is None or exchange.session == self.session

    def timeline(self) -> startup.Timeline:
        """When its requests began and ended."""
        where = "" if self.session is None else f" AND session = {self.session}"
        rows = self.capture.query(
            "SELECT session, started, COALESCE(ended, started) AS ended FROM exchange "
            f"WHERE direction = 'inbound'{where}"
        )
        return startup.Timeline.of((row["session"], row["started"], row["ended"]) for row in rows)

    def started(self, exchange: Exchange) -> float:
        session = self.sessions.get(exchange.session)
        return min(session.started, exchange.timing.started) if session else exchange.timing.started


@dataclass(slots=True)
class Comparison:
    """Two captures and what is known of them. Made by :func:`prepared`."""

    source_capture: Capture
    run_capture: Capture
    options: DiffOptions
    source: Side = field(init=False)
    run: Side = field(init=False)
    meta: Mapping[str, Any] = field(init=False)
    context: Context = field(init=False)
    selection: Selection | None = field(init=False)
    by_likeness: dict[int, int] | None = field(init=False, default=None)
    extra: list[int] = field(init=False, default_factory=list)
    notes: list[str] = field(init=False, default_factory=list)
    outside: set[int] = field(init=False, default_factory=set)  # calls of the run that belong to no exchange after all
    pools: startup.Pools | None = field(init=False, default=None)
    open_answers: OpenAnswers = field(init=False)
    shards: dict[int, Context] = field(init=False, default_factory=dict)  # of a merged run: each minted its own ids
    spans: Spans | None = field(init=False, default=None)  # what the replay was about; None: an older run
    endpoints: set[str] = field(init=False, default_factory=set)  # of the whole recording; known after :meth:`learn`
    later: int = field(init=False, default=0)  # recorded exchanges that came after the replay had begun
    _calls_made: bool = field(init=False, default=True)  # the run has outbound calls at all …
    _calls_open: bool = field(init=False, default=True)  # … and some whose cause is open: only then they are looked for

    def learn(self) -> None:
        """The first pass: what the recording says, and which new identifiers stand for which recorded ones."""
        repeated = self._asked_again()
        again = next(repeated, None)
        for exchange in self.source_capture.exchanges():
            while again is not None and again < exchange.id:
                again = next(repeated, None)
            learn_recorded(exchange, self.context, asked_again=exchange.id == again)
            if exchange.direction is Direction.INBOUND:
                self.endpoints.add(self.context.endpoint_of(exchange))
        ours: set[int] = set()  # of the calls whose cause is open: the only ones that a pool asks about
        theirs: set[int] = set()
        until = float("inf")
        for pair in self.pairs(setup=True):
            if pair.replayed is not None:
                context = self.context_for(pair.replayed)
                learn_pair(pair.recorded, pair.replayed, context, pair.recorded_calls, pair.replayed_calls)
            else:
                until = min(until, pair.recorded.timing.started)
            ours.update(call.id for call in pair.recorded_calls if loose(call))
            theirs.update(call.id for call in pair.replayed_calls if loose(call))
        self.pools = self._pooled(ours, theirs, until)
        if self.pools is not None:
            self.pools.learn(self.context)

    def _asked_again(self) -> Iterator[int]:
        """Ids of the recorded requests that are in the recording twice, ascending: the others' answers compare to none.

        As many as :meth:`diffing.walk.orders.Writes.asked` may find equal, or more.
        """
        rows = self.source_capture.query(
            "SELECT id FROM (SELECT id, COUNT(*) OVER (PARTITION BY session, method, target, request_body) AS times "
            "FROM exchange WHERE direction = 'inbound') WHERE times > 1 ORDER BY id"
        )
        return (row["id"] for row in rows)

    # -- preparing ------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Read what both captures are, and how their exchanges pair."""
        options = self.options
        self.source = Side.of(self.source_capture, last_replay=False)
        self.run = Side.of(self.run_capture, last_replay=True)
        if not self.source_capture.count(Direction.INBOUND):
            raise EmptyCapture(
                f"{self.source_capture.path} has no recorded requests to compare.",
                hint="Record some: retape record --inbound LISTEN=TARGET",
            )
        session = self.run.sessions.get(self.run.session) if self.run.session is not None else None
        self.meta = session.meta if session is not None else {}
        self.spans = Spans.of(self.meta.get("spans"))
        made_from = {(identity, started) for identity, started in self.meta.get("source_sessions") or ()}
        if made_from - {(one.id, one.started) for one in self.source.sessions.values()}:
            raise UsageError(
                f"{self.run_capture.path} is a run of another capture than {self.source_capture.path}.",
                hint=f"It was made from {self.meta.get('source')}.",
            )
        self.selection = parse_selection(options.only) if options.only else None
        self._calls_made = self.run_capture.count(Direction.OUTBOUND) > 0
        self._calls_open = any(
            self.run_capture.query("SELECT 1 FROM exchange WHERE direction = 'outbound' AND caused_by IS NULL LIMIT 1")
        )
        self.open_answers = OpenAnswers(self.source_capture)
        if session is not None:
            self.open_answers = OpenAnswers.of(self.source_capture, self.run_capture, self.run.session)
        endpoints = Endpoints.of(self.source_capture, options.endpoints)
        self.notes.extend(endpoints.complaints())
        book, expired = current(options.rules, options.day)
        self.notes.extend(expired)
        self.context = Context(
            rules=book,
            endpoint_of=_Remembered(endpoints.endpoint_of),
            call_of=_Remembered(lambda call: f"{dependency_of(call)} {endpoints.endpoint_of(call)}"),
            recorded_started=self.source.started,
            replayed_started=self.run.started,
            replayed_ahead=float(self.meta.get("clock") or 0.0),
            known_dependencies=frozenset(endpoints.outbound),
            budget=options.budget,
            handed=handed_pairs(self.meta),
            target_went_away=self._target_went_away(),
        )
        sessions = [recorded.id for recorded in self.source_capture.sessions()]
        self.context.identity.bind(certain_pairs(self.meta, sessions))
        for number, shard in (self.meta.get("shards") or {}).items():
            own = Identity()
            own.bind(certain_pairs(shard, sessions))
            started = float(shard["started"])
            context = replace(
                self.context,
                identity=own,
                replayed_started=lambda _, at=started: at,  # type: ignore[misc]
                handed=handed_pairs(shard),
            )
            self.shards[int(number)] = context
        if session is None:
            self.by_likeness, self.extra = pair_by_likeness(
                self.source.inbound(), self.run.inbound(), self.context.endpoint_of
            )

    def context_for(self, replayed: Exchange) -> Context:
        """What judging ``replayed`` rests on: in a merged run, the ids of its own shard."""
        return self.shards.get(replayed.notes.get("shard", 0), self.context) if self.shards else self.context

    @property
    def forgotten(self) -> str:
        """What it means that there were more identifiers than could be remembered; "" when there were not."""
        said = (context.identity.said() for context in (self.context, *self.shards.values()))
        return next((sentence for sentence in said if sentence), "")

    def _target_went_away(self) -> bool:
        rows = self.run_capture.query(
            "SELECT 1 FROM exchange WHERE direction = 'inbound' AND failure = 'connect' LIMIT 1"
        )
        return any(rows) or any("stopped answering" in str(reason) for reason in self.meta.get("inconclusive") or ())

    @property
    def idle(self) -> bool:
        """Whether the run is that of a shard which had nothing to replay."""
        return bool(self.meta.get("shard")) and self.meta.get("spans") == []

    @property
    def calls_seen(self) -> bool:
        """Whether the run knows the outbound calls of the new build."""
        return bool(self.meta.get("stubbed", True))

    @property
    def partial(self) -> bool:
        """Whether only a part of the recording was replayed, or is compared."""
        return bool(self.selection or self.part)

    @property
    def tier(self) -> Mapping[str, Any]:
        """What the tier of the replay left out, as the run says it; empty for all of the recording."""
        told = self.meta.get("tier")
        known = isinstance(told, Mapping) and {"name", "of", "sent", "left_out"} <= told.keys()
        return told if isinstance(told, Mapping) and known else {}

    @property
    def part(self) -> bool:
        """Whether the replay was told to leave something out."""
        return any(self.meta.get(name) for name in ("only", "shard", "tier"))

    # -- pairs ----------------------------------------------------------------------------------------------------

    def pairs(self, *, setup: bool = False) -> Iterator[Pair]:
        """Every pair in recorded order. ``setup``: also what was only sent for the others' sake and is not judged."""
        skipped = {entry.exchange: entry.reason for entry in self.run_capture.skipped()}
        partial = self.part
        self.later = 0
        answers = _InOrder(self.run_capture.answers(self.run.session), lambda answer: answer.replay_of)
        effects = _InOrder(self.source_capture.effects(), _caused_by)
        made = _InOrder(self.run_capture.effects(), _caused_by, self.run_capture.caused_by)
        for recorded in self.source.inbound():
            selected = not self.selection or self.selection.matches(recorded, self.context.endpoint_of(recorded))
            if not selected and not setup:
                continue
            found = self._partners(recorded, answers)
            judged = found[-1] if found else None
            if judged is not None and judged.notes.get("setup"):
                judged = None
                if not setup and not self.shards:
                    continue  # a part of the recording: another part's to judge
            caused = effects.of(recorded.id)
            for replayed in found if setup else [judged] if judged is not None else ():
                yield Pair(recorded, replayed, "", *self._calls(replayed, caused, made))
            if judged is None and selected and not (setup and found):
                reason = skipped.get(recorded.id) or ("its shard is missing" if found else None)
                chosen = self.spans is None or recorded.id in self.spans
                if reason is None and (partial and (self.spans is None or not chosen)):
                    continue  # the replay was told to leave it out
                if reason is None and not chosen and not self.shards:
                    self.later += 1
                    continue
                if reason is None and self.spans is not None and chosen:
                    reason = "it was to be replayed, and the run holds nothing of it"
                yield Pair(recorded, None, reason or "the other capture has no exchange that answers to it")

    def _partners(self, recorded: Exchange, answers: _InOrder) -> list[Exchange]:
        """What answers to ``recorded``: the one to judge last, before it what shards sent for others' sake."""
        if self.by_likeness is not None:
            identity = self.by_likeness.get(recorded.id)
            return [] if identity is None else [self.run_capture.exchange(identity)]
        found = answers.of(recorded.id)
        if not self.shards:
            return found[-1:]
        return sorted(found, key=lambda answer: not answer.notes.get("setup"))

    def _pooled(self, ours: set[int], theirs: set[int], until: float) -> startup.Pools | None:
        """The calls outside any request; ``ours`` and ``theirs`` belong to exchanges. None: there is nothing to say."""
        if not self.calls_seen or self.by_likeness is not None or self.selection:
            return None
        part = self.partial  # what was not sent leaves calls unmade; a call nobody recorded is new all the same
        last = self.meta.get("last_id") or float("inf")  # what was recorded after the replay began is no loss
        wanted = (call for call in self.source.uncaused() if call.id not in ours and call.id <= last)
        recorded = () if part else tuple(call for call in wanted if served(call))
        outside = (c for c in self.run_capture.exchanges(ids=self.outside) if not loose(c) and self.run.has(c))
        replayed = tuple(
            call
            for call in merge(self.run.uncaused(), outside, key=lambda call: call.id)
            if call.id not in theirs and not (part and call.replay_of is not None)
        )
        if not recorded and not replayed:
            return startup.Pools((), (), startup.Timeline({}), startup.Timeline({}), until)
        return startup.Pools(recorded, replayed, self.source.timeline(), self.run.timeline(), until)

    def _calls(
        self, replayed: Exchange, caused: Sequence[Exchange], made: _InOrder
    ) -> tuple[tuple[Exchange, ...], tuple[Exchange, ...]]:
        """The calls each side caused, with those whose cause is unclear on one side and certain on the other."""
        if not self.calls_seen:
            return (), ()
        ours = {call.id: call for call in caused}
        theirs = {call.id: call for call in made.of(replayed.id)} if self._calls_made else {}
        if not ours and not theirs:
            return (), ()
        if self.by_likeness is not None:
            return tuple(ours.values()), tuple(theirs.values())
        for call in tuple(theirs.values()):
            if call.replay_of is not None and call.replay_of not in ours:
                for stub in self.source_capture.exchanges(ids=[call.replay_of]):
                    if _outside(stub):  # it fell into this exchange's time by chance
                        self.outside.add(call.id)
                        del theirs[call.id]
                    elif _unsure(stub):
                        ours[stub.id] = stub
        answered = {call.replay_of for call in theirs.values()}
        for identity in [one.id for one in ours.values() if one.id not in answered and _guessed(one)]:
            if any(self._made_elsewhere(call, replayed) for call in self.run_capture.replays_of(identity)):
                del ours[identity]  # it is judged there
        for identity in ours if self._calls_open else ():
            for call in self.run_capture.replays_of(identity):
                unclear = call.cause is None or call.cause.exchange is None
                late = identity not in answered or call.notes.get("matched") == "exhausted"
                if call.notes.get("shard") != replayed.notes.get("shard"):
                    continue
                if unclear and late and call.direction is Direction.OUTBOUND and call.session == self.run.session:
                    theirs[call.id] = call
        return tuple(ours[key] for key in sorted(ours)), tuple(theirs[key] for key in sorted(theirs))

    def _made_elsewhere(self, call: Exchange, replayed: Exchange) -> bool:
        """Whether another request of the run than ``replayed`` made ``call``."""
        if call.direction is not Direction.OUTBOUND or call.session != self.run.session:
            return False
        alike = call.notes.get("shard") == replayed.notes.get("shard")
        return alike and not _unsure(call) and _caused_by(call) != replayed.id


def _caused_by(call: Exchange) -> int | None:
    return call.cause.exchange if call.cause is not None else None


class _Remembered:
    """What an exchange is called, worked out once while it is at hand: it is asked for again and again."""

    ROOM = 64  # exchanges: a request, its answer and the calls it caused

    def __init__(self, name_of: Callable[[Exchange], str]) -> None:
        self._name_of = name_of
        self._known: dict[int, tuple[Exchange, str]] = {}  # by id(): what is kept here keeps its own

    def __call__(self, exchange: Exchange) -> str:
        known = self._known.get(id(exchange))
        if known is None:
            if len(self._known) >= self.ROOM:
                self._known.clear()
            known = self._known[id(exchange)] = exchange, self._name_of(exchange)
        return known[1]


class _InOrder:
    """Exchanges read along with those they belong to: both ascend, so none is held in memory nor searched for.

    ``search`` finds those of one that is asked for out of order, as a few are where requests were sent in parallel.
    """

    def __init__(
        self,
        exchanges: Iterator[Exchange],
        key: Callable[[Exchange], int | None],
        search: Callable[[int], list[Exchange]] | None = None,
    ) -> None:
        self._exchanges = exchanges
        self._key = key
        self._next = next(exchanges, None)
        self._search = search
        self._asked = -1

    def of(self, identity: int) -> list[Exchange]:
        """Those that belong to ``identity``. To be asked with ascending ids, if not told where to search."""
        if self._search is not None and identity <= self._asked:
            return self._search(identity)
        self._asked = identity
        found: list[Exchange] = []
        while self._next is not None and (self._key(self._next) or 0) <= identity:
            if self._key(self._next) == identity:
                found.append(self._next)
            self._next = next(self._exchanges, None)
        return found


def loose(call: Exchange) -> bool:
    """Whether no single request is known to have caused ``call``."""
    return call.cause is None or call.cause.how in (CauseHow.NONE, CauseHow.AMBIGUOUS) or call.cause.exchange is None


def _guessed(call: Exchange) -> bool:
    return call.cause is not None and call.cause.how.is_guess


def _unsure(call: Exchange) -> bool:
    """Whether ``call`` may belong to another request than the one it was laid to, or to any."""
    return call.cause is None or call.cause.exchange is None or call.cause.how.is_guess


def _outside(call: Exchange) -> bool:
    """Whether ``call`` was recorded while no request was open."""
    return call.cause is not None and call.cause.how is CauseHow.NONE


def served(call: Exchange) -> bool:
    """Whether a replay writes down that it answered ``call`` (no refused tunnels, no WebSockets)."""
    return call.protocol == "http" and call.request.method != "CONNECT"
