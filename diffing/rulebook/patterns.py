"""Whether a user's pattern can be matched in reasonable time, whatever text a service sends.

Python's matcher goes back and tries again: ``(a+)+`` over forty letters takes a day. How often it may have to is the
number of ways in which one text can be matched, and that is a property of the pattern alone (A. Weber and H. Seidl,
"On the degree of ambiguity of finite automata", Theoretical Computer Science 88 (1991)): it grows exponentially with
the text just when some state comes back to itself in two ways over one word, and else with a power of its length: one
for each pair of loops that can share a word out among them. The exponential ones are refused; of the others, texts are
matched up to a length that keeps them fast.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from diffing.rulebook.positions import ALL, Edge, Positions, TooLarge

LONGEST = 2_000
"""Characters of a pattern."""
STEPS = 1_000_000
"""Pairs of positions looked at before a pattern is given up as too intricate."""
CHOICES = 4_096
"""Ways that a pattern may have over one text without repeating anything."""
REACHES: Mapping[int, int | None] = {0: None, 1: None, 2: 5_000, 3: 400}
"""By the power of its length that a text costs: the longest text that is matched (None: any). No more are accepted."""

Graph = Mapping[int, Collection[int]]


class UnsafePattern(ValueError):
    """A pattern that is not accepted. The message completes "…: ``pattern`` "."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that is safe for texts of up to ``reach`` characters (None: of any length)."""

    compiled: re.Pattern[str]
    reach: int | None

    def matches(self, text: str) -> bool:
        """Whether it matches ``text`` as a whole. What is too long is not looked at: that is no match."""
        return self.within(text) and self.compiled.fullmatch(text) is not None

    def within(self, text: str) -> bool:
        """Whether ``text`` is short enough."""
        return self.reach is None or len(text) <= self.reach


def safe_pattern(text: str) -> Pattern:
    """``text`` compiled (``.`` also matches line ends).

    Raises :class:`UnsafePattern` when matching it may never end, and ``re.error`` when it is no regular expression.
    """
    if len(text) > LONGEST:
        raise UnsafePattern(f"has more than {LONGEST:,} characters")
    try:
        compiled = re.compile(text, re.DOTALL)
        # Not public, yet the only reading of a pattern that is surely Python's own.
        tree = import_module("re._parser").parse(text, re.DOTALL)
        power = _power(tree, compiled.flags)
    except (RecursionError, OverflowError) as error:
        raise UnsafePattern("is nested too deep, or repeats too often") from error
    except TooLarge as error:
        raise UnsafePattern("is too intricate to tell how long a text may take it") from error
    if power not in REACHES:
        raise UnsafePattern("repeats in so many ways that one long text may keep it busy for ever")
    return Pattern(compiled, REACHES[power])


def _power(tree: Any, flags: int) -> int:
    """The power of a text's length that matching costs at worst; 99 for what grows without any bound."""
    positions = Positions.of(tree, flags)
    return _cost(positions)


def _cost(positions: Positions) -> int:
    own = 99 if _doubled(positions) or _choices(positions) > CHOICES else _degree(positions)
    own += sum(_cost(aside) for aside in positions.asides)
    return max([own, *(_cost(aside) for aside in positions.leading)])


def _doubled(positions: Positions) -> bool:
    """Whether some position comes back to itself in two ways over one word: the number of ways then doubles."""
    steps = 0
    for group in _groups(_graph(positions)):
        inside = set(group)
        edges = {at: {to: edge for to, edge in positions.edges[at].items() if to in inside} for at in group}
        if any(edge.ways > 1 for more in edges.values() for edge in more.values()):
            return True
        seen: set[tuple[int, int]] = set()
        todo = [(at, at) for at in group]
        while todo:
            left, right = todo.pop()
            for one, over in edges[left].items():
                for other, there in edges[right].items():
                    steps += 1
                    if steps > STEPS:
                        raise TooLarge
                    if not over.over & there.over:
                        continue
                    if one == other:
                        if left != right:
                            return True
                        continue
                    pair = (one, other) if one < other else (other, one)
                    if pair not in seen:
                        seen.add(pair)
                        todo.append(pair)
    return False


