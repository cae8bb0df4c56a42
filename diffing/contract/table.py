"""The contract that the recording shows, as a table: each place, how often it is there, as what, with which values.

A statement carries its count, and what too few samples bear out is not said (:mod:`diffing.contract.facts`). Bounded:
a recording of many shapes is cut, and says by how much. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from captures.jsonpaths import normalised
from diffing.contract.facts import FEW, constant, enumeration, formats, is_counted, whole
from diffing.contract.profile import Node, Profile

ROWS = 200  # of one scope
ALL_ROWS = 12_000
SCOPES = 1_000
DEPTH = 16
VALUE = 40  # characters of a recorded value
NAMES = 12  # values of an enumeration


@dataclass(frozen=True, slots=True)
class Row:
    """One place. ``present`` of ``samples``: of the objects around it, or of the messages for a header."""

    location: str  # "response.body $.items[*].price", "response.header etag"
    present: int
    samples: int
    types: tuple[tuple[str, int], ...]  # most frequent first; of headers none
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """One endpoint with one status, or the calls to one endpoint of a dependency."""

    endpoint: str  # "GET /orders/{id}", "outbound payments POST /charges"
    status: str  # "200"; "" of a call
    samples: int
    rows: tuple[Row, ...]
    left: int = 0  # rows beyond those kept


def table(profile: Profile) -> tuple[Scope, ...]:
    """Every scope, in the order the recording first showed them, the calls last."""
    names = dict.fromkeys([*profile.samples, *(scope for scope, _ in profile.trees)])
    ordered = sorted(names, key=lambda name: name.startswith("outbound "))[:SCOPES]
    room = ALL_ROWS
    found = []
    for name in ordered:
        outbound = name.startswith("outbound ")
        endpoint, status = (name, "") if outbound else name.rsplit(" ", 1)
        where = f"{name} request" if outbound else "response"
        most = max(0, min(ROWS, room))
        kept: list[Row] = []
        left = 0
        for row in _rows(profile, name, where):
            if len(kept) < most:
                kept.append(row)
            else:
                left += 1
        room -= len(kept)
        samples = profile.samples.get(name, 0)
        found.append(Scope(endpoint, status, samples, tuple(kept), left))
    return tuple(found)


def _rows(profile: Profile, scope: str, where: str) -> Iterator[Row]:
    body = profile.tree(scope, "body")
    if body is not None:
        yield from _places(body, f"{where}.body ")
    query = profile.tree(scope, "query")
    if query is not None:
        for name, child in query.children.items():
            yield _row(f"{where}.query {name}", name, child, query.objects)
    samples = profile.samples.get(scope, 0)
    for name, count in sorted(profile.headers.get(scope, {}).items()):
        yield Row(f"{where}.header {name}", count, samples, ())


def _places(root: Node, prefix: str) -> Iterator[Row]:
    """In the order of the document."""
    stack: list[tuple[Node, str, str, int, int]] = [(root, "$", "", root.seen, 0)]
    while stack:
        node, path, name, samples, depth = stack.pop()
        yield _row(prefix + path, name, node, samples)
        if depth >= DEPTH:
            continue
        below: list[tuple[Node, str, str, int, int]] = [
            (child, path + normalised((key,))[1:], key, node.objects, depth + 1) for key, child in node.children.items()
        ]
        if node.items is not None and node.items.seen:
            below.append((node.items, f"{path}[*]", name, node.items.seen, depth + 1))
        stack.extend(reversed(below))


def _row(location: str, name: str, node: Node, samples: int) -> Row:
    types = dict(node.types)
    if node.objects:
        types["object"] = node.objects
    ordered = tuple(sorted(types.items(), key=lambda entry: (-entry[1], entry[0])))
    return Row(location, node.seen, samples, ordered, tuple(_facts(node, name)))


def _facts(node: Node, name: str) -> Iterator[str]:
    counts = node.values.counts
    numbers, strings, arrays = (node.types.get(kind, 0) for kind in ("number", "string", "array"))
    if node.types.get("null"):
        yield f"null in {node.nulls}"
    if constant(node):
        yield f"always {_said(next(iter(counts)))}"
    elif (values := enumeration(node, name)) is not None:
        yield "one of " + ", ".join(_said(value) for value in values[:NAMES])
    else:
        if numbers >= FEW and is_counted(name):
            yield f"{node.low} to {node.high}"
        if strings:
            yield from _strings(node, strings)
        if node.moving():
            yield "another value in answers to one and the same request"
        elif node.varies():
            yield "no value came twice"
    if numbers and whole(node):
        yield "whole numbers"
    if arrays:
        yield f"{node.fewest} items" if node.fewest == node.most else f"{node.fewest} to {node.most} items"
    if node.unordered:
        yield "in varying order"


def _strings(node: Node, strings: int) -> Iterator[str]:
    votes = formats(node)
    kind, count = votes.most_common(1)[0] if votes else ("", 0)
    if kind and count == votes.total():
        yield kind
    elif kind and 10 * count >= 9 * votes.total():
        yield f"mostly {kind}"
    elif strings >= FEW and node.longest >= 0:
        lengths = f"{node.shortest}" if node.shortest == node.longest else f"{node.shortest} to {node.longest}"
        yield f"{lengths} characters"


def _said(value: object) -> str:
    if isinstance(value, tuple):  # how booleans are counted
        value = value[0]
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= VALUE else f"{text[:VALUE]}…"
