"""Every benchmark runs, at a size that proves nothing else; and what counts the recordings counts right."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers, shop
from benchmarks.__main__ import NAMES
from benchmarks.diffing import ENDPOINTS, RULES, rule_entries
from benchmarks.labels import aligned
from benchmarks.load import Measured, Protocol, cpu_seconds
from benchmarks.octokit import main, retape, score
from benchmarks.recording import Point, rows
from benchmarks.recordings import scenarios
from benchmarks.scoring import Reported, Tally, covers, generalised
from captures.store import Capture
from diffing.engine import compare_captures
from diffing.rulebook.rules import parse_rules
from tests.corpus import each

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_prints_its_ratios(name: str) -> None:
    if name in ("recording", "soak", "stalls"):
        pytest.importorskip("mitmproxy")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick"], cwd=ROOT, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr[-3000:]
    header, rule, *rows = done.stdout.splitlines()
    assert header.startswith("| what | against | ratio | goal |")
    assert rows
    assert all(row.count("|") >= 6 for row in (rule, *rows))


# -- recording --------------------------------------------------------------------------------------------------


def test_a_missed_goal_is_said_with_its_points() -> None:
    points = []
    for protocol, connections, mine in ((Protocol.HTTP1, 1, 500), (Protocol.HTTP1, 8, 250), (Protocol.HTTP2, 1, 210)):
        ours, theirs = Measured(mine, 1, 2), Measured(100, 3, 4)
        points.append(Point(protocol, connections, [ours] * 3, [theirs] * 3, [theirs] * 3, [(0.5, 1.5)] * 3))
    points[1].ours[1] = points[1].ours[2] = Measured(190, 1, 2)
    first, second = rows(points)
    assert (first.ratio, first.goal) == (1.9, "at least 2 x: **missed** at 8")
    assert (second.ratio, second.goal) == (2.1, "at least 2 x")
    assert "CPU 0.50 against 1.50 ms a request" in first.detail


@pytest.mark.slow
def test_the_cpu_of_descendants_counts() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); print(flush=True); input()"
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert cpu_seconds(process.pid) >= 0.2
        process.communicate("\n", timeout=60)


# -- recordings ---------------------------------------------------------------------------------------------------


def interaction(body: Any, *headers: str, day: int = 20, path: str = "/orders") -> dict[str, Any]:
    date = f"{'Fri' if day == 20 else 'Sat'}, {day} Nov 2026 10:00:01 GMT"
    return {"scope": "https://api.test:443", "method": "post", "path": path, "body": "", "status": 201,
            "response": body, "rawHeaders": ["Content-Type", "application/json", "Date", date, *headers]}  # fmt: skip


def recording(raw: list[dict[str, Any]], normalized: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"date": "2026-11-20T00:00:00Z", "raw": raw, "normalized": raw if normalized is None else normalized}


FIXED = {"id": 1, "state": "new", "at": "2026-01-01T00:00:00Z"}
BEFORE = {"id": 8412, "state": "new", "at": "2026-11-20T10:00:00Z"}
LATER = {"id": 9917, "state": "new", "at": "2026-11-21T10:00:00Z"}
DRIFTED = {**LATER, "state": "open"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One scenario: two recordings of one build, then one of another."""
    value = {
        "scenario": "orders",
        "recordings": [
            recording([interaction(BEFORE)], [interaction(FIXED)]),
            recording([interaction(LATER, day=21)], [interaction(FIXED)]),
            recording([interaction(DRIFTED, day=21)], [interaction({**FIXED, "state": "open"})]),
        ],
        "pairs": [{"kind": "noise", "before": 0, "after": 1}, {"kind": "drift", "before": 0, "after": 2}],
    }
    (tmp_path / "orders.json").write_text(json.dumps(value))
    return tmp_path


def test_people_s_labels_tell_noise_from_drift(folder: Path) -> None:
    noise, drift = scenarios(folder)[0].pairs()
    assert noise.interactions[0].truth.noisy.keys() == {"$.id", "$.at", "response.header date"}
    assert not noise.interactions[0].truth.drifted
    assert drift.interactions[0].truth.noisy.keys() == {"$.id", "$.at", "response.header date"}
    assert drift.interactions[0].truth.drifted == {"$.state": ("new", "open")}


