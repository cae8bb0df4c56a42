"""Many values of one place counted at once: the items of an array, or one member of all of them.

Rows of a table have the same members in the same order. Column by column almost all of the counting is done by the
interpreter's own loops; the counts are those that each value alone would have come to.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from diffing.contract.sketch import LONG, brief

if TYPE_CHECKING:
    from diffing.contract.profile import Node

FEWEST = 4  # values; of fewer each is counted by itself

CONTAINERS = frozenset({dict, list})


def same_names(items: tuple[dict[str, Any], ...]) -> bool:
    """Whether all objects have the same members in the same order."""
    names = tuple(items[0])
    return all(map(names.__eq__, map(tuple, items)))


def count_scalars(node: Node, values: tuple[Any, ...]) -> None:
    """Count scalars in all but ``node.seen``."""
    kinds = dict.fromkeys(map(type, values))
    for kind in kinds:
        some: Any = values if len(kinds) == 1 else [value for value in values if type(value) is kind]
        if kind is str:
            _strings(node, some)
        elif kind is int:
            _numbers(node, some)
        elif kind is bool:
            _note(node, "boolean", len(some))
            _add(node, [(value,) for value in some])  # as values: True itself equals 1
        elif kind is type(None):
            node.nulls += len(some)
            _note(node, "null", len(some))
        else:
            node.fractions += len(some)
            floats = [float(value) for value in some]
            _numbers(node, [value for value in floats if value == value], len(floats))  # NaN is of no range


def _strings(node: Node, values: Any) -> None:
    _note(node, "string", len(values))
    lengths = list(map(len, values))
    longest = max(lengths)
    node.shortest = min(node.shortest, min(lengths))
    node.longest = max(node.longest, longest)
    _add(node, values if longest <= LONG else [value if len(value) <= LONG else brief(value) for value in values])


def _numbers(node: Node, values: Any, count: int | None = None) -> None:
    _note(node, "number", len(values) if count is None else count)
    if values:
        node.low, node.high = min(node.low, min(values)), max(node.high, max(values))
        _add(node, values)


def _note(node: Node, name: str, times: int) -> None:
    node.types[name] = node.types.get(name, 0) + times


def _add(node: Node, values: Any) -> None:
    add = node.values.add
    for value, times in Counter(values).items():
        add(value, times)
