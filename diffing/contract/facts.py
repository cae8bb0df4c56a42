"""What the recorded values of one place amount to: a constant, an enumeration, a range, a format. With the counts.

A statement needs samples. Below :data:`FEW` nothing is called constant, enumerated or whole; a range needs
:data:`MANY`: the largest of twenty values is exceeded by the next one in five cases of a hundred, that of five in
seventeen (for values in no order, whatever their distribution).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from diffing.values.names import Hint, hint_of, words
from diffing.values.volatile import shape_of

if TYPE_CHECKING:
    from diffing.contract.profile import Node

FEW = 5
MANY = 20
REQUESTS = 3  # different ones: five answers to one request are one answer
ENUMERATED = 12  # values
SAFE = 2**53  # integers up to here are exact in a double (RFC 8259, 6)

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/+-]{0,39}")
_NAMED = frozenset(
    "type kind status state code level mode role category class phase stage reason severity priority flag tier plan "
    "currency country language locale unit method channel result outcome visibility".split()
)
"""What names of enumerations end in. An integer is only taken for one under such a name: quantities are few, too."""
_PROSE = frozenset("title description message text comment note summary city street address label content".split())


def constant(node: Node | None) -> int:
    """In how many recorded samples the value is one and the same; 0 when it is not, or they are too few to say so."""
    if node is None or node.nulls or len(node.requests) < REQUESTS:
        return 0
    counts = node.values.counts
    return node.seen if len(counts) == 1 and next(iter(counts.values())) == node.seen >= FEW else 0


def enumeration(node: Node | None, name: str) -> list[Any] | None:
    """The few values that the place ever has, most frequent first; None when it is no enumeration.

    At most :data:`ENUMERATED` different ones, five samples for each, and none seen only once: by Good and Turing
    (1953) the share of values not yet seen is that of those seen once, and so this does not hang on their order.
    """
    if node is None or not node.values.complete or len(node.requests) < REQUESTS:
        return None
    counts = node.values.counts
    total = sum(counts.values())
    if not 2 <= len(counts) <= ENUMERATED or total < max(2 * FEW, 5 * len(counts)) or node.values.once:
        return None
    parts = words(name)
    last = parts[-1] if parts else ""
    if hint_of(name) is not None or last in _PROSE:
        return None
    if all(type(value) is str for value in counts):
        if not all(_WORD.fullmatch(value) and shape_of(value) is None for value in counts):
            return None
    elif last not in _NAMED or not all(type(value) is int for value in counts):
        return None
    return sorted(counts, key=lambda value: (-counts[value], str(value)))


def whole(node: Node | None) -> int:
    """How many numbers stood here, when every one of them was whole; else 0."""
    numbers = node.types.get("number", 0) if node is not None else 0
    return numbers if numbers >= FEW and node is not None and not node.fractions else 0


def beyond(node: Node | None, value: float) -> str:
    """``12 to 99 in 412/412 recorded samples`` when ``value`` lies outside of that; else nothing."""
    numbers = node.types.get("number", 0) if node is not None else 0
    if node is None or numbers < MANY or node.low <= value <= node.high:
        return ""
    return f"{node.low} to {node.high} in {numbers}/{numbers} recorded samples"


def other_length(node: Node | None, text: str) -> str:
    """The like for the length of a string: one that never was empty is, or one of a fixed length has another."""
    strings = node.types.get("string", 0) if node is not None else 0
    if node is None or strings < MANY:
        return ""
    if not text and node.shortest >= 1:
        return f"never empty in {strings}/{strings} recorded samples"
    if node.shortest == node.longest != len(text) and len(node.values.counts) >= FEW:
        return f"{node.longest} characters in {strings}/{strings} recorded samples, now {len(text)}"
    return ""


def other_count(node: Node | None, items: int) -> str:
    """The like for an array: more items than a limit that many recorded ones reach, or other than ever."""
    arrays = node.types.get("array", 0) if node is not None else 0
    if node is None or arrays < MANY:
        return ""
    if items > node.most and node.filled >= max(3, arrays / 10):
        return f"at most {node.most} items in {arrays}/{arrays} recorded samples, now {items}"
    if node.fewest == node.most > items:
        return f"{node.most} items in {arrays}/{arrays} recorded samples, now {items}"
    return ""


def formats(node: Node | None) -> Counter[str]:
    """Votes for the shapes of the strings here (``values.volatile``), "" for none; of a sample where they are many."""
    votes: Counter[str] = Counter()
    for value, count in node.values.counts.items() if node is not None else ():
        if type(value) is str:
            shape = shape_of(value)
            votes[shape.kind if shape is not None else ""] += count
    return votes


_TELLING = frozenset("uuid ulid objectid ksuid datetime date http-date digits reference prefixed-id jwt".split())


def lost_format(node: Node | None, replayed: str) -> str:
    """``digits in 40/40 recorded samples`` when every recorded string has that shape and ``replayed`` has not."""
    if node is None or len(node.values.counts) < 2 * FEW or len(replayed) < 2:
        return ""
    votes = formats(node)
    (kind, count), *others = votes.most_common() or [("", 0)]
    if others or kind not in _TELLING or count < MANY:
        return ""
    shape = shape_of(replayed)
    return "" if shape is not None and shape.kind == kind else f"{kind} in {count}/{count} recorded samples"


def is_counted(name: str) -> bool:
    """Whether a range of the numbers under ``name`` means something: ids grow, and moments pass."""
    return hint_of(name) not in (Hint.ID, Hint.REFERENCE, Hint.MOMENT, Hint.TOKEN, Hint.MEASURE)