def _degree(positions: Positions) -> int:
    """One for the loops of a pattern, and one for each pair of them on a way through it that can share out a word."""
    graph = _graph(positions)
    loops = [
        group
        for group in _groups(graph)
        if any(edge.open for at in group for to, edge in positions.edges[at].items() if to in group)
    ]
    if not loops:
        return 0
    most = 1
    degrees: list[tuple[set[int], int]] = []
    for group in reversed(loops):  # those that come first in a text first
        inside = set(group)
        degree = 1
        for before, known in degrees:
            if inside & _reached(graph, before):
                degree = max(degree, known + _share(positions, before, inside))
        degrees.append((inside, degree))
        most = max(most, degree)
    return most


def _share(positions: Positions, before: set[int], after: set[int]) -> bool:
    """Whether one word leads around the loop ``before``, from it to ``after``, and around that."""
    if any(positions.edges[at].get(at, Edge(0)).over == ALL and at in positions.last for at in after):
        return False  # whatever comes, the match is made: nothing is tried again
    common = _chars(positions, before) & _chars(positions, after)
    if not common:
        return False
    graph = {
        at: [to for to, edge in edges.items() if edge.over & common]
        for at, edges in enumerate(positions.edges)
        if positions.chars[at] & common
    }
    circles = [set(group) for group in _groups(graph)]
    start = {at for circle in circles if circle <= before for at in circle}
    end = {at for circle in circles if circle <= after for at in circle}
    return bool(start and end & _reached(graph, start))


def _chars(positions: Positions, group: Iterable[int]) -> int:
    chars = 0
    for at in group:
        chars |= positions.chars[at]
    return chars


def _choices(positions: Positions) -> int:
    """In how many ways at most one text can be begun to be matched, loops gone around once."""
    circling = {at: number for number, group in enumerate(_groups(_graph(positions))) for at in group}
    best: dict[int, int] = {}
    for at in _depth_first(_graph(positions)):  # what follows is known before what it follows
        edges = {
            to: edge
            for to, edge in positions.edges[at].items()
            if at not in circling or circling.get(to) != circling[at]
        }
        further = max((best.get(to, 1) for to in edges), default=1)
        best[at] = min(2 * CHOICES, further * _at_once(list(edges.values())))
    starts = [Edge(positions.chars[at], ways) for at, ways in positions.first.items()]
    return max((best.get(at, 1) for at in positions.first), default=1) * _at_once(starts)


def _at_once(edges: list[Edge]) -> int:
    """How many edges one character may lead over."""
    if len(edges) > 200:
        return len(edges)
    return max((sum(other.ways for other in edges if one.over & other.over) for one in edges), default=1)


# -- graphs -----------------------------------------------------------------------------------------------------------


def _graph(positions: Positions) -> Graph:
    return dict(enumerate(positions.edges))


def _reached(graph: Graph, start: Iterable[int]) -> set[int]:
    seen = set(start)
    todo = list(seen)
    while todo:
        for to in graph.get(todo.pop(), ()):
            if to not in seen and to in graph:
                seen.add(to)
                todo.append(to)
    return seen


def _depth_first(graph: Graph) -> list[int]:
    """The nodes, each behind all that are first reached from it."""
    order: list[int] = []
    seen: set[int] = set()
    for start in graph:
        stack: list[tuple[int, bool]] = [(start, False)]
        while stack:
            at, done = stack.pop()
            if done:
                order.append(at)
            elif at not in seen:
                seen.add(at)
                stack.append((at, True))
                stack.extend((to, False) for to in graph[at] if to not in seen and to in graph)
    return order


def _groups(graph: Graph) -> list[list[int]]:
    """The strongly connected parts that have a circle, the later ones of a way first (Kosaraju 1978)."""
    back: dict[int, list[int]] = {at: [] for at in graph}
    for at, others in graph.items():
        for to in others:
            if to in back:
                back[to].append(at)
    groups: list[list[int]] = []
    taken: set[int] = set()
    for start in reversed(_depth_first(graph)):
        if start in taken:
            continue
        taken.add(start)
        group, todo = [start], [start]
        while todo:
            for to in back[todo.pop()]:
                if to not in taken:
                    taken.add(to)
                    group.append(to)
                    todo.append(to)
        if len(group) > 1 or start in graph[start]:
            groups.append(group)
    groups.reverse()
    return groups
