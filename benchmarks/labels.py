"""What people's normalising says of a pair of recordings: which differences are noise, which are drift.

A place that differs raw and not normalized is noise; one that differs in both is drift. That is a label about people's
rules as much as about the API, and where it is more about the rules it is said to be in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from captures.jsonpaths import normalised
from diffing.rulebook.builtins import HOP_BY_HOP
from diffing.walk.flatten import same

FRAMING = HOP_BY_HOP | {"set-cookie", "content-length", "content-encoding"}  # follow from the rest, or are not compared

Json = Any


class _Missing:
    """The side of a difference where there is nothing."""


MISSING = _Missing()
Differences = dict[str, tuple[Json, Json]]
"""Where two documents differ (``$.a[0].b``, ``response.header etag``), with both values."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What people said of the places at which one interaction differs. Places are exact: ``$.items[2].price``."""

    noisy: Mapping[str, tuple[Json, Json]]  # differ raw, not normalized
    drifted: Mapping[str, tuple[Json, Json]]  # differ in both; the raw values
    doubtful: Mapping[str, str]  # of those: why the label may be about people's rules rather than the API
    unseen: int  # differ normalized and not raw: nobody could find them in what was sent


UNLABELLED = Truth({}, {}, {}, 0)


def aligned(left: Sequence[Json], right: Sequence[Json]) -> list[tuple[int, int]]:
    """Which interaction of one list is which of the other, in order: one method, paths of one length, most in common.

    People leave the setting up and tearing down of a scenario out of what they normalize, and later recordings have
    requests that earlier ones have not; so positions say nothing where the lists differ in length or in methods.
    """
    if [one["method"] for one in left] == [one["method"] for one in right]:
        return [(at, at) for at in range(len(left))]
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for at in range(len(left) - 1, -1, -1):
        for to in range(len(right) - 1, -1, -1):
            likeness = _likeness(left[at], right[to])
            together = likeness + best[at + 1][to + 1] if likeness else 0.0
            best[at][to] = max(best[at + 1][to], best[at][to + 1], together)
    pairs = []
    at = to = 0
    while at < len(left) and to < len(right):
        if best[at][to] == best[at + 1][to]:
            at += 1
        elif best[at][to] == best[at][to + 1]:
            to += 1
        else:
            pairs.append((at, to))
            at, to = at + 1, to + 1
    return pairs


def _likeness(one: Json, other: Json) -> float:
    """0 for interactions that cannot be the same."""
    first, second = (str(side["path"]).partition("?")[0].split("/") for side in (one, other))
    if one["method"] != other["method"] or len(first) != len(second):
        return 0.0
    alike = sum(mine == theirs for mine, theirs in zip(first, second, strict=True)) / len(first)
    return 1.0 + alike + float(one["status"] == other["status"])


def label(old: Json, new: Json, old_normalized: Json, new_normalized: Json, sent: Mapping[str, str]) -> Truth:
    """A place that the normalising dropped altogether has no label: whether it varies by nature, people never said."""
    raw = differing(old, new)
    normal = differing(document(old_normalized), document(new_normalized))
    labelled = _places(old_normalized) & _places(new_normalized)
    drifted = {place: values for place, values in raw.items() if place in normal}
    doubts = {place: _doubt(values, normal[place], sent) for place, values in drifted.items()}
    noisy = {place: values for place, values in raw.items() if place not in normal and place in labelled}
    return Truth(noisy, drifted, {place: why for place, why in doubts.items() if why}, len(normal.keys() - raw.keys()))


def _doubt(raw: tuple[Json, Json], normal: tuple[Json, Json], sent: Mapping[str, str]) -> str:
    """Why a drifted place may say nothing about the API, or nothing."""
    if MISSING in raw:
        return ""
    kept = [value is not MISSING and same(was, value) for was, value in zip(raw, normal, strict=True)]
    if kept[0] != kept[1]:
        return "people masked one side only"
    if not any(kept) and all(type(value) in (int, float) for value in (*raw, *normal)):  # replaced as a whole
        return "people masked both sides, differently"
    if isinstance(raw[0], str) and isinstance(raw[1], str):
        renamed = raw[0]
        for one, other in sent.items():
            renamed = renamed.replace(one, other)
        if renamed == raw[1]:
            return "differs as the requests differ"
    return ""


def differing(before: Json, after: Json) -> Differences:
    """Where two documents (:func:`_document`) differ. Arrays of unequal lengths differ as a whole."""
    found: Differences = {}
    if before["status"] != after["status"]:
        found["response.status"] = (before["status"], after["status"])
    left, right = before["headers"], after["headers"]
    for name in left.keys() | right.keys():
        if left.get(name) != right.get(name):
            found[f"response.header {name}"] = (left.get(name, MISSING), right.get(name, MISSING))
    stack: list[tuple[Json, Json, tuple[str | int, ...]]] = [(before["body"], after["body"], ())]
    while stack:
        one, other, path = stack.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            for name in one.keys() | other.keys():
                if name in one and name in other:
                    stack.append((one[name], other[name], (*path, name)))
                else:
                    found[normalised((*path, name))] = (one.get(name, MISSING), other.get(name, MISSING))
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            stack.extend((one[at], other[at], (*path, at)) for at in range(len(one)))
        elif not same(one, other):
            found[normalised(path)] = (one, other)
    return found


def _places(one: Json) -> set[str]:
    found = {f"response.header {name}" for name in headers_of(one)}
    stack: list[tuple[Json, tuple[str | int, ...]]] = [(one["response"], ())]
    while stack:
        item, path = stack.pop()
        found.add(normalised(path))
        if isinstance(item, dict):
            stack.extend((child, (*path, name)) for name, child in item.items())
        elif isinstance(item, list):
            stack.extend((child, (*path, at)) for at, child in enumerate(item))
    return found


def document(one: Json) -> Json:
    headers = {name: value for name, value in headers_of(one).items() if name not in FRAMING}
    return {"status": one["status"], "headers": headers, "body": one["response"]}


def header_lines(one: Json) -> list[tuple[str, str]]:
    flat = one.get("rawHeaders") or []
    if flat:
        return [(str(flat[at]).lower(), str(flat[at + 1])) for at in range(0, len(flat) - 1, 2)]
    return [(str(name).lower(), str(value)) for name, value in (one.get("headers") or {}).items()]


def headers_of(one: Json) -> dict[str, str]:
    """Of a repeated header the last, as the normalized recordings keep it."""
    return dict(header_lines(one))
