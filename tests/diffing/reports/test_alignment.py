from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffing.reports.alignment import (
    DEPTH,
    Mark,
    Row,
    align_json,
    align_text,
    folded,
    in_reading_order,
    pair_items,
)
from diffing.reports.claims import Claims
from diffing.reports.decided import Decided
from diffing.reports.messages import body_detail
from tests.corpus import each
from tests.diffing.reports.test_values import JSON


def drawn(rows: list[Row]) -> list[str]:
    """``mark left | right``, equal rows left out."""
    return [f"{row.mark.value} {row.left} | {row.right}" for row in rows if row.mark is not Mark.SAME]


@each(
    ("left", "right", "rows"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ['~ "a": 1 | "a": 2']),
        ({"a": 1, "b": 2}, {"b": 2}, ['- "a": 1 | None']),
        ({"b": 2}, {"a": 1, "b": 2}, ['+ None | "a": 1']),
        ({"a": {"x": 1}}, {"a": "1"}, ['- "a": { | None', '- "x": 1 | None', "- } | None", '+ None | "a": "1"']),
        ([1, 2, 3], [0, 1, 2, 3], ["+ None | 0"]),
        (
            [{"id": 1, "n": 1}, {"id": 2, "n": 1}],
            [{"id": 2, "n": 1}, {"id": 1, "n": 5}],
            ["m { | {", '~ "n": 1 | "n": 5'],
        ),
        ([{"id": 1}], [{"id": 1}, {"id": 2}], ["+ None | {", '+ None | "id": 2', "+ None | }"]),
        ("a\x1b", "b", ['~ "a\\u001b" | "b"']),
        (1, True, ["~ 1 | true"]),
    ],
)
def test_json_is_aligned_as_a_tree(left: Any, right: Any, rows: list[str]) -> None:
    assert drawn(align_json(left, right)) == rows


@given(JSON, JSON)
@pytest.mark.slow
def test_there_is_a_difference_exactly_when_the_values_differ(left: Any, right: Any) -> None:
    assert drawn(align_json(left, left)) == []
    marks = {row.mark for row in align_json(left, right)}
    assert (marks <= {Mark.SAME}) == (align_json(left, left) == align_json(left, right))


def test_a_moved_item_says_so() -> None:
    rows = align_json([{"id": n} for n in (1, 2, 3)], [{"id": n} for n in (3, 1, 2)])
    assert [row.note for row in rows if row.note] == ["moved: was item 3, is item 1"] or [
        row.note for row in rows if row.note
    ] == ["moved: was item 2, is item 3"]


def test_what_a_rule_accepted_is_marked() -> None:
    rows = align_json({"at": 1, "n": 1}, {"at": 2, "n": 2}, lambda left, _right: left == ("at",))
    assert drawn(rows) == ['r "at": 1 | "at": 2', '~ "n": 1 | "n": 2']
    assert [row.path for row in rows if row.path] == ["$.at", "$.n"]


def test_items_meet_as_the_comparison_paired_them() -> None:
    left, right = [{"v": "a", "n": 1}, {"v": "b", "n": 2}], [{"v": "x", "n": 2}, {"v": "y", "n": 1}, {"v": "z", "n": 3}]
    decided = Decided(words={"$[0].v": "uuid v4 (volatile.uuid)"}, pairs={(): ((0, 1), (1, 0))})
    rows = align_json(left, right, lambda left, _right: left[-1:] == ("v",), decided)
    assert drawn(rows) == [
        "m { | {", 'r "v": "a" | "v": "y"', "+ None | {", '+ None | "v": "z"', '+ None | "n": 3', "+ None | }",
        'r "v": "b" | "v": "x"',
    ]  # fmt: skip
    assert [row.note for row in rows if row.note] == ["moved: was item 1, is item 2", "uuid v4 (volatile.uuid)"]


