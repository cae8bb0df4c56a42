"""Walking two JSON values together, without recursion: 5,000 levels are as safe as one.

Equal parts cost one comparison at C speed. What is unequal is walked member by member: members are paired first (by
name, by the renaming of identifiers, as renamed, as wrapped), arrays are aligned (``diffing.walk.arrays``), scalars are
judged (``values.scalars``). What found no partner may have moved elsewhere, which is asked when the walk is over
(``diffing.walk.moved``). Every unequal place ends as a finding or as the use of a named rule.
"""

from __future__ import annotations

from typing import Any

from captures.formats.structures import embedded_json
from diffing.contract.profile import Node
from diffing.contract.refining import refine
from diffing.model import ABSENT
from diffing.place import Accepted, Drift, Place, Verdicts
from diffing.rulebook.demands import Document
from diffing.rulebook.matchers import json_type
from diffing.rulebook.rules import Rule
from diffing.rulebook.ruletree import RuleState
from diffing.values.names import Hint, hint_of
from diffing.values.scalars import judge, learn_equal, learn_names
from diffing.walk import trails
from diffing.walk.arrayfindings import array_findings, item_changes
from diffing.walk.arrays import align, by_position
from diffing.walk.flatten import same, same_at_once
from diffing.walk.maps import entries
from diffing.walk.memberpairs import array_held, pair_members, rule_of, step
from diffing.walk.momentpairs import MomentPairs
from diffing.walk.moved import Loose, moves
from diffing.walk.patching import Change
from diffing.walk.standing import learn_standing
from diffing.walk.together import find_related
from diffing.walk.trails import Link, after

SHALLOW = 12
"""Levels down to which every pair of containers is first compared as a whole; deeper only at powers of two."""

DEEP = 60
"""Levels from which on arrays are compared by position: aligning looks at whole items, once per level."""

Rules = RuleState[Rule] | None
Frame = tuple[Any, Any, "Link | None", "Node | None", "Rules"]
"""Both values, where they stand, what the recording says of that place, and the rules that go on there."""


