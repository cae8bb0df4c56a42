"""What repetition says of one build: which places move by themselves, and the narrowest rule that holds for each. Pure.

A place is proposed a rule only when the exact binomial test says that it moves by itself, in more than one run, and
only the narrowest matcher that all its values satisfy. Everything else is said, never silently turned into a rule:
what the built-in rules cover already, what differs from the recording alike in all runs (another build, another state
of its data), what was seen too rarely, and what a rule would only hide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence

from captures.errors import ConfigError
from diffing.learning.binomial import at_least, lower_bound
from diffing.learning.evidence import PlaceEvidence, standing_alone
from diffing.learning.lessons import Demands, Lessons, Proposal, Statement
from diffing.learning.narrowing import Narrow, Refused, Values, narrowest
from diffing.learning.refusing import UNSTABLE, refusal, unstable
from diffing.learning.repetition import Repetition
from diffing.learning.sightings import Viewer
from diffing.model import Column, Finding
from diffing.reports.values import shown
from diffing.rulebook.rules import parse_rules

MOVES = 0.05
"""A place moves by itself when, with the confidence asked for, it does so in more than one comparison of twenty."""

MOST_RUNS = 50
"""More runs than this are not advised: what moves so rarely is for a person to judge."""

Key = tuple[str, str]
"""(endpoint, generalised location), as in findings."""


class Learner:
    """Gathers repetitions: first :meth:`judge` all of them, then :meth:`observe` all of them, then :meth:`lessons`."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._by_endpoint: dict[str, dict[str, PlaceEvidence]] = {}
        self._covered: Counter[tuple[str, str, str]] = Counter()
        self._judged: Counter[str] = Counter()  # per endpoint
        self._unjudged: Counter[str] = Counter()
        self._pairs: dict[Hashable, tuple[tuple[int, int], ...]] = {}  # what was compared, by subject
        self._patterns: dict[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]] = {}  # of them, each kept once
        self._outside: dict[Key, dict[int, Finding]] = {}  # by run
        self._subjects = self._samples = 0

    def judge(self, repetition: Repetition) -> None:
        """Gather what the comparisons of one request's answers came to."""
        pairs: list[tuple[int, int]] = []
        answered = False
        for judged in repetition.judged:
            judgement = judged.judgement
            if judgement.column is Column.FAILED and not judgement.findings:
                self._unjudged[judgement.reason or "an answer is missing"] += 1
                continue
            pair = judged.one, judged.other
            pairs.append(pair)
            answers = repetition.answers[judged.one], repetition.answers[judged.other]
            if all(answer is not None and answer.exchange.response is not None for answer in answers):
                answered = True
                self._samples += judged.other == judged.one + 1
            if self._compares_as_replay(pair):
                self._judged[repetition.endpoint] += 1
                for rule, location in judgement.places:
                    self._covered[repetition.endpoint, location, rule] += 1
            for finding in judgement.findings:
                places = self._by_endpoint.setdefault(repetition.endpoint, {})
                places.setdefault(finding.location, PlaceEvidence()).differ(repetition.subject, pair, finding)
        self._subjects += answered
        compared = tuple(pairs)
        self._pairs[repetition.subject] = self._patterns.setdefault(compared, compared)

    def pooled(self, findings: Sequence[Collection[Finding]]) -> None:
        """Gather what each run's calls outside of any request differ in from the recorded ones."""
        for number, found in enumerate(findings, 1):
            for finding in found:
                self._outside.setdefault((finding.endpoint, finding.location), {})[number] = finding

    def observe(self, repetition: Repetition) -> None:
        """Gather what stands at the places that differ somewhere, in every answer."""
        places = self._by_endpoint.get(repetition.endpoint)
        if not places:
            return
        viewers = [Viewer(answer, repetition.call_of) if answer is not None else None for answer in repetition.answers]
        for location, place in places.items():
            sights = [viewer.sight(location) if viewer is not None else None for viewer in viewers]
            place.look(sights, self._pairs[repetition.subject])
            if repetition.subject in place.differing:
                place.alone |= standing_alone(self._pairs[repetition.subject], place.differing[repetition.subject])

    def lessons(self, demands: Demands, unjudged: Iterable[str] = ()) -> Lessons:
        """What it all comes to."""
        proposals: list[Proposal] = []
        lists: dict[str, list[Statement]] = {
            name: [] for name in ("covered", "refused", "undecided", "constant", "calls")
        }
        for endpoint, location, place in self._places():
            said = self._said(endpoint, location, place, demands)
            if isinstance(said, Proposal):
                proposals.append(said)
            else:
                kind, sentence = said
                lists[kind].append(Statement(endpoint, location, sentence))
        for (endpoint, location), found in sorted(self._outside.items()):
            first = next(iter(found.values()))
            sentence = f"differs in {len(found)} of {self._runs} runs ({first.evidence or first.class_id})"
            kind = "calls" if len(found) < self._runs or self._runs == 1 else "constant"
            lists[kind].append(Statement(endpoint, location, sentence))
        kept = self._without_unstable_objects(proposals, lists["refused"])
        for (endpoint, location, rule), times in sorted(self._covered.items()):
            sentence = f"already covered by {rule} ({times}/{self._judged[endpoint]})"
            lists["covered"].append(Statement(endpoint, location, sentence))
        reasons = [f"{times} comparison{_s(times)}: {reason}" for reason, times in self._unjudged.most_common(20)]
        return Lessons(
            proposals=tuple(kept),
            **{name: tuple(sorted(said, key=lambda one: (one.endpoint, one.location))) for name, said in lists.items()},
            unjudged=tuple(dict.fromkeys((*unjudged, *reasons))),
            runs=self._runs,
            subjects=self._subjects,
            samples=self._samples,
        )

    # -- one place ------------------------------------------------------------------------------------------------

    def _said(self, endpoint: str, location: str, place: PlaceEvidence, demands: Demands) -> Proposal | tuple[str, str]:
        """A proposal, or the list it belongs to and the sentence."""
        steps = place.moved
        if self._is_constant(place):
            return self._constant(place)
        if location.startswith("outbound ") and " request." not in location:
            return "calls", self._call(place, steps)
        broken = place.classes.keys() & {"response.body.rule-broken", "outbound.request.body.rule-broken"}
        if broken:
            return "refused", f"your own rule does not hold for the recorded build ({place.findings[0].evidence})"
        seen = self._evidence(place, steps)
        reason = refusal(location, place.classes, place.findings)
        if reason is not None:
            return "refused", f"{seen}: {reason}"
        p = at_least(steps, place.samples, MOVES)
        if place.samples < demands.min_samples or lower_bound(steps, place.samples, demands.confidence) <= MOVES:
            return "undecided", f"seen to differ {steps} of {place.samples} times: too little to say; " + self._advice(
                place, steps, demands
            )
        if self._runs > 1 and len(place.alone) == 1:
            return "undecided", (
                f"only run {min(place.alone)} differs from the others: an event rather than a value that moves; "
                + self._advice(place, steps, demands)
            )
        narrow = self._narrow(place)
        if isinstance(narrow, Refused):
            if narrow.later:
                return "undecided", f"{seen}: {narrow.reason}; {self._advice(place, steps, demands, more=True)}"
            return "refused", f"{seen}: {narrow.reason}"
        complaint = _unsound(endpoint, location, narrow, place.values)
        if complaint is not None:
            return "refused", f"{seen}: {complaint}"
        evidence = f"{seen}, {narrow.words}; {_chance(p)}"
        return Proposal(endpoint, location, narrow.expect, narrow.params, evidence, steps, place.samples, p)

    def _constant(self, place: PlaceEvidence) -> tuple[str, str]:
        differed = place.differed
        first = place.findings[0]
        change = f"{shown(first.recorded)} became {shown(first.replayed)}"
        if self._runs == 1:
            return "undecided", (
                f"differs from the recording in {differed} of {max(place.replays, differed)} answers of the only run "
                f"({change}): whether it moves, a second run tells; run with --runs 3"
            )
        return (
            "constant",
            f"{differed} of {max(place.replays, differed)} replays differed, alike in all runs ({change})",
        )

    def _call(self, place: PlaceEvidence, steps: int) -> str:
        first = place.findings[0]
        return (
            f"the call comes and goes: in {steps} of {max(place.samples, steps)} comparisons of the build with itself "
            f"it was made more or less often ({first.evidence or first.class_id})"
        )

    def _evidence(self, place: PlaceEvidence, steps: int) -> str:
        differed = place.differed
        if not self._runs:
            return f"{steps} of {place.samples} answers to the same request differed from the one before"
        if differed:
            text = f"{differed} of {max(place.replays, differed)} replays differed from the recording"
        else:
            text = "no replay differed from the recording"
        among = place.between
        between = f", {among} of {max(place.samples - place.replays // self._runs, among)} from the run before"
        return text + (between if self._runs > 1 else "")

    def _narrow(self, place: PlaceEvidence) -> Narrow | Refused:
        if any(name.endswith((".array-order", ".order-lost")) for name in place.classes):
            return Narrow("unordered", {}, "the same items in another order")
        if not place.flaps or not place.absent:
            return narrowest(place.values)
        held = narrowest(place.values) if place.values.values else Refused("no value could be read there")
        if isinstance(held, Refused) and "whole" in held.reason:
            return Refused(f"it comes and goes, and {held.reason}")
        if isinstance(held, Refused) and "type flaps" in held.reason:
            return held
        count = place.values.total + place.absent
        return Narrow("optional", {}, f"there in {place.values.total} of {count} answers, only its type is asserted")

    def _advice(self, place: PlaceEvidence, steps: int, demands: Demands, *, more: bool = False) -> str:
        """How many runs would decide it, if it goes on as it did."""
        if not self._runs:
            return "replay the recorded build: retape learn CAPTURE -- CMD"
        each = max(1.0, place.samples / max(self._runs, 1))
        rate = steps / place.samples if place.samples else 0.0
        for runs in range(self._runs + 1, MOST_RUNS + 1):
            samples = int(each * runs)
            enough = samples >= demands.min_samples and lower_bound(int(rate * samples), samples, demands.confidence)
            if enough and enough > MOVES and (not more or runs >= 3 * self._runs):
                return f"run with --runs {max(10, runs) if runs > 5 else runs}"
        return "it moves so rarely that a person has to judge"

    def _places(self) -> Iterator[tuple[str, str, PlaceEvidence]]:
        for endpoint in sorted(self._by_endpoint):
            for location in sorted(self._by_endpoint[endpoint]):
                yield endpoint, location, self._by_endpoint[endpoint][location]

    def _is_constant(self, place: PlaceEvidence) -> bool:
        """Whether only the recording stands against all runs (or against the only one)."""
        return self._runs == 1 or (self._runs > 1 and place.alone == {0})

    def _compares_as_replay(self, pair: tuple[int, int]) -> bool:
        return pair[0] == 0 if self._runs else True

    def _without_unstable_objects(self, proposals: list[Proposal], refused: list[Statement]) -> list[Proposal]:
        covered = {(endpoint, location) for endpoint, location, _ in self._covered}
        moving = {
            (endpoint, location): place.members
            for endpoint, location, place in self._places()
            if not self._is_constant(place) and (endpoint, location) not in covered
        }
        gone: set[Key] = set()
        for endpoint, location, places, count in unstable(moving, covered):
            gone |= {(endpoint, one) for one in places}
            refused.append(Statement(endpoint, location, UNSTABLE.format(moving=len(places), count=count)))
        return [proposal for proposal in proposals if (proposal.endpoint, proposal.location) not in gone]


def _unsound(endpoint: str, location: str, narrow: Narrow, values: Values) -> str | None:
    """Why the rule could not be written, or does not hold for what was seen; None when it is fine."""
    entry = {"endpoint": endpoint, "location": location, "expect": narrow.expect, **narrow.params}
    try:
        (rule,) = parse_rules([entry])
    except ConfigError as error:
        return f"no rule can say it: {error.message.partition(': ')[2] or error.message}"
    if narrow.expect in ("unordered", "optional"):
        return None
    some = list(values.values.values())[:100]
    for recorded, replayed in zip(some, [*some[1:], *some[:1]], strict=True):
        if rule.complaint(recorded, replayed) is not None:
            return f"{narrow.expect} would not hold for what was seen"
    return None


def _chance(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _s(number: int) -> str:
    return "" if number == 1 else "s"
