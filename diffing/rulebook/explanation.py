"""What ``retape rules explain`` says, as data, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from diffing.model import ABSENT
from diffing.rulebook.rulesfile import RuleDraft
from diffing.rulebook.ruleview import RuleView


@dataclass(frozen=True, slots=True)
class Explanation:
    """One place of one exchange."""

    location: str  # generalised
    path: str  # exact
    outcome: str  # "equal", "accepted", "drift", "not judged"
    recorded: Any
    replayed: Any
    by: tuple[str, ...]  # the class of a drift, the rules of an acceptance
    why: str  # evidence, signals
    samples: str  # what the recording says of the place
    rules: tuple[RuleView, ...]
    suggestion: RuleDraft | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """One exchange: every place that was asked for."""

    exchange: int
    replayed: int | None
    endpoint: str
    column: str
    places: tuple[Explanation, ...]
    notes: tuple[str, ...] = ()


def as_rows(explained: Explained) -> Mapping[str, Any]:
    """The explanation as JSON data."""
    from diffing.rulebook.suggesting import as_row

    def value(one: Any) -> Any:
        return {"absent": True} if one is ABSENT else {"value": one}

    return {
        "exchange": explained.exchange,
        "replayed": explained.replayed,
        "endpoint": explained.endpoint,
        "column": explained.column,
        "notes": list(explained.notes),
        "places": [
            {
                "location": one.location,
                "path": one.path,
                "outcome": one.outcome,
                "recorded": value(one.recorded),
                "replayed": value(one.replayed),
                "by": list(one.by),
                "why": one.why,
                "samples": one.samples,
                "rules": [
                    {"id": rule.id, "state": rule.state, "why": rule.why, "expects": rule.expects} for rule in one.rules
                ],
                "suggestion": as_row(one.suggestion) if one.suggestion else None,
            }
            for one in explained.places
        ],
    }


def lines(explained: Explained, *, table: bool) -> Iterator[str]:
    """The explanation for people; ``table``: one line per place."""
    from diffing.classes import class_of
    from diffing.reports.values import shown_pair
    from diffing.rulebook.rulesfile import written

    answered = f", replayed as {explained.replayed}" if explained.replayed is not None else ""
    yield f"Exchange {explained.exchange}{answered}: {explained.endpoint}  ({explained.column.replace('_', ' ')})"
    yield from (f"  {note}" for note in explained.notes)
    if not explained.places and not explained.notes:
        yield "  Every byte that counts is the same on both sides."
    for one in explained.places:
        old, new = shown_pair(one.recorded, one.replayed, 60 if table else 160)
        by = ", ".join(one.by)
        if table:
            values = f"  {old} -> {new}" if one.path else ""
            where = one.path if one.location.startswith("response") else one.location
            yield f"  {one.outcome:<8}  {where or '(no single place)'}{values}  [{by}]"
            continue
        yield ""
        yield f"{one.location}" + (f"   here {one.path}" if one.path and one.path not in one.location else "")
        yield f"  recorded   {old}"
        yield f"  replayed   {new}"
        verdict = {"drift": f"drift, class {by}", "accepted": f"accepted by {by}"}.get(one.outcome, one.outcome)
        yield f"  verdict    {verdict}"
        if one.outcome == "drift":
            yield f"             {class_of(one.by[0]).meaning}"
        if one.why:
            yield f"  why        {one.why}"
        if one.samples:
            yield f"  recording  {one.samples}"
        for rule in one.rules:
            yield f'  rule       "{rule.id}" {rule.state}: {rule.why} (it expects {rule.expects})'
        if not one.rules and one.outcome != "equal":
            yield "  rule       none of yours names this place"
        if one.suggestion is not None:
            yield "  To let it pass and still assert something:" if one.outcome == "drift" else "  To forbid it:"
            yield ""
            yield from (f"    {line}" for line in written(one.suggestion).rstrip().splitlines())
