"""Spans of ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from captures.spans import Spans, spans_of

IDS = st.sets(st.integers(1, 60))


@given(IDS, IDS)
def test_spans_hold_what_was_given_and_nothing_else_among_those_known(ids: set[int], others: set[int]) -> None:
    among = sorted(ids | others)
    spans = Spans.of(spans_of(sorted(ids), among))
    assert spans is not None
    assert [one for one in among if one in spans] == sorted(ids)
    exact = Spans.of(spans_of(sorted(ids)))
    assert exact is not None
    assert [one for one in range(70) if one in exact] == sorted(ids)


def test_ids_with_calls_between_them_are_one_span() -> None:
    assert spans_of([1, 5, 9], [1, 5, 9, 12]) == [[1, 9]]
    assert spans_of([1, 5, 9]) == [[1, 1], [5, 5], [9, 9]]
    assert spans_of([], [1, 2]) == []
    assert Spans.of(None) is None
