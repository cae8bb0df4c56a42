"""What the recording as a whole says about a place, brought to bear on one difference: its exact class and why.

The classes are directional, as oasdiff's are: a value that was never seen is told from one that was, a place that only
ever held whole numbers from one that did not. Every statement counts the samples it rests on (``contract.facts``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from diffing.contract import facts
from diffing.contract.exposure import exposed
from diffing.model import ABSENT

if TYPE_CHECKING:
    from diffing.contract.profile import Node
    from diffing.place import Place, Trail


def refine(
    change: str, recorded: Any, replayed: Any, trail: Trail, node: Node | None, place: Place, evidence: str
) -> tuple[str, str]:
    """(last word of the class, evidence) of a difference in a body that the walk calls ``change``.

    ``node`` is what the recording says of the place itself; None: it is looked up.
    """
    if place.learning:
        return change, evidence
    if node is None:
        node = place_of(place, trail)
    names = tuple(step for step in trail if type(step) is str)
    if place.side == "response":
        found = exposed(change, recorded, replayed, names, node)
        if found is not None:
            return found
    refiner = _REFINERS.get(change)
    if refiner is None:
        return change, evidence
    return refiner(change, recorded, replayed, names[-1] if names else "", node, evidence)


def place_of(place: Place, trail: Trail) -> Node | None:
    """What the recording says of the place ``trail`` of a body, if it knows it."""
    node = place.profile.tree(place.scope, "body")
    for step in trail:
        if node is None:
            return None
        node = node.items if type(step) is int else node.child(str(step))
    return node


def recount(change: str, left: list[Any], right: list[Any], node: Node | None, evidence: str) -> tuple[str, str]:
    """The same for items of an array that are gone or new. ``node`` is the array's.

    An unusual count is evidence and no class of its own: a group keeps its fingerprint when more traffic is recorded.
    """
    if change == "array-item-removed" and left and not right:
        arrays = node.types.get("array", 0) if node is not None else 1
        if node is None or node.fewest >= 1:
            return "array-emptied", f"{evidence}; items in {arrays}/{arrays} recorded samples"
    beyond = facts.other_count(node, len(right))
    return change, f"{evidence}; {beyond}" if beyond else evidence


def _value(change: str, recorded: Any, replayed: Any, name: str, node: Node | None, evidence: str) -> tuple[str, str]:
    if evidence:  # the walk knows more than that the values differ
        return change, evidence
    if _is_number(recorded) and _is_number(replayed):
        found = _number(recorded, replayed, node)
        if found is not None:
            return found
    constant = facts.constant(node)
    if constant:
        return "constant-changed", f"the same in {constant}/{constant} recorded samples"
    values = facts.enumeration(node, name)
    if values is not None and node is not None:
        counts = node.values.counts
        total = sum(counts.values())
        if replayed not in counts:
            return (
                "enum-value-added",
                f"one of {len(values)} values in {total}/{total} recorded samples, never this one",
            )
        return (
            change,
            f"one of {len(values)} values in {total}/{total} recorded samples, this one in {counts[replayed]}",
        )
    if _is_number(replayed):
        beyond = facts.beyond(node, _plain(replayed)) if facts.is_counted(name) else ""
        return ("out-of-range", beyond) if beyond else (change, evidence)
    if type(replayed) is str:
        other = facts.lost_format(node, replayed) or facts.other_length(node, replayed)
        if other:
            return "out-of-range", other
    return change, evidence


def _number(recorded: Any, replayed: Any, node: Node | None) -> tuple[str, str] | None:
    if type(replayed) is int and abs(replayed) > facts.SAFE:
        numbers = node.types.get("number", 0) if node is not None else 1
        largest = max(abs(node.low), abs(node.high)) if numbers and node is not None else 0
        if type(recorded) is int and abs(recorded) <= facts.SAFE and largest <= facts.SAFE:
            return "number-unsafe", f"at most 2^53 in {numbers}/{numbers} recorded samples"
    whole = facts.whole(node)
    if type(replayed) is not int and whole:
        return "number-widened", f"whole in {whole}/{whole} recorded samples"
    return None


def _gone(change: str, recorded: Any, replayed: Any, name: str, node: Node | None, evidence: str) -> tuple[str, str]:
    del replayed, name
    if recorded is not None:
        return change, evidence
    nulls, seen = (node.nulls, node.seen) if node is not None else (1, 1)
    return "null-left-out", f"null here, and in {nulls}/{seen} recorded samples that have it"


def _new(change: str, recorded: Any, replayed: Any, name: str, node: Node | None, evidence: str) -> tuple[str, str]:
    del recorded, name
    if replayed is None and node is not None and node.seen:
        return "null-left-out", f"left out here, {evidence}"
    return change, evidence


def _retyped(change: str, recorded: Any, replayed: Any, name: str, node: Node | None, evidence: str) -> tuple[str, str]:
    del replayed, name
    if node is None or recorded is ABSENT or node.seen < 2:
        return change, evidence
    told = {**node.types, **({"object": node.objects} if node.objects else {})}
    often = sorted(told.items(), key=lambda one: (-one[1], one[0]))
    seen = ", ".join(f"{kind} in {count}/{node.seen}" for kind, count in often)
    return change, f"{evidence}; {seen} recorded samples"


def _reformed(
    change: str, recorded: Any, replayed: Any, name: str, node: Node | None, evidence: str
) -> tuple[str, str]:
    del recorded, replayed, name
    votes = facts.formats(node)
    if sum(votes.values()) < 2:
        return change, evidence
    kind, count = votes.most_common(1)[0]
    return change, f"{evidence}; {kind} in {count}/{sum(votes.values())} recorded samples" if kind else evidence


_Refiner = Callable[[str, Any, Any, str, "Node | None", str], tuple[str, str]]
_REFINERS: dict[str, _Refiner] = {
    "value-changed": _value,
    "field-removed": _gone,
    "optional-field-removed": _gone,
    "field-added": _new,
    "type-changed": _retyped,
    "format-changed": _reformed,
}


def _is_number(value: Any) -> bool:
    return value is not None and type(value) not in (str, bool, dict, list) and value is not ABSENT


def _plain(value: Any) -> float:
    return value if type(value) is int else float(value)
