"""From ledger, groups and reasons to the one word and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diffing.model import Column, Decision, Group, Judgement, Ledger, Level

CLEAN, DRIFT, INCONCLUSIVE = "clean", "drift", "inconclusive"


def count(ledger: Ledger, judgement: Judgement) -> Ledger:
    """The ledger with one more recorded exchange in its column."""
    column = judgement.column
    return Ledger(
        recorded=ledger.recorded + 1,
        replayed=ledger.replayed + (column is not Column.NOT_REPLAYED),
        same=ledger.same + (column is Column.SAME),
        same_by_rule=ledger.same_by_rule + (column is Column.SAME_BY_RULE),
        drifted=ledger.drifted + (column is Column.DRIFTED),
        failed=ledger.failed + (column is Column.FAILED),
        not_replayed=ledger.not_replayed + (column is Column.NOT_REPLAYED),
    )


def unapproved(groups: Iterable[Group], fail_on: Level) -> list[Group]:
    """The groups that fail a run: bad enough, neither accepted nor ignored, and not the baseline's drift as well."""
    return [group for group in groups if fails(group, fail_on)]


def fails(group: Group, fail_on: Level) -> bool:
    """Whether ``group`` fails a run. What a person rejected does, however slight."""
    return group.open and (group.level.rank >= fail_on.rank or group.decision is Decision.REJECTED)


def decide(
    ledger: Ledger, groups: Iterable[Group], reasons: Sequence[str], fail_on: Level, *, idle: bool = False
) -> tuple[str, int]:
    """(verdict, exit code). Drift outranks inconclusive: a run with both fails as drift, and the reasons remain.

    ``idle``: a shard that had nothing to replay is none the worse for that.
    """
    if unapproved(groups, fail_on):
        return DRIFT, 1
    if idle and ledger.recorded == 0 and not reasons:
        return CLEAN, 0
    if ledger.recorded == 0:
        return INCONCLUSIVE, 5
    if reasons or ledger.replayed == 0 or ledger.not_replayed:
        return INCONCLUSIVE, 3
    return CLEAN, 0
