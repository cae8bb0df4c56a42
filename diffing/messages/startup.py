"""Calls that no single request caused: made at start-up, in the background, or under several open requests at once.

They cannot be laid to an exchange, so they are compared as one pool, kept in memory: paired by the stub that answered,
then by endpoint in order. A pair is compared field by field; what is left over is missing, extra, fewer or repeated
with the level of its class. Only what a replay cannot be expected to show is *info*: a call long after the last
response, for which no replay waits. Two recordings that know nothing of each other are only counted against each other
(:func:`compare_counts`): the same call may have had a certain cause in one of them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from captures.model import CauseHow, Exchange
from diffing.exchange import Context
from diffing.messages.outbound import CallName, compare_call, learn_call, left_over, pair_calls
from diffing.model import ABSENT, Finding
from diffing.outcome.folding import fold
from diffing.place import BudgetSpentError, Place, Verdicts
from diffing.values.moments import Clock

START_UP = "(start-up)"
OUTSIDE = "(outside any request)"
PLACES = frozenset({START_UP, OUTSIDE})
"""What stands for the endpoint of calls that belong to none."""

AWAITED = 2.0
"""Seconds after the last response within which a replay waits for a recorded call that nothing caused."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the requests of each session of a capture began and ended; seconds since the epoch."""

    began: dict[int, float]  # first start per session
    ends: Sequence[float] = ()  # ascending
    sessions: tuple[int, ...] = ()  # ascending

    @classmethod
    def of(cls, inbound: Iterable[tuple[int, float, float]]) -> Timeline:
        """``inbound``: (session, started, ended) of each request."""
        began: dict[int, float] = {}
        ends = array("d")  # eight bytes a request: a capture may hold millions
        for session, started, ended in inbound:
            began[session] = min(started, began.get(session, started))
            ends.append(ended)
        if any(one > other for one, other in pairwise(ends)):
            ends = array("d", sorted(ends))
        return cls(began, ends, tuple(sorted(began)))

    def place(self, call: Exchange) -> str:
        """Where ``call`` stands: before the first request of its session, or between requests."""
        began = self.began.get(call.session)
        return START_UP if began is None or call.timing.started < began else OUTSIDE

    def since(self, call: Exchange) -> float:
        """Seconds between the last response before ``call`` and the call; 0 when there was none."""
        at = bisect_right(self.ends, call.timing.started)
        return call.timing.started - self.ends[at - 1] if at else 0.0

    def expected(self, call: Exchange) -> bool:
        """Whether a replay shows ``call`` when nothing has changed: it starts the service once, and waits so long."""
        if self.place(call) == START_UP:
            return not self.sessions or call.session <= self.sessions[0]
        return self.since(call) <= AWAITED


@dataclass(frozen=True, slots=True)
class Pools:
    """The calls outside any request, of a recording and of a run of it. ``until``: nothing later was replayed."""

    recorded: tuple[Exchange, ...]
    replayed: tuple[Exchange, ...]
    then: Timeline
    now: Timeline
    until: float = float("inf")

    def learn(self, context: Context) -> None:
        """Note which new identifiers stand for which recorded ones in the pairs."""
        for ours, theirs in pair_calls(self.recorded, self.replayed, context.call_of)[0]:
            place = replace(_place(ours, theirs, self.then.place(ours), context), learning=True)
            try:
                learn_call(place, Verdicts(budget=context.budget), ours, theirs, context.call_of(ours))
            except BudgetSpentError:
                continue  # judging will meet it again, and say so

    def judge(self, context: Context, broken: Sequence[tuple[float, float]] = ()) -> Verdicts:
        """Findings, rules and reasons of the whole pool.

        ``broken``: when the requests were open in the recording that the new build breaks down at (Unix seconds, each
        from its start to its end). A call that one of several open requests made then may have been theirs: that it is
        missing follows from the breakdown, which is drift.
        """
        total = Verdicts()
        pairs, missing, extra = pair_calls(self.recorded, self.replayed, context.call_of)
        for ours, theirs in pairs:
            verdicts = Verdicts(budget=context.budget)
            name = context.call_of(ours)
            try:
                compare_call(_place(ours, theirs, self.then.place(ours), context), verdicts, ours, theirs, name)
            except BudgetSpentError:
                verdicts.inconclusive.append(f"a call to {name} is too large to compare")
            _add(total, verdicts)
        off = _joined(broken)
        in_reach = [call for call in missing if call.timing.started < self.until and not _broken_off(call, off)]
        self._left_over(total, [call for call in in_reach if self.then.expected(call)], extra, context)
        unexpected = [call for call in in_reach if not self.then.expected(call) and self.then.place(call) == OUTSIDE]
        total.findings.extend(_unattributed(unexpected, context.call_of))
        return total

    def _left_over(
        self, total: Verdicts, missing: Sequence[Exchange], extra: Sequence[Exchange], context: Context
    ) -> None:
        names = dict.fromkeys(context.call_of(call) for call in (*missing, *extra))
        for name in names:
            gone = [call for call in missing if context.call_of(call) == name]
            new = [call for call in extra if context.call_of(call) == name]
            where = {self.then.place(call) for call in gone} | {self.now.place(call) for call in new}
            endpoint = START_UP if where == {START_UP} else OUTSIDE
            first = (gone or new)[0]
            verdicts = Verdicts()
            left_over(
                _place(first, first, endpoint, context),
                verdicts,
                self.recorded,
                self.replayed,
                gone,
                new,
                context.call_of,
                context.known_dependencies,
            )
            unanswered = [call for call in new if call.replay_of is None]
            if unanswered:
                asked = unanswered[0].request.target.decode("latin-1")
                words = f"{len(unanswered)} without a recorded answer, the first for {asked}"
                verdicts.findings = [replace(one, evidence=f"{one.evidence}; {words}") for one in verdicts.findings]
            _add(total, verdicts)


