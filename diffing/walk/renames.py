"""Members under another name, and members that moved one level as a whole: one change each, not a loss and a gain.

A removed field is never hidden: what is not proved here stays removed and added. A name proves something when it is
the same in other letters (``foo_bar``, ``fooBar``); a value when it is large or long enough that chance does not make
it twice, and stands nowhere else beside it; a likeness of names only together with a likeness of values.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from diffing.rulebook.matchers import broad_type
from diffing.values.names import words
from diffing.values.volatile import shape_of
from diffing.walk.flatten import flatten, same

PAIRS = 2_500
"""Gone times new members up to which their names are compared with each other."""

MATCHES = 100
"""Equal values under other names in one object up to which they are called renamed."""

LONGEST = 1_000
"""Characters of a name up to which it is compared with others: what is longer is data, which is hardly renamed."""

_LIKE = 0.8  # of two names' letters
_LETTERS = 64  # of a name up to which they are aligned, which takes the square of them and more


@dataclass(frozen=True, slots=True)
class Rename:
    """One member under another name. ``why`` is evidence in words."""

    recorded: str
    replayed: str
    why: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """Members that stand one level deeper (``wrapped``) or higher now: those named ``members``, under ``name``."""

    name: str
    members: tuple[str, ...]
    wrapped: bool


def renames(left: dict[str, Any], right: dict[str, Any], gone: Sequence[str], new: Sequence[str]) -> list[Rename]:
    """The renamed among the members of ``left`` that are gone and those of ``right`` that are new."""
    found: list[Rename] = []
    free_left, free_right = dict.fromkeys(gone), dict.fromkeys(new)

    def take(one: str, other: str, why: str) -> None:
        del free_left[one], free_right[other]
        found.append(Rename(one, other, why))

    for one, other in _unique_matches(free_left, free_right, _letters, _letters):
        take(one, other, "the same name written differently")
    if len(free_left) * len(free_right) <= PAIRS:
        scored = sorted(
            (
                (-_resemblance(one, other) - (2 if equal else 0), min(one, other), max(one, other), one, other, equal)
                for one in free_left
                for other in free_right
                if similar(one, other) and ((equal := same(left[one], right[other])) or alike(left[one], right[other]))
            ),
        )
        for *_, one, other, equal in scored:
            if one in free_left and other in free_right:
                take(one, other, f"a similar name and {'an equal value' if equal else 'a value of the same form'}")
    matches = _unique_matches(free_left, free_right, _content_of(left), _content_of(right))
    for one, other in matches if len(matches) <= MATCHES else ():  # so many are another object
        if _stands_once(left, one) and _stands_once(right, other):
            take(one, other, "an equal value that stands nowhere else beside it")
    return found


def envelope(left: dict[str, Any], right: dict[str, Any], gone: Sequence[str], new: Sequence[str]) -> Envelope | None:
    """Members that moved together into, or out of, one object that is new, or gone."""
    best: tuple[int, str, Envelope] | None = None
    for wrapped, outer, inners, holder, members in (
        (True, left, new, right, gone),
        (False, right, gone, left, new),
    ):
        known = set(members)
        for name in inners if members else ():
            inner = holder[name]
            if type(inner) is not dict:
                continue
            shared = tuple(member for member in inner if member in known)
            score = _moved_together(outer, inner, shared, len(members))
            if score and (best is None or (-score, name) < best[:2]):
                best = (-score, name, Envelope(name, shared, wrapped))
    return best[2] if best is not None else None


def held(value: Any, holder: dict[str, Any]) -> str:
    """The member of ``holder`` that ``value`` (an array) became: the whole of it was wrapped. "" when none did."""
    found = [name for name, inner in holder.items() if type(inner) is list and _same_items(value, inner)]
    return found[0] if len(found) == 1 else ""


def _same_items(left: list[Any], right: list[Any]) -> bool:
    """Whether two arrays hold mostly the same: equal items, or objects of the same members."""
    if not left or not right:
        return not left and not right
    if same(left, right):
        return any(telling(item) for item in left) or len(left) > 1
    ours, theirs = left[:200], right[:200]
    if all(type(item) is dict for item in (*ours, *theirs)):
        known, there = ({name for item in items for name in item} for items in (ours, theirs))
        return len(known | there) >= 2 and len(known & there) >= 0.6 * len(known | there)
    shared = Counter(map(flatten, ours)) & Counter(map(flatten, theirs))
    return 2 * shared.total() >= max(len(ours), len(theirs)) and shared.total() > 1


def _moved_together(outer: dict[str, Any], inner: dict[str, Any], shared: tuple[str, ...], members: int) -> int:
    """How many members agree; 0 when they prove nothing."""
    if not shared or 2 * len(shared) < min(members, len(inner)):
        return 0
    equal = sum(same(outer[name], inner[name]) for name in shared)
    agreeing = sum(same(outer[name], inner[name]) or alike(outer[name], inner[name]) for name in shared)
    if len(shared) == 1:
        # One member: its own name in a new object, and its own value. Null says nothing.
        return int(equal == 1 and outer[shared[0]] is not None)
    return agreeing if 2 * agreeing >= len(shared) and (equal or agreeing == len(shared)) else 0


def _unique_matches(
    lefts: dict[str, None],
    rights: dict[str, None],
    ours: Callable[[str], Hashable],
    theirs: Callable[[str], Hashable],
) -> list[tuple[str, str]]:
    """Pairs of names whose keys are equal and alone on both sides."""
    by_left: dict[Hashable, list[str]] = defaultdict(list)
    by_right: dict[Hashable, list[str]] = defaultdict(list)
    for names, key_of, table in ((lefts, ours, by_left), (rights, theirs, by_right)):
        for name in names:
            key = key_of(name)
            if key is not None:
                table[key].append(name)
    return [
        (found[0], by_right[key][0])
        for key, found in by_left.items()
        if len(found) == 1 and len(by_right.get(key, ())) == 1
    ]


@lru_cache(maxsize=4096)
def _letters(name: str) -> str | None:
    """``user_id``, ``userId`` and ``USER-ID`` are all ``userid``; None for a name without letters."""
    return "".join(words(name)) or None


@lru_cache(maxsize=4096)
def similar(one: str, other: str) -> bool:
    """Whether two names may name the same thing: mostly the same words, or mostly the same letters."""
    if max(len(one), len(other)) > LONGEST:
        return False
    ours, theirs = words(one), words(other)
    if [word for word in ours if word.isdigit()] != [word for word in theirs if word.isdigit()]:
        return False  # address1 and address2 are two
    either = set(ours) | set(theirs)
    if either and 2 * len(set(ours) & set(theirs)) >= len(either):
        return True
    return min(len(one), len(other)) >= 4 and _resemblance(one, other, _LIKE) >= _LIKE


@lru_cache(maxsize=4096)
def _resemblance(one: str, other: str, least: float = 0.0) -> float:
    """The share of letters that two names have in common, in order; 0 where it is surely less than ``least``."""
    first, second = sorted((_letters(one) or one, _letters(other) or other))
    if max(len(first), len(second)) > _LETTERS:
        return 0.0
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= least else 0.0


def alike(left: Any, right: Any) -> bool:
    """Whether two unequal values may be one that varies: one generated form, or containers of one structure."""
    if type(left) is not type(right):
        return False
    if type(left) is str:
        old, new = shape_of(left), shape_of(right)
        return old is not None and new is not None and old.kind == new.kind
    if type(left) is dict:
        either = left.keys() | right.keys()
        return len(either) >= 2 and len(left.keys() & right.keys()) >= 0.6 * len(either)
    return type(left) is list and bool(left) and bool(right) and _same_items(left, right)


def telling(value: Any) -> bool:
    """Whether a value is hardly met twice by chance: long, large, or made of several."""
    kind = broad_type(value)
    if kind == "string":
        return len(value) >= 8 or (len(value) >= 6 and any(character.isdigit() for character in value))
    if kind == "number":
        return len(str(value).strip("-0").replace(".", "")) >= 5
    if kind in ("object", "array"):
        return _several(value, 3)
    return False


def _several(value: Any, least: int) -> bool:
    """Whether a container holds at least so many scalars that are more than null or empty."""
    stack = [value]
    while stack and least > 0:
        item = stack.pop()
        if type(item) is dict:
            stack.extend(item.values())
        elif type(item) is list:
            stack.extend(item)
        elif item is not None and item != "":
            least -= 1
    return least <= 0


def _content_of(side: dict[str, Any]) -> Callable[[str], Hashable]:
    return lambda name: flatten(side[name]) if telling(side[name]) else None


def _stands_once(side: dict[str, Any], name: str) -> bool:
    return not any(other != name and same(value, side[name]) for other, value in side.items())