def test_a_label_is_in_doubt_where_it_may_be_about_people_s_rules(tmp_path: Path) -> None:
    mine, yours = ({"id": at, "url": f"/repos/tmp-{at}/x", "seen": at, "state": at > 1} for at in (1, 2))
    before, after = {**mine, "id": 100}, {**yours, "id": 200, "seen": 0}
    recordings = [
        recording([interaction(mine, path="/repos/tmp-1")], [interaction(before, path="/repos/orders")]),
        recording([interaction(yours, path="/repos/tmp-2")], [interaction(after, path="/repos/orders")]),
    ]
    value = {"scenario": "orders", "recordings": recordings, "pairs": [{"kind": "drift", "before": 0, "after": 1}]}
    (tmp_path / "orders.json").write_text(json.dumps(value))
    (pair,) = scenarios(tmp_path)[0].pairs()
    truth = pair.interactions[0].truth
    assert truth.drifted.keys() == {"$.id", "$.url", "$.seen", "$.state"}
    assert truth.doubtful == {
        "$.id": "people masked both sides, differently",
        "$.url": "differs as the requests differ",
        "$.seen": "people masked one side only",
    }


@pytest.mark.parametrize(
    ("left", "right", "pairs"),
    [
        (["post /a", "get /b", "delete /a/1"], ["post /a", "get /c", "delete /a/2"], [(0, 0), (1, 1), (2, 2)]),
        (["post /a", "get /b/1/x", "delete /b/1"], ["get /b/2/x"], [(1, 0)]),
        (["delete /b/1", "delete /a/1"], ["delete /a/2"], [(1, 0)]),
        (["get /a"], ["get /a", "get /a/b"], [(0, 0)]),
        (["get /a"], ["put /a"], []),
        ([], ["get /a"], []),
    ],
)
def test_interactions_are_aligned_by_method_and_path(
    left: list[str], right: list[str], pairs: list[tuple[int, int]]
) -> None:
    def made(words: list[str]) -> list[dict[str, Any]]:
        return [{"method": word.split()[0], "path": word.split()[1], "status": 200} for word in words]

    assert aligned(made(left), made(right)) == pairs


def test_what_people_did_not_normalize_has_no_label_and_still_counts_as_noise(tmp_path: Path) -> None:
    raw = [[interaction({"plan": plan}, path="/setup"), interaction(FIXED)] for plan in ("a", "b")]
    recordings = [recording(one, [interaction(FIXED)]) for one in raw]
    value = {"scenario": "orders", "recordings": recordings, "pairs": [{"kind": "noise", "before": 0, "after": 1}]}
    (tmp_path / "orders.json").write_text(json.dumps(value))
    (pair,) = scenarios(tmp_path)[0].pairs()
    assert [one.labelled for one in pair.interactions] == [False, True]
    tally = score(scenarios(tmp_path), ("Retape",))["Retape"][True]
    assert (tally.alarmed, tally.alarmed_labelled, tally.noisy_leaves) == (1, 0, 0)
    assert [example.remark for example in tally.examples] == ["left out by people"]


def test_retape_finds_the_drift_and_the_peers_the_noise_too(folder: Path) -> None:
    tallies = score(scenarios(folder))
    figures = {
        name: (of[True].alarmed, of[True].false_alarms, of[False].found, of[False].locations, of[False].false_alarms)
        for name, of in tallies.items()
    }
    assert figures == {"Retape": (0, 0, 1, 1, 0), "deepdiff": (1, 3, 1, 1, 3), "Diffy's rule": (1, 3, 1, 1, 0)}


@each(
    ("reported", "place", "covered"),
    [
        ("$.a", "$.a", True),
        ("$.a", "$.a.b", True),
        ("$.a", "$.a[0].b", True),
        ("$", "$.a", True),
        ("$.a", "$.ab", False),
        ("$.a.b", "$.a", False),
        ("response.status", "$.a", True),
        ("response.header etag", "response.header etag", True),
        ("response.header e", "response.header etag", False),
    ],
)
def test_what_a_finding_covers(reported: str, place: str, covered: bool) -> None:
    assert covers(reported, place) is covered


def test_indices_are_generalised_and_nothing_else() -> None:
    assert generalised("$.a[12].b2[3]['7']") == "$.a[*].b2[*]['7']"


@pytest.mark.parametrize(
    ("place", "found", "wrong"),
    [("$[1]", 1, 0), ("$", 1, 0), ("$[0].id", 0, 0), ("response.header etag", 0, 1)],
)
def test_an_array_that_differs_as_a_whole_is_found_by_its_items(
    tmp_path: Path, place: str, found: int, wrong: int
) -> None:
    long, short = [BEFORE, LATER], [BEFORE]
    value = {
        "scenario": "orders",
        "recordings": [
            recording([interaction(long, "ETag", "a")], [interaction(long, "ETag", "0")]),
            recording([interaction(short, "ETag", "b")], [interaction(short, "ETag", "0")]),
        ],
        "pairs": [{"kind": "drift", "before": 0, "after": 1}],
    }
    (tmp_path / "orders.json").write_text(json.dumps(value))
    (pair,) = scenarios(tmp_path)[0].pairs()
    tally = Tally()
    tally.add(pair, [[Reported(place, "made up", True, 1, 2)]])
    assert (tally.found, tally.locations, tally.false_reports) == (found, 1, wrong)
    assert len(tally.examples) == 1 - found + wrong


