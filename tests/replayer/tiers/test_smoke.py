"""``retape replay --tier smoke`` through the front door, against a real service that drifts the second time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import retape
from captures.model import Direction
from captures.store import Capture
from diffing.history import file
from tests.replayer.tapes import SHOP, Tape, order_tape, request, response, run_of


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A recording of the real shop (a run made into a recording), with many orders that are alike."""
    with Tape(tmp_path / "made.sqlite") as tape:
        for number in range(6):
            tape.inbound(request(target="/me"), response(401, {"known": False}), connection=f"stranger {number}")
    order_tape(tmp_path / "orders.sqlite")
    runs = [run_of(tmp_path / name)[1] for name in ("made.sqlite", "orders.sqlite")]
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for start, run in zip((0, 100), runs, strict=True):
            for one in run:
                cause = one.cause
                if cause is not None and cause.exchange is not None:
                    cause = replace(cause, exchange=cause.exchange + start)
                tape.writer.put(replace(one, id=one.id + start, cause=cause, replay_of=None, notes={}))
    return path


def smoke(shop: Path, mode: str = "", *words: str) -> tuple[int, dict[str, Any], list[int]]:
    """Exit code, JSON report, and the recorded ids in the order they were sent."""
    tail = [*SHOP, mode] if mode else SHOP
    code = retape.run(
        ["replay", str(shop), "--tier", "smoke", "-q", "-o", "run.sqlite", "--report", "json=r.json",
         "--report", "terminal=r.txt", *words, "--", *tail]
    )  # fmt: skip
    with Capture.open(Path("run.sqlite")) as run:
        sent = [one.replay_of or 0 for one in run.exchanges(direction=Direction.INBOUND)]
    return code, json.loads(Path("r.json").read_text()), sent


@pytest.mark.slow
@pytest.mark.end_to_end
def test_a_smoke_run_says_so_and_begins_where_it_drifted(shop: Path, tmp_path: Path) -> None:
    code, report, sent = smoke(shop)
    assert (code, report["verdict"], report["tier"]) == (0, "clean", "smoke")
    assert (report["left_out"]["of"], report["left_out"]["sent"], report["ledger"]["recorded"]) == (8, 3, 3)
    assert report["left_out"]["endpoints"] == [{"endpoint": "GET /me", "recorded": 6, "sent": 1}]
    assert sent[0] < 100  # a refusal is an error, and comes before writes
    text = Path("r.txt").read_text()
    assert "CLEAN (SMOKE)" in text
    assert "The smoke tier left out 5 of 8 exchanges." in text
    code, report, _ = smoke(shop, "amount")
    assert (code, report["verdict"]) == (1, "drift")
    code, report, sent = smoke(shop)
    assert code == 0
    assert sent[0] > 100  # where it drifted in the run before
    assert [(one.tier, one.verdict) for one in file.last(tmp_path / "state", 9)] == [
        ("smoke", "clean"), ("smoke", "drift"), ("smoke", "clean"),
    ]  # fmt: skip
    before = file.noted(tmp_path / "state")
    code, report, sent = smoke(shop, "", "--limit", "1", "--no-history")
    assert (len(sent), report["left_out"]["limit"], code) == (1, 1, 0)
    assert report["left_out"]["uncovered_kinds"]["answer"] == 2
    assert file.noted(tmp_path / "state") == before


@pytest.mark.slow
@pytest.mark.end_to_end
def test_what_is_told_of_a_smoke_run_holds_when_it_is_compared_again(shop: Path) -> None:
    smoke(shop)
    assert retape.run(["diff", str(shop), "run.sqlite", "--report", "json=again.json"]) == 0
    again, first = (json.loads(Path(name).read_text()) for name in ("again.json", "r.json"))
    assert again == first


def test_a_limit_is_for_the_smoke_tier(shop_free: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert retape.run(["replay", str(shop_free), "--limit", "3", "--target", "http://127.0.0.1:1"]) == 2
    assert "--tier smoke" in capsys.readouterr().err


@pytest.fixture
def shop_free(tmp_path: Path) -> Path:
    return order_tape(tmp_path / "c.sqlite")


def test_the_configuration_may_ask_for_it(shop_free: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("retape.toml").write_text('[replay]\ntier = "smok"\n')
    assert retape.run(["replay", str(shop_free), "--target", "http://127.0.0.1:1"]) == 2
    assert "smoke" in capsys.readouterr().err
