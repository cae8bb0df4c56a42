"""Thousands of decisions at once, and in a file that holds thousands: counted in calls, not in seconds."""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from diffing.model import Approval, Decision
from diffing.review.approvalsfile import undecided, with_approvals
from diffing.rulebook.rulesfile import RuleDraft, added

FILE = Path("retape.rules.toml")


def approvals(count: int, decision: Decision) -> list[Approval]:
    return [Approval(f"{number:012x}", decision, "GET /a: gone", created=date(2026, 11, 30)) for number in range(count)]


def effort(act: Any) -> tuple[int, Any]:
    """How many functions of ours are called, and what comes of it."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and "/diffing/" in frame.f_code.co_filename:
            calls[frame.f_code.co_name] += 1

    sys.setprofile(count)
    try:
        found = act()
    finally:
        sys.setprofile(None)
    return calls.total(), found


@pytest.mark.slow
def test_the_effort_grows_with_the_number_of_decisions_and_not_with_its_square() -> None:
    efforts = {}
    for count in (20, 160):
        made, (text, meant) = effort(lambda n=count: with_approvals("", approvals(n, Decision.REJECTED), FILE))
        assert tomllib.loads(text) == meant
        again = approvals(count, Decision.ACCEPTED)
        over = {one.fingerprint for one in again}
        changed, (text, meant) = effort(lambda t=text, a=again, o=over: with_approvals(t, a, FILE, o))
        assert tomllib.loads(text) == meant
        assert {entry["decision"] for entry in meant["approvals"]} == {"accepted"}
        efforts[count] = (made, changed)
    for few, many in zip(efforts[20], efforts[160], strict=True):
        assert many < 10 * few


@pytest.mark.slow
def test_so_does_that_of_ignoring_them_and_of_taking_it_back() -> None:
    efforts = {}
    for count in (20, 160):
        names = [f"{number:012x}" for number in range(count)]
        drafts = [RuleDraft("GET /a", f"$.a{name}", "any", id=f"drift-{name}") for name in names]
        made, (text, meant, _) = effort(lambda d=drafts: added("", d, FILE))
        assert tomllib.loads(text) == meant
        back, (text, meant, gone) = effort(lambda t=text, n=names: undecided(t, n[1:], FILE))
        assert (len(tomllib.loads(text)["rules"]), len(gone)) == (len(meant["rules"]), count - 1)
        efforts[count] = (made, back)
    for few, many in zip(efforts[20], efforts[160], strict=True):
        assert many < 10 * few
