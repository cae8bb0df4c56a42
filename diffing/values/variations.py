"""How far two values of one generator may differ in form, and what in the recording says so.

What the replay itself shows is no evidence: a build that cuts an id in half, or loses its time zone, would vouch for
itself. So forms that vary within one build must have varied in the recording. One exception is arithmetic: Go and Java
leave out the zeros at the end of a fraction, so that one value of ten has a digit less, whatever was recorded.
"""

from __future__ import annotations

from diffing.contract.profile import Node
from diffing.values.volatile import Shape

_ZEROS = 2  # digits: a fraction ends in more zeros once in a thousand values
_FINE = 6  # digits: clocks that are read so finely are printed by those who leave zeros out
_SURE = 40  # samples of one length after which nobody leaves zeros out: 0.9 ** 40 is 1.5 %
_ZONE, _DIGITS, _POINT = 4, 3, 2  # places in the facets of ISO 8601


def same_form(old: Shape, new: Shape, node: Node | None) -> bool:
    """Whether both shapes, of one kind, may come from one build."""
    if old.facets == new.facets:
        return True
    seen = node.facets if node is not None else frozenset[tuple[object, ...]]()
    if old.kind == "datetime" and len(old.facets) == len(new.facets) == 5:
        return _same_datetime(old, new, seen, node)
    return (old.kind, *new.facets) in seen and (old.kind, *old.facets) in seen


def about_as_long(recorded: str, replayed: str, node: Node | None = None) -> bool:
    """Whether two tokens are of about one length, or of lengths that were recorded there."""
    longer, shorter = max(len(recorded), len(replayed)), min(len(recorded), len(replayed))
    if longer <= 1.34 * shorter + 2:
        return True
    return node is not None and node.shortest <= shorter and longer <= node.longest


def _same_datetime(
    old: Shape, new: Shape, seen: set[tuple[object, ...]] | frozenset[tuple[object, ...]], node: Node | None
) -> bool:
    if bool(old.facets[_ZONE]) != bool(new.facets[_ZONE]):
        return False  # a reader without a zone reads another moment, whatever else was recorded here
    if (old.kind, *new.facets) in seen and (old.kind, *old.facets) in seen:
        return True
    if _without_fraction(old.facets) != _without_fraction(new.facets):
        return False
    before, after = _digits(old.facets), _digits(new.facets)
    lengths = {
        _digits(facets[1:])
        for facets in seen
        if len(facets) == 6 and _without_fraction(facets[1:]) == _without_fraction(old.facets)
    } | {before}
    if len(lengths) > 1:
        return max(0, min(lengths) - _ZEROS) <= after <= max(lengths) + _ZEROS and (after > 0 or 0 in lengths)
    if node is not None and node.seen >= _SURE and before % 3 == 0:
        return False
    return max(before, after) >= _FINE and abs(before - after) <= _ZEROS


def _digits(facets: tuple[object, ...]) -> int:
    return int(str(facets[_DIGITS]))


def _without_fraction(facets: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(facet for at, facet in enumerate(facets) if at not in (_DIGITS, _POINT))
