"""Two JSON paths as sets of places: whether one holds all places of the other, whether they have one in common."""

from __future__ import annotations

from captures.jsonpaths import Any_, Filter, Slice, Step

Steps = tuple[Step, ...]


def includes(wide: Steps, narrow: Steps) -> bool:
    """Whether ``wide`` names every place that ``narrow`` does. May be False where it takes a document to tell."""
    seen: set[tuple[int, frozenset[int]]] = set()
    todo = [(0, _closed(wide, {0}))]
    while todo:
        at, states = todo.pop()
        if (at, states) in seen:
            continue
        seen.add((at, states))
        if at == len(narrow):
            if len(wide) not in states:
                return False
            continue
        head = narrow[at]
        if head is Any_.DESCENDANTS:
            todo.append((at + 1, states))
            todo.append((at, _moved(wide, states, Any_.CHILD)))
        else:
            todo.append((at + 1, _moved(wide, states, head)))
    return True


def meet(one: Steps, other: Steps) -> bool:
    """Whether some place may be named by both."""
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        left, right = todo.pop()
        if (left, right) in seen:
            continue
        seen.add((left, right))
        if left == len(one) and right == len(other):
            return True
        if left < len(one) and one[left] is Any_.DESCENDANTS:
            todo.append((left + 1, right))
            if right < len(other):
                todo.append((left, right + 1))
        elif right < len(other) and other[right] is Any_.DESCENDANTS:
            todo += [(left, right + 1)] + ([(left + 1, right)] if left < len(one) else [])
        elif left < len(one) and right < len(other) and _alike(one[left], other[right]):
            todo.append((left + 1, right + 1))
    return False


def _closed(steps: Steps, states: set[int]) -> frozenset[int]:
    out = set(states)
    for at in states:
        while at < len(steps) and steps[at] is Any_.DESCENDANTS:
            at += 1
            out.add(at)
    return frozenset(out)


def _moved(steps: Steps, states: frozenset[int], by: Step) -> frozenset[int]:
    """Where ``steps`` stand after one more step ``by``; a wildcard is followed by wildcards alone."""
    out: set[int] = set()
    for at in states:
        if at == len(steps):
            continue
        head = steps[at]
        if head is Any_.DESCENDANTS:
            out.add(at)
        elif (
            head is Any_.CHILD
            or (head == by and type(head) is type(by))
            or (isinstance(head, Slice) and isinstance(by, int) and head.holds(by))
        ):
            out.add(at + 1)
    return _closed(steps, out)


def _alike(one: Step, other: Step) -> bool:
    """Whether one child may be meant by both steps."""
    if isinstance(one, str | int) and isinstance(other, str | int):
        return type(one) is type(other) and one == other
    if isinstance(one, Slice | Filter) or isinstance(other, Slice | Filter):
        for mine, theirs in ((one, other), (other, one)):
            if isinstance(mine, Slice) and isinstance(theirs, str):
                return False
            if isinstance(mine, Slice) and isinstance(theirs, int):
                return mine.holds(theirs)
    return True
