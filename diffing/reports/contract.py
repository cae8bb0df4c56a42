"""The contract view: what the recording shows of every place, and what the new build does where it differs.

Scopes are listed in the index of the view; their rows are in chunks that are decoded when a scope is opened.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from captures.visible import visible
from diffing.contract.table import Row, Scope, table
from diffing.model import Group, Level, Result
from diffing.reports.text import clip
from diffing.reports.wording import shown_values, title

PACK = 40  # scopes in one chunk
VALUE = 60  # characters of the values beside a place


@dataclass(frozen=True, slots=True)
class ContractView:
    """``data`` lists the scopes; ``chunks`` hold their rows, by element id."""

    data: dict[str, Any]
    chunks: tuple[tuple[str, dict[str, Any]], ...]


def view(result: Result) -> ContractView:
    """Scopes where the new build differs first, each group in the first scope that has its place."""
    scopes = table(result.profile) if result.profile is not None else ()
    drifted = _by_place(result)
    entries = []
    for scope in scopes:
        found = drifted.get(scope.endpoint, {}) if scope.status else _of_calls(drifted, scope)
        rows = [_row(row, found.get(row.location, ())) for row in scope.rows]
        known = {row.location for row in scope.rows}
        entries.append((scope, rows, known, found))
    _place_the_rest(entries)
    ordered = sorted(entries, key=lambda entry: not any(row[5] for row in entry[1]))
    listed = [
        [visible(scope.endpoint), scope.status, scope.samples, len(rows), *_differing(rows), number // PACK]
        for number, (scope, rows, _, _) in enumerate(ordered)
    ]
    chunks = tuple(
        (
            f"c-{start // PACK}",
            {
                visible(f"{scope.endpoint} {scope.status}"): {"rows": rows, "left": scope.left}
                for scope, rows, _, _ in ordered[start : start + PACK]
            },
        )
        for start in range(0, len(ordered), PACK)
    )
    return ContractView({"scopes": listed, "known": result.profile is not None}, chunks)


Places = dict[str, list[list[str]]]
"""By location: (fingerprint, what differs, in words, level)."""


def _by_place(result: Result) -> dict[str, Places]:
    """What differs, by endpoint and location; a group that stands at several places is at each."""
    found: dict[str, Places] = defaultdict(lambda: defaultdict(list))
    for group in result.groups:
        said = [group.fingerprint, _said(group), group.level.value]
        standings = {(one.endpoint, one.location) for one in group.places} or {(group.endpoint, group.location)}
        for endpoint, location in sorted(standings):
            found[endpoint][location].append(said)
    return found


def _said(group: Group) -> str:
    before, after = shown_values(group, VALUE)
    return clip(f"{title(group.class_id)}: {before} → {after}", 4 * VALUE)


def _of_calls(drifted: dict[str, Places], scope: Scope) -> Places:
    """What differs in calls to an endpoint of a dependency, whichever request made them."""
    found: Places = defaultdict(list)
    for places in drifted.values():
        for location, said in places.items():
            if location == scope.endpoint or location.startswith(f"{scope.endpoint} "):
                found[location] += said
    return found


def _place_the_rest(entries: list[tuple[Scope, list[list[Any]], set[str], Places]]) -> None:
    """Give each difference that no recorded place has (a status, what is new) a row in the endpoint's first scope."""
    known: dict[str, set[str]] = defaultdict(set)
    for scope, _, places, _ in entries:
        known[scope.endpoint] |= places
    for scope, rows, _, found in entries:
        for location, said in found.items():
            mine = location.startswith(("response", "exchange")) or not scope.status
            if mine and location not in known[scope.endpoint]:
                known[scope.endpoint].add(location)
                rows.append([visible(location), 0, scope.samples, [], [], said])


def _differing(rows: list[list[Any]]) -> tuple[int, str]:
    """In how many places the new build differs, and the worst level of it; "" where it does not."""
    levels = {said[2] for row in rows for said in row[5]}
    return sum(bool(row[5]) for row in rows), max(levels, key=lambda level: Level(level).rank, default="")


def _row(row: Row, said: Any) -> list[Any]:
    return [
        visible(row.location),
        row.present,
        row.samples,
        [list(one) for one in row.types],
        [visible(fact) for fact in row.facts],
        list(said),
    ]
