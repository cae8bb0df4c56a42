"""The recorded build beside the new one, through real processes: whose drift it is."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

import retape
from captures.errors import UsageError
from captures.store import Capture
from replayer.beside import baseline_plans
from replayer.plan import ReplayPlan
from replayer.target import Target
from tests.replayer.tapes import Tape, request, response

SERVICE = Path(__file__).with_name("aging.py")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETAPE_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / "recorded.sqlite"
    with Tape(path) as tape:
        for number in range(25):
            answer = {"id": number, "price": 10, "title": "Shirt", "stock": 5}
            tape.inbound(request(target=f"/things/{number}"), response(200, answer))
    return path


def build(name: str) -> list[str]:
    return [sys.executable, str(SERVICE), "{port}", name]


def replayed(tape: Path, new: str, old: str, *more: str) -> dict[str, Any]:
    words = ["replay", str(tape), "-o", "run.sqlite", "--report", "json=report.json", *more]
    code = retape.run([*words, "--baseline-cmd", shlex.join(build(old)), "--", *build(new)])
    report: dict[str, Any] = json.loads(Path("report.json").read_text())
    assert report["exit_code"] == code
    return report


def origins(report: dict[str, Any]) -> dict[str, str]:
    """Of bodies: the recording made by hand has no Date and no Server."""
    groups = (group for group in report["groups"] if group["location"].startswith("response.body"))
    return {group["location"]: group["origin"] for group in groups}


@pytest.mark.slow
def test_regression_stale_and_flaky(tape: Path) -> None:
    report = replayed(tape, "new", "old")
    assert origins(report) == {
        "response.body $.price": "regression",
        "response.body $.title": "stale capture",
        "response.body $.stock": "flaky",
    }
    assert report["verdict"] == "drift"
    for name in ("run", "run.baseline", "run.control"):
        with Capture.open(f"{name}.sqlite") as run:
            assert run.check() == []
            assert run.count() == 25
    # What was said can be said again, without a network.
    words = ["diff", str(tape), "run.sqlite", "--report", "json=again.json"]
    assert retape.run([*words, "--baseline", "run.baseline.sqlite", "--baseline", "run.control.sqlite"]) == 1
    assert origins(json.loads(Path("again.json").read_text())) == origins(report)


@pytest.mark.slow
def test_a_slower_build_is_told_by_measuring_beside_it(tape: Path) -> None:
    report = replayed(tape, "slow", "calm")
    (group,) = [group for group in report["groups"] if group["kind"] == "performance"]
    assert (group["class"], group["endpoint"], group["origin"]) == (
        "performance.slower",
        "GET /things/{id}",
        "regression",
    )
    assert "25 samples each" in group["evidence"]


@pytest.mark.slow
def test_a_baseline_that_does_not_start_is_named(tape: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["replay", str(tape), "-o", "run.sqlite", "--baseline-cmd", f"{sys.executable} -c 1/0", "--"]
    assert retape.run([*words, *build("calm")]) == 3
    said = capfd.readouterr().err
    assert "retape: The baseline: " in said
    assert "exited with code 1 before it was ready" in said


def test_plans(tmp_path: Path) -> None:
    plan = ReplayPlan(tmp_path / "run.sqlite", ("new",), baseline_command=("old",), stub_listen=81)
    beside = baseline_plans(plan)
    assert [one.output.name for one in beside] == ["run.baseline.sqlite", "run.control.sqlite"]
    assert {(one.command, one.stub_listen) for one in beside} == {(("old",), None)}
    target = Target("http", "127.0.0.1", 1)
    (alone,) = baseline_plans(ReplayPlan(tmp_path / "run.sqlite", ("new",), baseline_target=target))
    assert (alone.target, alone.command) == (target, ())
    with pytest.raises(UsageError, match="two ways to name one build"):
        baseline_plans(ReplayPlan(tmp_path / "r", baseline_command=("old",), baseline_target=target))
