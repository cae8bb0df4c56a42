from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import retape
from captures.model import Cause, CauseHow, Direction, Exchange, Message, Timing
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import JSON, capture, exchange

ID = "5e6be7d0-5bf5-49bc-adb4-%012d"


def order(number: int, at: int) -> list[Exchange]:
    """An order is made (which calls payments), read, and paid; all three starting at second ``at``."""
    made = ID % number
    paid = json.dumps({"id": made, "paid": True}).encode()
    document = json.dumps({"id": made}).encode()
    path = f"/orders/{made}".encode()
    rows = [
        exchange(0, method="POST", target=b"/orders", status=201, response_headers=JSON, response_body=document),
        exchange(
            0, direction=Direction.OUTBOUND, dependency="payments", method="POST", target=b"/charges",
            cause=Cause(CauseHow.TRACE_HEADER, at * 10, "traceparent"),
        ),
        exchange(0, target=path, response_headers=JSON, response_body=document),
        exchange(0, method="PUT", target=path, response_headers=JSON, response_body=paid),
        exchange(0, target=path, response_headers=JSON, response_body=paid),
    ]  # fmt: skip
    return [
        replace(one, id=at * 10 + step, timing=Timing(at + step / 10, ended=at + step / 10 + 0.05))
        for step, one in enumerate(rows)
    ]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    orders = [one for number in range(1, 9) for one in order(number, number)]
    loose = replace(
        exchange(99, direction=Direction.OUTBOUND, dependency="flags", target=b"/flags"), timing=Timing(0.5, ended=0.6)
    )
    again = replace(loose, id=100, timing=Timing(0.7, ended=0.8))
    failing = replace(exchange(101, target=b"/healthz", status=500), timing=Timing(99.0, ended=99.1))
    return capture(tmp_path / "shop.sqlite", *orders, loose, again, failing)


def run(*words: object) -> Result:
    return CliRunner().invoke(retape.cli, ["capture", *map(str, words)], standalone_mode=False)


def document(*words: object) -> Any:
    done = run(*words, "--format", "json")
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


def ids(path: Path) -> list[int]:
    with Capture.open(path) as opened:
        assert opened.damage() == []
        return [one.id for one in opened.exchanges()]


def test_distill_keeps_every_behaviour_with_what_it_needs(shop: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.sqlite"
    told = document("distill", shop, "-o", small)
    assert ids(small) == [10, 11, 12, 13, 14, 99, 101]
    assert (told["exchanges"], told["of"]) == (7, 43)
    assert [one["exchange"] for one in told["kept"]] == [10, 12, 13, 14, 99, 101]
    assert told["kept"][0]["needed_by"]
    assert {row["kind"] for row in told["kept"][0]["shows"]} == {"answer", "call", "calls"}
    assert "chain" in {row["kind"] for row in told["kept"][1]["shows"]}
    assert sum(row["count"] for row in told["dropped"]) == 43 - 8 - 6  # the calls go with their requests
    assert told["uncovered"] == []
    again = tmp_path / "again.sqlite"
    assert document("distill", small, "-o", again)["exchanges"] == 7


def test_kinds_of_messages_are_behaviour(tmp_path: Path) -> None:
    path, small = tmp_path / "chat.sqlite", tmp_path / "small.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        for at, kind in ((1, "text"), (2, "text"), (3, "binary")):
            writer.put(exchange(at, target=b"/chat", status=101), (Message(at, 1, True, kind, 100.0, b"%d" % at),))
    told = document("distill", path, "-o", small)
    assert [one["exchange"] for one in told["kept"]] == [1, 3]
    with Capture.open(small) as opened:
        assert [message.body for one in (1, 3) for message in opened.messages(one)] == [b"1", b"3"]


def test_distill_says_it_to_people(shop: Path, tmp_path: Path) -> None:
    done = run("distill", shop, "-o", tmp_path / "small.sqlite", "--max", "3")
    lines = done.stdout.splitlines()
    assert lines[0] == "kept:"
    assert any("not covered: " in line for line in lines)
    assert any(line.endswith("left out for --max") for line in lines)
    assert lines[-1].endswith("of 43 exchanges.")


def test_a_run_is_not_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with CaptureWriter(path, mode="replay") as writer:
        writer.put(replace(exchange(1), replay_of=1))
    for words in (("distill", path, "-o", "x"), ("prune", path, "--failed", "-o", "x")):
        assert "is a run" in str(run(*words).exception)
    empty = tmp_path / "empty.sqlite"
    CaptureWriter(empty, mode="record").close()
    assert retape.exit_code_of(run("distill", empty, "-o", "x").exception or ValueError()) == 5


def test_prune_keeps_what_the_rest_needs(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.sqlite"
    told = document("prune", shop, "--only", "method:POST", "-o", out)
    assert told["gone"] == 0  # every order that is read needs the request that made it
    assert len(told["needed"]) == 8
    assert told["needed"][0] == {"exchange": 10, "needed_by": 12}
    assert told["calls_that_stay"] == 8
    out.unlink()
    told = document("prune", shop, "--only", "id:10-14,99-101", "-o", out)
    assert told["gone"] == 8
    assert ids(out)[:3] == [20, 21, 22]


def test_prune_by_time_and_number(shop: Path) -> None:
    assert document("prune", shop, "--before", "1970-01-01 00:00:05", "--dry-run")["gone"] == 4 * 5 + 2
    told = document("prune", shop, "--before", "1970-01-01 00:00:05", "--keep-last", 2, "--dry-run")
    assert told["gone"] == 4 * 5  # the two calls at the start have the greatest ids
    assert told["capture"] is None
    assert document("prune", shop, "--only", "status:5xx", "--dry-run")["gone"] == 1


def test_prune_in_place(shop: Path) -> None:
    told = document("prune", shop, "--only", "id:101", "--in-place")
    assert (told["gone"], told["capture"]) == (1, str(shop))
    assert 101 not in ids(shop)
    with CaptureWriter(shop, mode="record") as writer:
        assert "is being written" in str(run("prune", shop, "--only", "id:100", "--in-place").exception)
        assert writer.reserve_id() == 101
    assert [path.name for path in shop.parent.glob("shop*")] == ["shop.sqlite"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "x"), "what is to go"),
        (("--failed",), "smaller capture to go"),
        (("--failed", "-o", "x", "--in-place"), "smaller capture to go"),
        (("--before", "soon", "-o", "x"), "is no time"),
    ],
)
def test_what_prune_wants_to_know(shop: Path, words: tuple[str, ...], told: str) -> None:
    assert told in str(run("prune", shop, *words).exception)
