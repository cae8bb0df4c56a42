"""What the members of one object say together, where each alone would pass: told when the object has been walked into.

A rule of the user's about the member has the last word, and so have replays of the recorded build that show it moving.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from diffing.contract.profile import Node
from diffing.place import Accepted
from diffing.rulebook.rules import Rule
from diffing.rulebook.ruletree import RuleState
from diffing.values.contents import unfounded
from diffing.values.references import strayed
from diffing.values.relations import broken_relations
from diffing.values.scalars import judge
from diffing.values.touched import touched
from diffing.values.updates import stands_still
from diffing.walk import trails
from diffing.walk.memberpairs import rule_of, step
from diffing.walk.trails import Link, after

if TYPE_CHECKING:
    from diffing.walk.jsonwalk import JsonComparison

Rules = RuleState[Rule] | None
Said = tuple[str, tuple[str, ...], str]
"""(the last word of the class, members down to the value, evidence)."""


def find_related(
    walk: JsonComparison, left: Any, right: Any, link: Link | None, node: Node | None, rules: Rules
) -> None:
    """Find what two objects of one place say otherwise as a whole."""
    for change, members, evidence in _relations(walk, left, right, link, node):
        here, above = _below(link, rules, members)
        if not rule_of(above):
            walk.find(change, here, left[members[0]], right[members[0]], evidence)
    for change, members, evidence in _made_anew(walk, left, right, link, node):
        here, above = _below(link, rules, members)
        if not rule_of(above):
            _weighed(walk, change, left, right, here, node, members, evidence)


def _relations(walk: JsonComparison, left: Any, right: Any, link: Link | None, node: Node | None) -> Iterator[Said]:
    still = stands_still(left, right, node, walk.place) if walk.place.side == "response" else None
    if still is not None:
        yield "value-changed", (still[0],), still[1]
    for name, evidence in broken_relations(left, right, node, trails.names(link), walk.place):
        yield "relation-broken", (name,), evidence


def _made_anew(walk: JsonComparison, left: Any, right: Any, link: Link | None, node: Node | None) -> Iterator[Said]:
    """What its own shape and name say to be made anew, and the rest of the object not."""
    if walk.place.side == "response":
        row = link is not None and type(link[1]) is int
        yield from strayed(left, right, node, trails.names(link), walk.place, row=row)
        for name, evidence in touched(left, right, node, walk.place):
            yield "value-changed", (name,), evidence
    for name, evidence in unfounded(left, right, node):
        yield "relation-broken", (name,), evidence


def _below(link: Link | None, rules: Rules, members: tuple[str, ...]) -> tuple[Link | None, Rules]:
    for name in members:
        link, rules = after(link, name, name), step(rules, name)
    return link, rules


def _weighed(
    walk: JsonComparison,
    change: str,
    left: Any,
    right: Any,
    link: Link | None,
    node: Node | None,
    members: tuple[str, ...],
    evidence: str,
) -> None:
    """Find it if the value alone would pass, and is not known to move: else one cause would be two findings."""
    for name in members:
        left, right, node = left[name], right[name], node.child(name) if node is not None else None
    trail = trails.trail(link)
    moved = walk.place.moves(trail)
    if moved is not None and moved.differed:
        return
    outcome = judge(left, right, trails.names(link), node, walk.place, trail)
    if isinstance(outcome, Accepted):
        walk.find(change, link, left, right, evidence, node)
    elif change == "identity" and outcome.change == "value-changed" and not walk.doubtful(link):
        walk.told.add(trail)  # the same cause, said better
        walk.find(change, link, left, right, evidence, node)
