"""Members of two objects that belong together without being namesakes, and what that comes to.

Named by an id that was made anew, renamed, or wrapped: one finding each, and the walk goes on inside. An array that
became a member of an object in its place is told here as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from diffing.contract.profile import Node
from diffing.model import ABSENT
from diffing.rulebook.rules import Rule
from diffing.rulebook.ruletree import RuleState
from diffing.walk import trails
from diffing.walk.membernames import made_anew, note_names
from diffing.walk.moved import Loose
from diffing.walk.renames import envelope, held, renames
from diffing.walk.trails import Link, after

if TYPE_CHECKING:
    from diffing.walk.jsonwalk import JsonComparison

Rules = RuleState[Rule] | None


def step(rules: Rules, key: str | int) -> Rules:
    """The rules that go on at member or index ``key``."""
    return rules.step(key) if rules is not None else None


def rule_of(rules: Rules) -> Rule | None:
    """The rule about this very place."""
    return rules.here[0] if rules is not None and rules.here else None


def pair_members(
    walk: JsonComparison,
    left: Any,
    right: Any,
    link: Link | None,
    node: Node | None,
    rules: Rules,
    gone: dict[str, None],
    new: dict[str, None],
    is_entry: Callable[[str], bool],
) -> None:
    """Members without a namesake that belong together all the same; takes them out of ``gone`` and ``new``."""
    if not walk.place.strict:
        pairs = made_anew(list(gone), list(new), (name for name in left if name in right), walk.place)
        if pairs:
            note_names(pairs, walk.place)
            why = [one for one, _ in pairs], [other for _, other in pairs]
            if not walk.place.learning:
                walk.accept(("volatile.member-name",), link, *why)
            for one, other in pairs:
                _go_on_renamed(walk, left, right, link, node, rules, one, other)
                del gone[one], new[other]
    fields = [name for name in gone if not _left_open(rules, name) and not is_entry(name)]
    # What the recording itself has at this place is no new name for another member.
    known = node.children if node is not None else {}
    others = [n for n in new if n not in known and not _left_open(rules, n) and not is_entry(n)]
    if not fields or not others:
        return
    wrap = envelope(left, right, fields, others)
    if wrap is not None:
        _enveloped(walk, left, right, link, node, rules, wrap.name, wrap.members, wrapped=wrap.wrapped)
        took, came = (wrap.members, (wrap.name,)) if wrap.wrapped else ((wrap.name,), wrap.members)
        for name in took:
            del gone[name]
        for name in came:
            del new[name]
        fields, others = [name for name in fields if name in gone], [name for name in others if name in new]
    for rename in renames(left, right, fields, others):
        one, other = rename.recorded, rename.replayed
        here, there = after(link, one, other), after(link, None, other)
        evidence = f"now {trails.path(there, replayed=True)}: {rename.why}"
        walk.find("field-renamed", here, left[one], right[other], evidence, node.child(one) if node else None)
        _go_on_renamed(walk, left, right, link, node, rules, one, other)
        del gone[one], new[other]


def _go_on_renamed(
    walk: JsonComparison,
    left: Any,
    right: Any,
    link: Link | None,
    node: Node | None,
    rules: Rules,
    one: str,
    other: str,
) -> None:
    below = after(link, one, other)
    walk.move(below, below, left[one], right[other])
    walk.stack.append((left[one], right[other], below, node.child(one) if node else None, step(rules, one)))


def _enveloped(
    walk: JsonComparison,
    left: Any,
    right: Any,
    link: Link | None,
    node: Node | None,
    rules: Rules,
    name: str,
    members: tuple[str, ...],
    *,
    wrapped: bool,
) -> None:
    """Members that stand under ``name`` now (wrapped), or stood there: one finding, and on inside."""
    what = f"{len(members)} members" if len(members) > 1 else members[0]
    if wrapped:
        inner = after(link, None, name)
        ours, theirs = {member: left[member] for member in members}, right[name]
        whole = len(members) == len(left)
        place = link if whole or len(members) > 1 else after(link, members[0], None)
        old = left if whole else ours if len(members) > 1 else left[members[0]]
        evidence = f"{what} now under {trails.path(inner, replayed=True)}"
        walk.find("field-moved", place, old, right if whole else theirs, evidence)
        walk.change("add", inner, ABSENT, {})
        below, rule = node, rules
    else:
        inner = after(link, name, None)
        ours, theirs = left[name], {member: right[member] for member in members}
        evidence = f"{what} now under {trails.path(link, replayed=True)}"
        below = node.child(name) if node is not None else None
        walk.find("field-moved", inner, ours, theirs, evidence, below)
        rule = step(rules, name)
    for member in members:
        here = after(inner, member, member)
        walk.move(here, here, ours[member], theirs[member])
    if not wrapped:
        walk.change("remove", inner, ours, ABSENT)
    if rule is not None and rule.filtered:
        rule = rule.on(ours)
    walk.objects(ours, theirs, inner, below, rule)


def array_held(walk: JsonComparison, left: Any, right: Any, link: Link | None, node: Node | None, rules: Rules) -> bool:
    """An array that became a member of an object in its place, or the reverse; whether it did."""
    if type(left) is list and type(right) is dict and (name := held(left, right)):
        inner = after(link, None, name)
        evidence = f"now {trails.path(inner, replayed=True)}"
        walk.find("field-moved", link, left, right, evidence, node)
        walk.move(link, inner, left, right[name])
        walk.change("add", link, ABSENT, {})
        walk.stack.append((left, right[name], inner, node, rules))
        walk.new.extend(
            Loose(other, right[other], after(link, None, other), None, None, {}) for other in right if other != name
        )
        return True
    if type(left) is dict and type(right) is list and (name := held(right, left)):
        inner = after(link, name, None)
        below = node.child(name) if node is not None else None
        walk.find("field-moved", inner, left[name], right, f"now {trails.path(link, replayed=True)}", below)
        walk.move(inner, inner, left[name], right)
        walk.stack.append((left[name], right, inner, below, step(rules, name)))
        walk.gone.extend(
            Loose(other, left[other], after(link, other, None), node, step(rules, other), left)
            for other in left
            if other != name
        )
        return True
    return False


def _left_open(rules: Rules, name: str) -> bool:
    rule = rule_of(step(rules, name))
    return rule is not None and rule.matcher.optional
