"""Many JSON paths as one: which of them name a place, found in the same walk that finds the place.

The paths are a non-deterministic automaton over the steps of a document; its states are made when the walk first needs
them, so a document costs one dictionary access per member however many rules there are. Only where a filter stands
(``[?@.kind == 'card']``) is a child looked at, and only by the filters that stand there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from captures.jsonpaths import Any_, Filter, Slice, Step

T = TypeVar("T")
_Path = tuple[int, T, tuple[Step, ...]]


class RuleState(Generic[T]):
    """Where a walk stands in the paths of all rules. ``here``: those whose path ends here, in their given order.

    ``filtered``: what a step leads to depends on the child, too; then go on from ``on(container)``.
    """

    __slots__ = ("_after", "_known", "_open", "filtered", "here")

    def __init__(self, paths: Iterable[_Path[T]]) -> None:
        closed: dict[tuple[int, tuple[Step, ...]], T] = {}
        for at, owner, steps in paths:
            closed[at, steps] = owner
            while steps and steps[0] is Any_.DESCENDANTS:
                steps = steps[1:]
                closed[at, steps] = owner
        ordered = sorted(closed.items(), key=lambda entry: entry[0][0])
        self.here: tuple[T, ...] = tuple(dict.fromkeys(owner for (_, steps), owner in ordered if not steps))
        self._open: list[_Path[T]] = [(at, owner, steps) for (at, steps), owner in ordered if steps]
        # Keys that some step tells from others; an index also where a slice may hold for it.
        self._known = {steps[0] for _, _, steps in self._open if isinstance(steps[0], str | int)}
        sliced = any(isinstance(steps[0], Slice) for _, _, steps in self._open)
        self.filtered = tuple(dict.fromkeys(steps[0] for _, _, steps in self._open if isinstance(steps[0], Filter)))
        self._after: dict[object, RuleState[T] | None] = {}
        if sliced:
            self._known = _Every(self._known)

    def step(self, key: str | int, holding: tuple[Filter, ...] = ()) -> RuleState[T] | None:
        """The state after member or index ``key``; None when no path goes on there. ``holding``: the filters met."""
        slot: object = key if key in self._known else type(key)
        if holding:
            slot = (slot, holding)
        if slot not in self._after:
            made = self._made(key, holding)
            if len(self._after) >= REMEMBERED:
                return made
            self._after[slot] = made
        return self._after[slot]

    def on(self, container: Any) -> RuleState[T]:
        """The same state, with its filters looking at the children of ``container``."""
        return _Looking(self, container) if self.filtered else self

    def _made(self, key: str | int, holding: tuple[Filter, ...]) -> RuleState[T] | None:
        on: list[_Path[T]] = []
        for at, owner, steps in self._open:
            head = steps[0]
            if head is Any_.DESCENDANTS:
                on.append((at, owner, steps))
            elif (
                head is Any_.CHILD
                or (type(head) is type(key) and head == key)
                or (isinstance(head, Slice) and isinstance(key, int) and head.holds(key))
                or (isinstance(head, Filter) and head in holding)
            ):
                on.append((at, owner, steps[1:]))
        return RuleState(on) if on else None


class _Looking(RuleState[T]):
    """A state at one container: a step is taken with the filters that its child satisfies."""

    __slots__ = ("_container", "_state")

    def __init__(self, state: RuleState[T], container: Any) -> None:
        self.here = state.here
        self.filtered = state.filtered
        self._state = state
        self._container = container

    def step(self, key: str | int, holding: tuple[Filter, ...] = ()) -> RuleState[T] | None:
        try:
            child = self._container[key]
        except (KeyError, IndexError, TypeError):
            return self._state.step(key, holding)
        return self._state.step(key, tuple(one for one in self.filtered if one.holds(child)))


class _Every(set[Any]):
    """Every index by itself, and the names that are known."""

    def __contains__(self, key: object) -> bool:
        return type(key) is int or super().__contains__(key)


REMEMBERED = 10_000
"""Steps remembered by one state: a slice tells every index of a long array apart."""


def tree(paths: Iterable[tuple[T, tuple[Step, ...]]]) -> RuleState[T]:
    """The first state of ``paths``, each with the rule it belongs to; earlier ones come first in ``here``."""
    return RuleState((at, owner, steps) for at, (owner, steps) in enumerate(paths))
