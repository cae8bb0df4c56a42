"""Relations between the members of one object that hold in every recorded sample, and must hold on replay.

Values that vary still stand in relation to each other: a token lives for an hour, what was updated was created before,
the epoch number and the ISO text of one moment agree, a total counts the items beside it. A matcher per value cannot
see any of it. What is said of two moments is only said where each of them alone passes: else one cause would be two
findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

from diffing.values import moments
from diffing.values.layouts import WIDE, Layout, layout_of
from diffing.values.moments import Moment
from diffing.values.names import words

if TYPE_CHECKING:
    from diffing.contract.profile import Node
    from diffing.place import Place

SAMPLES = 3  # of a relation that only the recording speaks for
ENOUGH = 1_000  # objects of one place that are looked at
TOLERANCE = 2.0  # seconds: two readings of one clock while one request is served
FINE = 1e-4  # grain of a clock by which two readings are hardly ever equal
LONGEST = 80  # characters of a text that is read as a moment
MEMBERS = 8  # moments of one object that are compared with each other

_START = frozenset("created issued iat started start inserted begin generated opened nbf".split())
_AGAIN = frozenset("updated modified changed touched".split())
_END = frozenset("expires expiry expiration expired exp until".split())
_FINISHED = frozenset("finished ended completed stopped closed done".split())
_FORM = frozenset("at on time date timestamp ts utc iso epoch unix ms millis sec seconds datetime".split())


@dataclass(slots=True)
class _Offsets:
    """Seconds from the one moment to the other, over all samples."""

    seen: int = 0
    least: float = float("inf")
    most: float = float("-inf")


@dataclass(slots=True)
class Relations:
    """What was seen of the members of the objects at one place."""

    offsets: dict[tuple[str, str], _Offsets] = field(default_factory=dict)
    counts: dict[tuple[str, str], list[int]] = field(default_factory=dict)  # [samples, of them equal, distinct lengths]
    objects: int = 0
    lengths: dict[tuple[str, str], int] = field(default_factory=dict)  # the first length seen


def learn_relations(item: dict[str, Any], node: Node, layout: Layout) -> None:
    """Count one recorded object."""
    known = node.relations
    if known is not None and known.objects >= ENOUGH:
        return
    found = _moments(item, layout)
    counted = _counted(item, layout)
    if len(found) < 2 and counted is None:
        return
    if known is None:
        known = node.relations = Relations()
    known.objects += 1
    for (one, first), (other, second) in combinations(sorted(found.items()), 2):
        offsets = known.offsets.setdefault((one, other), _Offsets())
        away = second.seconds - first.seconds
        offsets.seen += 1
        offsets.least, offsets.most = min(offsets.least, away), max(offsets.most, away)
    if counted is not None:
        total, items = counted
        key, length = (total, items), len(item[items])
        counts = known.counts.setdefault(key, [0, 0, 1])
        counts[0] += 1
        counts[1] += item[total] == length
        if known.lengths.setdefault(key, length) != length:
            counts[2] = 2


def broken_relations(
    recorded: dict[str, Any], replayed: dict[str, Any], node: Node | None, names: tuple[str, ...], place: Place
) -> Iterator[tuple[str, str]]:
    """(member, evidence) of every relation of the recorded object that the replayed one breaks."""
    if len(recorded) > WIDE:
        return
    known = node.relations if node is not None and node.relations is not None else None
    layout = layout_of(recorded)
    counted = _counted(recorded, layout)
    if counted is not None and known is not None and counted in known.counts:
        samples, equal, lengths = known.counts[counted]
        total, items = counted
        now = replayed.get(total), replayed.get(items)
        if (
            samples == equal >= SAMPLES
            and lengths > 1
            and type(now[0]) is int
            and type(now[1]) is list
            and now[0] != len(now[1])
        ):
            yield total, f"{total} was the number of {items} in {equal}/{samples} recorded samples, not here"
    if not any(replayed.get(name, recorded[name]) != recorded[name] for name in layout.moments):
        return
    old = _moments(recorded, layout)
    if len(old) < 2:
        return
    new = _moments(replayed, layout_of(replayed))
    said: set[str] = set()
    for (one, first), (other, second) in combinations(sorted(old.items()), 2):
        if one not in new or other not in new or said & {one, other}:
            continue
        evidence = _broken(
            (one, other), (first, second), (new[one], new[other]), known.offsets.get((one, other)) if known else None
        )
        if evidence and all(_passes(name, recorded, replayed, names, node, place) for name in (one, other)):
            name = one if _role(one) > _role(other) else other
            said.add(name)
            yield name, evidence


def _broken(
    names: tuple[str, str], old: tuple[Moment, Moment], new: tuple[Moment, Moment], seen: _Offsets | None
) -> str:
    grain = max(moment.grain for moment in (*old, *new))
    before, after = old[1].seconds - old[0].seconds, new[1].seconds - new[0].seconds
    slack = grain + 1e-6
    if abs(before) <= slack and abs(after) > slack + TOLERANCE and _stem(names[0]) == _stem(names[1]):
        return f"{names[0]} and {names[1]} name one moment in the recording and two here"
    roles = _role(names[0]), _role(names[1])
    kind = {roles[0], roles[1]}
    always = seen is not None and seen.seen >= SAMPLES and seen.most - seen.least <= TOLERANCE + grain
    counts = f"{seen.seen}/{seen.seen} recorded samples" if seen is not None and seen.seen else "1/1 recorded samples"
    if 3 in kind and (1 in kind or 2 in kind):
        steady = seen is None or seen.seen < 2 or seen.most - seen.least <= TOLERANCE + grain
        if steady and abs(before - after) > TOLERANCE + 2 * grain:
            return f"{_apart(names, before)} in {counts}, {abs(after):,.0f} s here"
        if not steady and (before > slack) != (after > slack):
            return f"{names[0]} and {names[1]} stood in the other order in the recording"
        return ""
    if kind == {1, 2}:
        sign = 1 if roles == (1, 2) else -1
        ordered = seen is None or (seen.least >= -slack if sign > 0 else seen.most <= slack)
        if ordered and sign * before >= -slack and sign * after < -slack:
            start, end = names if sign > 0 else names[::-1]
            return f"{end} was never before {start} in {counts}, it is here"
        if always and seen is not None and seen.least == seen.most == 0.0 and grain <= FINE and after:
            return f"{names[0]} and {names[1]} were equal in {counts}"
        return ""
    if kind == {1, 4}:
        sign = 1 if roles == (1, 4) else -1
        ordered = seen is None or (seen.least >= -slack if sign > 0 else seen.most <= slack)
        if ordered and sign * before >= -slack and sign * after < -slack:
            start, end = names if sign > 0 else names[::-1]
            return f"{end} was never before {start} in {counts}, it is here"
    if always and abs(before) > TOLERANCE + grain and abs(before - after) > TOLERANCE + 2 * grain:
        return f"{_apart(names, before)} in {counts}, {abs(after):,.0f} s here"
    return ""


def _apart(names: tuple[str, str], seconds: float) -> str:
    first, last = names if seconds >= 0 else names[::-1]
    return f"{last} was {abs(seconds):,.0f} s after {first}"


def _passes(
    name: str,
    recorded: dict[str, Any],
    replayed: dict[str, Any],
    names: tuple[str, ...],
    node: Node | None,
    place: Place,
) -> bool:
    """Whether the member alone is no finding."""
    from diffing.place import Accepted
    from diffing.values.scalars import judge

    one, other = recorded[name], replayed[name]
    if repr(one) == repr(other):
        return True
    return isinstance(judge(one, other, (*names, name), node.child(name) if node else None, place), Accepted)


def _moments(item: dict[str, Any], layout: Layout) -> dict[str, Moment]:
    found: dict[str, Moment] = {}
    if len(layout.moments) < 2:
        return found
    for name in layout.moments:
        value = item[name]
        kind = type(value)
        if kind is dict or kind is list or value is None or kind is bool:
            continue
        if kind is str:
            moment = _read(value) if len(value) <= LONGEST else None
        elif isinstance(value, int | Decimal):
            moment = moments.read_epoch(float(value)) if float(value) < 1e20 else None
        else:
            moment = None
        if moment is not None and moment.grain <= 60:
            found[name] = moment
            if len(found) == MEMBERS:
                break
    return found


@lru_cache(maxsize=4096)  # one object is met again and again in a recording: made, read, listed
def _read(text: str) -> Moment | None:
    return moments.read(text) or moments.read_epoch_text(text)


def _counted(item: dict[str, Any], layout: Layout) -> tuple[str, str] | None:
    """(name of the total, name of the list it may count), where there is exactly one of each."""
    if not layout.totals:
        return None
    items = [name for name, value in item.items() if type(value) is list]
    if len(items) != 1:
        return None
    totals = [name for name in layout.totals if type(item[name]) is int]
    return (totals[0], items[0]) if len(totals) == 1 else None


def _role(name: str) -> int:
    """1: the beginning, 2: a change, 3: the end that is set at the beginning, 4: that which came, 0: something else."""
    parts = words(name)
    if any(part in _END for part in parts):
        return 3
    if any(part in _AGAIN for part in parts):
        return 2
    if any(part in _FINISHED for part in parts):
        return 4
    return 1 if any(part in _START for part in parts) else 0


def _stem(name: str) -> tuple[str, ...]:
    """``created_at`` and ``createdTs`` are both ``("created",)``."""
    return tuple(part for part in words(name) if part not in _FORM)
