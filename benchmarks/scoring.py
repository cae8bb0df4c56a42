"""How right a comparison of labelled recordings is: what it found of the drift, what it reported of the noise.

Two ways of counting stand beside each other. By **leaf**: every place of every interaction for itself. By **generalised
location**: endpoint, part and path with ``[*]`` for every index, once per pair; so a change in a list of a hundred
counts once. A location is found by a finding at it or at an ancestor that covers it; where arrays of unequal lengths
differ as a whole, also by a finding about their items.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.labels import Json
from benchmarks.recordings import Interaction, Pair

_INDEX = re.compile(r"\[\d+\]")


class Reported(NamedTuple):
    """One difference that a comparison reports. ``severe``: at the level of a warning or an error."""

    place: str  # exact: "$.a[0]", "response.header etag", "response.status"
    kind: str
    severe: bool
    recorded: Json
    replayed: Json

    @property
    def in_body(self) -> bool:
        """Whether it is about a body."""
        return self.place.startswith("$")


class Example(NamedTuple):
    """One false alarm or one miss, for people who mend the diff."""

    sort: str  # "noise pair, body", "noise pair, elsewhere", "drift pair, alarm", "drift pair, miss"
    kind: str
    endpoint: str
    location: str
    pair: str
    recorded: Json
    replayed: Json
    remark: str = ""


@dataclass(slots=True)
class Tally:
    """Counts of one comparison over pairs of one kind."""

    pairs: int = 0
    clean: int = 0  # nothing reported at all
    alarmed: int = 0  # an error or a warning in a body
    alarmed_labelled: int = 0  # … in a body of an interaction that people normalized
    alarmed_anywhere: int = 0  # … in a body, header or status
    noisy_leaves: int = 0
    false_alarms: int = 0
    drifted_leaves: int = 0
    found_leaves: int = 0
    locations: int = 0
    found: int = 0
    doubtful: int = 0  # of the locations: the label may be about people's rules, see benchmarks.labels
    found_doubtful: int = 0
    true_reports: int = 0  # generalised locations reported and drifted
    false_reports: int = 0  # … reported, noisy and not drifted
    unseen: int = 0  # differ normalized only: nothing that was sent shows them
    cut: list[str] = field(default_factory=list)  # pairs that took too long
    examples: list[Example] = field(default_factory=list)

    @property
    def alarm_share(self) -> float:
        """The share of pairs that show an error or a warning in a body."""
        return self.alarmed / self.pairs if self.pairs else 0.0

    @property
    def recall(self) -> float:
        """Over generalised locations."""
        return self.found / self.locations if self.locations else 1.0

    @property
    def sure_recall(self) -> float:
        """Over generalised locations whose label is in no doubt."""
        sure = self.locations - self.doubtful
        return (self.found - self.found_doubtful) / sure if sure else 1.0

    @property
    def precision(self) -> float:
        """Over generalised locations that have a label."""
        reported = self.true_reports + self.false_reports
        return self.true_reports / reported if reported else 1.0

    @property
    def leaf_recall(self) -> float:
        """Over leaves."""
        return self.found_leaves / self.drifted_leaves if self.drifted_leaves else 1.0

    def add(self, pair: Pair, reported: Sequence[Sequence[Reported]]) -> None:
        """Count one pair; ``reported`` has a list for each of its interactions."""
        self.pairs += 1
        everything = [one for some in reported for one in some]
        self.clean += not everything
        self.alarmed += any(one.severe and one.in_body for one in everything)
        self.alarmed_labelled += any(
            one.severe and one.in_body
            for interaction, some in zip(pair.interactions, reported, strict=True)
            if interaction.labelled
            for one in some
        )
        self.alarmed_anywhere += any(one.severe for one in everything)
        for interaction, some in zip(pair.interactions, reported, strict=True):
            self._leaves(interaction, {one.place for one in some})
            self.unseen += interaction.truth.unseen
        self._locations(pair, reported)
        if pair.noise:
            self.examples += _alarms_of_noise(pair, reported)

    def _leaves(self, interaction: Interaction, reported: set[str]) -> None:
        noisy = interaction.truth.noisy.keys() - {"response.status"}
        drifted = interaction.truth.drifted.keys() - {"response.status"}
        self.noisy_leaves += len(noisy)
        self.drifted_leaves += len(drifted)
        self.false_alarms += len(noisy & reported)
        self.found_leaves += sum(any(covers(at, leaf) for at in reported) for leaf in drifted)

    def _locations(self, pair: Pair, reported: Sequence[Sequence[Reported]]) -> None:
        by_location: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        for at, interaction in enumerate(pair.interactions):
            for place in interaction.truth.drifted:
                by_location[interaction.endpoint, generalised(place)].append((at, place))
        for (endpoint, location), members in by_location.items():
            found = any(_found(pair.interactions[at], place, reported[at]) for at, place in members)
            doubts = [pair.interactions[at].truth.doubtful.get(place, "") for at, place in members]
            self.locations += 1
            self.found += found
            self.doubtful += all(doubts)
            self.found_doubtful += found and all(doubts)
            if not found:
                at, place = members[0]
                values = pair.interactions[at].truth.drifted[place]
                remark = doubts[0] if all(doubts) else ""
                self.examples.append(Example("drift pair, miss", "", endpoint, location, pair.name, *values, remark))
        self._reports(pair, reported)

    def _reports(self, pair: Pair, reported: Sequence[Sequence[Reported]]) -> None:
        right: set[tuple[str, str]] = set()
        wrong: dict[tuple[str, str], Reported] = {}
        for interaction, some in zip(pair.interactions, reported, strict=True):
            for one in some:
                key = (interaction.endpoint, generalised(one.place))
                truth = interaction.truth
                if any(covers(one.place, place) or _item(one.place, place, interaction) for place in truth.drifted):
                    right.add(key)
                elif any(covers(one.place, place) or covers(place, one.place) for place in truth.noisy):
                    wrong.setdefault(key, one)
        self.true_reports += len(right)
        for key in wrong.keys() - right:
            self.false_reports += 1
            if not pair.noise:
                one = wrong[key]
                self.examples.append(
                    Example("drift pair, alarm", one.kind, *key, pair.name, one.recorded, one.replayed)
                )


def generalised(place: str) -> str:
    """``$.items[2].price`` as ``$.items[*].price``."""
    return _INDEX.sub("[*]", place)


def covers(reported: str, place: str) -> bool:
    """Whether what is reported at one place says that ``place`` differs. A status brings everything else with it."""
    return place == reported or place.startswith((f"{reported}.", f"{reported}[")) or reported == "response.status"


def _found(interaction: Interaction, place: str, reported: Sequence[Reported]) -> bool:
    return any(covers(one.place, place) or _item(one.place, place, interaction) for one in reported)


def _item(reported: str, place: str, interaction: Interaction) -> bool:
    """Whether ``reported`` is an item of the array at ``place`` that differs as a whole."""
    one, other = interaction.truth.drifted[place]
    if not (isinstance(one, list) and isinstance(other, list) and reported.startswith(f"{place}[")):
        return False
    return _INDEX.fullmatch(reported[len(place) :]) is not None


def _alarms_of_noise(pair: Pair, reported: Sequence[Sequence[Reported]]) -> Iterator[Example]:
    for interaction, some in zip(pair.interactions, reported, strict=True):
        for one in some:
            if one.severe:
                sort = "noise pair, body" if one.in_body else "noise pair, elsewhere"
                yield Example(
                    sort,
                    one.kind,
                    interaction.endpoint,
                    generalised(one.place),
                    pair.name,
                    one.recorded,
                    one.replayed,
                    _remark(one, interaction),
                )


def _remark(one: Reported, interaction: Interaction) -> str:
    if not interaction.labelled:
        return "left out by people"
    return "" if any(covers(one.place, place) for place in interaction.truth.noisy) else "dropped by people"