@pytest.mark.parametrize(
    ("raw", "noise", "total", "reported"),
    [(1, 0, 1, True), (1, 1, 1, False), (2, 1, 3, True), (3, 2, 5, False), (0, 0, 9, False), (1, 0, 3334, False)],
)
def test_diffy_s_rule(raw: int, noise: int, total: int, reported: bool) -> None:
    assert peers.drifted(raw, noise, total) is reported


def test_a_peer_that_takes_too_long_is_cut_and_that_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--limit", "0.000001"]) == 0
    assert "deepdiff was cut, and not counted, at: orders 0→1, orders 0→2." in capsys.readouterr().out


def test_the_limit_ends_a_peer_in_the_middle_and_leaves_other_timers_running() -> None:
    before, timer = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)

    def endless() -> None:
        with peers.limited(0.01):
            while True:
                pass

    with pytest.raises(peers.CutError):
        endless()
    with peers.limited(60):
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    assert signal.getitimer(signal.ITIMER_REAL)[0] == pytest.approx(timer[0], abs=5)
    assert signal.getsignal(signal.SIGALRM) is before


def test_errors_are_explained_with_an_example(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--explain", "5", "--method", "deepdiff"]) == 0
    out = capsys.readouterr().out
    assert "deepdiff, noise pair, body: 2 of 2 sorts\n    1 x  values_changed  $." in out
    assert "8412  ->  9917" in out


BROKEN = {
    "not JSON": (b"{", "is no file of recordings (JSONDecodeError"),
    "not xz": (b"{}", "is no file of recordings (LZMAError"),
    "another document": (b"[]", "is no file of recordings (TypeError"),
    "a missing key": (b'{"scenario": "a", "recordings": []}', "is no file of recordings (KeyError: 'pairs')"),
    "a pair of nothing": (
        b'{"scenario": "a", "recordings": [], "pairs": [{"kind": "noise", "before": 0, "after": 1}]}',
        "a pair names a recording that is not there",
    ),
    "no interaction": (
        b'{"scenario": "a", "recordings": [{"raw": [{}], "normalized": [{}]}], '
        b'"pairs": [{"kind": "noise", "before": 0, "after": 0}]}',
        "recordings 0 and 0 cannot be read (KeyError: 'method')",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_sentence(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, sentence = BROKEN[name]
    path = tmp_path / ("a.json.xz" if name == "not xz" else "a.json")
    path.write_bytes(data)
    assert main([str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert str(path) in said.err
    assert said.err.count("\n") == 1
    assert not said.out


def test_a_folder_that_is_missing_or_empty_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert main([str(tmp_path)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "nowhere is no folder." in first
    assert "has no recordings." in second


@pytest.mark.slow
def test_it_runs_as_a_file(folder: Path) -> None:
    argv = [sys.executable, str(ROOT / "benchmarks" / "octokit.py"), str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("| what | goal | Retape | deepdiff | Diffy's rule |")


def test_a_pair_without_interactions_is_no_error(folder: Path) -> None:
    (scenario,) = scenarios(folder)
    empty = recording([], [])
    pair = type(scenario)(scenario.path, "empty", [empty, empty], ((True, 0, 1),)).pair(True, 0, 1)
    assert retape(scenario, pair) == []


# -- what is compared ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_made_up_run_has_the_drift_that_was_put_into_it_and_no_other(tmp_path: Path) -> None:
    capture, run = tmp_path / "capture.sqlite", tmp_path / "run.sqlite"
    shop.write_capture(capture, 300)
    shop.write_run(capture, run, 300)
    with Capture.open(capture) as opened, Capture.open(run) as other:
        assert opened.count() == other.count() == 300
        assert not opened.check()
        assert not other.check()
    result = compare_captures(capture, run)
    assert {(group.class_id, group.location.partition("$")[2]) for group in result.groups} == {
        ("response.body.value-changed", ".amount"),
        ("outbound.request.body.value-changed", ".amount"),
    }
    assert {group.endpoint for group in result.groups} < set(shop.endpoints())
    assert result.ledger.recorded == 240


def test_the_rules_that_are_measured_are_as_many_as_said() -> None:
    rules = parse_rules(rule_entries())
    assert len({rule.id for rule in rules}) == RULES
    assert len({rule.endpoint for rule in rules}) > ENDPOINTS
    assert any(".." in rule.location for rule in rules)