def test_a_field_that_moved_is_said_to_have_moved() -> None:
    decided = Decided(went={("a",): ("b", "a")}, came={("b", "a"): ("a",)})
    rows = align_json({"a": 1, "b": {}}, {"b": {"a": 1}}, decided=decided)
    assert [(row.mark, row.note) for row in rows if row.note] == [
        (Mark.REMOVED, "moved to $.b.a"),
        (Mark.ADDED, "moved from $.a"),
    ]


@given(st.data())
def test_reading_order_holds_every_item_once(data: st.DataObject) -> None:
    left, right = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 6))
    ours = data.draw(st.permutations(range(left)))
    theirs = data.draw(st.permutations(range(right)))
    pairs = tuple(sorted(zip(ours, theirs, strict=False)))[: data.draw(st.integers(0, 6))]
    rows = in_reading_order(pairs, left, right)
    assert [one for one, _ in rows if one is not None] == list(range(left))
    assert sorted(other for _, other in rows if other is not None) == list(range(right))
    assert set(pairs) <= set(rows)


def test_deep_documents_end_in_one_line() -> None:
    left: Any = 1
    right: Any = 2
    for _ in range(890):
        left, right = {"a": left}, {"a": right}
    rows = align_json(left, right)
    assert len(rows) == 2 * DEPTH + 1
    assert [row.mark for row in rows if row.mark is not Mark.SAME] == [Mark.CHANGED]


def test_pairs_without_a_key_go_by_likeness_then_position() -> None:
    assert pair_items(["a", "b", "c"], ["b", "c"]) == [(0, None), (1, 0), (2, 1)]
    assert pair_items([], [1]) == [(None, 0)]
    assert pair_items([{"id": 1}, {"id": 1}], [{"id": 1}]) == [(0, 0), (1, None)]
    many = list(range(600))
    assert pair_items(many, many[1:])[0] == (0, 0)


def test_text_is_aligned_by_lines() -> None:
    assert drawn(align_text("a\nb\nc", "a\nc\nd")) == ["- b | None", "+ None | d"]
    assert drawn(align_text("a", "b", accepted=True)) == ["r a | b"]
    left = "\n".join(f"line {n}" for n in range(900))
    assert [row.mark for row in align_text(left, left + "\nmore") if row.mark is not Mark.SAME] == [Mark.ADDED]


def test_equal_runs_give_way_first() -> None:
    rows = [Row(Mark.SAME, 0, "x", "x")] * 100 + [Row(Mark.CHANGED, 0, "a", "b")] + [Row(Mark.SAME, 0, "x", "x")] * 100
    kept, lost = folded(rows, most=20)
    assert [row.mark.value for row in kept] == list("f===~===f")
    assert (kept[0].left, lost) == ("97", 0)
    assert folded(rows, most=500) == (rows, 0)
    assert folded([Row(Mark.CHANGED, 0, "a", "b")] * 30, most=10)[1] == 20


@given(st.lists(st.sampled_from(["a", "b"])), st.lists(st.sampled_from(["a", "b"])))
def test_every_item_is_paired_once(left: list[str], right: list[str]) -> None:
    pairs = pair_items(left, right)
    assert [one for one, _ in pairs if one is not None] == list(range(len(left)))
    assert sorted(other for _, other in pairs if other is not None) == list(range(len(right)))


@pytest.mark.slow
def test_bodies_of_ten_thousand_levels_are_shown() -> None:
    head = ((b"Content-Type", b"application/json"),)
    claims = Claims.of((), side="response", ruled=False)
    one, other = (b'{"a":[' * 4_900 + digit + b"]}" * 4_900 for digit in (b"1", b"2"))
    detail = body_detail(one, head, other, head, claims)
    assert detail["form"] == "json"
    assert detail["lost"] == 0
    assert sum(row[0] == Mark.CHANGED for row in detail["rows"]) == 1
    assert body_detail(one, head, one + b" ", head, claims)["form"] == "json"
    assert len(json.dumps(detail["rows"])) < 100_000
