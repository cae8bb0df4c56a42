"""All paths of a service as a tree, and what in it is a parameter.

A word (a segment that does not look like an id) is a parameter on evidence only:

- **counting**: so many siblings that they are no fixed set of words, alike in what is below them;
- **answers**: the answer to the request names the word as an id, slug or name, or the collection above lists it
  (``GET /products`` has ``{"slug": "blue-shirt"}``);
- **callers**: the request that made the service call has the word among its values (:mod:`captures.routes.passing`).

And never when something speaks against it: a word that names an action or oneself (``me``, ``search``); a word with
ids right below (a collection: ``/admin/users/42``); words in the camel case of program code; words only ever POSTed to
(methods of an RPC); JSON answers of many that never name it; the place right after the root, ``/api`` or ``/v1``.

Counting is order-independent: what is dropped when a place is full is chosen by check sum, what is too deep by depth.
"""

from __future__ import annotations

import heapq
import re
import zlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from captures.routes.echoes import Answer
from captures.routes.segments import ID, parameter

FEW = 8
"""Different siblings that make a parameter below a plural (``/products/…``)."""

MANY = 20
"""Different siblings that make a parameter anywhere else."""

NAMED = 3
"""Siblings named by their own answers that make a parameter. Two are enough when the collection lists them; one, when
its own answer names it as well, or ids stand beside it."""

MAX_CHILDREN = 1_000
"""Different words kept per place while counting; a fixed set of words is never this large."""

MAX_PLACES = 200_000
"""Places kept in all; beyond, the deepest level is given up."""

MAX_VALUES = 1_000
"""Different values of a parameter that are counted."""

_RESERVED = frozenset(
    "me self current mine my search latest newest recent count stats health healthz ready status new create edit "
    "update delete login logout signin signout signup register export import batch bulk all any none default active "
    "archived admin public private settings preferences config metadata schema summary report validate verify preview "
    "upload download index home root top popular trending featured first last next previous today now whoami "
    "daily weekly monthly quarterly yearly hourly".split()
)
_NO_COLLECTION = frozenset(
    "settings preferences reports stats statistics analytics metrics tools actions docs utils internals ops status "
    "options details contents assets static css js images news credentials sales operations diagnostics".split()
)
_VERSION = re.compile(r"(?:api|rest|v[0-9]+(?:\.[0-9]+)*)", re.IGNORECASE)
_CODE = re.compile(r"[a-z0-9]+(?:[A-Z][a-z0-9]*)+|(?:[A-Z][a-z0-9]+){2,}|[\w.]*\.[A-Z]\w*")


Question = tuple[int, str]
"""A place of a tree, and the word in it that may be a parameter ("": the place itself may list its words)."""


@dataclass(slots=True)
class Values:
    """The different values seen in one place (the first :data:`MAX_VALUES`)."""

    seen: set[str] = field(default_factory=set)
    formats: dict[str, int] = field(default_factory=dict)

    def add(self, value: str, kind: str) -> None:
        if value not in self.seen and len(self.seen) < MAX_VALUES:
            self.seen.add(value)
            self.formats[kind] = self.formats.get(kind, 0) + 1

    def merge(self, other: Values) -> None:
        room = MAX_VALUES - len(self.seen)
        fresh = other.seen - self.seen
        self.seen.update(sorted(fresh)[:room])
        for kind, count in other.formats.items():
            self.formats[kind] = self.formats.get(kind, 0) + count


@dataclass(slots=True)
class Node:
    """One place while counting."""

    children: dict[str, Node] = field(default_factory=dict)
    parameters: dict[str, Node] = field(default_factory=dict)  # "{id}", "{id}.pdf": the merged children like ids
    values: dict[str, Values] = field(default_factory=dict)  # of the parameters
    methods: set[str] = field(default_factory=set)  # it was requested with
    full: bool = False
    dropped: Node | None = None  # what was below the children that found no room, merged
    order: list[tuple[int, str]] = field(default_factory=list)  # once full: a heap, largest check sum first
    named: bool = False  # an answer named this word as an id, slug or name
    listed: bool = False  # an answer of the place above did
    silent: bool = False  # a JSON answer of its own does not hold the word at all
    passed: bool = False  # a request that made this call has the word among its values
    unasked: bool = False  # one has not

    def merge(self, other: Node) -> None:
        self.methods |= other.methods
        self.full |= other.full
        self.named |= other.named
        self.listed |= other.listed
        self.silent |= other.silent
        self.passed |= other.passed
        self.unasked |= other.unasked
        for mine, theirs in ((self.children, other.children), (self.parameters, other.parameters)):
            for name, node in theirs.items():
                mine.setdefault(name, Node()).merge(node)
        for name, values in other.values.items():
            self.values.setdefault(name, Values()).merge(values)
        if other.dropped is not None:
            self.dropped = self.dropped or Node()
            self.dropped.merge(other.dropped)


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a place is a parameter, and what stood there."""

    text: str  # "looks like an id", "25 siblings of one kind", "named by 3 answers"
    different: int  # values seen, at most MAX_VALUES
    formats: Mapping[str, int]  # format -> how many of them; "word" for what does not look like an id
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One place, decided. ``words``: any unreserved word but those in ``fixed`` is the parameter as well."""

    children: Mapping[str, Place]
    parameters: Mapping[str, Place]
    words: bool = False
    fixed: frozenset[str] = frozenset()
    grounds: Mapping[str, Ground] = field(default_factory=dict)  # by parameter

    def takes(self, segment: str) -> bool:
        """Whether the word ``segment``, which does not look like an id, is the parameter here."""
        return self.words and may_vary(segment) and segment not in self.fixed