def compare_counts(recorded: Iterable[Exchange], replayed: Iterable[Exchange], name_of: CallName) -> Iterator[Finding]:
    """One *info* finding per endpoint of a dependency that only one of two recordings called."""
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    first: dict[str, tuple[int | None, int | None]] = {}
    for call in recorded:
        name = name_of(call)
        ours[name] += 1
        first.setdefault(name, (call.id, None))
    for call in replayed:
        name = name_of(call)
        theirs[name] += 1
        first.setdefault(name, (None, call.id))
    for name in sorted(ours.keys() ^ theirs.keys()):
        yield _counted(name, START_UP, ours[name], theirs[name], first[name])


def _unattributed(missing: Sequence[Exchange], name_of: CallName) -> Iterator[Finding]:
    counts = Counter(name_of(call) for call in missing)
    for name, count in counts.items():
        first = next(call.id for call in missing if name_of(call) == name)
        yield _counted(name, OUTSIDE, count, 0, (first, None))


def _counted(name: str, endpoint: str, before: int, after: int, calls: tuple[int | None, int | None]) -> Finding:
    return Finding(
        class_id="outbound.unattributed",
        endpoint=endpoint,
        location=f"outbound {name}",
        path=f"outbound {name}",
        recorded=before or ABSENT,
        replayed=after or ABSENT,
        exchange=calls[0] or calls[1] or 0,
        evidence=f"{before} recorded, {after} replayed, none of them caused by one request",
        outbound_recorded=calls[0],
        outbound_replayed=calls[1],
    )


def _joined(windows: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same times without overlaps, ascending."""
    joined: list[tuple[float, float]] = []
    for begun, ended in sorted(windows):
        if joined and begun <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(ended, joined[-1][1])
        else:
            joined.append((begun, ended))
    return joined


def _broken_off(call: Exchange, windows: Sequence[tuple[float, float]]) -> bool:
    """Whether one of several open requests made ``call`` in one of ``windows`` (ascending, apart)."""
    if call.cause is None or call.cause.how is not CauseHow.AMBIGUOUS:
        return False
    at = bisect_right(windows, call.timing.started, key=lambda window: window[0])
    return at > 0 and call.timing.started <= windows[at - 1][1]


def _add(total: Verdicts, more: Verdicts) -> None:
    total.findings.extend(fold(more.findings))
    total.rules.update(more.rules)
    total.places.update(more.places)
    total.inconclusive.extend(more.inconclusive)


def _place(recorded: Exchange, replayed: Exchange, endpoint: str, context: Context) -> Place:
    return Place(
        endpoint=endpoint,
        scope=endpoint,
        exchange=recorded.id,
        then=Clock(context.recorded_started(recorded), recorded.timing.started),
        now=Clock.of(context.replayed_started(replayed), replayed.timing.started, context.replayed_ahead),
        identity=context.identity,
        profile=context.profile,
        rules=context.rules.for_endpoint(endpoint),
        session=recorded.session,
    )
