"""When requests are due."""

from __future__ import annotations

import pytest

from captures.errors import UsageError
from replayer.pacing import Pacing
from tests.corpus import each


@pytest.mark.parametrize(
    ("text", "dues"),
    [
        ("none", [0.0, 0.0, 0.0]),
        ("recorded", [0.0, 0.5, 6.0]),
        ("recorded*4", [0.0, 0.125, 1.5]),
        ("recorded*0.5", [0.0, 1.0, 12.0]),
        ("50/s", [0.0, 0.02, 0.04]),
        ("0.5/s", [0.0, 2.0, 4.0]),
        ("1234567.5/s", [0.0, 1 / 1234567.5, 2 / 1234567.5]),
    ],
)
def test_due_counts_from_the_first(text: str, dues: list[float]) -> None:
    pacing = Pacing.parse(text)
    assert [pacing.due(index, since) for index, since in enumerate((0.0, 0.5, 6.0))] == pytest.approx(dues)
    assert str(pacing) == text
    assert Pacing.parse(str(pacing)) == pacing


def test_a_request_recorded_before_the_first_is_due_at_once() -> None:
    assert Pacing.parse("recorded").due(3, -2.0) == 0.0


@each(
    "text",
    ["", "fast", "recorded*", "recorded*0", "0/s", "-1/s", "50", "50/m", "recorded*1e9", "nan/s", "recorded * 2"],
)
def test_anything_else_is_one_sentence_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError, match="--pacing") as caught:
        Pacing.parse(text)
    assert "50/s" in (caught.value.hint or "")
