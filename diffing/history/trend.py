"""What the last runs say together: which endpoints drift, which groups stay open, what comes and goes. Pure.

A run says something of a group only where it sent something to the group's endpoint. A group *comes and goes* when runs
that are alike (one recording, one build, one part of it, one configuration) show it and do not: then it moves by
itself, whatever the build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from diffing.history.entry import Entry, SeenEndpoint, SeenGroup

RANKED = 10  # endpoints, and groups, of a trend


@dataclass(frozen=True, slots=True)
class GroupTrend:
    """One drift group over the runs."""

    group: SeenGroup  # as it was seen last
    first: float  # when a run first showed it, Unix seconds
    last: float
    runs: int  # that showed it
    of: int  # that could have
    now: bool  # it stood open in the last run that could show it
    comes_and_goes: bool
    flaky: int  # runs in which the baseline differed from itself there
    series: tuple[bool | None, ...]  # by run; None: the run did not ask

    @property
    def age(self) -> float:
        """Seconds from the first sight to the last."""
        return self.last - self.first

    @property
    def moves_by_itself(self) -> bool:
        """Whether anything says so."""
        return self.comes_and_goes or self.flaky > 0


@dataclass(frozen=True, slots=True)
class EndpointTrend:
    """One endpoint over the runs."""

    endpoint: str
    drifted: int  # runs in which a group stood open there
    of: int  # runs that sent something to it
    flaky: int  # its groups that move by themselves
    groups: tuple[int | None, ...]  # by run: open groups; None: nothing was sent
    seconds: tuple[float | None, ...]  # by run: median time of an answer

    @property
    def times(self) -> tuple[float, float] | None:
        """The first median and the last."""
        known = [one for one in self.seconds if one is not None]
        return (known[0], known[-1]) if known else None


@dataclass(frozen=True, slots=True)
class Trend:
    """The last runs, and what they say together."""

    entries: tuple[Entry, ...]  # oldest first
    noted: int  # runs in the whole history
    drift: tuple[int, ...]  # by run: open groups
    flaky: tuple[int, ...]  # by run: groups that move by themselves
    coverage: tuple[float | None, ...]  # by run: share of the recording's endpoints; None: nothing is known of it
    seconds: tuple[float | None, ...]  # by run
    endpoints: tuple[EndpointTrend, ...]  # that drifted or flickered, most first
    quiet: int  # endpoints that did neither
    open: tuple[GroupTrend, ...]  # that stand open now, oldest first
    unsteady: tuple[GroupTrend, ...]  # that move by themselves


def trend_of(entries: Sequence[Entry], noted: int | None = None) -> Trend:
    """The trend of ``entries``, oldest first; ``noted``: how many there are in the history."""
    groups = tuple(_groups(entries))
    unsteady = tuple(sorted((one for one in groups if one.moves_by_itself), key=_by_runs))
    moving = {one.group.fingerprint for one in unsteady}
    endpoints = tuple(_endpoints(entries, moving))
    ranked = sorted(endpoints, key=lambda one: (-(one.drifted / one.of if one.of else 0), -one.flaky, one.endpoint))
    shown = [one for one in ranked if one.drifted or one.flaky]
    return Trend(
        entries=tuple(entries),
        noted=len(entries) if noted is None else noted,
        drift=tuple(len(entry.open_groups) for entry in entries),
        flaky=tuple(sum(_flaky(group, moving) for group in entry.groups) for entry in entries),
        coverage=tuple(_coverage(entry) for entry in entries),
        seconds=tuple(entry.seconds for entry in entries),
        endpoints=tuple(shown),
        quiet=len(endpoints) - len(shown),
        open=tuple(sorted((one for one in groups if one.now), key=lambda one: (one.first, -one.runs))),
        unsteady=unsteady,
    )


def _by_runs(one: GroupTrend) -> tuple[int, str]:
    return -one.runs, one.group.fingerprint


def _flaky(group: SeenGroup, moving: set[str]) -> bool:
    return group.flaky or group.fingerprint in moving


def _coverage(entry: Entry) -> float | None:
    _, endpoints = entry.recording
    return min(1.0, entry.covered / endpoints) if endpoints else None


def _groups(entries: Sequence[Entry]) -> Iterator[GroupTrend]:
    asked = [_asked(entry) for entry in entries]
    seen = [{group.fingerprint: group for group in entry.groups} for entry in entries]
    names: dict[str, SeenGroup] = {}
    for groups in seen:
        names.update(groups)
    for name, group in names.items():
        series = tuple(
            name in groups if name in groups or could(group.endpoint) else None
            for groups, could in zip(seen, asked, strict=True)
        )
        times = [entry.at for entry, there in zip(entries, series, strict=True) if there]
        newest = next((groups.get(name) for groups, there in zip(seen[::-1], series[::-1], strict=True)
                       if there is not None), None)  # fmt: skip
        yield GroupTrend(
            group=group,
            first=times[0],
            last=times[-1],
            runs=len(times),
            of=sum(there is not None for there in series),
            now=newest is not None and newest.open,
            comes_and_goes=_comes_and_goes(entries, series),
            flaky=sum(name in groups and groups[name].flaky for groups in seen),
            series=series,
        )


def _asked(entry: Entry) -> Callable[[str], bool]:
    """Whether ``entry`` could have shown a group at an endpoint; of what has no endpoint of its own, any run."""
    sent = {one.endpoint for one in entry.endpoints if one.replayed}
    listed = {one.endpoint for one in entry.endpoints}
    whole = not entry.part and not entry.more_groups
    return lambda endpoint: endpoint in sent or (whole and endpoint not in listed)


def _comes_and_goes(entries: Sequence[Entry], series: Sequence[bool | None]) -> bool:
    known = [(entry, there) for entry, there in zip(entries, series, strict=True) if there is not None]
    known = [(entry, there) for entry, there in known if entry.build.certain]
    known.sort(key=lambda one: repr(one[0].like))
    for _, alike in groupby(known, key=lambda one: one[0].like):
        if any(before != after for (_, before), (_, after) in pairwise(alike)):
            return True
    return False


def _endpoints(entries: Sequence[Entry], moving: set[str]) -> Iterator[EndpointTrend]:
    tables = [{one.endpoint: one for one in entry.endpoints if one.replayed} for entry in entries]
    names = dict.fromkeys(name for table in tables for name in table)
    for name in names:
        at = [one.get(name) for one in tables]
        groups = tuple(
            sum(group.endpoint == name for group in entry.open_groups) if there is not None else None
            for entry, there in zip(entries, at, strict=True)
        )
        yield EndpointTrend(
            endpoint=name,
            drifted=sum(bool(count) for count in groups),
            of=sum(there is not None for there in at),
            flaky=len({one.fingerprint for entry in entries for one in entry.groups
                       if one.endpoint == name and _flaky(one, moving)}),
            groups=groups,
            seconds=tuple(_seconds(there) for there in at),
        )  # fmt: skip


def _seconds(one: SeenEndpoint | None) -> float | None:
    return one.seconds if one is not None else None


def latest(series: Iterable[float | None]) -> float | None:
    """The last value that is known."""
    return next((one for one in reversed(list(series)) if one is not None), None)
