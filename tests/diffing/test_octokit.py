"""Recall and false alarms on real traffic that nobody here wrote: one API's answers, re-recorded from 2017 to 2026.

Counted by the same code as ``benchmarks/octokit.py``, which explains itself and lists what is wrong (``--explain``).
The floors are what was measured, rounded down; a better diff raises them.
"""

from __future__ import annotations

import pytest

from benchmarks.octokit import FOLDER, Tallies, explain, report, score
from benchmarks.recordings import scenarios

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/octokit is not beside this checkout"),
]


@pytest.fixture(scope="module")
def tallies() -> Tallies:
    return score(scenarios(FOLDER), ("Retape",))


def test_recall_and_false_alarms_per_kind_of_pair(tallies: Tallies, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{report(tallies)}\n")
    noise, drift = tallies["Retape"][True], tallies["Retape"][False]
    why = explain(tallies, 10)
    assert (noise.pairs, drift.pairs) == (29, 254), "these floors are for other recordings"
    assert noise.alarm_share <= 0.11, why
    assert noise.false_alarms <= 0.01 * noise.noisy_leaves, why
    assert drift.recall >= 0.96, why
    assert drift.sure_recall >= 1.0, why
    assert drift.precision >= 0.79, why
    assert drift.false_alarms <= 0.03 * drift.noisy_leaves, why
    assert drift.leaf_recall >= 0.95, why
