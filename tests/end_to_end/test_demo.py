"""What ``make demo`` promises: recorded, clean against itself, exactly seven drifts against build B."""

from __future__ import annotations

import importlib.util
import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SEEDED = json.loads((EXAMPLES / "shop" / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.end_to_end
def test_the_demo_keeps_its_promise(tmp_path: Path) -> None:
    pytest.importorskip("mitmproxy")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py")], cwd=tmp_path, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    page = (tmp_path / "demo-report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html")
    assert {path.name for path in (tmp_path / ".demo").glob("*.sqlite")} == {
        "shop.sqlite",
        "run-a.sqlite",
        "run-b.sqlite",
    }
    clean = json.loads((tmp_path / ".demo" / "report-a.json").read_text(encoding="utf-8"))
    assert clean["ledger"]["recorded"] == clean["ledger"]["replayed"] == 300
    assert clean["ledger"]["same"] + clean["ledger"]["same_by_rule"] == 300
    assert clean["stubs"]["missed"] == 0
    drift = json.loads((tmp_path / ".demo" / "report-b.json").read_text(encoding="utf-8"))
    assert drift["verdict"] == "drift"
    assert len(drift["groups"]) == 7
    for group in drift["groups"]:
        assert reproduced(group["command"], tmp_path / ".demo") == [group["fingerprint"]], group["command"]


def reproduced(command: str, folder: Path) -> list[str]:
    """The fingerprints that a report's own command shows when it is run."""
    words = shlex.split(command)
    assert words[:2] == ["retape", "replay"]
    at = words.index("--")
    subprocess.run(
        [sys.executable, "-m", *words[:at], "--report", "json=again.json", *words[at:]],
        cwd=folder,
        capture_output=True,
        timeout=60,
    )
    return [group["fingerprint"] for group in json.loads((folder / "again.json").read_text(encoding="utf-8"))["groups"]]


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo_of_retape", EXAMPLES / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def reported(entry: dict[str, str], **other: str) -> dict[str, object]:
    """A group of a JSON report for a seeded drift, its path parameters named."""
    named = {key: str(entry[key]).replace("{}", "{id}") for key in ("class", "endpoint", "location")}
    return {**named, "recorded": 1, "replayed": 2, "count": 3, **other}


def test_exactly_the_seeded_drifts_agree(demo: ModuleType) -> None:
    assert demo.disagreements([reported(entry) for entry in SEEDED], SEEDED) == []


@pytest.mark.parametrize("entry", SEEDED, ids=lambda entry: entry["drift"])
def test_a_drift_that_is_not_reported_is_named(demo: ModuleType, entry: dict[str, str]) -> None:
    (said,) = demo.disagreements([reported(other) for other in SEEDED if other is not entry], SEEDED)
    assert said.startswith(f"missing: drift {entry['number']}, {entry['drift']}")


def test_anything_else_is_named(demo: ModuleType) -> None:
    groups = [reported(entry) for entry in SEEDED]
    extra = reported(SEEDED[0], location="response.body $.colour")
    (said,) = demo.disagreements([*groups, extra], SEEDED)
    assert said.startswith("not seeded: ")
    assert "$.colour" in said
    (said,) = demo.disagreements([*groups, groups[2]], SEEDED)
    assert said.startswith("reported as more than one group: ")


@pytest.mark.end_to_end
def test_what_is_distilled_replays_clean_and_shows_drift(demo: ModuleType, tmp_path: Path) -> None:
    """A quarter of the recording is left. What it shows of build B is what the whole of it shows, but for drifts that
    only some values show: a sum that is rounded otherwise, a field that a few products have. So does the smoke tier,
    which begins the next time where it drifted.
    """
    pytest.importorskip("mitmproxy")
    shop = demo.Demo(tmp_path / "work", tmp_path / "report.html", 200)
    shop.prepare()
    shop.record()
    for build, expected in (("b", "drift"), ("a", "clean")):
        smoke = smoked(shop, build)
        assert (smoke["verdict"], smoke["tier"]) == (expected, "smoke"), smoke["groups"]
        assert smoke["ledger"]["recorded"] == smoke["left_out"]["sent"] < 0.4 * smoke["left_out"]["of"]
        assert smoke["left_out"]["uncovered"] == []
        said = demo.disagreements(smoke["groups"], SEEDED) if expected == "drift" else []
        assert [one for one in said if not one.startswith("missing: ")] == []
        assert len(said) <= 2, said
    done = subprocess.run(
        shop.retape("capture", "distill", shop.capture.name, "-o", "small.sqlite", "--format", "json"),
        cwd=shop.work, env=shop.env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["exchanges"] < 0.4 * told["of"]
    assert told["uncovered"] == []
    shop.capture = shop.work / "small.sqlite"
    same = shop.replay("a", 0)
    assert same["verdict"] == "clean"
    assert same["stubs"]["missed"] == 0
    said = demo.disagreements(shop.replay("b", 1)["groups"], SEEDED)
    assert [one for one in said if not one.startswith("missing: ")] == []
    assert len(said) <= 2, said


def smoked(shop: Any, build: str) -> Any:
    """The JSON report of a smoke replay."""
    words = shop.retape("replay", shop.capture.name, "--tier", "smoke", "-o", "smoke.sqlite", "--report", "json=s.json")
    subprocess.run([*words, *shop.service(build)], cwd=shop.work, env=shop.env, capture_output=True, timeout=120)
    return json.loads((shop.work / "s.json").read_text(encoding="utf-8"))


@pytest.mark.end_to_end
def test_what_went_out_and_came_in_again_replays_clean(demo: ModuleType, tmp_path: Path) -> None:
    """Through a HAR file, and through a flow file, with the causes of all calls found again."""
    pytest.importorskip("mitmproxy")
    shop = demo.Demo(tmp_path / "work", tmp_path / "report.html", 60)
    shop.prepare()
    shop.record()
    recorded = shop.capture
    for name in ("shop.har", "shop.flows"):
        for words in (("export", recorded.name, "-o", name), ("import", name, "-o", f"{name}.sqlite")):
            subprocess.run(shop.retape("capture", *words), cwd=shop.work, env=shop.env, capture_output=True, check=True)
        shop.capture = shop.work / f"{name}.sqlite"
        same = shop.replay("a", 0)
        assert same["verdict"] == "clean"
        assert same["stubs"]["missed"] == same["stubs"]["unused"] == 0
