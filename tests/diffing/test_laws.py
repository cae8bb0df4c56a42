"""The laws of comparing JSON, on random documents. Derandomised: a law does not hold on some days only."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captures.formats.jsontext import Number, parse
from captures.jsonpaths import compile_path
from diffing.model import ABSENT, Column, Finding
from diffing.walk.exact import differences
from diffing.walk.flatten import flatten, same
from diffing.walk.patching import Change, apply
from tests.diffing.pairs import judge_json

LAW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LAWS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]] = {}


def law(values: st.SearchStrategy[Any]) -> Callable[[Callable[[Any], None]], Callable[[], None]]:
    """A law on a few documents now, and on many in the slow tier."""

    def decorate(test: Callable[[Any], None]) -> Callable[[], None]:
        LAWS[test.__name__] = values, test
        return LAW(given(values)(test))

    return decorate


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([Number("1.0"), Number("0.5"), Number("1.10"), Number("1.1"), 10**20]),
    st.sampled_from(["", "a", "b", "1", "true", "ord_a1b2c3d4e5", "2026-11-20T09:00:00Z", "a rather long text"]),
)
NAMES = st.sampled_from(["id", "name", "fullName", "full_name", "v", "data", "a.b", "it's", "2026-11-20"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=24,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 6), "v": SCALARS}, optional={"tags": st.lists(st.sampled_from("abc"), max_size=3)}
    ),
    max_size=7,
)
SIMPLE = st.recursive(
    st.one_of(st.booleans(), st.integers(0, 3), st.sampled_from(["x", "y", "a rather long text"])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("pqrs"), inner, max_size=4)),
    max_leaves=14,
)


@st.composite
def edited(draw: st.DrawFn, values: st.SearchStrategy[Any] = VALUES) -> tuple[Any, Any]:
    """A document and the same with some edits: what unequal documents look like in life."""
    value = draw(values)
    chance = random.Random(draw(st.integers(0, 2**32)))
    other = json.loads(dumps(value), parse_float=Number)
    for _ in range(draw(st.integers(0, 4))):
        other = _edit(other, chance)
    return value, other


def _edit(value: Any, chance: random.Random) -> Any:
    places: list[Any] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict | list):
            places.append(item)
            stack.extend(item.values() if isinstance(item, dict) else item)
    if not places or chance.random() < 0.05:
        return chance.choice([{"data": value}, [value], chance.choice([None, 1, "x"])])
    place = chance.choice(places)
    if isinstance(place, list):
        edit = chance.randrange(5)
        if edit == 0:
            chance.shuffle(place)
        elif edit == 1 and place:
            place.pop(chance.randrange(len(place)))
        elif edit == 2:
            place.insert(chance.randrange(len(place) + 1), chance.choice([1, "new", {"id": 9}, [1]]))
        elif edit == 3 and place:
            place.append(chance.choice(place))
        elif place:
            place[chance.randrange(len(place))] = chance.choice([0, True, "1", None])
        return value
    names = list(place)
    edit = chance.randrange(5)
    if edit == 0 and names:
        del place[chance.choice(names)]
    elif edit == 1:
        place[chance.choice(["added", "id", "v"])] = chance.choice([1, "a rather long text", {"x": [1, 2, 3]}])
    elif edit == 2 and names:
        place[chance.choice(["renamed", "fullName", "full_name"])] = place.pop(chance.choice(names))
    elif edit == 3 and names:
        inner = {name: place.pop(name) for name in names[: chance.randrange(1, len(names) + 1)]}
        place["wrapped"] = inner
    elif names:
        target = chance.choice(places)
        moved = place[chance.choice(names)]
        if isinstance(target, dict) and not isinstance(moved, dict | list):
            target["moved"] = moved
    return value


def dumps(value: Any) -> str:
    return json.dumps(value, default=lambda number: float(number))


def text(value: Any, *, sort: bool = False) -> str:
    """JSON text with every number as it is written."""

    def encode(item: Any) -> str:
        if isinstance(item, dict):
            names = sorted(item) if sort else item
            return "{" + ",".join(f"{json.dumps(name)}:{encode(item[name])}" for name in names) + "}"
        if isinstance(item, list):
            return "[" + ",".join(map(encode, item)) + "]"
        return str(item) if isinstance(item, Number) else json.dumps(item)

    return encode(value)


def strictly(left: Any, right: Any) -> tuple[tuple[Finding, ...], tuple[Change, ...]]:
    return differences(left, right)


@law(VALUES)
def test_a_value_equals_itself(value: Any) -> None:
    assert strictly(value, parse(text(value))[0]) == ((), ())
    judgement = judge_json(text(value), text(value) + " ")
    assert judgement.findings == ()
    assert set(judgement.rules) <= {"builtin.layout"}


@law(VALUES)
def test_permuting_keys_is_layout(value: Any) -> None:
    judgement = judge_json(text(value), text(value, sort=True))
    assert judgement.findings == ()
    assert judgement.column is (Column.SAME if text(value) == text(value, sort=True) else Column.SAME_BY_RULE), (
        judgement.rules
    )


@law(st.one_of(st.tuples(VALUES, VALUES), edited(), edited(ROWS)))
def test_unequal_values_end_as_a_finding_or_a_named_rule(pair: tuple[Any, Any]) -> None:
    left, right = pair
    findings, changes = strictly(left, right)
    assert bool(findings) == bool(changes) == (not same(left, right))
    judgement = judge_json(text(left), text(right))
    if same(left, right):
        assert judgement.findings == ()
    else:
        assert judgement.findings or set(judgement.rules) - {"builtin.layout"}
        assert "response.body.changed" not in {finding.class_id for finding in judgement.findings}


@law(st.one_of(st.tuples(VALUES, VALUES), edited(), edited(), edited(ROWS), edited(SIMPLE)))
def test_the_changes_applied_to_the_recorded_document_give_the_replayed_one(pair: tuple[Any, Any]) -> None:
    left, right = pair
    before = flatten(left)
    changes = strictly(left, right)[1]
    assert flatten(apply(left, changes)) == flatten(right), changes
    assert flatten(left) == before


@law(st.one_of(edited(SIMPLE), st.tuples(SIMPLE, SIMPLE), edited(ROWS)))
def test_swapping_the_sides_mirrors_the_differences(pair: tuple[Any, Any]) -> None:
    mirror = {"field-removed": "field-added", "array-item-removed": "array-item-added"}
    mirror |= {back: forth for forth, back in mirror.items()}
    forth, back = (_changes(*sides) for sides in (pair, pair[::-1]))
    assert Counter({mirror.get(change, change): count for change, count in forth.items()}) == back


def _changes(left: Any, right: Any) -> Counter[str]:
    return Counter(finding.class_id.rpartition(".")[2] for finding in strictly(left, right)[0])


@law(st.one_of(edited(), edited(ROWS), edited(SIMPLE)))
def test_the_paths_of_findings_resolve_in_the_document_they_speak_of(pair: tuple[Any, Any]) -> None:
    left, right = pair
    findings = [*strictly(left, right)[0], *judge_json(text(left), text(right)).findings]
    for finding in findings:
        if not finding.path.startswith("$"):
            continue
        document = right if finding.recorded is ABSENT else left
        places = list(compile_path(finding.path).find(document))
        assert len(places) == 1, (finding, document)


@law(VALUES)
def test_normalising_is_idempotent(value: Any) -> None:
    once = parse(text(value, sort=True))[0]
    assert text(once, sort=True) == text(parse(text(once, sort=True))[0], sort=True)
    assert flatten(once) == flatten(value)


@pytest.mark.parametrize("side", [0, 1])
def test_one_level_of_an_envelope_is_one_finding_whatever_else_differs_inside(side: int) -> None:
    pair: tuple[Any, Any] = ({"id": 5, "name": "a name", "n": 1}, {"data": {"id": 5, "name": "a name", "n": 2}})
    findings, _ = strictly(*(pair if not side else pair[::-1]))
    assert Counter(finding.class_id.rpartition(".")[2] for finding in findings) == {
        "field-moved": 1,
        "value-changed": 1,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_at_length(name: str) -> None:
    values, test = LAWS[name]
    settings(LAW, max_examples=500)(given(values)(test))()
