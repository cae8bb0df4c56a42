from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.tokens import kind_of, same_kind


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ord_5f3a9c1", "ord_x8k2m9p", True),
        ("ord_5f3a9c1", "pay_x8k2m9p", False),
        ("2026-05-28T10:00:00Z", "2026-05-29T11:22:33Z", True),
        ("2026-05-28T10:00:00Z", "2026-05-28T10:00:00.123Z", False),
        ("2026-05-28T10:00:00Z", "2026-05-28T10:00:00+00:00", False),
        ("deadbee1", "deadbee1deadbee1", False),
        ("3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11", "deadbee1", False),
    ],
)
def test_one_format(one: str, other: str, same: bool) -> None:
    assert (same_kind(one, other) is not None) is same


@given(st.text())
def test_every_value_is_of_its_own_kind(text: str) -> None:
    assert same_kind(text, text) is kind_of(text)