NOWHERE = Place({}, {})


def may_vary(segment: str) -> bool:
    """Whether a word is none of those that name an action or oneself."""
    return bool(segment) and segment.lower() not in _RESERVED


def still_guarded(guarded: bool, segment: str) -> bool:
    """Whether the place below ``segment`` is still at the root, where no word ever is a parameter."""
    return guarded and bool(_VERSION.fullmatch(segment))


class Tree:
    """Counts paths. ``add`` all requests, then ``answered`` what is known of answers, then ``decided``."""

    def __init__(self) -> None:
        self.root = Node()
        self._deepest = 30
        self._places = 0

    def add(self, method: str, segments: Sequence[str]) -> None:
        """Count one request."""
        node = self.root
        for index, segment in enumerate(segments[: self._deepest]):
            found = parameter(segment, index)
            if found:
                name, value, kind = found
                node.values.setdefault(name, Values()).add(value, kind)
                following = node.parameters.get(name)
                if following is None:
                    following = node.parameters[name] = self._new()
            else:
                following = node.children.get(segment)
                if following is None:
                    following = self._child(node, segment)
            node = following
        node.methods.add(method.upper())
        while self._places > MAX_PLACES and self._deepest > 2:
            self._deepest -= 1
            self._places = _prune(self.root, self._deepest)

    def answered(self, answer: Answer) -> None:
        """Note which segments of the target the answer names, and which words below it."""
        node = self.root
        last = len(answer.segments) - 1
        found: tuple[str, str, str] | None = None
        for index, segment in enumerate(answer.segments[: self._deepest]):
            found = parameter(segment, index)
            following = node.parameters.get(found[0]) if found else node.children.get(segment)
            if following is None:
                return
            if not found:
                word = unquote(segment)
                if answer.names(word):
                    following.named = True
                elif index == last and answer.whole and not answer.speaks_of(word):
                    following.silent = True
            node = following
        if found is None:  # below an id there are actions (Siren names them), below a word the members of a collection
            for word, child in node.children.items():
                if answer.names(unquote(word)):
                    child.listed = True

    def caused(self, segments: Sequence[str], said: Container[str]) -> None:
        """Note which words of a call's path are among what the request ``said`` that made the service call."""
        node = self.root
        for index, segment in enumerate(segments[: self._deepest]):
            found = parameter(segment, index)
            following = node.parameters.get(found[0]) if found else node.children.get(segment)
            if following is None:
                return
            if found is None:
                passed = unquote(segment) in said
                following.passed |= passed
                following.unasked |= not passed
            node = following

    def decided(self) -> Place:
        """Every place, decided."""
        return _decide(self.root, "", True)

    def questions(self) -> frozenset[int]:
        """Places where answers could show that words are a parameter, for :meth:`asked`."""
        return frozenset(id(node) for node in _places(self.root, True) if _is_question(node))

    def asked(self, segments: Sequence[str], questions: frozenset[int]) -> list[Question]:
        """Which questions the answer to a request for ``segments`` may settle."""
        node = self.root
        asked: list[Question] = []
        for index, segment in enumerate(segments[: self._deepest]):
            found = parameter(segment, index)
            if found is None and id(node) in questions and may_vary(segment):
                asked.append((id(node), segment))
            following = node.parameters.get(found[0]) if found else node.children.get(segment)
            if following is None:
                return asked
            node = following
        if id(node) in questions:
            asked.append((id(node), ""))
        return asked

    def _new(self) -> Node:
        self._places += 1
        return Node()

    def _child(self, node: Node, segment: str) -> Node:
        if not may_vary(segment) or len(node.children) < MAX_CHILDREN:
            child = node.children[segment] = self._new()
            return child
        # Keep those of the smallest check sums: whatever the order of requests, the same ones stay.
        if not node.full:
            node.full = True
            node.dropped = Node()
            node.order = [(-zlib.crc32(word.encode("latin-1")), word) for word in node.children if may_vary(word)]
            heapq.heapify(node.order)
        assert node.dropped is not None
        entry = (-zlib.crc32(segment.encode("latin-1")), segment)
        out = heapq.heappushpop(node.order, entry)
        if out == entry:
            return node.dropped
        node.dropped.merge(node.children.pop(out[1]))
        child = node.children[segment] = self._new()
        return child


