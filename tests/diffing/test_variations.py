"""How far two values of one generator may differ in form, on evidence of the recording alone."""

from __future__ import annotations

import pytest

from diffing.contract.profile import Node
from diffing.values.variations import about_as_long, same_form
from diffing.values.volatile import shape_of
from tests.corpus import each


def node(*recorded: str, seen: int = 0) -> Node:
    made = Node(seen=seen or len(recorded))
    for text in recorded:
        shape = shape_of(text)
        assert shape is not None
        made.facets.add((shape.kind, *shape.facets))
        made.shortest, made.longest = min(made.shortest, len(text)), max(made.longest, len(text))
    return made


def at(fraction: str, zone: str = "Z") -> str:
    return f"2026-11-20T09:00:00{fraction}{zone}"


@each(
    ("recorded", "old", "new", "same"),
    [
        ((at(".123"),), at(".123"), at(".12"), False),
        ((at(".123"), at(".12")), at(".123"), at(".1"), True),
        ((at(".123"), at(".12")), at(".123"), at(""), False),
        ((at(".123"), at("")), at(".123"), at(".5"), True),
        ((at(".123456789"),), at(".123456789"), at(".12345678"), True),
        ((at(".123456789"),), at(".123456789"), at(".123456"), False),
        ((at(".123456789"), at(".123456")), at(".123456789"), at(".123"), False),
        ((at(".123", ""), at(".123")), at(".123"), at(".123", ""), False),
        ((at(".123", "+00:00"), at(".123")), at(".123"), at(".456", "+00:00"), True),
        ((at(".123"),), at(".123"), at(".456", "+00:00"), False),
        (("9f8e7d6c5b4a3f2e",), "9f8e7d6c5b4a3f2e", "1f8e7d6c", False),
        (("9f8e7d6c5b4a3f2e", "2f8e7d6c"), "9f8e7d6c5b4a3f2e", "1f8e7d6c", True),
    ],
)
def test_only_what_was_recorded_varies(recorded: tuple[str, ...], old: str, new: str, same: bool) -> None:
    one, other = shape_of(old), shape_of(new)
    assert one is not None
    assert other is not None
    assert same_form(one, other, node(*recorded)) is same


def test_many_samples_of_one_length_leave_no_zeros_out() -> None:
    one, other = shape_of(at(".123456")), shape_of(at(".12345"))
    assert one is not None
    assert other is not None
    assert same_form(one, other, node(at(".123456"), seen=5))
    assert same_form(one, other, None)
    assert not same_form(one, other, node(at(".123456"), seen=100))


@pytest.mark.parametrize(("old", "new", "same"), [(24, 24, True), (24, 20, True), (24, 12, False), (12, 24, False)])
def test_lengths_of_tokens(old: int, new: int, same: bool) -> None:
    assert about_as_long("a" * old, "b" * new) is same
    lengths = Node(shortest=12, longest=24)
    assert about_as_long("a" * old, "b" * new, lengths)
    assert not about_as_long("a" * 24, "b" * 6, lengths)
