"""Whether the user's rules let a call differ from a recorded one as it does. Pure.

The same rules that the comparison applies to outbound calls (``outbound payments POST /charges request.body $.at``):
a place where the call may differ must not cost it its stub, or accepting a drift would break the next replay. Beside
them, what both sides hold one kind of volatile value of may differ here as everywhere; a rule has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from captures.formats.decoding import FormBody, JsonBody, decode
from captures.model import Exchange, Request
from diffing.rulebook.rules import Rule, RuleBook
from diffing.rulebook.ruletree import RuleState
from replayer.alignment import MISSING, Missing, body_pairs, field_pairs, target_pairs
from replayer.stubbing.keys import blurred

Alike = Callable[[Any, Any], bool]
"""Whether two leaves are equal, or volatile values of one kind."""

_NO_LEAF = (dict, list, bytes, Missing)
MAX_NODES = 20_000  # of two bodies walked for one call


@dataclass(frozen=True, slots=True)
class Accepting:
    """The rules, and what names the places they speak of."""

    book: RuleBook
    name_of: Callable[[Exchange], str]  # "payments POST /charges"
    endpoint_of: Callable[[Exchange], str]  # of the recorded inbound exchange that made the call, or ""

    def __call__(self, recorded: Exchange, call: Request, at: float) -> tuple[str, ...] | None:
        """The ids of the rules that accept what differs beyond volatile values; None when a place has none.

        ``at``: when ``call`` was made, Unix seconds.
        """
        rules = self.book.for_endpoint(self.endpoint_of(recorded))
        if not rules.rules:
            return None
        then = recorded.timing.started

        def alike(one: Any, other: Any) -> bool:
            if isinstance(one, _NO_LEAF) or isinstance(other, _NO_LEAF):
                return _equal(one, other)
            return _equal(one, other) or _equal(blurred(one, then), blurred(other, at))

        where = f"outbound {self.name_of(recorded)} request"
        used: dict[str, None] = {}
        for rule, one, other in _differing(rules, where, recorded.request, call, alike):
            if rule is None or not _holds(rule, one, other):
                return None
            used[rule.id] = None
        return tuple(used) or None


def accepting(
    book: RuleBook | None, name_of: Callable[[Exchange], str], endpoint_of: Callable[[Exchange], str]
) -> Accepting | None:
    """The rules of ``book`` that speak of outbound calls; None where none does."""
    rules = tuple(rule for rule in (book.rules if book is not None else ()) if rule.part.startswith("outbound"))
    return Accepting(RuleBook(rules), name_of, endpoint_of) if rules else None


def _differing(
    rules: RuleBook, where: str, recorded: Request, call: Request, alike: Alike
) -> Iterator[tuple[Rule | None, Any, Any]]:
    """Each place that differs in more than volatile values, or that a rule is about: the rule, and both values."""
    pairs = list(target_pairs(recorded.target, call.target))
    segments = [pair for pair in pairs if pair.path == "path" and not pair.equal]
    if segments:
        rule = _first(rules, f"{where}.target")
        if rule is not None or not all(alike(pair.recorded, pair.replayed) for pair in segments):
            old, new = (request.target.decode("latin-1").partition("?")[0] for request in (recorded, call))
            yield rule, old, new
    for pair in pairs:
        if pair.path != "path" and not pair.equal:
            yield from _told(_first(rules, f"{where}.{pair.path}"), pair.recorded, pair.replayed, alike)
    if recorded.body == call.body:
        return
    part = f"{where}.body"
    tree = rules.tree(part)
    one, other = decode(recorded.body, recorded.headers), decode(call.body, call.headers)
    if isinstance(one, JsonBody) and isinstance(other, JsonBody):
        yield from _json(tree, one.value, other.value, alike, [MAX_NODES])
    elif isinstance(one, FormBody) and isinstance(other, FormBody):
        for pair in field_pairs(one.fields, other.fields):
            state = tree.step(pair.name) if tree is not None else None
            if not pair.equal:
                yield from _told(_here(state), pair.recorded, pair.replayed, alike)
    else:
        for pair in body_pairs(one, other):
            if not pair.equal:
                yield from _told(_first(rules, part), pair.recorded, pair.replayed, alike)


def _told(rule: Rule | None, recorded: Any, replayed: Any, alike: Alike) -> Iterator[tuple[Rule | None, Any, Any]]:
    if rule is not None or not alike(recorded, replayed):
        yield rule, recorded, replayed


def _json(
    state: RuleState[Rule] | None, recorded: Any, replayed: Any, alike: Alike, left: list[int]
) -> Iterator[tuple[Rule | None, Any, Any]]:
    left[0] -= 1
    rule = _here(state)
    if rule is not None or left[0] < 0:
        if not _equal(recorded, replayed):
            yield rule, recorded, replayed
    elif isinstance(recorded, dict) and isinstance(replayed, dict):
        deeper = state.on(replayed) if state is not None else None
        for name in {**recorded, **replayed}:
            below = deeper.step(name) if deeper is not None else None
            yield from _json(below, recorded.get(name, MISSING), replayed.get(name, MISSING), alike, left)
    elif isinstance(recorded, list) and isinstance(replayed, list):
        deeper = state.on(replayed) if state is not None else None
        for index in range(max(len(recorded), len(replayed))):
            one = recorded[index] if index < len(recorded) else MISSING
            other = replayed[index] if index < len(replayed) else MISSING
            yield from _json(deeper.step(index) if deeper is not None else None, one, other, alike, left)
    elif not alike(recorded, replayed):
        yield None, recorded, replayed


def _here(state: RuleState[Rule] | None) -> Rule | None:
    return state.here[0] if state is not None and state.here else None


def _equal(recorded: Any, replayed: Any) -> bool:
    """Equal in value and type all the way down: 1, 1.0 and true are three values."""
    if type(recorded) is not type(replayed):
        return False
    if isinstance(recorded, dict):
        return recorded.keys() == replayed.keys() and all(_equal(one, replayed[name]) for name, one in recorded.items())
    if isinstance(recorded, list):
        return len(recorded) == len(replayed) and all(map(_equal, recorded, replayed))
    return bool(recorded == replayed)


def _first(rules: RuleBook, part: str) -> Rule | None:
    return next(iter(rules.for_part(part)), None)


def _holds(rule: Rule, recorded: Any, replayed: Any) -> bool:
    """Like the comparison: what stands on one side only is a matter of ``optional``."""
    if recorded is MISSING or replayed is MISSING:
        return rule.matcher.optional
    return not rule.broken(recorded, replayed)
