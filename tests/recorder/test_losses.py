"""What is said of a loss."""

from __future__ import annotations

import pytest

from captures.faults import REASONS
from recorder.losses import HINTS, loss


def test_every_reason_has_a_hint() -> None:
    assert HINTS.keys() == REASONS.keys()


def test_nothing_lost_is_nothing_said() -> None:
    assert loss({"seen": 3, "dropped": 0}, "x.sqlite") is None


@pytest.mark.parametrize(
    ("reasons", "sentence", "hint"),
    [
        ({"disk_full": 3}, "3 of 9 exchanges could not be written to x.sqlite: told.", "Make room"),
        ({"file_removed": 3}, "3 of 9 exchanges are lost, which were written to x.sqlite: told.", "Leave the file"),
        (
            {"queue_full": 1, "locked": 2},
            "3 of 9 exchanges could not be written to x.sqlite: 2 because another program holds a lock on the file, "
            "1 because the queue is full.",
            "Close the other program",
        ),
    ],
)
def test_a_loss_is_told_with_its_reasons(reasons: dict[str, int], sentence: str, hint: str) -> None:
    told = loss({"seen": 9, "dropped": 3, "error": "told", "dropped_by": reasons}, "x.sqlite")
    assert told is not None
    assert told[0] == sentence
    assert told[1].startswith(hint)
