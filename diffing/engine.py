"""Two captures in, a :class:`Result` out. Two streaming passes: one learns what the recording and the pairs say as a
whole (profile, identities), one judges pair by pair. Memory is bounded by one exchange and the profile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from captures.errors import EmptyCapture, UsageError
from captures.model import CauseHow, Direction, Exchange, Session
from captures.selection import Selection
from captures.selection import parse as parse_selection
from captures.store import Capture
from captures.templates import Templates
from diffing import startup
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.grouping import Grouping, reproduced
from diffing.model import ABSENT, Column, Decision, Finding, Group, Judgement, Ledger, Level, Result, Stubs
from diffing.pairing import pair_by_likeness
from diffing.place import BUDGET
from diffing.reproduce import curl_line, replay_command
from diffing.rules import Rule, current
from diffing.verdict import count, decide

KEPT = 20_000
"""Judgements kept in the result; of a larger run only those that are not the same."""


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """How to compare. ``today`` decides which rules have expired."""

    rules: tuple[Rule, ...] = ()
    fail_on: Level = Level.WARNING
    only: str | None = None  # a selection over recorded exchanges
    endpoints: tuple[str, ...] = ()  # explicit path templates
    today: date | None = None
    budget: int = BUDGET


@dataclass(frozen=True, slots=True)
class Pair:
    """A recorded inbound exchange, what answers to it, and the calls each side caused."""

    recorded: Exchange
    replayed: Exchange | None
    reason: str = ""  # why there is no partner
    recorded_calls: tuple[Exchange, ...] = ()
    replayed_calls: tuple[Exchange, ...] = ()


def compare_captures(recorded: Path, replayed: Path, options: DiffOptions | None = None) -> Result:
    """Compare a recording with a run of it, or any two captures.

    Raises :class:`captures.errors.CaptureError` for files that are no captures, :class:`EmptyCapture` when the
    recording (or the selection) has no inbound exchange.
    """
    options = options or DiffOptions()
    with ExitStack() as stack:
        source = stack.enter_context(Capture.open(recorded))
        run = stack.enter_context(Capture.open(replayed))
        return _Comparison(source, run, options).result()


@dataclass(slots=True)
class _Side:
    """One capture with what is asked of it again and again."""

    capture: Capture
    sessions: dict[int, Session]
    session: int | None = None  # in a run file: only its last replay

    @classmethod
    def of(cls, capture: Capture, *, last_replay: bool) -> _Side:
        sessions = {session.id: session for session in capture.sessions()}
        replays = [session.id for session in sessions.values() if session.mode == "replay"]
        return cls(capture, sessions, replays[-1] if replays and last_replay else None)

    def inbound(self) -> Iterator[Exchange]:
        return self.capture.exchanges(direction=Direction.INBOUND, session=self.session)

    def outbound(self) -> Iterator[Exchange]:
        return self.capture.exchanges(direction=Direction.OUTBOUND, session=self.session)

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
class _Comparison:
    source_capture: Capture
    run_capture: Capture
    options: DiffOptions
    source: _Side = field(init=False)
    run: _Side = field(init=False)
    meta: Mapping[str, Any] = field(init=False)
    context: Context = field(init=False)
    selection: Selection | None = field(init=False)
    by_likeness: dict[int, int] | None = field(init=False, default=None)
    extra: list[int] = field(init=False, default_factory=list)
    notes: list[str] = field(init=False, default_factory=list)
    outside: set[int] = field(init=False, default_factory=set)  # calls of the run that belong to no exchange after all
    pools: startup.Pools | None = field(init=False, default=None)

    def result(self) -> Result:
        self._prepare()
        for exchange in self.source_capture.exchanges():
            learn_recorded(exchange, self.context)
        ours: set[int] = set()
        theirs: set[int] = set()
        until = float("inf")
        for pair in self._pairs(setup=True):
            if pair.replayed is not None:
                learn_pair(pair.recorded, pair.replayed, self.context, pair.recorded_calls, pair.replayed_calls)
            else:
                until = min(until, pair.recorded.timing.started)
            ours.update(call.id for call in pair.recorded_calls)
            theirs.update(call.id for call in pair.replayed_calls)
        self.pools = self._pooled(ours, theirs, until)
        if self.pools is not None:
            self.pools.learn(self.context)
        return self._judge()

    # -- preparing ------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        options = self.options
        self.source = _Side.of(self.source_capture, last_replay=False)
        self.run = _Side.of(self.run_capture, last_replay=True)
        if not self.source_capture.count(Direction.INBOUND):
            raise EmptyCapture(
                f"{self.source_capture.path} has no recorded requests to compare.",
                hint="Record some: retape record --inbound LISTEN=TARGET",
            )
        session = self.run.sessions.get(self.run.session) if self.run.session is not None else None
        self.meta = session.meta if session is not None else {}
        made_from = {(identity, started) for identity, started in self.meta.get("source_sessions") or ()}
        if made_from - {(one.id, one.started) for one in self.source.sessions.values()}:
            raise UsageError(
                f"{self.run_capture.path} is a run of another capture than {self.source_capture.path}.",
                hint=f"It was made from {self.meta.get('source')}.",
            )
        self.selection = parse_selection(options.only) if options.only else None
        inbound = Templates.infer(
            ((exchange.request.method, exchange.request.target) for exchange in self.source.inbound()),
            options.endpoints,
        )
        calls = self._call_templates()
        book, expired = current(options.rules, options.today or date.today())  # noqa: DTZ011 - the user's own calendar
        self.notes.extend(expired)
        identity_pairs = [(str(one), str(other)) for one, other in self.meta.get("bindings") or () if one != other]
        self.context = Context(
            rules=book,
            endpoint_of=lambda exchange: inbound.endpoint(exchange.request.method, exchange.request.target),
            call_of=lambda exchange: _call_name(exchange, calls),
            recorded_started=self.source.started,
            replayed_started=self.run.started,
            known_dependencies=frozenset(calls),
            budget=options.budget,
            target_went_away=self._target_went_away(),
        )
        self.context.identity.bind(identity_pairs)
        if session is None:
            self.by_likeness, self.extra = pair_by_likeness(
                self.source.inbound(), self.run.inbound(), self.context.endpoint_of
            )

    def _call_templates(self) -> dict[str, Templates]:
        requests: dict[str, list[tuple[str, bytes]]] = {}
        seen: set[tuple[str, str, bytes]] = set()
        for call in self.source.outbound():
            key = (call.dependency or call.request.host, call.request.method, call.request.target)
            if key not in seen and len(seen) < 200_000:
                seen.add(key)
                requests.setdefault(key[0], []).append(key[1:])
        return {name: Templates.infer(targets) for name, targets in requests.items()}

    def _target_went_away(self) -> bool:
        rows = self.run_capture.query(
            "SELECT 1 FROM exchange WHERE direction = 'inbound' AND failure = 'connect' LIMIT 1"
        )
        return any(rows) or any("stopped answering" in str(reason) for reason in self.meta.get("inconclusive") or ())

    # -- pairs ----------------------------------------------------------------------------------------------------

    def _pairs(self, *, setup: bool = False) -> Iterator[Pair]:
        """Every pair in recorded order. ``setup``: also what was only sent for the others' sake and is not judged."""
        skipped = {entry.exchange: entry.reason for entry in self.run_capture.skipped()}
        partial = bool(self.meta.get("only") or self.meta.get("shard"))
        for recorded in self.source.inbound():
            selected = not self.selection or self.selection.matches(recorded, self.context.endpoint_of(recorded))
            if not selected and not setup:
                continue
            replayed = self._partner(recorded)
            if replayed is not None and replayed.notes.get("setup") and not setup:
                continue
            if replayed is None:
                if not selected:
                    continue
                reason = skipped.get(recorded.id)
                if reason is None and partial:
                    continue  # the replay was told to leave it out
                yield Pair(recorded, None, reason or "the other capture has no exchange that answers to it")
                continue
            ours, theirs = self._calls(recorded, replayed)
            yield Pair(recorded, replayed, "", ours, theirs)

    def _partner(self, recorded: Exchange) -> Exchange | None:
        if self.by_likeness is not None:
            identity = self.by_likeness.get(recorded.id)
            return None if identity is None else self.run_capture.exchange(identity)
        answers = [
            exchange
            for exchange in self.run_capture.replays_of(recorded.id)
            if exchange.direction is Direction.INBOUND and exchange.session == self.run.session
        ]
        return answers[-1] if answers else None

    def _pooled(self, ours: set[int], theirs: set[int], until: float) -> startup.Pools | None:
        """The calls outside any request; ``ours`` and ``theirs`` belong to exchanges. None: there is nothing to say."""
        if not self._calls_seen or self.by_likeness is not None or self.selection:
            return None
        part = self._partial  # what was not sent leaves calls unmade; a call nobody recorded is new all the same
        return startup.Pools(
            () if part else tuple(c for c in self.source.outbound() if c.id not in ours and _loose(c) and _served(c)),
            tuple(
                call
                for call in self.run.outbound()
                if call.id not in theirs
                and (call.id in self.outside or _loose(call))
                and not (part and call.replay_of is not None)
            ),
            self.source.timeline(),
            self.run.timeline(),
            until,
        )

    @property
    def _calls_seen(self) -> bool:
        return bool(self.meta.get("stubbed", True))

    def _calls(self, recorded: Exchange, replayed: Exchange) -> tuple[tuple[Exchange, ...], tuple[Exchange, ...]]:
        """The calls each side caused, with those whose cause is unclear on one side and certain on the other."""
        if not self._calls_seen:
            return (), ()
        ours = {call.id: call for call in self.source_capture.caused_by(recorded.id)}
        theirs = {call.id: call for call in self.run_capture.caused_by(replayed.id)}
        if self.by_likeness is not None:
            return tuple(ours.values()), tuple(theirs.values())
        for call in tuple(theirs.values()):
            if call.replay_of is not None and call.replay_of not in ours:
                for stub in self.source_capture.exchanges(ids=[call.replay_of]):
                    if _outside(stub):  # it fell into this exchange's time by chance
                        self.outside.add(call.id)
                        del theirs[call.id]
                    elif stub.cause is None or stub.cause.exchange is None:
                        ours[stub.id] = stub
        answered = {call.replay_of for call in theirs.values()}
        for identity in ours:
            for call in self.run_capture.replays_of(identity):
                unclear = call.cause is None or call.cause.exchange is None
                late = identity not in answered or call.notes.get("matched") == "exhausted"
                if unclear and late and call.direction is Direction.OUTBOUND and call.session == self.run.session:
                    theirs[call.id] = call
        return tuple(ours[key] for key in sorted(ours)), tuple(theirs[key] for key in sorted(theirs))

    # -- judging --------------------------------------------------------------------------------------------------

    def _judge(self) -> Result:
        ledger = Ledger()
        grouping = Grouping()
        rules: Counter[str] = Counter()
        judged: Counter[str] = Counter()
        judgements: list[Judgement] = []
        unjudged: Counter[str] = Counter()
        used_ours: set[int] = set()
        used_theirs: set[int] = set()
        total = self.source_capture.count(Direction.INBOUND)
        for pair in self._pairs():
            judgement = self._judgement(pair)
            ledger = count(ledger, judgement)
            grouping.add(judgement.findings)
            rules.update(judgement.rules)
            for reason in judgement.inconclusive:
                unjudged[reason] += 1
            if judgement.column is Column.NOT_REPLAYED:
                unjudged[f"not replayed: {judgement.reason}"] += 1
            else:
                judged[judgement.endpoint] += 1
            used_ours.update(call.id for call in pair.recorded_calls)
            used_theirs.update(call.id for call in pair.replayed_calls)
            if total <= KEPT or judgement.column not in (Column.SAME, Column.SAME_BY_RULE):
                judgements.append(judgement)
        if not ledger.recorded:
            raise EmptyCapture(
                f"Nothing in {self.source_capture.path} matches the selection.",
                hint=f"List what there is: retape capture ls {self.source_capture.path}",
            )
        grouping.add(self._extra_findings())
        pool_reasons: list[str] = []
        if self.pools is not None:
            verdicts = self.pools.judge(self.context)
            grouping.add(verdicts.findings)
            rules.update(verdicts.rules)
            pool_reasons = verdicts.inconclusive
        elif self._calls_seen and not self._partial:
            ours = (call for call in self.source.outbound() if call.id not in used_ours and _loose(call))
            theirs = (call for call in self.run.outbound() if call.id not in used_theirs and _loose(call))
            grouping.add(startup.compare_counts(ours, theirs, self.context.call_of))
        reasons = tuple(dict.fromkeys((*self._reasons(unjudged), *pool_reasons)))
        groups = tuple(
            self._reproducible(group) for group in grouping.groups(self.context.profile, judged, self._decisions())
        )
        verdict, exit_code = decide(ledger, groups, reasons, self.options.fail_on)
        return Result(
            verdict=verdict,
            exit_code=exit_code,
            ledger=ledger,
            reasons=reasons,
            groups=groups,
            rules=tuple(rules.most_common()),
            stubs=self._stubs(used_ours),
            judgements=tuple(judgements),
            notes=self._notes(),
            recorded_path=str(self.source_capture.path),
            replayed_path=str(self.run_capture.path),
            meta=self._identity_line(),
        )

    def _judgement(self, pair: Pair) -> Judgement:
        endpoint = self.context.endpoint_of(pair.recorded)
        if pair.replayed is not None:
            judgement = compare_exchange(
                pair.recorded, pair.replayed, self.context, pair.recorded_calls, pair.replayed_calls
            )
            return judgement
        findings: tuple[Finding, ...] = ()
        if self.by_likeness is not None:
            request = f"{pair.recorded.request.method} {pair.recorded.request.target.decode('latin-1')}"
            findings = (
                Finding("exchange.missing", endpoint, "exchange", "exchange", request, ABSENT, pair.recorded.id),
            )
        return Judgement(pair.recorded.id, None, endpoint, Column.NOT_REPLAYED, findings, reason=pair.reason)

    def _extra_findings(self) -> Iterator[Finding]:
        for exchange in self.run_capture.exchanges(ids=self.extra):
            endpoint = self.context.endpoint_of(exchange)
            request = f"{exchange.request.method} {exchange.request.target.decode('latin-1')}"
            yield Finding("exchange.extra", endpoint, "exchange", "exchange", ABSENT, request, exchange.id)

    def _reasons(self, unjudged: Counter[str]) -> tuple[str, ...]:
        reasons = [str(reason) for reason in self.meta.get("inconclusive") or ()]
        for reason, times in unjudged.most_common(20):
            reasons.append(f"{times} exchange{'' if times == 1 else 's'}: {reason}")
        session = self.run.sessions.get(self.run.session) if self.run.session is not None else None
        if session is not None and session.ended is None:
            reasons.append("the run has no end: its replay was cut short, or is still going on")
        if self.context.identity.full:
            self.notes.append("More identifiers than could be remembered: the last ones were only checked by format.")
        return tuple(dict.fromkeys(reasons))

    def _decisions(self) -> dict[str, Decision]:
        rows = self.run_capture.query("SELECT fingerprint, decision FROM decision")
        known = {decision.value: decision for decision in Decision}
        return {row["fingerprint"]: known[row["decision"]] for row in rows if row["decision"] in known}

    def _reproducible(self, group: Group) -> Group:
        if not group.exchanges or group.endpoint in startup.PLACES:
            return group
        first = group.examples[0]
        if group.class_id == "exchange.extra":
            exchange = next(self.run_capture.exchanges(ids=[first.exchange]), None)
        else:
            exchange = next(self.source_capture.exchanges(ids=[first.exchange]), None)
        if exchange is None or exchange.direction is not Direction.INBOUND:
            return group
        target = self.meta.get("target") if not self.meta.get("command") else None
        return reproduced(
            group,
            curl_line(exchange, str(target) if target else None),
            replay_command(str(self.source_capture.path), exchange.id, self.meta),
        )

    @property
    def _partial(self) -> bool:
        """Whether only a part of the recording was replayed, or is compared."""
        return bool(self.selection or self.meta.get("only") or self.meta.get("shard"))

    def _stubs(self, concerned: set[int]) -> Stubs:
        """``concerned``: the recorded calls of all judged exchanges; nobody expects the others of a partial replay."""
        where = "direction = 'outbound'" + (f" AND session = {self.run.session}" if self.run.session else "")
        row = next(
            self.run_capture.query(
                "SELECT SUM(replay_of IS NOT NULL) AS served, SUM(replay_of IS NULL) AS missed, "
                f"COUNT(DISTINCT replay_of) AS used FROM exchange WHERE {where}"
            )
        )
        if self.run.session is None or not self._calls_seen:
            return Stubs()
        if self._partial:
            rows = self.run_capture.query(f"SELECT DISTINCT replay_of FROM exchange WHERE {where}")
            unused = len(concerned - {row["replay_of"] for row in rows})
        else:
            unused = max(0, self.source_capture.count(Direction.OUTBOUND) - (row["used"] or 0))
        return Stubs(row["served"] or 0, row["missed"] or 0, unused)

    def _notes(self) -> tuple[str, ...]:
        notes = [*self.notes, *(str(note) for note in self.meta.get("notes") or ())]
        notes.extend(str(statement) for statement in self.meta.get("enforced") or ())
        dropped = sum(session.dropped for session in self.source.sessions.values())
        if dropped:
            notes.append(f"The recording lost {dropped} exchanges while it was made; they are not judged.")
        return tuple(dict.fromkeys(notes))

    def _identity_line(self) -> dict[str, Any]:
        first = next(iter(self.source.sessions.values()), None)
        return {
            "recorded": dict(first.meta) if first else {},
            "replayed": {key: value for key, value in self.meta.items() if key != "bindings"},
            "recorded_started": first.started if first else None,
            "fail_on": self.options.fail_on.value,
        }


def _call_name(exchange: Exchange, templates: Mapping[str, Templates]) -> str:
    name = exchange.dependency or exchange.request.host
    known = templates.get(name)
    endpoint = (known or Templates()).endpoint(exchange.request.method, exchange.request.target)
    return f"{name} {endpoint}"


def _loose(call: Exchange) -> bool:
    return call.cause is None or call.cause.how in (CauseHow.NONE, CauseHow.AMBIGUOUS) or call.cause.exchange is None


def _outside(call: Exchange) -> bool:
    """Whether ``call`` was recorded while no request was open."""
    return call.cause is not None and call.cause.how is CauseHow.NONE


def _served(call: Exchange) -> bool:
    """Whether a replay writes down that it answered ``call`` (no refused tunnels, no WebSockets)."""
    return call.protocol == "http" and call.request.method != "CONNECT"
