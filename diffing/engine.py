"""Two captures in, a :class:`Result` out: :mod:`diffing.comparison` learns from both, this judges pair by pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from captures import leftout
from captures.errors import EmptyCapture
from captures.model import Direction
from captures.unready import sentence as unready_said
from diffing.comparison import Comparison, DiffOptions, Pair, loose, prepared
from diffing.exchange import Context, compare_exchange
from diffing.messages import startup
from diffing.model import ABSENT, Column, Finding, Group, Judgement, Ledger, Result, Stubs
from diffing.outcome.consequences import Consequences, status_drifted
from diffing.outcome.folding import broke_down
from diffing.outcome.grouping import Grouping, reproduced
from diffing.outcome.passed import Passed
from diffing.outcome.reasons import Reasons
from diffing.outcome.reproduce import curl_line, replay_command
from diffing.outcome.swapped import judged_apart
from diffing.outcome.tally import Tally
from diffing.outcome.verdict import count, decide
from diffing.review.approvals import recording_of
from diffing.review.standing import decided, latencies, sentences
from diffing.rulebook.rulelint import judged_by, lint

__all__ = ["DiffOptions", "compare_captures"]

PLACES = 5_000
"""Places of rules told apart in the result."""

_LONG = frozenset({"bindings", "named_bindings", "handed_over", "withheld", "spans", "tier"})
"""What a run says of itself that no report repeats."""

KEPT = 20_000
"""Judgements kept in the result; of a larger run the first so many of those that are not the same."""


def compare_captures(recorded: Path, replayed: Path, options: DiffOptions | None = None) -> Result:
    """Compare a recording with a run of it, or any two captures.

    Raises :class:`captures.errors.CaptureError` for files that are no captures, :class:`EmptyCapture` when the
    recording (or the selection) has no inbound exchange.
    """
    with prepared(recorded, replayed, options) as comparison:
        return _Judging(comparison).result()


@dataclass(slots=True)
class _Judging:
    known: Comparison
    _contexts: dict[int, Context] = field(default_factory=dict)  # by id() of those without a trace
    _endpoints: dict[int, str] = field(default_factory=dict)  # of exchanges that others waited for in vain

    def result(self) -> Result:
        ledger = Ledger()
        tally = Tally()
        grouping = Grouping()
        consequences = Consequences()
        rules: Counter[str] = Counter()
        places: Counter[tuple[str, str, str]] = Counter()
        passed = Passed()
        judged: Counter[str] = Counter()
        judgements: list[Judgement] = []
        unkept = 0
        unjudged = Reasons()
        sources: dict[int, int] = dict(self.known.meta.get("withheld") or ())  # what was not sent -> what failed
        used_ours: set[int] = set()
        used_theirs: set[int] = set()
        broken: list[tuple[float, float]] = []  # when the requests were open that break down now
        total = self.known.source_capture.count(Direction.INBOUND)
        for pair in self.known.pairs():
            judgement = passed.add(self._judgement(pair))
            ledger = count(ledger, judgement)
            tally.add(judgement, pair.replayed)
            grouping.add(judgement.findings)
            rules.update(judgement.rules)
            for (rule, location), times in judgement.places.items():
                if len(places) < PLACES or (rule, judgement.endpoint, location) in places:
                    places[rule, judgement.endpoint, location] += times
            if pair.replayed is not None and status_drifted(finding.class_id for finding in judgement.findings):
                consequences.add(pair.recorded, pair.replayed, judgement.endpoint)
            if any(map(broke_down, judgement.findings)):
                timing = pair.recorded.timing
                broken.append((timing.started, timing.ended or timing.started))
            for reason in judgement.inconclusive:
                unjudged.add(reason)
            if judgement.column is Column.NOT_REPLAYED:
                source = sources.get(judgement.exchange)
                unjudged.add(f"not replayed: {judgement.reason}", source, self._endpoint_of(source))
            else:
                judged[judgement.endpoint] += 1
            used_ours.update(call.id for call in pair.recorded_calls if self.known.partial or loose(call))
            used_theirs.update(call.id for call in pair.replayed_calls if loose(call))
            same = judgement.column in (Column.SAME, Column.SAME_BY_RULE)
            if total <= KEPT or (not same and len(judgements) < KEPT):
                judgements.append(judgement)
            elif not same:
                unkept += 1
        if not ledger.recorded and not self.known.idle:
            raise EmptyCapture(
                f"Nothing in {self.known.source_capture.path} matches the selection.",
                hint=f"List what there is: retape capture ls {self.known.source_capture.path}",
            )
        grouping.add(self._extra_findings())
        pool_reasons: list[str] = []
        if self.known.pools is not None:
            verdicts = self.known.pools.judge(self.known.context, broken)
            grouping.add(verdicts.findings)
            rules.update(verdicts.rules)
            pool_reasons = verdicts.inconclusive
        elif self.known.calls_seen and not self.known.partial:
            ours = (call for call in self.known.source.uncaused() if call.id not in used_ours)
            theirs = (call for call in self.known.run.uncaused() if call.id not in used_theirs)
            grouping.add(startup.compare_counts(ours, theirs, self.known.context.call_of))
        if unkept:
            self.known.notes.append(
                f"{unkept:,} drifted exchanges more than reports list one by one; the ledger and the groups count them."
            )
        reasons = tuple(dict.fromkeys((*self._reasons(unjudged), *pool_reasons)))
        withheld = Counter(sources.values())
        groups = tuple(
            self._reproducible(group)
            for group in grouping.groups(self.known.context.profile, judged, consequences.follows, withheld)
        )
        recording, partial = recording_of(self.known.source.sessions.values()), self._in_part(ledger)
        today = self.known.options.day
        groups, approvals = decided(
            groups, self.known.options.approvals, today, recording, partial=partial, unseen=latencies(judged)
        )
        self.known.notes.extend(sentences(approvals))
        said = judged_by(self.known.options.rules, rules.most_common(), groups)
        self.known.notes.extend(lint(self.known.options.rules, None if self.known.partial else said, today))
        verdict, exit_code = decide(ledger, groups, reasons, self.known.options.fail_on, idle=self.known.idle)
        return Result(
            verdict=verdict,
            exit_code=exit_code,
            ledger=ledger,
            reasons=reasons,
            groups=groups,
            rules=tuple(rules.most_common()),
            stubs=self._stubs(used_ours),
            rule_places=dict(places.most_common()),
            rule_examples=passed.examples(),
            profile=self.known.context.profile,
            judgements=tuple(judgements),
            notes=self._notes(),
            recorded_path=str(self.known.source_capture.path),
            replayed_path=str(self.known.run_capture.path),
            meta=self._identity_line(),
            tier=self.known.tier,
            endpoints=tally.endpoints(),
            recording=(total, len(self.known.endpoints)),
            approvals=approvals,
            recording_id=recording,
            partial=partial,
        )

    def _judgement(self, pair: Pair) -> Judgement:
        if pair.replayed is not None:
            context = self._traced(self.known.context_for(pair.replayed))
            calls = pair.recorded_calls, pair.replayed_calls
            judgement = compare_exchange(pair.recorded, pair.replayed, context, *calls)
            return judged_apart(judgement, pair.recorded, calls, self.known.open_answers, context.call_of)
        endpoint = self.known.context.endpoint_of(pair.recorded)
        findings: tuple[Finding, ...] = ()
        if self.known.by_likeness is not None:
            request = f"{pair.recorded.request.method} {pair.recorded.request.target.decode('latin-1')}"
            findings = (
                Finding("exchange.missing", endpoint, "exchange", "exchange", request, ABSENT, pair.recorded.id),
            )
        return Judgement(pair.recorded.id, None, endpoint, Column.NOT_REPLAYED, findings, reason=pair.reason)

    def _traced(self, context: Context) -> Context:
        """``context``, asking for a trace; there is one for each shard."""
        known = self._contexts.get(id(context))
        if known is None:
            known = self._contexts[id(context)] = replace(context, trace=True)
        return known

    def _extra_findings(self) -> Iterator[Finding]:
        for exchange in self.known.run_capture.exchanges(ids=self.known.extra):
            endpoint = self.known.context.endpoint_of(exchange)
            request = f"{exchange.request.method} {exchange.request.target.decode('latin-1')}"
            yield Finding("exchange.extra", endpoint, "exchange", "exchange", ABSENT, request, exchange.id)

    def _endpoint_of(self, source: int | None) -> str:
        """The endpoint of the recorded exchange ``source``; "" for none."""
        if source is None:
            return ""
        if source not in self._endpoints:
            found = next(self.known.source_capture.exchanges(ids=[source]), None)
            self._endpoints[source] = self.known.context.endpoint_of(found) if found is not None else ""
        return self._endpoints[source]

    def _reasons(self, unjudged: Reasons) -> tuple[str, ...]:
        reasons = [*(str(reason) for reason in self.known.meta.get("inconclusive") or ()), *unjudged.said()]
        session = self.known.run.sessions.get(self.known.run.session) if self.known.run.session is not None else None
        if session is not None and session.ended is None:
            guess = "the run has no end: its replay was cut short, or is still going on"
            reasons.append(self.known.options.unended or guess)
        if self.known.later:
            self.known.notes.append(
                f"{self.known.later} recorded exchange{'' if self.known.later == 1 else 's'} came after this replay "
                "had begun, and no judgement is passed on them."
            )
        if self.known.forgotten:
            self.known.notes.append(self.known.forgotten)
        return tuple(dict.fromkeys(reasons))

    def _in_part(self, ledger: Ledger) -> bool:
        """Whether drift may be missing because not everything was looked at."""
        session = self.known.run.sessions.get(self.known.run.session) if self.known.run.session is not None else None
        unended = session is not None and session.ended is None
        missing = len(self.known.shards) < int(self.known.meta.get("shard_count") or 0)
        gone = unended or missing or self.known.context.target_went_away
        return self.known.partial or gone or not ledger.replayed

    def _reproducible(self, group: Group) -> Group:
        if not group.exchanges or group.endpoint in startup.PLACES:
            return group
        first = group.examples[0]
        if group.class_id == "exchange.extra":
            exchange = next(self.known.run_capture.exchanges(ids=[first.exchange]), None)
        else:
            exchange = next(self.known.source_capture.exchanges(ids=[first.exchange]), None)
        if exchange is None or exchange.direction is not Direction.INBOUND:
            return group
        target = self.known.meta.get("target") if not self.known.meta.get("command") else None
        return reproduced(
            group,
            curl_line(exchange, str(target) if target else None),
            ""
            if group.class_id == "exchange.extra"  # which the recording does not have
            else replay_command(str(self.known.source_capture.path), exchange.id, self.known.meta),
        )

    def _stubs(self, concerned: set[int]) -> Stubs:
        """``concerned``: the recorded calls of all judged exchanges; nobody expects the others of a partial replay."""
        where = "direction = 'outbound'" + (
            f" AND session = {self.known.run.session}" if self.known.run.session else ""
        )
        row = next(
            self.known.run_capture.query(
                "SELECT SUM(replay_of IS NOT NULL) AS served, SUM(replay_of IS NULL) AS missed, "
                f"COUNT(DISTINCT replay_of) AS used FROM exchange WHERE {where}"
            )
        )
        if self.known.run.session is None or not self.known.calls_seen:
            return Stubs()
        if self.known.partial:
            rows = self.known.run_capture.query(f"SELECT DISTINCT replay_of FROM exchange WHERE {where}")
            unused = len(concerned - {row["replay_of"] for row in rows})
        else:
            unused = max(0, self.known.source_capture.count(Direction.OUTBOUND) - (row["used"] or 0))
        return Stubs(row["served"] or 0, row["missed"] or 0, unused)

    def _notes(self) -> tuple[str, ...]:
        notes = [*self.known.notes, *(str(note) for note in self.known.meta.get("notes") or ())]
        notes.extend(str(statement) for statement in self.known.meta.get("enforced") or ())
        for session in self.known.source.sessions.values():
            notes.extend(leftout.sentences(session.meta))
        if self.known.source.unready:
            notes.append(unready_said(len(self.known.source.unready)))
        dropped = sum(session.dropped for session in self.known.source.sessions.values())
        if dropped:
            lost = f"{dropped} exchange{'' if dropped == 1 else 's'}"
            notes.append(f"The recording lost {lost} while it was made: not judged.")
        return tuple(dict.fromkeys(notes))

    def _identity_line(self) -> dict[str, Any]:
        first = next(iter(self.known.source.sessions.values()), None)
        return {
            "recorded": dict(first.meta) if first else {},
            "replayed": {key: value for key, value in self.known.meta.items() if key not in _LONG},
            "recorded_started": first.started if first else None,
            "fail_on": self.known.options.fail_on.value,
        }
