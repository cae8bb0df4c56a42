"""Endpoints: which requests are "the same call with another id". ``GET /orders/8412`` is ``GET /orders/{id}``.

A path segment becomes a parameter on one of three grounds, strongest first:

1. a template given in the configuration says so;
2. it looks like an id: a number, UUID, hash, ULID, date, e-mail, ``ord_8fk2``, ``ORD-2026-0001``;
3. evidence: so many different siblings stand in that place that it cannot be a fixed set of words, and none of them
   behaves like a collection (has ids below it). Words that name an action or oneself (``me``, ``search``) stay.

Never the first segment, nor the one right after ``/api`` or ``/v1`` unless it looks like an id. The query is no part of
an endpoint; the method is. The result depends on nothing but the requests.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

FEW = 8
"""Different siblings that make a parameter below a plural (``/products/…``)."""

MANY = 20
"""Different siblings that make a parameter anywhere else."""

MAX_CHILDREN = 2_000
"""Different words kept per place while counting; a fixed set of words is never this large."""

_ID = "{id}"

_RESERVED = frozenset(
    "me self current mine my search latest newest recent count stats health healthz ready status new create edit "
    "update delete login logout signin signout signup register export import batch bulk all any none default active "
    "archived admin public private settings preferences config metadata schema summary report validate verify preview "
    "upload download index home root top popular trending featured first last next previous today now".split()
)

_STRONG = re.compile(
    r"""
    -?[0-9]+(?:\.[0-9]+)*                                                        # number, 1.2.3, IPv4
  | (?:urn:uuid:)?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}             # UUID
  | [0-9a-fA-F]{32,128}                                                          # MD5 … SHA-512
  | [0-9]{4}-[0-9]{2}(?:-[0-9]{2})?(?:[T_ ][0-9:.%A]+(?:Z|[+-][0-9:]+)?)?           # date, time
  | [^@/\s]+(?:@|%40)[^@/\s]+\.[A-Za-z]{2,}                                       # e-mail
  | [A-Za-z]{1,10}_(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{3,}                          # ord_8fk2
  | [A-Za-z]{1,10}-(?=[A-Za-z0-9-]*[0-9]{3})[A-Za-z0-9]*(?:-[0-9][A-Za-z0-9]*)*    # ORD-2026-0001, SKU-1001
    """,
    re.VERBOSE,
)
_PREFIXED_RANDOM = re.compile(
    r"[A-Za-z]{1,10}(?:_[a-z]{1,8})?[_-](?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{10,}"
)
_HEX = re.compile(
    r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,31}|(?=[0-9A-F]*[0-9])(?=[0-9A-F]*[A-F])[0-9A-F]{7,31}"
)
_MIXED = re.compile(r"[A-Za-z0-9_~.=-]+")
_VERSION = re.compile(r"(?:api|rest|v[0-9]+(?:\.[0-9]+)*)", re.IGNORECASE)
_EXTENSION = re.compile(r"(.+)(\.[A-Za-z][A-Za-z0-9]{0,4})")
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


def looks_like_id(segment: str) -> bool:
    """Whether a path segment alone, without its siblings, says that it is an id."""
    if _STRONG.fullmatch(segment) or _HEX.fullmatch(segment) or _PREFIXED_RANDOM.fullmatch(segment):
        return True
    if len(segment) < 10 or not _MIXED.fullmatch(segment):
        return False
    # ULIDs, nanoids, base64url, short hashes: letters and digits mixed more often than words and versions do.
    digits = sum(character.isdigit() for character in segment)
    letters = sum(character.isalpha() for character in segment)
    turns = sum(a.isdigit() != b.isdigit() for a, b in itertools.pairwise(segment))
    if digits < 2 or letters < 2 or turns < 3:
        return False
    classes = [character.isdigit() + 2 * character.isupper() for character in segment if character.isalnum()]
    if len(segment) >= 16 and len(set(classes)) == 3:
        return 3 * sum(a != b for a, b in itertools.pairwise(classes)) >= len(segment)
    return max(map(len, re.split(r"[-_.~=]", segment))) >= 10


@dataclass(slots=True)
class _Node:
    """One place while counting."""

    children: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None  # the merged children that look like ids
    extensions: dict[str, _Node] = field(default_factory=dict)  # "{id}.pdf"
    requested: bool = False
    full: bool = False

    def merge(self, other: _Node) -> None:
        self.requested |= other.requested
        self.full |= other.full
        for mine, theirs in ((self.children, other.children), (self.extensions, other.extensions)):
            for name, node in theirs.items():
                mine.setdefault(name, _Node()).merge(node)
        if other.parameter is not None:
            self.parameter = self.parameter or _Node()
            self.parameter.merge(other.parameter)


@dataclass(frozen=True, slots=True)
class _Place:
    """One place, decided. ``parameter_name`` is set where any unreserved word is a parameter."""

    children: Mapping[str, _Place]
    parameter: _Place | None
    parameter_name: str | None


_NOWHERE = _Place({}, None, None)


@dataclass(frozen=True, slots=True)
class Templates:
    """The endpoints of a service, as far as known. ``explicit``: templates given by the user."""

    root: _Place = _NOWHERE
    explicit: tuple[tuple[str, tuple[str, ...]], ...] = ()  # method ("" for any), segments

    @classmethod
    def infer(cls, requests: Iterable[tuple[str, bytes]], explicit: Sequence[str] = ()) -> Self:
        """Learn from ``(method, target)`` pairs. ``explicit`` are templates that win: ``GET /orders/{id}``, ``/x/{y}``.

        Methods share one tree: what is an id under GET is one under DELETE.
        """
        root = _Node()
        for _, target in requests:
            _add(root, _segments(target))
        given = []
        for template in explicit:
            method, _, path = template.strip().rpartition(" ")
            given.append((method.strip().upper(), tuple(path.split("/")[1:])))
        # The template with the most fixed segments is the most specific one.
        given.sort(key=lambda item: (sum("{" in segment for segment in item[1]), item))
        return cls(_decide(root, "", 0), tuple(given))

    def endpoint(self, method: str, target: bytes) -> str:
        """``GET /orders/{id}`` for a request, also one that was not among those learnt from."""
        segments = _segments(target)
        for given_method, template in self.explicit:
            if given_method in ("", method.upper()) and _fits(template, segments):
                return f"{method} /{'/'.join(template)}"
        if segments == ("*",):
            return f"{method} *"
        return f"{method} /{'/'.join(self._templated(segments))}"

    def _templated(self, segments: Sequence[str]) -> Iterable[str]:
        place = self.root
        guarded = True  # the first segment, and the one after a version: only what looks like an id, or never
        for index, segment in enumerate(segments):
            name = _parameter(segment, index)
            extended = name is not None and name != _ID
            varies = name == _ID or (name is None and not guarded and _may_vary(segment))
            if varies and place.parameter_name:
                name = place.parameter_name
            yield name or segment
            following = place.children.get(name or segment) if extended or name is None else place.parameter
            place = following or _NOWHERE
            guarded = guarded and bool(_VERSION.fullmatch(segment))


def _segments(target: bytes) -> tuple[str, ...]:
    text = target.decode("latin-1").split("?", 1)[0].split("#", 1)[0]
    if not text.startswith("/"):
        text = _ORIGIN.sub("", text, count=1) or "/"
    if not text.startswith("/"):
        return (text,)
    return tuple(text[1:].split("/"))


def _parameter(segment: str, index: int) -> str | None:
    """The parameter an id-like segment stands for: ``{id}``, ``{id}.pdf``."""
    if index == 0:
        return None
    if looks_like_id(segment):
        return _ID
    match = _EXTENSION.fullmatch(segment)
    if match and looks_like_id(match[1]):
        return _ID + match[2]
    return None


def _may_vary(segment: str) -> bool:
    return bool(segment) and segment.lower() not in _RESERVED


def _add(root: _Node, segments: Sequence[str]) -> None:
    node = root
    for index, segment in enumerate(segments):
        name = _parameter(segment, index)
        if name == _ID:
            node.parameter = node.parameter or _Node()
            node = node.parameter
        elif name:
            node = node.extensions.setdefault(name, _Node())
        else:
            if segment not in node.children and len(node.children) >= MAX_CHILDREN:
                node.full = True
                return
            node = node.children.setdefault(segment, _Node())
    node.requested = True


def _decide(node: _Node, parent: str, depth: int, guarded: bool = True) -> _Place:
    parameter = node.parameter
    name: str | None = None
    children = node.children
    candidates = sorted(word for word in children if _may_vary(word))
    if not guarded and _is_open_set(node, parent, candidates):
        merged = parameter or _Node()
        for word in candidates:
            merged.merge(children[word])
        name = _ID if parameter is not None else "{" + (singular(parent) or "id") + "}"
        parameter = merged
        children = {word: child for word, child in children.items() if word not in set(candidates)}
    decided = {
        word: _decide(child, word, depth + 1, guarded and bool(_VERSION.fullmatch(word)))
        for word, child in children.items()
    }
    decided |= {word: _decide(child, word, depth + 1, False) for word, child in node.extensions.items()}
    return _Place(decided, _decide(parameter, "", depth + 1, False) if parameter is not None else None, name)


def _is_open_set(node: _Node, parent: str, candidates: Sequence[str]) -> bool:
    if node.full:
        return True
    if any(node.children[word].parameter is not None for word in candidates):
        # A word with ids right below it is a collection of its own: /admin/users/42.
        return False
    enough = FEW if parent.lower().endswith("s") else MANY
    if len(candidates) < enough:
        return False
    below = [frozenset(node.children[word].children) for word in candidates if node.children[word].children]
    if not below:
        return True
    # Siblings that have something below them have the same things below them, or they are different collections.
    shared = frozenset.union(*below)
    alike = len(shared) <= 2 * max(map(len, below))
    return alike and (len(below) >= 2 or len(candidates) >= 2 * enough)


def _fits(template: Sequence[str], segments: Sequence[str]) -> bool:
    return len(template) == len(segments) and all(
        (bool(there) and "{" in wanted and _fits_segment(wanted, there)) or wanted == there
        for wanted, there in zip(template, segments, strict=True)
    )


def _fits_segment(wanted: str, there: str) -> bool:
    pattern = re.sub(r"\\\{.*?\\\}", "(.+)", re.escape(wanted))
    return re.fullmatch(pattern, there) is not None


def singular(word: str) -> str:
    """A rough English singular of a collection's name, for a parameter's name: ``categories`` is ``category``."""
    lower = word.lower()
    if lower.endswith("ies") and len(lower) > 4:
        return word[:-3] + "y"
    if lower.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if lower.endswith("s") and not lower.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
