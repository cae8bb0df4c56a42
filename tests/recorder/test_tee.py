"""Copies of what passes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recorder.listeners import parse_dependency, parse_outbound
from recorder.plan import ProxyPlan
from recorder.tee import HEAD, Tee

LIMIT = 2 * HEAD


@given(st.lists(st.binary(max_size=40_000), max_size=12))
def test_a_tee_passes_everything_and_keeps_all_or_the_beginning(chunks: list[bytes]) -> None:
    tee = Tee(LIMIT)
    assert [tee(chunk) for chunk in [*chunks, b""]] == [*chunks, b""]
    whole = b"".join(chunks)
    assert tee.size == len(whole)
    assert tee.truncated is (len(whole) > LIMIT)
    assert tee.body() == (whole[:HEAD] if tee.truncated else whole)


def test_a_plan_survives_the_pipe() -> None:
    plan = ProxyPlan(
        "a.sqlite", (parse_outbound("0"), parse_dependency("a=https://x")), "ca", b"\0key", {"headers": ["x"]},
        {"x:1": "x"}, None, True, {"label": "ä"}, 5, 0.5,
    )  # fmt: skip
    line = plan.to_line()
    assert line.count(b"\n") == 1
    back = ProxyPlan.from_line(line)
    assert back.to_line() == line
    assert back.redaction_key == b"\0key"
