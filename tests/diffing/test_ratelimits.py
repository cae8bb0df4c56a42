"""What is left of a rate limit varies; the limit does not."""

from __future__ import annotations

import pytest

from diffing.messages.ratelimits import judge_rate
from diffing.place import Accepted, Drift
from diffing.values.moments import Clock
from tests.corpus import each

THEN, NOW = Clock(1_795_165_000.0, 1_795_165_200.0), Clock(1_795_261_000.0, 1_795_262_400.0)


_CHANGED = "value-changed"


@each(
    ("name", "old", "new", "around", "change"),
    [
        ("x-ratelimit-remaining", "58", "3", {"x-ratelimit-limit": ["60"]}, ""),
        ("x-ratelimit-remaining", "58", "61", {"x-ratelimit-limit": ["60"]}, "value-changed"),
        ("x-rate-limit-remaining", "58", "61", {"x-rate-limit-limit": ["60"]}, "value-changed"),
        ("x-ratelimit-remaining-tokens", "58", "61", {"x-ratelimit-limit-tokens": ["60"]}, "value-changed"),
        ("x-shop-ratelimit-used", "2", "61", {"x-shop-ratelimit-limit": ["60"]}, "value-changed"),
        ("ratelimit-remaining", "58", "61", {"ratelimit-limit": ["60, 60;w=60"]}, "value-changed"),
        ("x-ratelimit-remaining", "58", "61", {}, ""),
        ("x-ratelimit-remaining", "58", "", {}, "format-changed"),
        ("x-ratelimit-used", "70", "75", {"x-ratelimit-limit": ["60"]}, ""),
        ("x-ratelimit-reset", "1795166000", "1795263000", {}, ""),
        ("x-ratelimit-reset", "1795166000", "1795166000", {}, "value-changed"),
        ("x-ratelimit-reset", "1795166000", "2000000000", {}, "value-changed"),
        ("x-ratelimit-reset", "1795166000", "59", {}, "format-changed"),
        ("x-ratelimit-reset", "0.529", "0.2", {}, ""),
        ("x-ratelimit-reset", "0.529", "1", {}, "format-changed"),
        ("ratelimit-reset", "Fri, 20 Nov 2026 09:10:00 GMT", "Sat, 21 Nov 2026 12:10:00 GMT", {}, ""),
        ("ratelimit", "limit=60, remaining=58, reset=9", "limit=60, remaining=1, reset=2", {}, ""),
        ("ratelimit", "limit=60, remaining=58, reset=9", "limit=60, remaining=61, reset=2", {}, "value-changed"),
        ("ratelimit", '"a";r=5;t=9, "b";r=50', '"a";r=1;t=9, "b";r=60', {"ratelimit-policy": ['"b";q=50']}, _CHANGED),
    ],
)  # fmt: skip
def test_counters(name: str, old: str, new: str, around: dict[str, list[str]], change: str) -> None:
    outcome = judge_rate(name, old, new, around, THEN, NOW)
    if change:
        assert isinstance(outcome, Drift)
        assert outcome.change == change
        assert outcome.evidence
    else:
        assert isinstance(outcome, Accepted)
        assert outcome.rules == ("builtin.rate-limit",)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("x-ratelimit-limit", "60", "90"),
        ("x-ratelimit-remaining", "unlimited", "none"),
        ("ratelimit", "limit=60, remaining=1", "limit=90, remaining=1"),
        ("x-remaining", "1", "2"),
    ],
)
def test_what_is_no_counter_is_left_to_others(name: str, old: str, new: str) -> None:
    assert judge_rate(name, old, new, {}, THEN, NOW) is None
