"""What redaction finds in a capture that is already written: places and counts, never values. Pure over exchanges."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from captures.model import Exchange
from captures.redacting.hiding import Found
from captures.redacting.redaction import Redactor

_PLACE = re.compile(
    r"(?P<side>request|response|meta)\.(?P<part>\w+)(?: (?P<where>(?!\().*?))?(?: \((?P<by>[^()]+)\))?", re.DOTALL
)
_MOST_EXAMPLES = 5
_LONGEST, _SHOWN = 300, 200  # characters of a name that is told whole, and of one that is not


class Place(NamedTuple):
    """Where secrets stand."""

    endpoint: str
    side: str  # "request", "response"
    part: str  # header, trailer, path, query, form, part (of multipart), body, reason
    where: str  # the name of the header or field, the JSON path; "" where it has none
    by: str  # what found it: "name", or a detector


@dataclass(frozen=True, slots=True)
class Finding:
    """Secrets at one place of one endpoint."""

    place: Place
    count: int
    exchanges: tuple[int, ...]  # the first of those that have one


@dataclass(frozen=True, slots=True)
class Inspected:
    """One exchange, looked through."""

    exchange: Exchange
    secrets: Mapping[str, int]  # by place, as redaction notes it
    spared: frozenset[str]  # places whose values are pseudonyms: the exchange's own notes say so
    pseudonyms: int
    unscannable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """A capture, looked through."""

    exchanges: int
    findings: tuple[Finding, ...]  # the most frequent first
    pseudonyms: int
    unscannable: tuple[tuple[int, str], ...]  # (exchange, why a body could not be searched)

    @property
    def secrets(self) -> int:
        """How many there are in all."""
        return sum(finding.count for finding in self.findings)


def inspected(exchanges: Iterable[Exchange], redactor: Redactor) -> Iterator[Inspected]:
    """Each of ``exchanges``, looked through with the rules and the key of ``redactor``."""
    for exchange in exchanges:
        found = redactor.inspect(exchange)
        spared = _spared(found, exchange.notes.get("redacted"))
        secrets = {place: count for place, count in found.counts.items() if place not in spared}
        pseudonyms = sum(found.pseudonyms.values()) + sum(found.counts[place] for place in spared)
        yield Inspected(exchange, secrets, spared, pseudonyms, tuple(found.unscannable))


def redacted_again(exchange: Exchange, redactor: Redactor, key: str) -> Exchange:
    """``exchange`` out of an archive, redacted with ``key`` (a fingerprint): where its notes say that it was with this
    very key, what was replaced then is left alone."""
    notes = dict(exchange.notes)
    own = notes.pop("redaction_key", None) == key
    if not own:
        notes.pop("redacted", None)
        return redactor.exchange(replace(exchange, notes=notes))
    (one,) = inspected([replace(exchange, notes=notes)], redactor)
    return redactor.again(one.exchange, one.spared)


def summed(looked_through: Iterable[Inspected], endpoint_of: Callable[[Exchange], str]) -> Scan:
    """What was found, by endpoint and place."""
    counts: Counter[Place] = Counter()
    examples: dict[Place, list[int]] = {}
    exchanges = pseudonyms = 0
    unscannable: list[tuple[int, str]] = []
    for one in looked_through:
        exchanges += 1
        pseudonyms += one.pseudonyms
        unscannable.extend((one.exchange.id, why) for why in one.unscannable)
        for text, count in one.secrets.items():
            place = _short(_parsed(endpoint_of(one.exchange), text))
            counts[place] += count
            ids = examples.setdefault(place, [])
            if len(ids) < _MOST_EXAMPLES and one.exchange.id not in ids:
                ids.append(one.exchange.id)
    findings = [Finding(place, count, tuple(examples[place])) for place, count in counts.items()]
    findings.sort(key=lambda finding: (-finding.count, finding.place))
    return Scan(exchanges, tuple(findings), pseudonyms, tuple(unscannable))


def _spared(found: Found, noted: object) -> frozenset[str]:
    """Places at which as many values were replaced when the exchange was written as stand there now.

    Short numbers bear no seal: that they are ours is only known from the count. Where a detector found them the
    place may have been noted less exactly, and the counts of a part of the message are compared.
    """
    if not isinstance(noted, Mapping):
        return frozenset()
    noted_by_part: Counter[tuple[str, str]] = Counter()
    for place, count in noted.items():
        if isinstance(count, int):
            noted_by_part[_coarse(place)] += count
    found_by_part: Counter[tuple[str, str]] = Counter()
    for place, count in (*found.counts.items(), *found.pseudonyms.items()):
        found_by_part[_coarse(place)] += count
    spared = set()
    for place in found.counts:
        there = found.counts[place] + found.pseudonyms.get(place, 0)
        exact = noted.get(place, 0)
        part = _coarse(place)
        covered = part[1] != "name" and found_by_part[part] <= noted_by_part[part]
        if covered or (isinstance(exact, int) and there <= exact):
            spared.add(place)
    return frozenset(spared)


def _short(place: Place) -> Place:
    """``place`` as it is told: names may be of any length."""
    return Place(*(f"{text[:_SHOWN]}… ({len(text):,} characters)" if len(text) > _LONGEST else text for text in place))


def _coarse(place: object) -> tuple[str, str]:
    parsed = _parsed("", str(place))
    return f"{parsed.side}.{parsed.part}", parsed.by


def _parsed(endpoint: str, text: str) -> Place:
    match = _PLACE.fullmatch(text)
    if match is None:
        return Place(endpoint, "", "", text, "name")
    by = match["by"] or "name"
    where = match["where"] or ""
    return Place(endpoint, match["side"], match["part"], "" if where == "text" and by != "name" else where, by)