def _prune(node: Node, levels: int) -> int:
    """Forget what is more than ``levels`` below ``node``; how many places are left."""
    below = [*node.children.values(), *node.parameters.values()]
    if not levels:
        node.children, node.parameters, node.values, node.dropped = {}, {}, {}, None
        return 1
    if node.dropped is not None:
        below.append(node.dropped)
    return 1 + sum(_prune(child, levels - 1) for child in below)


def _places(node: Node, guarded: bool) -> Iterator[Node]:
    if not guarded:
        yield node
    for word, child in node.children.items():
        yield from _places(child, still_guarded(guarded, word))
    for child in node.parameters.values():
        yield from _places(child, False)


def _is_question(node: Node) -> bool:
    return not node.full and any(may_vary(word) for word in node.children)


def _decide(node: Node, parent: str, guarded: bool) -> Place:
    children: Mapping[str, Node] = node.children
    parameters = dict(node.parameters)
    words = False
    fixed: frozenset[str] = frozenset()
    grounds = {name: _ground("looks like an id", values) for name, values in node.values.items()}
    candidates = sorted(word for word in children if may_vary(word))
    ground = "" if guarded else _why(node, parent, candidates)
    if ground:
        words = True
        if not node.full:
            fixed = frozenset(_fixed(node, candidates))
        varying = [word for word in candidates if word not in fixed]
        merged = Node()
        values = Values()
        if ID in parameters:
            merged.merge(parameters[ID])
            values.merge(node.values[ID])
        for word in varying:
            merged.merge(children[word])
            values.add(word, "word")
        if node.dropped is not None:
            merged.merge(node.dropped)
        parameters[ID] = merged
        grounds[ID] = _ground(ground, values)
        taken = set(varying)
        children = {word: child for word, child in children.items() if word not in taken}
    return Place(
        {word: _decide(child, word, still_guarded(guarded, word)) for word, child in children.items()},
        {name: _decide(child, "", False) for name, child in parameters.items()},
        words,
        fixed,
        grounds,
    )


def _ground(text: str, values: Values) -> Ground:
    samples = tuple(sorted(values.seen, key=lambda value: (len(value), value))[:3])
    return Ground(text, len(values.seen), dict(sorted(values.formats.items())), samples)


def _why(node: Node, parent: str, candidates: Sequence[str]) -> str:
    """On which ground the words of this place are a parameter; "" when they are not."""
    if node.full:
        return f"more than {MAX_CHILDREN:,} siblings"
    methods = set().union(*(node.children[word].methods for word in candidates))
    called = methods == {"POST"} and not any(node.children[word].children for word in candidates)
    if called:
        return ""  # nobody ever reads them: the methods of an RPC, or actions
    named = [word for word in candidates if _is_named(node.children[word])]
    listed = sum(node.children[word].listed for word in named)
    silent = [word for word in candidates if node.children[word].silent and word not in named]
    both = any(node.children[word].named and node.children[word].listed for word in named)
    if len(named) > 2 * len(silent) and (
        len(named) >= NAMED or listed >= 2 or both or (named and ID in node.parameters)
    ):
        by = "listed by the answer above" if listed else "named by their own answers"
        return f"{len(named)} of {len(candidates)} words {by}"
    passed = sum(node.children[word].passed for word in candidates)
    unasked = sum(node.children[word].unasked and not node.children[word].passed for word in candidates)
    if passed >= NAMED and passed > 2 * unasked:
        return f"{passed} of {len(candidates)} words passed on from the caller's request"
    return _counted(node, parent, candidates, len(silent) if not named else 0)


def _counted(node: Node, parent: str, candidates: Sequence[str], silent: int) -> str:
    lower = parent.lower()
    enough = FEW if lower.endswith("s") and lower not in _NO_COLLECTION and not _CODE.fullmatch(parent) else MANY
    if len(candidates) < enough:
        return ""
    if any(ID in node.children[word].parameters for word in candidates):
        return ""  # a word with ids right below it is a collection of its own: /admin/users/42
    if 3 * sum(bool(_CODE.fullmatch(word)) for word in candidates) > len(candidates):
        return ""  # names out of a program: /rpc/getOrder, /org/onboardingStatus
    if silent >= 5 and len(candidates) < 3 * enough:
        return ""  # their own answers never speak of them
    below = [frozenset(node.children[word].children) for word in candidates if node.children[word].children]
    if below:
        # Siblings that have something below them have the same things below them, or they are different collections.
        alike = len(frozenset.union(*below)) <= 2 * max(map(len, below))
        if not (alike and (len(below) >= 2 or len(candidates) >= 2 * enough)):
            return ""
    return f"{len(candidates)} different words in one place"


def _is_named(node: Node) -> bool:
    """Whether answers say that the word is an id. Of a collection (ids below it) only its own answers can say so."""
    return node.named or (node.listed and ID not in node.parameters)


def _fixed(node: Node, candidates: Sequence[str]) -> Iterator[str]:
    """Words that stay although their siblings vary: their own answer is silent on them while others' are not."""
    if any(_is_named(node.children[word]) for word in candidates):
        for word in candidates:
            if node.children[word].silent and not _is_named(node.children[word]):
                yield word
