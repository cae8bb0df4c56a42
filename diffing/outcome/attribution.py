"""Which drift follows from which other: answers from the calls behind them, later answers from earlier ones.

A build that no longer asks for the exchange rate answers another price: one cause, two groups. A group of response
drift *follows* from a group of outbound drift when every exchange that shows the one shows the other; and from a group
at another endpoint when every exchange in it needs what one of that group's no longer made (``outcome.consequences``).
That is what the run can say; the evidence says it in those words, and both groups stay. Where a call says something
else in every exchange of an endpoint, whatever else differs there differs beside it: that alone makes no cause of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from diffing.model import Group, Level
from diffing.outcome.consequences import status_drifted

LARGEST = 5_000_000  # exchange ids looked at: a run in which everything drifts is not searched for causes


def attributed(
    groups: Sequence[Group],
    follows: Mapping[int, int] | None = None,
    withheld: Mapping[int, int] | None = None,
    judged: Mapping[str, int] | None = None,
) -> tuple[Group, ...]:
    """``groups`` in their order, but with a cause before what follows from it, and ``because`` set.

    ``follows``: exchange -> the earlier exchange without whose success it cannot succeed. ``withheld``: exchange -> how
    many later ones were not sent, because they need what it no longer made; the group it is in says so.
    """
    told = _from_exchanges(_from_calls(groups, judged or {}), follows or {})
    return _causes_first(_with_withheld(told, withheld or {}))


def _with_withheld(groups: Sequence[Group], withheld: Mapping[int, int]) -> list[Group]:
    told = list(groups)
    left = dict(withheld)
    for wanted in (True, False):  # rather at the status than at a field
        for index, group in enumerate(told):
            if not left or (wanted and not status_drifted((group.class_id,))):
                continue
            count = sum(left.pop(exchange, 0) for exchange in group.exchanges)
            if count:
                what = f"{count} later exchange{' needs' if count == 1 else 's need'} what is no longer made there"
                evidence = f"{group.evidence}; {what} (not replayed)" if group.evidence else f"{what} (not replayed)"
                told[index] = replace(group, evidence=evidence)
    return told


def _from_calls(groups: Sequence[Group], judged: Mapping[str, int]) -> list[Group]:
    causes = [
        (frozenset(group.exchanges), group)
        for group in groups
        if group.class_id.startswith("outbound.") and group.level is not Level.INFO and group.exchanges
    ]
    # The narrowest explains best; of equals the worst.
    causes.sort(key=lambda cause: (len(cause[0]), -cause[1].level.rank, cause[1].fingerprint))
    room = LARGEST
    told: list[Group] = []
    for group in groups:
        cause = None
        listed = 0 < len(group.exchanges) >= group.spread  # of the others it is not known where they stand
        if causes and group.class_id.startswith("response.") and listed and room > 0:
            room -= len(group.exchanges) * len(causes)
            total = judged.get(group.endpoint, 0)
            cause = next(
                (
                    other
                    for seen, other in causes
                    if seen.issuperset(group.exchanges) and not _coincidence(other, group, total)
                ),
                None,
            )
        if cause is None:
            told.append(group)
            continue
        count = len(group.exchanges)
        told.append(_following(group, cause, f"only where {cause.location} drifts, too ({count} of {count} exchanges)"))
    return told


def _coincidence(cause: Group, group: Group, total: int) -> bool:
    """Whether nothing but its standing beside it speaks for a cause: other values everywhere, which share nothing."""
    everywhere = total > 1 and cause.endpoint == group.endpoint and max(cause.spread, len(cause.exchanges)) >= total
    if not everywhere or not _of_values(cause.class_id) or not _of_values(group.class_id):
        return False
    pairs = ((cause.recorded, group.recorded), (cause.replayed, group.replayed))
    return not all(str(one) in str(other) or str(other) in str(one) for one, other in pairs)


def _of_values(class_id: str) -> bool:
    return class_id.endswith(_VALUES)


_VALUES = (".value-changed", ".changed", ".identity", ".query", ".target", ".header-changed", ".format-changed")


def _from_exchanges(groups: Sequence[Group], follows: Mapping[int, int]) -> list[Group]:
    if not follows:
        return list(groups)
    home: dict[int, Group] = {}
    for group in groups:
        if status_drifted((group.class_id,)):
            for exchange in group.exchanges:
                home.setdefault(exchange, group)
    told: list[Group] = []
    for group in groups:
        sources = {follows.get(exchange) for exchange in group.exchanges}
        causes = {home[source].fingerprint: home[source] for source in sources if source in home}
        cause = next(iter(causes.values()), None)
        explained = None not in sources and len(causes) == 1 and cause is not None
        if group.because is not None or not explained or cause is None or cause.fingerprint == group.fingerprint:
            told.append(group)
            continue
        why = f"asks for what {cause.endpoint} no longer makes ({cause.recorded} -> {cause.replayed})"
        told.append(_following(group, cause, why))
    return told


def _following(group: Group, cause: Group, why: str) -> Group:
    evidence = f"{group.evidence}; {why}" if group.evidence else why
    return replace(group, because=cause.fingerprint, evidence=evidence)


def _causes_first(groups: Sequence[Group]) -> tuple[Group, ...]:
    by_name = {group.fingerprint: group for group in groups}
    ordered: dict[str, Group] = {}
    for group in groups:
        if group.because is not None and group.because in by_name:
            ordered.setdefault(group.because, by_name[group.because])
        ordered.setdefault(group.fingerprint, group)
    return tuple(ordered.values())