class JsonComparison:
    """One comparison of two JSON bodies of one place."""

    def __init__(self, place: Place, verdicts: Verdicts, node: Node | None) -> None:
        self.place = place
        self.verdicts = verdicts
        self.root = node
        self.rules = None if place.strict else place.rules.tree(f"{place.where}.body")
        self.document = Document(None)  # the replayed one, once it is known
        self.changes = verdicts.changes
        self.gone: list[Loose] = []
        self.new: list[Loose] = []
        self.stack: list[Frame] = []
        self.moments = MomentPairs()
        self.told: set[trails.Trail] = set()  # scalars of which all has been said
        self.doubts: dict[int, Link] = {}  # items paired for want of better, by the identity of their links

    def run(self, recorded: Any, replayed: Any) -> None:
        """Compare. Raises :class:`diffing.place.BudgetSpentError`."""
        self.document = Document(replayed)
        self.stack.append((recorded, replayed, None, self.root, self.rules))
        self._finish()

    def _finish(self) -> None:
        self._walk()
        pairs = moves(self.gone, self.new)
        settled = {id(one) for pair in pairs for one in pair}
        self.gone = [one for one in self.gone if id(one) not in settled]
        self.new = [one for one in self.new if id(one) not in settled]
        for one, other in pairs:
            self._moved(one, other)
        self._walk()  # on inside what moved
        for link, (left, right), evidence in self.moments.cut(self.root):
            self.find("format-changed", link, left, right, evidence)
        for one in self.gone:
            self._missing(one)
        for one in self.new:
            self._added(one)

    def _walk(self) -> None:
        stack, verdicts, learning = self.stack, self.verdicts, self.place.learning
        while stack:
            left, right, link, node, rules = stack.pop()
            verdicts.spend()
            if _equal(left, right, link[3] if link is not None else 0):
                if learning and not (self.doubts and self.doubtful(link)):
                    verdicts.spend(learn_standing(left, trails.names(link), node, self.place))
                continue
            if rules is not None:
                if rules.here and self._ruled(left, right, link, rules.here[0]):
                    continue
                if rules.filtered:
                    rules = rules.on(left)
            kind, other = type(left), type(right)
            if kind is dict and other is dict:
                self.objects(left, right, link, node, rules)
            elif kind is list and other is list:
                self._arrays(left, right, link, node, rules)
            elif kind is dict or kind is list or other is dict or other is list:
                self._types(left, right, link, node, rules)
            else:
                self._scalars(left, right, link, node, rules)

    # -- what comes of it -----------------------------------------------------------------------------------------

    def find(
        self,
        change: str,
        link: Link | None,
        recorded: Any,
        replayed: Any,
        evidence: str = "",
        node: Node | None = None,
    ) -> None:
        """Note a finding of this body; a broken identity has a class of its own. ``node``: of the place itself.

        The path is that in the recorded document; in the replayed one where only that has the place.
        """
        if self.place.learning:
            return
        self._spend_on_depth(link)
        if change == "identity" and self.doubtful(link):
            change, evidence = "value-changed", "which recorded item this is, nothing says for certain"
        added = recorded is ABSENT
        trail = trails.trail(link, replayed=added)
        if not self.place.strict:
            change, evidence = refine(change, recorded, replayed, trail, node, self.place, evidence)
        location = f"{self.place.where}.body {trails.general(link, self.root, replayed=added)}"
        part = "identity" if change == "identity" else f"body.{change}"
        path = trails.path(link, replayed=added)
        self.verdicts.find(self.place, f"{self.place.side}.{part}", location, path, recorded, replayed, evidence)

    def doubtful(self, link: Link | None) -> bool:
        """Whether a place is in an array item that was paired for want of better: ids there prove nothing."""
        while link is not None and self.doubts:
            if id(link) in self.doubts:
                return True
            link = link[0]
        return False

    def _spend_on_depth(self, link: Link | None) -> None:
        """A path costs its length: a hundred thousand of 5,000 steps each are more than any reader can use."""
        level = trails.depth(link)
        if level > DEEP:
            self.verdicts.spend(level)

    def accept(self, rules: tuple[str, ...], link: Link | None, recorded: Any, replayed: Any, why: str = "") -> None:
        """Note that rules accepted an unequal place."""
        added = recorded is ABSENT
        location = f"{self.place.where}.body {trails.general(link, self.root, replayed=added)}"
        path = trails.path(link, replayed=added)
        self.verdicts.accept(self.place, location, path, rules, recorded, replayed, why)

    def change(
        self, operation: str, link: Link | None, before: Any, after_: Any, pairs: tuple[tuple[int, int], ...] = ()
    ) -> None:
        """Note an exact difference, where a patch is wanted."""
        if self.changes is not None:
            one = None if operation == "add" else trails.trail(link)
            other = None if operation == "remove" else trails.trail(link, replayed=True)
            self.changes.append(Change(operation, one, other, before, after_, pairs))

    def move(self, recorded: Link | None, replayed: Link | None, before: Any, after_: Any) -> None:
        """Note that a value stands elsewhere, where a patch is wanted, or what was taken for what."""
        if self.changes is None and self.verdicts.arranged is None:
            return
        one, other = trails.trail(recorded), trails.trail(replayed, replayed=True)
        self.verdicts.arrange(self.place, one, other)
        if self.changes is not None:
            self.changes.append(Change("move", one, other, before, after_))

    # -- values ---------------------------------------------------------------------------------------------------

    def _ruled(self, left: Any, right: Any, link: Link | None, rule: Rule) -> bool:
        if rule.matcher.unordered or same(left, right):
            return False  # an `unordered` array is walked as ever: see diffing.walk.arrayfindings
        complaint = rule.complaint(left, right, self.document)
        self.change("replace", link, left, right)
        if complaint is None:
            self.accept((rule.id,), link, left, right, rule.matcher.said())
        else:
            self.find("rule-broken", link, left, right, f"{complaint} ({rule.id})")
        return True

    def _types(self, left: Any, right: Any, link: Link | None, node: Node | None, rules: Rules) -> None:
        if array_held(self, left, right, link, node, rules):
            return
        self.change("replace", link, left, right)
        if (right is None or left is None) and not self.place.strict:
            nulls = node.nulls if node is not None else 0
            others = node is not None and node.seen > nulls
            change = "null-changed" if nulls or (left is None and others) else "became-null" if right is None else ""
            self.find(change or "type-changed", link, left, right, f"null in {nulls} recorded samples", node)
            return
        self.find("type-changed", link, left, right, f"{json_type(left)} became {json_type(right)}", node)

    def _scalars(self, left: Any, right: Any, link: Link | None, node: Node | None, rules: Rules) -> None:
        learning = self.place.learning
        if type(left) is type(right) and repr(left) == repr(right):
            if learning and _may_be_made(left, link) and not (self.doubts and self.doubtful(link)):
                learn_equal(left, trails.names(link), self.place)
                if node is not None:
                    _note_facets(node, left, self.place)
            return
        names = trails.names(link)
        if learning and node is not None:
            _note_facets(node, left, self.place)
        self.change("replace", link, left, right)
        if self.told and trails.trail(link) in self.told:
            return
        if type(left) is str and type(right) is str and self._embedded(left, right, link, rules):
            return
        if self.place.strict:
            outcome: Accepted | Drift = Drift(
                "value-changed" if json_type(left) == json_type(right) else "type-changed"
            )
        elif learning and self.doubts and self.doubtful(link):
            return
        else:
            self._spend_on_depth(link)
            asks = learning or self.place.movements  # only then where it stands matters
            outcome = judge(left, right, names, node, self.place, trails.trail(link) if asks else ())
        if learning:
            return
        if not isinstance(outcome, Accepted):
            self.find(outcome.change, link, left, right, outcome.evidence, node)
            return
        self.accept(outcome.rules, link, left, right, outcome.why)
        if outcome.rules == ("volatile.timestamp",) and not self.doubtful(link):
            said = self.moments.note(left, right, link)
            if said:
                self.find("relation-broken", link, left, right, said)

    def _embedded(self, left: str, right: str, link: Link | None, rules: Rules) -> bool:
        """Compare two strings that are JSON texts by what they say; whether they are. Paths go on inside."""
        if self.place.strict or left[:1] not in _OPENING or right[:1] not in _OPENING:
            return False
        values = embedded_json(left, right)
        if values is None:
            return False
        if same(*values):
            if not self.place.learning:
                self.accept(("builtin.layout",), link, left, right)
            return True
        inner = JsonComparison(self.place, self.verdicts, self.root)
        inner.document, inner.doubts = self.document, self.doubts
        inner.changes = None  # as a patch, it is one text in place of another
        inner.stack.append((*values, link, None, rules))
        inner._finish()
        return True

    # -- objects --------------------------------------------------------------------------------------------------

    def objects(self, left: Any, right: Any, link: Link | None, node: Node | None, rules: Rules) -> None:
        gone = dict.fromkeys(name for name in left if name not in right)
        new = dict.fromkeys(name for name in right if name not in left)
        is_entry = entries(node, left) if gone or new else None
        if gone and new and is_entry is not None:
            pair_members(self, left, right, link, node, rules, gone, new, is_entry)
        self._push_members(left, right, link, node, rules)
        if self.place.learning:
            learn_names([name for name in left if name in right], self.place)
        elif not self.place.strict:
            find_related(self, left, right, link, node, rules)
        if is_entry is not None:
            self.gone.extend(
                Loose(name, left[name], after(link, name, None), node, step(rules, name), left, is_entry(name))
                for name in gone
            )
            self.new.extend(
                Loose(name, right[name], after(link, None, name), node, step(rules, name), left, is_entry(name))
                for name in new
            )

    def _push_members(self, left: Any, right: Any, link: Link | None, node: Node | None, rules: Rules) -> None:
        """What both have, in reverse: the stack gives it back in the order of the document."""
        learning, level = self.place.learning, trails.depth(link) + 1
        self.verdicts.spend(len(left) // 4)
        unequal = [name for name in left if name in right and (learning or not _equal(left[name], right[name], level))]
        unequal.reverse()
        self.stack.extend(
            (
                left[name],
                right[name],
                (link, name, name, level),
                node.child(name) if node is not None else None,
                step(rules, name),
            )
            for name in unequal
        )

    def _moved(self, one: Loose, other: Loose) -> None:
        evidence = f"now {trails.path(other.link, replayed=True)}"
        node = one.node.child(one.name) if one.node is not None else None
        self.find("field-moved", one.link, one.value, other.value, evidence, node)
        self.move(one.link, other.link, one.value, other.value)
        # Inside, places are counted from both: the recorded steps of the one, the replayed steps of the other.
        self.stack.append((one.value, other.value, trails.joined(one.link, other.link), node, one.rules))

    def _missing(self, one: Loose) -> None:
        self.change("remove", one.link, one.value, ABSENT)
        if self.place.learning or self._optional(one, one.value, ABSENT):
            return
        node, name = one.node, one.name
        evidence = node.evidence(name, one.beside) if node is not None else "1/1 recorded samples"
        below = node.child(name) if node is not None else None
        if one.entry:
            self.find("map-key-removed", one.link, one.value, ABSENT, evidence, below)
            return
        required = node is None or node.required(name, one.beside)
        self.find(
            "field-removed" if required else "optional-field-removed", one.link, one.value, ABSENT, evidence, below
        )

    def _added(self, one: Loose) -> None:
        self.change("add", one.link, ABSENT, one.value)
        if self.place.learning or self._optional(one, ABSENT, one.value):
            return
        node = one.node
        evidence = node.evidence(one.name) if node is not None else "not in the recorded answer"
        change = "map-key-added" if one.entry else "field-added"
        self.find(change, one.link, ABSENT, one.value, evidence)

    def _optional(self, one: Loose, left: Any, right: Any) -> bool:
        rule = rule_of(one.rules)
        if rule is not None and rule.matcher.optional:
            self.accept((rule.id,), one.link, left, right)
            return True
        return False

    # -- arrays ---------------------------------------------------------------------------------------------------

    def _arrays(self, left: list[Any], right: list[Any], link: Link | None, node: Node | None, rules: Rules) -> None:
        items = node.items if node is not None else None
        learning, level = self.place.learning, trails.depth(link) + 1
        unordered = "" if self.place.strict else _unordered(node, rules)
        self.verdicts.spend(len(left) + len(right))
        alignment = None
        if len(left) == len(right) and ((learning and same_at_once(left, right)) or _aligned_as_is(left, right)):
            pairs: Any = [(at, at) for at in range(len(left))]
        else:
            if level > DEEP or len(left) == len(right) == 1:
                alignment = by_position(left, right)
            else:
                alignment = align(
                    left, right, trails.names(link), node, self.place, self.verdicts.spend, ordered=not unordered
                )
            pairs = alignment.pairs
        doubtful = alignment.doubtful if alignment is not None else ()
        for one, other in reversed(pairs):
            if learning or not _equal(left[one], right[other], level):
                here = (link, one, other, level)
                if one in doubtful:
                    self.doubts[id(here)] = here
                self.stack.append((left[one], right[other], here, items, step(rules, one)))
        if alignment is None:
            return
        if self.verdicts.arranged is not None:
            there = trails.trail(link, replayed=True)
            self.verdicts.arrange(self.place, trails.trail(link), there, alignment.pairs)
        if self.changes is not None and not alignment.in_place:
            item_changes(self, left, right, alignment, link)
        if not learning:
            array_findings(self, left, right, alignment, link, node, unordered)


_OPENING = ("{", "[", " ", "\n")
_SIMPLE = frozenset({str, int, bool, type(None)})


def _equal(left: Any, right: Any, level: int) -> bool:
    """Equality at C speed where that is exact and affordable; a False may still turn out equal on walking."""
    if left is right:
        return True
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is dict or kind is list:
        # At every level of a deep document this would cost its depth squared.
        return (level < SHALLOW or not level & (level - 1)) and len(left) == len(right) and same_at_once(left, right)
    return kind in _SIMPLE and bool(left == right)


def _unordered(node: Node | None, rules: Rules) -> str:
    """The rule by which the order of this array means nothing, or nothing."""
    rule = rule_of(rules)
    if rule is not None and rule.matcher.unordered:
        return rule.id
    return "builtin.unordered-array" if node is not None and node.unordered else ""


def _aligned_as_is(left: list[Any], right: list[Any]) -> bool:
    """Whether position is the right alignment at once: every pair has one and the same value under a naming field."""
    if not all(type(item) is dict for item in left) or not all(type(item) is dict for item in right):
        return False
    for name in ("id", "uuid", "guid", "key", "code", "sku", "slug", "name"):
        if left and name in left[0]:
            ours, theirs = [item.get(name) for item in left], [item.get(name) for item in right]
            if all(type(value) in (str, int) for value in (*ours, *theirs)):
                return ours == theirs and len(set(ours)) == len(ours)
    return False


def _may_be_made(value: Any, link: Link | None) -> bool:
    """Whether an equal value is worth a look: text that may be generated, or a whole number that is an id."""
    if type(value) is str:
        return 5 <= len(value) <= 128 and not (value.isalpha() and value.islower())
    return type(value) is int and hint_of(trails.nearest(link)) is Hint.ID


def _note_facets(node: Node, left: Any, place: Place) -> None:
    """Note how the recorded value is formed."""
    facets = node.facets
    if type(left) is str and len(facets) < 16:
        shape = place.shape(left)
        if shape is not None:
            facets.add((shape.kind, *shape.facets))
