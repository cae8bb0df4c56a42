"""Differences as a patch: exact whatever moved where, and uncut. The law itself is in ``test_laws``."""

from __future__ import annotations

from collections import Counter
from typing import Any

from diffing.walk.exact import differences
from diffing.walk.flatten import flatten
from diffing.walk.patching import apply
from tests.corpus import each
from tests.diffing.test_jsonwalk import nested

BIG = {"street": "Main Street 5", "city": "Springfield", "zip": "90210"}


@each(
    ("left", "right", "operations"),
    [
        (1, 2, {"replace": 1}),
        ({"a": 1}, [1], {"replace": 1}),
        ({"a": 1, "b": 2}, {"b": 2}, {"remove": 1}),
        ({"b": 2}, {"a": 1, "b": 2}, {"add": 1}),
        ({"full_name": "x"}, {"fullName": "x"}, {"move": 1}),
        ([1, 2, 3], [3, 1, 2], {"arrange": 1}),
        ([1, 2], [9, 1, 2], {"arrange": 1, "add": 1}),
        ([1, 2, 2], [1, 2], {"arrange": 1, "remove": 1}),
        ({"id": 1, "name": "Ann"}, {"data": {"id": 1, "name": "Ann"}}, {"add": 1, "move": 2}),
        ({"data": {"id": 1, "name": "Ann"}}, {"id": 1, "name": "Ann"}, {"remove": 1, "move": 2}),
        ([{"id": 1, "a": 2}, {"id": 2}], {"data": [{"id": 2}, {"id": 1, "a": 3}]}, {"add": 1, "move": 1, "arrange": 1}),
        ({"data": [1, 2, 3], "n": 3}, [1, 2, 3], {"move": 1, "remove": 1}),
        ({"a": {"x": BIG, "k": 1}, "b": {}}, {"a": {"k": 1}, "b": {"y": {**BIG}}}, {"move": 1}),
        (nested("[", 5_000, 1), nested("[", 5_000, 2), {"replace": 1}),
        (nested("{", 5_000, BIG), nested("{", 5_000, {**BIG, "city": "Shelbyville"}), {"replace": 1}),
    ],
)
def test_the_operations_of_a_patch(left: Any, right: Any, operations: dict[str, int]) -> None:
    changes = differences(left, right)[1]
    counted = Counter(change.operation for change in changes)
    assert {name: counted[name] for name in operations} == operations
    assert flatten(apply(left, changes)) == flatten(right)


def test_values_are_whole() -> None:
    left, right = {"a": "x" * 5_000}, {"a": "y" * 5_000}
    change = differences(left, right)[1][0]
    assert (change.recorded, change.replayed, change.before, change.after) == (("a",), ("a",), "x" * 5000, "y" * 5000)
