"""Fields gone here and new there: values that moved within a document, found when the walk is over.

Only an equal value that proves something (or one under its own name that stands nowhere else) is a move; of several
places it goes to the nearest, and where two are as near nothing is said to have moved.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffing.walk.flatten import flatten, same
from diffing.walk.renames import telling
from diffing.walk.trails import Link

if TYPE_CHECKING:
    from diffing.contract.profile import Node
    from diffing.rulebook.rules import Rule
    from diffing.rulebook.ruletree import RuleState

LIMIT = 2_000  # fields per side: a document that changed altogether has not moved


@dataclass(frozen=True, slots=True)
class Loose:
    """A field without a partner under its own parent."""

    name: str
    value: Any
    link: Link  # of the field
    node: Node | None  # of its parent
    rules: RuleState[Rule] | None  # of the field
    beside: dict[str, Any]  # the recorded parent
    entry: bool = False  # of a map: no field


def moves(gone: Sequence[Loose], new: Sequence[Loose]) -> list[tuple[Loose, Loose]]:
    """Pairs of a field gone and the field that holds what it held."""
    gone = [one for one in gone if not one.entry]
    # What the recording itself has at a place is no new place for something else.
    new = [one for one in new if not one.entry and (one.node is None or one.name not in one.node.children)]
    if not gone or not new or len(gone) > LIMIT or len(new) > LIMIT:
        return []
    pairs = _by(gone, new, lambda one: ("", _content(one)) if telling(one.value) else None)
    taken = {id(one) for pair in pairs for one in pair}
    gone, new = ([one for one in side if id(one) not in taken] for side in (gone, new))
    named = _by(gone, new, lambda one: (one.name, _content(one)) if one.value not in (None, "", [], {}) else None)
    pairs.extend(named)
    taken.update(id(one) for pair in named for one in pair)
    gone, new = ([one for one in side if id(one) not in taken] for side in (gone, new))
    changed = _by(gone, new, lambda one: (one.name, *sorted(one.value)) if _large(one.value) else None)
    pairs.extend((one, other) for one, other in changed if _mostly(one.value, other.value))
    return pairs


def _content(one: Loose) -> Hashable:
    return flatten(one.value)


def _large(value: Any) -> bool:
    return type(value) is dict and len(value) >= 3


def _mostly(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return 2 * sum(same(left[name], right[name]) for name in left) >= len(left)


def _by(gone: Sequence[Loose], new: Sequence[Loose], key_of: Any) -> list[tuple[Loose, Loose]]:
    """Pairs with equal keys: nearest first, and only where the nearest is alone on both sides."""
    waiting: dict[Hashable, list[Loose]] = defaultdict(list)
    for other in new:
        key = key_of(other)
        if key is not None:
            waiting[key].append(other)
    seen: Counter[Hashable] = Counter()
    pairs: list[tuple[Loose, Loose]] = []
    wanted: dict[int, list[tuple[int, Loose]]] = defaultdict(list)
    targets: dict[int, Loose] = {}
    for one in gone:
        key = key_of(one)
        candidates = waiting.get(key, []) if key is not None else []
        seen[key] += len(candidates)
        if not candidates or seen[key] > LIMIT:
            continue
        near = [(_shared(one.link, other.link), other) for other in candidates]
        best = max(shared for shared, _ in near)
        nearest = [other for shared, other in near if shared == best]
        if len(nearest) == 1:
            wanted[id(nearest[0])].append((best, one))
            targets[id(nearest[0])] = nearest[0]
    for key_id, sources in wanted.items():
        best = max(shared for shared, _ in sources)
        closest = [one for shared, one in sources if shared == best]
        if len(closest) == 1:
            pairs.append((closest[0], targets[key_id]))
    # Under one parent it would be another name, which was asked before, and more strictly.
    return [(one, other) for one, other in pairs if one.link[0] is not other.link[0]]


def _shared(one: Link, other: Link) -> int:
    """How many levels two places share. Links above a common place are the same objects."""
    above = set()
    link: Link | None = one
    while link is not None:
        above.add(_mark(link))
        link = link[0]
    link = other
    while link is not None:
        if _mark(link) in above:
            return link[3]
        link = link[0]
    return 0


def _mark(link: Link) -> Hashable:
    return id(link)
