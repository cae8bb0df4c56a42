"""``retape learn`` with real processes: what only repetition reveals becomes rules that hold, and still assert."""

from __future__ import annotations

import importlib.util
import json
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from captures.service import free_port
from tests.end_to_end.processes import Bench, read_report

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SERVICE = (sys.executable, str(Path(__file__).with_name("restless.py")), "{port}")
STOCK = "GET /stock/{id}"
REVEALED = {"$.level", "$.colour", "$.mood", "$.promotion", "$.sizes", "$.load.factor"}


def ask(url: str) -> None:
    """Read the whole answer. A 503 is one, too: a client that hangs up on its head is recorded as gone away."""
    try:
        answer = urllib.request.urlopen(url, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        answer.read()


@pytest.fixture
def capture(bench: Bench) -> Path:
    """Twelve articles asked for once each, a body of dice, and a status that flaps."""
    pytest.importorskip("mitmproxy")
    path = bench.work / "restless.sqlite"
    recording = bench.record(path, "--inbound", "0", command=SERVICE, env={"RESTLESS_REGION": "south"})
    for number in range(100, 112):
        ask(f"{recording.inbound}/stock/{number}")
    for name in ("random", "random", *["flapping"] * 8):
        ask(f"{recording.inbound}/{name}")
    recording.stop()
    return path


def places(said: dict[str, Any], name: str) -> dict[tuple[str, str], str]:
    """A list of the JSON output by place."""
    return {(one["endpoint"], one["location"]): one.get("reason") or one["evidence"] for one in said[name]}


def test_what_only_repetition_reveals(bench: Bench, capture: Path) -> None:
    # Learning: in the recording the service ran in another region.
    learnt = bench.run("learn", capture, "--runs", "5", "--format", "json", "--write", "--", *SERVICE).expect(0)
    said = json.loads(learnt.stdout)
    assert (said["runs"], said["requests"], said["interrupted"]) == (5, 22, False)
    assert set(places(said, "proposals")) == {(STOCK, f"response.body {path}") for path in REVEALED}
    assert places(said, "constant").keys() == {(STOCK, "response.body $.region")}
    assert "Is this the build that was recorded" in said["drift"]
    learnt.says("drifts against its own capture in 1 place", "review them before you commit", "run 5 of 5")
    refused = places(said, "refused")
    assert "the status flaps" in refused["GET /flapping", "response.status"]
    assert "4 of the 4 fields" in refused["GET /random", "response.body $"]
    covered = {place: why for place, why in places(said, "covered").items() if place[1].startswith("response.body")}
    assert covered == {(STOCK, "response.body $.uptime"): "already covered by volatile.duration (60/60)"}

    # What was written holds, and `rules check` has nothing against it.
    written = tomllib.loads((bench.work / "retape.rules.toml").read_text(encoding="utf-8"))["rules"]
    assert {rule["location"] for rule in written} == REVEALED
    assert all("p < 0.001" in rule["evidence"] and rule["author"] == "retape learn" for rule in written)
    bench.run("rules", "check").expect(0)
    south = {"RESTLESS_REGION": "south"}
    only = ("--only", "path:/stock/*")
    bench.run("replay", capture, *only, "--", *SERVICE, env=south).expect(0)

    # And each of those places still shows a drift.
    for mode, location in (
        ("type", "$.level"),
        ("range", "$.level"),
        ("word", "$.mood"),
        ("gone", "$.mood"),
        ("colour", "$.colour"),
        ("item", "$.sizes"),
    ):
        report = bench.work / f"{mode}.json"
        drifted = bench.run("replay", capture, *only, "--report", f"json={report}", "--", *SERVICE, mode, env=south)
        drifted.expect(1)
        assert {group["location"].removesuffix("[*]") for group in read_report(report)["groups"]} == {
            f"response.body {location}"
        }, mode

    # A second time there is nothing left to propose: today's rules accept what moves.
    again = bench.run("learn", capture, *only, "--runs", "3", "--format", "json", "--", *SERVICE, env=south).expect(0)
    assert json.loads(again.stdout)["proposals"] == []
    assert (STOCK, "response.body $.level") in places(json.loads(again.stdout), "covered")


def test_the_demo_shop_needs_no_rule(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mitmproxy", "starlette", "uvicorn", "httpx", "requests"):
        pytest.importorskip(name)
    spec = importlib.util.spec_from_file_location("demo_of_retape_learn", EXAMPLES / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    demo = module.Demo(bench.work, bench.work / "report.html", 120)
    demo.prepare()
    demo.record()
    words = demo.retape("learn", demo.capture.name, "--runs", "3", "--format", "json", *demo.service("a"))
    said = json.loads(bench.start(*words, env=demo.env, cwd=demo.work).finished(120).expect(0).stdout)
    for name in ("proposals", "refused", "undecided", "constant", "calls"):
        assert said[name] == [], name
    assert len(said["covered"]) > 10
    rules = {one["reason"].removeprefix("already covered by ").split(" ")[0] for one in said["covered"]}
    assert {"volatile.timestamp", "volatile.binding"} <= rules


def test_ctrl_c_says_what_was_learnt_so_far(bench: Bench, capture: Path) -> None:
    running = bench.retape("learn", capture, "--runs", "500", "--write", "--", *SERVICE)
    running.wait_for(lambda: any("run 4 of 500" in line for line in running.err), "the fourth run began")
    running.interrupt()
    finished = running.finished(60).expect(130)
    finished.says("retape: interrupted ", "what was learnt so far follows, and nothing is written")
    assert finished.stdout.startswith("# Learnt from ")
    assert "[[rules]]" in finished.stdout
    assert not (bench.work / "retape.rules.toml").exists()
    assert tomllib.loads(finished.stdout)["rules"]


def test_runs_that_are_there_already_and_the_capture_alone(bench: Bench, capture: Path) -> None:
    runs: list[object] = []
    for number in range(3):
        run = bench.work / f"run{number}.sqlite"
        bench.run("replay", capture, "--report", f"json={bench.work / 'r.json'}", "-o", run, "--", *SERVICE).expect(1)
        runs += ["--run", run]
    given = bench.run("learn", capture, *runs).expect(0)
    assert {rule["location"] for rule in tomllib.loads(given.stdout)["rules"]} == REVEALED
    given.says("nothing was written; to keep the proposals: retape learn")
    alone = bench.run("learn", capture, "--format", "json").expect(0)
    said = json.loads(alone.stdout)
    assert (said["runs"], said["proposals"]) == (0, [])
    assert "replay the recorded build" in places(said, "undecided")["GET /random", "response.body $.a"]


def test_a_target_that_is_not_restarted_remembers(bench: Bench, capture: Path) -> None:
    port = free_port()
    words = [port if word == "{port}" else word for word in SERVICE]
    bench.start(*words).wait_port(port)
    only = ("--only", "path:/stock/*", "--target", f"http://127.0.0.1:{port}")
    learnt = bench.run("learn", capture, *only, "--runs", "3", "--format", "json").expect(0)
    learnt.says("is not restarted between the runs")
    rules = {one["location"]: one["rule"] for one in json.loads(learnt.stdout)["proposals"]}
    counter = rules["response.body $.served"]  # 1 to 12 when recorded, then 1 to 12, 13 to 24, 25 to 36
    assert (counter["expect"], counter.get("max")) == ("integer", None)
