"""Why a value passed or failed: both values, the class or the rule that judged it, the evidence, every rule near it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from captures.errors import ConfigError, UsageError
from captures.formats.decoding import JsonBody, decode
from captures.formats.jsontext import DEEPEST
from captures.jsonpaths import JsonPath, Place, compile_path, normalised
from captures.model import Exchange
from diffing.comparison import Comparison, Pair
from diffing.exchange import compare_exchange
from diffing.messages.headers import by_name
from diffing.model import ABSENT, Acceptance, Column, Finding, Judgement
from diffing.outcome.swapped import judged_apart
from diffing.rulebook.explanation import Explained, Explanation
from diffing.rulebook.rules import Rule, parse_location
from diffing.rulebook.rulesfile import RuleDraft
from diffing.rulebook.ruleview import RuleView, views
from diffing.rulebook.suggesting import draft_for_finding


def explain(comparison: Comparison, exchange: int, where: str | None, rules: Sequence[Rule], today: date) -> Explained:
    """Explain ``where`` of a recorded exchange (or of the replayed one with that id); all unequal places without it.

    Raises :class:`UsageError` for an exchange or a place that is not there.
    """
    pair = _pair(comparison, exchange)
    endpoint = comparison.context.endpoint_of(pair.recorded)
    if pair.replayed is None:
        return Explained(pair.recorded.id, None, endpoint, "not_replayed", (), (f"It was not replayed: {pair.reason}",))
    context = replace(comparison.context_for(pair.replayed), trace=True)
    calls = pair.recorded_calls, pair.replayed_calls
    judgement = compare_exchange(pair.recorded, pair.replayed, context, *calls)
    judgement = judged_apart(judgement, pair.recorded, calls, comparison.open_answers, context.call_of)
    looking = _Looking(comparison, pair, pair.replayed, judgement, rules, today)
    places = tuple(looking.at(where) if where else looking.everything())
    return Explained(
        pair.recorded.id, pair.replayed.id, endpoint, judgement.column.value, places, judgement.inconclusive
    )


def _pair(comparison: Comparison, exchange: int) -> Pair:
    by_run = None
    for pair in comparison.pairs():
        if pair.recorded.id == exchange:
            return pair
        if pair.replayed is not None and pair.replayed.id == exchange:
            by_run = pair
    if by_run is not None:
        return by_run
    raise UsageError(
        f"Exchange {exchange} is none of the recorded requests that were compared.",
        hint=f"List them: retape capture ls {comparison.source_capture.path}",
    )


@dataclass(slots=True)
class _Looking:
    comparison: Comparison
    pair: Pair
    replayed: Exchange
    judgement: Judgement
    rules: Sequence[Rule]
    today: date

    def everything(self) -> Iterator[Explanation]:
        """Every unequal place, findings first."""
        for finding in self.judgement.findings:
            yield self._drift(finding)
        for accepted in self.judgement.accepted:
            yield self._accepted(accepted)
        told = {name for accepted in self.judgement.accepted for name in accepted.rules}
        for name, count in sorted(self.judgement.rules.items()):
            if name not in told:
                times = f"{count} place{'' if count == 1 else 's'}"
                yield Explanation("", "", "accepted", ABSENT, ABSENT, (name,), f"{_meaning(name)} ({times})", "", ())

    def at(self, where: str) -> Iterator[Explanation]:
        """What stands at ``where``."""
        unequal: tuple[Finding | Acceptance, ...] = (*self.judgement.findings, *self.judgement.accepted)
        try:
            part, path = parse_location(where, "PATH")
        except ConfigError:
            # A place that reports name and rules cannot: a line of a text, an attribute of a cookie.
            named = [one for one in unequal if where in (one.path, one.location)]
            if not named:
                raise
            yield from (self._drift(one) if isinstance(one, Finding) else self._accepted(one) for one in named)
            return
        if path is None:
            yield self._around(part)
            return
        yield from self._in_body(part, path)

    def _in_body(self, part: str, path: JsonPath) -> Iterator[Explanation]:
        told = False
        unequal: tuple[Finding | Acceptance, ...] = (*self.judgement.findings, *self.judgement.accepted)
        for one in unequal:
            if one.location.partition(" $")[0] != part or "$" not in one.path:
                continue
            place = _place(one.path)
            if place is None or not (path.matches(place) or path.covers(place) or path.leads_through(place)):
                continue
            told = True
            yield self._drift(one) if isinstance(one, Finding) else self._accepted(one)
        if told:
            return
        found = False
        for place, old, new in self._values(part, path):
            found = True
            outcome, why = ("equal", "both sides are the same") if old == new else ("not judged", self._unjudged())
            yield Explanation(
                f"{part} {normalised(place)}", normalised(place), outcome, old, new, (), why,
                self._samples(part, place), self._views(part, place, old, new),
            )  # fmt: skip
        if not found:
            raise UsageError(
                f"Exchange {self.pair.recorded.id} has no value at {path.text}.",
                hint=self._shown(),
            )

    def _unjudged(self) -> str:
        """Why nothing was said of a value that differs."""
        first = next(iter(self.judgement.findings), None)
        if self.judgement.column is Column.FAILED:
            said = next(iter(self.judgement.inconclusive), "") or (first.class_id if first is not None else "")
            return f"the exchange failed{f' ({said})' if said else ''}, and so nothing else of it was judged"
        return "nothing was said of it by itself"

    def _shown(self) -> str:
        return f"See what it has: retape capture show {self.comparison.source_capture.path} {self.pair.recorded.id}"

    def _values(self, part: str, path: JsonPath) -> Iterator[tuple[Place, Any, Any]]:
        old, new = self._bodies(part)
        theirs = dict(path.find(new)) if new is not ABSENT else {}
        for place, value in path.find(old) if old is not ABSENT else ():
            yield place, value, theirs.pop(place, ABSENT)
        for place, value in theirs.items():
            yield place, ABSENT, value

    def _bodies(self, part: str) -> tuple[Any, Any]:
        sides: list[Any] = [ABSENT, ABSENT]
        if part == "response.body":
            for at, exchange in enumerate((self.pair.recorded, self.replayed)):
                if exchange.response is not None:
                    decoded = decode(exchange.response.body, exchange.response.headers, DEEPEST)
                    sides[at] = decoded.value if isinstance(decoded, JsonBody) else ABSENT
            return sides[0], sides[1]
        name = part.removeprefix("outbound ").removesuffix(" request.body")
        for at, calls in enumerate((self.pair.recorded_calls, self.pair.replayed_calls)):
            for call in calls:
                if self.comparison.context.call_of(call) == name and sides[at] is ABSENT:
                    decoded = decode(call.request.body, call.request.headers, DEEPEST)
                    sides[at] = decoded.value if isinstance(decoded, JsonBody) else ABSENT
        return sides[0], sides[1]

    def _around(self, part: str) -> Explanation:
        """A header, cookie, the status or a whole call: judged as if nothing else differed."""
        for finding in self.judgement.findings:
            if finding.location == part or (part == "response.body" and finding.location.startswith(part)):
                return self._drift(finding)
        for accepted in self.judgement.accepted:
            if accepted.location == part:
                return self._accepted(accepted)
        old, new = self._sides(part)
        if old is ABSENT and new is ABSENT:
            raise UsageError(
                f"Exchange {self.pair.recorded.id} has no {part.removeprefix('response.')} on either side.",
                hint=self._shown(),
            )
        views = self._views(part, None, old, new)
        if old == new:
            return Explanation(part, part, "equal", old, new, (), "both sides are the same", "", views)
        names = tuple(sorted(self._alone(part)))
        why = "; ".join(_meaning(name) for name in names) or self._unjudged()
        outcome = "accepted" if names else "not judged"
        suggestion = self._forbidding(part, names) if part.startswith(("response.header", "response.cookie")) else None
        return Explanation(part, part, outcome, old, new, names, why, "", views, suggestion)

    def _alone(self, part: str) -> Iterable[str]:
        old, new = self.pair.recorded.response, self.replayed.response
        if old is None or new is None:
            return ()
        wanted = b"set-cookie" if part.startswith("response.cookie") else part.partition(" ")[2].encode("latin-1")
        if not part.startswith(("response.header", "response.cookie")):
            return self.judgement.rules
        kept = tuple(pair for pair in old.headers if pair[0].lower() != wanted)
        theirs = tuple(pair for pair in new.headers if pair[0].lower() == wanted)
        copy = replace(self.replayed, response=replace(old, headers=(*kept, *theirs)))
        first = replace(self.pair.recorded, response=replace(old, headers=(*kept, *_named(old.headers, wanted))))
        return compare_exchange(first, copy, self.comparison.context_for(self.replayed)).rules

    def _sides(self, part: str) -> tuple[Any, Any]:
        sides: list[Any] = []
        for exchange in (self.pair.recorded, self.replayed):
            response = exchange.response
            if response is None:
                sides.append(ABSENT)
            elif part == "response.status":
                sides.append(response.status)
            elif part == "response.reason":
                sides.append((response.reason or b"").decode("latin-1"))
            elif part.startswith(("response.header ", "response.trailer ")):
                pairs = response.headers if part.startswith("response.header") else response.trailers
                values = by_name(pairs).get(part.partition(" ")[2])
                sides.append(", ".join(values) if values else ABSENT)
            elif part.startswith("response.cookie "):
                name = part.partition(" ")[2]
                lines = by_name(response.headers).get("set-cookie", [])
                sides.append(next((line for line in reversed(lines) if line.partition("=")[0].strip() == name), ABSENT))
            elif part == "response.body":
                sides.append(f"{len(response.body):,} bytes")
            else:
                sides.append(ABSENT)
        return sides[0], sides[1]

    def _drift(self, finding: Finding) -> Explanation:
        part, place = _parted(finding.location, finding.path)
        return Explanation(
            finding.location,
            finding.path,
            "drift",
            finding.recorded,
            finding.replayed,
            (finding.class_id,),
            finding.evidence,
            self._samples(part, place),
            self._views(part, place, finding.recorded, finding.replayed),
            draft_for_finding(finding),
        )

    def _accepted(self, accepted: Acceptance) -> Explanation:
        part, place = _parted(accepted.location, accepted.path)
        meanings = "; ".join(filter(None, map(_meaning, accepted.rules)))
        return Explanation(
            accepted.location,
            accepted.path,
            "accepted",
            accepted.recorded,
            accepted.replayed,
            accepted.rules,
            "; ".join(filter(None, (accepted.why, meanings))),
            self._samples(part, place),
            self._views(part, place, accepted.recorded, accepted.replayed),
            self._forbidding(accepted.location, accepted.rules),
        )

    def _forbidding(self, location: str, accepting: tuple[str, ...]) -> RuleDraft | None:
        """What would hold the value to what was recorded, where only built-in rules accept another one."""
        if not accepting or {rule.id for rule in self.rules} & set(accepting):
            return None
        endpoint = self.comparison.context.endpoint_of(self.pair.recorded)
        return RuleDraft(endpoint, location, "equal", reason="it must not vary")

    def _samples(self, part: str, place: Place | None) -> str:
        """What the recording says of a place of a response body."""
        response = self.pair.recorded.response
        if place is None or response is None or part != "response.body":
            return ""
        context = self.comparison.context
        scope = f"{context.endpoint_of(self.pair.recorded)} {response.status}"
        node = parent = context.profile.tree(scope, "body")
        for step in place:
            parent = node
            if node is None:
                break
            node = node.items if isinstance(step, int) else node.child(step)
        if node is None:
            return "no recorded sample"
        said = [
            f"{node.seen}/{parent.objects if parent and place and isinstance(place[-1], str) else node.seen} samples"
        ]
        if node.types:
            said.append(" or ".join(sorted(node.types)))
        if node.nulls:
            said.append(f"null in {node.nulls}")
        counts = node.values.counts
        if counts:
            many = "" if node.values.complete else "more than "
            said.append(f"{many}{len(counts)} different value{'' if len(counts) == 1 else 's'}")
        return ", ".join(said)

    def _views(self, part: str, place: Place | None, old: Any, new: Any) -> tuple[RuleView, ...]:
        endpoint = self.comparison.context.endpoint_of(self.pair.recorded)
        document = self._bodies(part)[0] if place is not None else ABSENT
        return views(self.rules, endpoint, part, place, document, (old, new), self.today)


def _parted(location: str, path: str) -> tuple[str, Place | None]:
    part = location.partition(" $")[0]
    return part, _place(path) if "$" in path else None


def _place(path: str) -> Place | None:
    try:
        steps = compile_path(path[path.index("$") :]).steps
    except ConfigError:
        return None
    return tuple(step for step in steps if isinstance(step, str | int))


def _named(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(pair for pair in headers if pair[0].lower() == name)


def _meaning(rule: str) -> str:
    """What a built-in rule accepts and asserts."""
    from diffing.rulebook.builtins import BUILTIN_RULES

    for builtin in BUILTIN_RULES:
        if builtin.id == rule:
            return f"{builtin.accepts}; still asserted: {builtin.asserts}"
    return ""
