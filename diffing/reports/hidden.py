"""Drift that rules let pass: by rule and place, with both values of a few and why each passed. Pure, bounded."""

from __future__ import annotations

from typing import Any

from captures.visible import visible
from diffing.model import Acceptance, Result
from diffing.reports.values import shown_pair
from diffing.rulebook.builtins import BUILTIN_RULES

PLACES = 50  # of one rule
EXAMPLES = 1_500  # in all
VALUE = 300  # characters
BUILT_IN = ("builtin.", "volatile.")


def view(result: Result) -> dict[str, Any]:
    """Rules in the order of their use, the user's own first."""
    known = {rule.id: rule for rule in BUILTIN_RULES}
    room = EXAMPLES
    rules = []
    for identity, used in sorted(result.rules, key=lambda entry: entry[0].startswith(BUILT_IN)):
        places = [(place, count) for place, count in result.rule_places.items() if place[0] == identity]
        rows = []
        for place, count in places[:PLACES]:
            examples = [_example(*one) for one in result.rule_examples.get(place, ())[: max(room, 0)]]
            room -= len(examples)
            rows.append([visible(place[1]), visible(place[2]), count, examples])
        told = known.get(identity)
        rules.append(
            {
                "id": visible(identity),
                "own": not identity.startswith(BUILT_IN),
                "accepts": told.accepts if told else "",
                "asserts": told.asserts if told else _demands(result, identity),
                "used": used,
                "places": rows,
                "more": max(0, len(places) - PLACES),
            }
        )
    return {"rules": rules, "total": sum(used for _, used in result.rules)}


def _demands(result: Result, identity: str) -> str:
    """What a user's rule demands, as the examples of its use say it."""
    every = (one for (rule, _, _), found in result.rule_examples.items() if rule == identity for _, one in found)
    return visible(next((one.why for one in every if one.why), ""))


def _example(exchange: int, one: Acceptance) -> list[Any]:
    before, after = shown_pair(one.recorded, one.replayed, VALUE)
    return [exchange, visible(one.path), before, after, visible(one.why)]
