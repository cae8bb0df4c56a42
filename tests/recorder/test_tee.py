"""Copies of what passes."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from recorder.listeners import parse_dependency, parse_outbound
from recorder.plan import ProxyPlan
from recorder.tee import HASHED_FROM, HEAD, Held, Tee

LIMIT = 2 * HEAD


@given(st.lists(st.binary(max_size=40_000), max_size=12))
def test_a_tee_passes_everything_and_keeps_all_or_the_beginning(chunks: list[bytes]) -> None:
    tee = Tee(LIMIT)
    assert [tee(chunk) for chunk in [*chunks, b""]] == [*chunks, b""]
    whole = b"".join(chunks)
    assert tee.size == len(whole)
    assert tee.cut is (len(whole) > LIMIT)
    assert tee.body() == (whole[:HEAD] if tee.cut else whole)
    if tee.cut:
        assert tee.sha256 == hashlib.sha256(whole).hexdigest()


def test_a_body_that_is_cut_late_has_the_digest_of_all_of_it() -> None:
    limit = HASHED_FROM + 1_000_000
    tee = Tee(limit)
    chunk = bytes(range(256)) * 256
    count = limit // len(chunk) + 3
    for _ in range(count):
        tee(chunk)
    assert tee.cut
    assert tee.sha256 == hashlib.sha256(chunk * count).hexdigest()
    assert tee.body() == chunk[:HEAD]


def test_all_bodies_together_are_bounded() -> None:
    held = Held(5 * HEAD)
    tees = [Tee(1_000_000, held) for _ in range(3)]
    for _ in range(12):
        for tee in tees:
            tee(b"x" * (HEAD // 4))
    assert held.size <= held.limit + HEAD
    assert any(tee.cut for tee in tees)
    assert all(len(tee.body()) == (HEAD if tee.cut else tee.size) for tee in tees)
    for tee in tees:
        tee.release()
    assert held.size == 0


def test_what_listens_hears_every_chunk() -> None:
    heard: list[bytes] = []
    tee = Tee(3)
    tee.also = heard.append
    for chunk in (b"abc", b"def", b""):
        tee(chunk)
    assert heard == [b"abc", b"def", b""]


def test_a_plan_survives_the_pipe() -> None:
    plan = ProxyPlan(
        "a.sqlite", (parse_outbound("0"), parse_dependency("a=https://x")), "ca", b"\0key", {"headers": ["x"]},
        {"x:1": "x"}, None, True, {"label": "ä"}, 5,
    )  # fmt: skip
    line = plan.to_line()
    assert line.count(b"\n") == 1
    back = ProxyPlan.from_line(line)
    assert back.to_line() == line
    assert back.redaction_key == b"\0key"
