"""A search for holes: documents as services answer with, a few real changes, and what has to be said of them.

Every change is covered by a finding, none makes more than a few, and no identifier is said to be wrong unless ids were
swapped.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from diffing.model import ABSENT, Finding
from tests.diffing.pairs import judge_json

WORDS = "amber birch cedar delta ember flint grove haven iris juniper".split()
STATES = ("open", "paid", "shipped", "closed")
Place = tuple[str | int, ...]
MOST = 3
"""Findings that one change may make."""


def _hex(chance: random.Random, length: int) -> str:
    return "".join(chance.choice("0123456789abcdef") for _ in range(length))


def _moment(chance: random.Random) -> str:
    month, day, hour, second = (chance.randint(least, most) for least, most in ((1, 11), (1, 28), (0, 23), (0, 59)))
    return f"2026-{month:02d}-{day:02d}T{hour:02d}:17:{second:02d}Z"


def order(chance: random.Random, at: int) -> dict[str, Any]:
    """An order with lines."""
    return {
        "id": f"ord_{_hex(chance, 12)}" if at % 2 else 1000 + at,
        "customer_id": chance.randint(1, 9),
        "status": chance.choice(STATES),
        "created_at": _moment(chance),
        "total": chance.randint(100, 99_999) / 100,
        "lines": [
            {
                "sku": f"SKU-{chance.randint(100, 999)}",
                "quantity": chance.randint(1, 5),
                "price": chance.randint(1, 900),
            }
            for _ in range(chance.randint(1, 4))
        ],
        "address": {
            "street": chance.choice(WORDS),
            "city": chance.choice(WORDS),
            "zip": _hex(chance, 5),
        },
    }


def user(chance: random.Random, at: int) -> dict[str, Any]:
    """A user with tags and settings."""
    return {
        "uuid": f"{_hex(chance, 8)}-{_hex(chance, 4)}-4{_hex(chance, 3)}-a{_hex(chance, 3)}-{_hex(chance, 12)}",
        "name": f"{chance.choice(WORDS)} {chance.choice(WORDS)} {at}",
        "tags": chance.sample(WORDS, chance.randint(0, 3)),
        "settings": {
            "theme": chance.choice(WORDS),
            "beta": chance.random() < 0.3,
            "limit": chance.randint(1, 9),
        },
        "last_login": chance.choice([None, _moment(chance)]),
    }


def event(chance: random.Random, at: int) -> dict[str, Any]:
    """An event: nothing in it names it."""
    return {
        "kind": chance.choice(WORDS),
        "at": _moment(chance),
        "actor": {"id": chance.randint(1, 9), "role": chance.choice(["admin", "guest"])},
        "amount": chance.randint(1, 10_000),
        "flags": [chance.random() < 0.5 for _ in range(3)],
    }


def document(chance: random.Random) -> Any:
    """A list, or one in an envelope with a few members beside it."""
    make: Callable[[random.Random, int], dict[str, Any]] = chance.choice([order, user, event])
    items = [make(chance, at) for at in range(chance.randint(3, 25))]
    if chance.random() < 0.4:
        return items
    return {"data": items, "page": chance.randint(1, 9), "meta": {"server": chance.choice(WORDS), "total": len(items)}}


def _items(value: Any) -> tuple[Place, list[Any]]:
    return ((), value) if isinstance(value, list) else (("data",), value["data"])


def _leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(child, (*place, key))
    else:
        yield place, value


def _at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


def drop(value: Any, chance: random.Random) -> set[str]:
    """Take an item away."""
    _, items = _items(value)
    items.pop(chance.randrange(len(items)))
    return {"array-item-removed", "array-multiplicity"}


def duplicate(value: Any, chance: random.Random) -> set[str]:
    """Put an item in twice."""
    _, items = _items(value)
    at = chance.randrange(len(items))
    items.insert(at, copy.deepcopy(items[at]))
    return {"array-item-added", "array-multiplicity"}


def swap(value: Any, chance: random.Random) -> set[str]:
    """Swap one plain value between two items."""
    _, items = _items(value)
    one, other = chance.sample(items, 2)
    names = [
        name
        for name in one
        if name in other and one[name] != other[name] and name in ("status", "total", "kind", "amount", "name")
    ]
    if not names:
        return set()
    name = chance.choice(names)
    one[name], other[name] = other[name], one[name]
    return {"value-changed", "*"}


def leaf(value: Any, chance: random.Random) -> set[str]:
    """Change one value to another of its type."""
    stable = [
        (place, old)
        for place, old in _leaves(value)
        if place
        and str(place[-1]) not in ("id", "uuid", "created_at", "at", "last_login", "customer_id")
        and old is not None
    ]
    place, old = chance.choice(stable)
    above = _at(value, place[:-1])
    above[place[-1]] = not old if isinstance(old, bool) else old + 1 if isinstance(old, int | float) else f"{old}x"
    return {"value-changed", "*"}


def reorder(value: Any, chance: random.Random) -> set[str]:
    """Move one item elsewhere."""
    _, items = _items(value)
    one = chance.randrange(len(items))
    item = items.pop(one)
    items.insert((one + chance.randint(1, len(items))) % (len(items) + 1), item)
    return {"array-order", "order-lost"}


def rename(value: Any, chance: random.Random) -> set[str]:
    """Rename a member of all items."""
    _, items = _items(value)
    name = chance.choice([name for name in items[0] if name not in ("id", "uuid")])
    for item in items:
        if name in item:
            item[f"{name}_v2"] = item.pop(name)
    return {"field-renamed", "field-removed", "null-left-out"}


def move(value: Any, chance: random.Random) -> set[str]:
    """Move a member of the document under another."""
    if isinstance(value, list) or "meta" not in value or "server" not in value["meta"]:
        return set()
    value["moved"] = {"deeper": value.pop("meta")}
    return {"field-moved", "field-removed"}


EDITS = (drop, duplicate, swap, leaf, reorder, rename, move)


def complaints(seed: int, most: int = 2) -> list[str]:
    """What is wrong with the findings about one document with up to ``most`` changes."""
    chance = random.Random(seed)
    recorded = document(chance)
    replayed = copy.deepcopy(recorded)
    edits = [chance.choice(EDITS) for _ in range(chance.randint(1, most))]
    if rename in edits:  # of every item: counted by items
        edits = [rename]
    if edits.count(swap) > 1:  # of the same two items it might as well be the ids that were swapped
        edits = [swap]
    done = [(edit.__name__, expected) for edit in edits if (expected := edit(replayed, chance))]
    if recorded == replayed:
        return []
    findings = judge_json(json.dumps(recorded), json.dumps(replayed)).findings
    found = [finding.class_id.rpartition(".")[2] for finding in findings]
    told = [f"{name}" for name, _ in done]
    wrong = [
        f"{told}: {finding.class_id} {finding.path}" for finding in findings if finding.class_id.endswith("identity")
    ]
    if len(edits) == 1 and done and "*" not in done[0][1] and not done[0][1] & set(found):
        wrong.append(f"{told}: nothing says so: {found}")
    allowed = MOST * len(done) if rename not in edits else 2 * len(_items(recorded)[1]) + MOST
    if not findings or len(findings) > allowed:
        wrong.append(f"{told}: {len(findings)} findings: {[(f.class_id, f.path) for f in findings][:8]}")
    if len(edits) == 1 and "array-multiplicity" not in found:  # which shows the arrays
        wrong.extend(
            f"{told}: {place} is covered by nothing: {found}" for place in _uncovered(recorded, replayed, findings)
        )
    return wrong


def _uncovered(recorded: Any, replayed: Any, findings: tuple[Finding, ...]) -> Iterator[str]:
    """Values that one side has more often than the other and no finding shows."""
    sides = (side for finding in findings for side in (finding.recorded, finding.replayed) if side is not ABSENT)
    shown = " ".join(json.dumps(side, default=str) for side in sides)
    ours, theirs = ([json.dumps(value) for _, value in _leaves(side)] for side in (recorded, replayed))
    for text in {*ours, *theirs}:
        if ours.count(text) != theirs.count(text) and text not in shown:
            yield text


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 2_000, 500))
def test_changes_are_found_and_told_briefly(start: int) -> None:
    assert [wrong for seed in range(start, start + 500) for wrong in complaints(seed)] == []
