"""Walking two JSON values together, without recursion: 900 levels are as safe as one.

Equal parts cost one comparison of their texts at C speed. What is unequal is walked member by member; arrays are
aligned first (``diffing.arrays``); scalars are judged (``diffing.scalars``). Every unequal place ends as a finding or
as the use of a named rule.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from diffing.arrays import Alignment, align, by_position
from diffing.flatten import same
from diffing.matchers import json_type
from diffing.model import ABSENT
from diffing.names import hint_of
from diffing.place import Accepted, Place, Trail, Verdicts, body_location
from diffing.profile import Node, generated_name
from diffing.rules import Rule, rule_at
from diffing.scalars import judge, learn_equal
from diffing.updates import stands_still
from diffing.volatile import shape_of

SHALLOW = 12
"""Levels down to which equal containers are recognised by their text."""

DEEP = 60
"""Levels from which on arrays are compared by position: aligning looks at whole items, once per level."""

Frame = tuple[Any, Any, Trail, "Node | None"]


class JsonComparison:
    """One comparison of two JSON bodies of one place. ``certain``: see :class:`Alignment`."""

    def __init__(self, place: Place, verdicts: Verdicts, node: Node | None) -> None:
        self.place = place
        self.verdicts = verdicts
        self.root = node
        self.rules = place.rules.for_part(f"{place.where}.body")

    def run(self, recorded: Any, replayed: Any) -> None:
        """Compare. Raises :class:`diffing.place.BudgetSpentError`."""
        stack: list[Frame] = [(recorded, replayed, (), self.root)]
        learning = self.place.learning
        while stack:
            left, right, trail, node = stack.pop()
            self.verdicts.spend()
            # At depth the same text would be rendered once per level; there the walk itself is the comparison.
            if not learning and _same_at_once(left, right, containers=len(trail) < SHALLOW):
                continue
            if self.rules and self._ruled(left, right, trail):
                continue
            kind = type(left)
            if kind is dict and type(right) is dict:
                self._objects(left, right, trail, node, stack)
            elif kind is list and type(right) is list:
                self._arrays(left, right, trail, node, stack)
            elif kind in (dict, list) or type(right) in (dict, list):
                self._types(left, right, trail, node)
            else:
                self._scalars(left, right, trail, node)

    def find(self, change: str, trail: Trail, recorded: Any, replayed: Any, evidence: str = "") -> None:
        """Note a finding of this body; a broken identity has a class of its own."""
        location, path = body_location(self.place, trail)
        part = "identity" if change == "identity" else f"body.{change}"
        self.verdicts.find(self.place, f"{self.place.side}.{part}", location, path, recorded, replayed, evidence)

    def _ruled(self, left: Any, right: Any, trail: Trail) -> bool:
        rule = rule_at(self.rules, trail)
        if rule is None or rule.matcher.unordered or same(left, right):
            return False  # an `unordered` array is walked as ever: see _array_findings
        complaint = rule.matcher.complaint(left, right)
        if complaint is None:
            self.verdicts.rule(rule.id)
        else:
            self.find("rule-broken", trail, left, right, f"{complaint} ({rule.id})")
        return True

    def _types(self, left: Any, right: Any, trail: Trail, node: Node | None) -> None:
        if right is None or left is None:
            nulls = node.nulls if node is not None else 0
            others = node is not None and node.seen > nulls
            change = "null-changed" if nulls or (left is None and others) else "became-null" if right is None else ""
            self.find(change or "type-changed", trail, left, right, f"null in {nulls} recorded samples")
            return
        self.find("type-changed", trail, left, right, f"{json_type(left)} became {json_type(right)}")

    def _scalars(self, left: Any, right: Any, trail: Trail, node: Node | None) -> None:
        names = _names(trail)
        learning = self.place.learning
        if type(left) is type(right) and repr(left) == repr(right):
            if learning:
                learn_equal(left, names, self.place)
                if node is not None:
                    _note_facets(node, left, right)
            return
        if learning and node is not None:
            _note_facets(node, left, right)
        outcome = judge(left, right, names, node, self.place)
        if learning:
            return
        if isinstance(outcome, Accepted):
            self.verdicts.rule(*outcome.rules)
        else:
            self.find(outcome.change, trail, left, right, outcome.evidence)

    def _objects(self, left: Any, right: Any, trail: Trail, node: Node | None, stack: list[Frame]) -> None:
        gone = [name for name in left if name not in right]
        new = [name for name in right if name not in left]
        if gone and new:
            renamed = self._renamed_members(left, right, gone, new)
            for one, other in renamed:
                stack.append((left[one], right[other], (*trail, one), node.child(one) if node else None))
                gone.remove(one)
                new.remove(other)
        both = [name for name in left if name in right]
        both.reverse()  # the stack gives them back in the order of the document
        stack.extend((left[name], right[name], (*trail, name), node.child(name) if node else None) for name in both)
        if self.place.learning:
            return
        still = stands_still(left, right, node, self.place) if self.place.side == "response" else None
        if still is not None and not (self.rules and rule_at(self.rules, (*trail, still[0]))):
            self.find("value-changed", (*trail, still[0]), left[still[0]], right[still[0]], still[1])
        for name in gone:
            self._missing(left[name], (*trail, name), node)
        for name in new:
            if self._optional((*trail, name)):
                continue
            evidence = node.evidence(name) if node is not None else "not in the recorded answer"
            self.find("field-added", (*trail, name), ABSENT, right[name], evidence)

    def _missing(self, value: Any, trail: Trail, node: Node | None) -> None:
        if self._optional(trail):
            return
        name = str(trail[-1])
        required = node is None or node.required(name)
        change = "field-removed" if required else "optional-field-removed"
        evidence = node.evidence(name) if node is not None else "1/1 recorded samples"
        self.find(change, trail, value, ABSENT, evidence)

    def _optional(self, trail: Trail) -> bool:
        rule: Rule | None = rule_at(self.rules, trail) if self.rules else None
        if rule is not None and rule.matcher.optional:
            self.verdicts.rule(rule.id)
            return True
        return False

    def _renamed_members(self, left: Any, right: Any, gone: list[str], new: list[str]) -> list[tuple[str, str]]:
        """Members whose *name* is an identifier that was made anew: ``{"ord_1": …}`` and ``{"ord_2": …}``."""
        identity = self.place.identity
        pairs: list[tuple[str, str]] = []
        free = set(new)
        open_left: list[str] = []
        for name in gone:
            partner = identity.partner(name)
            if partner is not None and partner in free:
                free.discard(partner)
                pairs.append((name, partner))
            elif _made_anew(name):
                open_left.append(name)
        open_right = [name for name in new if name in free and _made_anew(name)]
        if open_left and len(open_left) == len(open_right):
            kinds = [(shape_of(one), shape_of(other)) for one, other in zip(open_left, open_right, strict=True)]
            if all(one is not None and other is not None and one.kind == other.kind for one, other in kinds):
                pairs.extend(zip(open_left, open_right, strict=True))
                if self.place.learning:
                    for one, other in zip(open_left, open_right, strict=True):
                        identity.observe(one, other)
        if pairs and not self.place.learning:
            self.verdicts.rule("volatile.member-name")
        return pairs

    def _arrays(self, left: list[Any], right: list[Any], trail: Trail, node: Node | None, stack: list[Frame]) -> None:
        items = node.items if node is not None else None
        if len(left) == len(right) and _aligned_as_is(left, right):
            stack.extend((left[at], right[at], (*trail, at), items) for at in range(len(left) - 1, -1, -1))
            return
        self.verdicts.spend(len(left) + len(right))
        if len(trail) > DEEP or len(left) == len(right) == 1:
            alignment = by_position(left, right)
        else:
            alignment = align(left, right, _names(trail), node, self.place, ordered=not self._unordered(trail, node))
        stack.extend((left[one], right[other], (*trail, one), items) for one, other in reversed(alignment.pairs))
        if not self.place.learning:
            self._array_findings(left, right, alignment, trail, node)

    def _unordered(self, trail: Trail, node: Node | None) -> str:
        """The rule by which the order of this array means nothing, or nothing."""
        rule = rule_at(self.rules, trail) if self.rules else None
        if rule is not None and rule.matcher.unordered:
            return rule.id
        return "builtin.unordered-array" if node is not None and node.unordered else ""

    def _array_findings(
        self, left: list[Any], right: list[Any], alignment: Alignment, trail: Trail, node: Node | None
    ) -> None:
        whose = f", aligned by {alignment.key}" if alignment.key else ""
        if alignment.multiplicity and (alignment.removed or alignment.added):
            self.find("array-multiplicity", trail, left, right, f"{len(left)} items, now {len(right)}")
        else:
            if alignment.removed:
                at = alignment.removed[0]
                evidence = f"{len(alignment.removed)} of {len(left)} items{whose}"
                self.find("array-item-removed", (*trail, at), left[at], ABSENT, evidence)
            if alignment.added:
                at = alignment.added[0]
                evidence = f"{len(alignment.added)} items beside {len(left)} recorded{whose}"
                self.find("array-item-added", (*trail, at), ABSENT, right[at], evidence)
        if alignment.reordered:
            rule = self._unordered(trail, node)
            if _sorted_by_volatile(left, right, alignment):
                self.verdicts.rule("volatile.sort-key")
            elif rule:
                self.verdicts.rule(rule)
            else:
                self.find("array-order", trail, left, right, f"{len(alignment.pairs)} items{whose}")


def _same_at_once(left: Any, right: Any, *, containers: bool) -> bool:
    """Equality at C speed where that is exact; a False may still turn out equal on walking."""
    if left is right:
        return True
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is str or kind is int or kind is bool:
        return bool(left == right)
    if containers and (kind is dict or kind is list) and len(left) == len(right):
        try:
            return repr(left) == repr(right)
        except RecursionError:
            return False
    return False


def _aligned_as_is(left: list[Any], right: list[Any]) -> bool:
    """Whether position is the right alignment at once: every pair has one and the same value under a naming field."""
    if not all(type(item) is dict for item in (*left, *right)):
        return False
    for name in ("id", "key", "code", "sku", "slug", "name"):
        if left and name in left[0]:
            ours, theirs = [item.get(name) for item in left], [item.get(name) for item in right]
            if all(type(value) in (str, int) for value in ours):
                return repr(ours) == repr(theirs) and len(set(ours)) == len(ours)
    return False


def _names(trail: Trail) -> tuple[str, ...]:
    return tuple(step for step in trail if type(step) is str)


def _made_anew(name: str) -> bool:
    return generated_name(name)


def _note_facets(node: Node, left: Any, right: Any) -> None:
    for value, facets in ((left, node.facets), (right, node.replayed_facets)):
        if type(value) is str and len(facets) < 16:
            shape = shape_of(value)
            if shape is not None:
                facets.add((shape.kind, *shape.facets))


def _sorted_by_volatile(left: list[Any], right: list[Any], alignment: Alignment) -> bool:
    """Whether both sides are sorted, the same way, by a field whose values were made anew: then order must differ."""
    if not all(type(left[one]) is dict and type(right[other]) is dict for one, other in alignment.pairs):
        if all(type(left[one]) is str and type(right[other]) is str for one, other in alignment.pairs):
            old = [left[one] for one, _ in alignment.pairs]
            new = [right[other] for other in sorted(other for _, other in alignment.pairs)]
            return set(old).isdisjoint(new) and bool(_direction(old)) and _direction(old) == _direction(new)
        return False
    first = left[alignment.pairs[0][0]]
    replayed = [right[other] for other in sorted(other for _, other in alignment.pairs)]
    for name, value in first.items():
        if type(value) is not str or hint_of(name) is None:
            continue
        old = [left[one].get(name) for one, _ in alignment.pairs]
        new = [item.get(name) for item in replayed]
        if not all(type(item) is str for item in (*old, *new)) or not set(old).isdisjoint(new):
            continue
        direction = _direction(old)
        if direction and direction == _direction(new):
            return True
    return False


def _direction(values: list[str]) -> int:
    """1: ascending, -1: descending, 0: neither."""
    pairs = list(pairwise(values))
    if all(one <= other for one, other in pairs):
        return 1
    return -1 if all(one >= other for one, other in pairs) else 0
