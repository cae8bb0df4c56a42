"""The rules that stand before one, by where they apply: only those that could collide with it are looked at.

Each rule asked of every other would take the square of their number. Two rules name a place in common only when their
paths begin and end alike, or with a step that stands for many; so rules are kept by part, by both ends of the path and
by endpoint. What is found here may collide; whether it does :mod:`diffing.rulebook.rulelint` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import Generic, TypeVar

from captures.jsonpaths import Step
from diffing.rulebook.rules import Rule

_Kept = TypeVar("_Kept")
_End = Step | None
_WHOLE = "\x00whole"
"""In place of both ends where there is no path, or one without steps."""


@dataclass(slots=True)
class _Names(Generic[_Kept]):
    """What is kept under names and globs."""

    known: dict[str, _Kept] = field(default_factory=dict)
    stars: dict[str, list[str]] = field(default_factory=dict)  # globs of * alone, by what stands before the first one
    lengths: set[int] = field(default_factory=set)  # of what stands there
    odd: list[str] = field(default_factory=list)  # globs with ? or [

    def put(self, name: str, kept: _Kept) -> None:
        """Keep something under a name that has nothing yet."""
        self.known[name] = kept
        if "?" in name or "[" in name:
            self.odd.append(name)
        elif "*" in name:
            before = name.partition("*")[0]
            self.stars.setdefault(before, []).append(name)
            self.lengths.add(len(before))

    def covering(self, name: str) -> Iterator[_Kept]:
        """What is kept under ``name`` and under globs that may match it."""
        if name in self.known:
            yield self.known[name]
        for length in self.lengths:
            for glob in self.stars.get(name[:length], ()):
                if glob != name:
                    yield self.known[glob]

    def related(self, name: str) -> Iterator[_Kept]:
        """The same, and what is kept under names that ``name`` may match, or that may match something it does."""
        if set("*?[") & set(name):
            yield from self.known.values()
            return
        yield from self.covering(name)
        for glob in self.odd:
            yield self.known[glob]


_Ends = dict[_End, dict[_End, _Names[list[int]]]]


@dataclass(slots=True)
class RuleIndex:
    """Rules by number; what is asked for comes in their order."""

    _parts: _Names[_Ends] = field(default_factory=_Names)

    def add(self, number: int, rule: Rule) -> None:
        """Keep a rule. To be called with ascending numbers."""
        if rule.part not in self._parts.known:
            self._parts.put(rule.part, {})
        first, last = _ends(rule)
        names = self._parts.known[rule.part].setdefault(first, {}).setdefault(last, _Names())
        if rule.endpoint not in names.known:
            names.put(rule.endpoint, [])
        names.known[rule.endpoint].append(number)

    def covering(self, rule: Rule) -> Iterator[int]:
        """Those that may name every place of ``rule``."""
        first, last = _ends(rule)
        found = (
            numbers
            for ends in self._parts.covering(rule.part)
            for one in {first, None}
            for other in {last, None}
            if (names := ends.get(one, {}).get(other)) is not None
            for numbers in names.covering(rule.endpoint)
        )
        return merge(*found)

    def meeting(self, rule: Rule) -> Iterator[int]:
        """Those that may name some place of ``rule``."""
        first, last = _ends(rule)
        found = (
            numbers
            for ends in self._parts.related(rule.part)
            for below in _alike(ends, first)
            for names in _alike(below, last)
            for numbers in names.related(rule.endpoint)
        )
        return merge(*found)


def _alike(kept: dict[_End, _Kept], end: _End) -> Iterable[_Kept]:
    """What is kept under an end that may mean what ``end`` does; None means anything."""
    if end is None:
        return kept.values()
    return [kept[key] for key in (end, None) if key in kept]


def _ends(rule: Rule) -> tuple[_End, _End]:
    """First and last step of the path; None for one that stands for many."""
    steps = rule.path.steps if rule.path is not None else ()
    if not steps:
        return _WHOLE, _WHOLE
    first, last = (step if isinstance(step, str | int) else None for step in (steps[0], steps[-1]))
    return first, last
