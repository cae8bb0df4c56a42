"""Differences as a patch: exact, uncut, and enough to make the replayed document out of the recorded one.

Recorded places are those of the recorded document, replayed places those of the replayed one; neither is a half-patched
state in between. That is why applying goes in three steps: look up every recorded place first; then replace, take out
and put arrays in their new order, all by reference; then put in what is new, outermost first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from diffing.model import ABSENT

Trail = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One exact difference. ``arrange``: an array whose items ``pairs`` (old position, new position) are kept."""

    operation: str  # "replace", "remove", "add", "move" (renames, too) or "arrange"
    recorded: Trail | None  # None: only the replayed document has the place
    replayed: Trail | None
    before: Any = ABSENT  # whole values, not copies
    after: Any = ABSENT
    pairs: tuple[tuple[int, int], ...] = ()


_HOLE = object()


def apply(recorded: Any, changes: Iterable[Change]) -> Any:
    """The replayed document, made of the recorded one (which stays as it is) and all changes of a comparison."""
    holder: dict[str | int, Any] = {"": _copied(recorded)}
    found = [(change, *_container(holder, change.recorded)) for change in changes]
    for change, where, key in found:
        if change.operation == "replace":
            where[key] = _copied(change.after)
    put: list[tuple[Trail, Any]] = []
    arrays = [(change, where[key]) for change, where, key in found if change.operation == "arrange"]
    cut = sorted(
        (entry for entry in found if entry[0].operation in ("move", "remove")),
        key=lambda entry: -len(entry[0].recorded or ()),
    )
    for change, where, key in cut:
        value = where[key]
        if isinstance(where, list):
            where[key] = _HOLE  # positions of the others still count
        else:
            del where[key]
        if change.operation == "move" and change.replayed is not None:
            put.append((change.replayed, value))
    for change, array in arrays:
        old = list(array)
        array[:] = [_HOLE] * len(change.after)
        for one, other in change.pairs:
            array[other] = old[one]
    put.extend(
        (change.replayed, _copied(change.after))
        for change, _, _ in found
        if change.operation == "add" and change.replayed is not None
    )
    for trail, value in sorted(put, key=lambda entry: len(entry[0])):
        where, key = _container(holder, trail)
        where[key] = value
    return holder[""]


def _container(holder: dict[str | int, Any], trail: Trail | None) -> tuple[Any, Any]:
    """The array or object that holds a place, and the key in it."""
    if trail is None:
        return None, None
    where: Any = holder
    key: str | int = ""
    for step in trail:
        where, key = where[key], step
    return where, key


def _copied(value: Any) -> Any:
    """A copy of arrays and objects at any depth."""
    out: list[Any] = [value]
    stack: list[tuple[Any, Any]] = [(out, 0)]
    while stack:
        where, key = stack.pop()
        item = where[key]
        if type(item) is dict:
            where[key] = copy = dict(item)
            stack.extend((copy, name) for name, child in copy.items() if type(child) in (dict, list))
        elif type(item) is list:
            where[key] = copied = list(item)
            stack.extend((copied, at) for at, child in enumerate(copied) if type(child) in (dict, list))
    return out[0]
