"""What ``retape init --ci`` writes works: the platforms take its YAML, and its steps really run, on the demo shop."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.end_to_end import software
from tests.end_to_end.pipelines.runners import Done, Place, github, gitlab, program, standing

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
CAPTURE = "tests/captures/shop.sqlite"
REQUESTS = 30
SHARDS = 2
HEAD = {
    "github.token": "t",
    "github.repository": "acme/shop",
    "github.event.workflow_run.id": "7",
    "github.event.workflow_run.head_sha": "88d01aa",
    "github.event.workflow_run.head_repository.owner.login": "ada",
    "github.event.workflow_run.head_branch": "x",
}


def written(folder: Path, start: str) -> Path:
    """A repository whose service starts with ``start``, with all that ``retape init`` writes."""
    folder.mkdir(exist_ok=True)
    (folder / "Procfile").write_text(f"web: {start}\n")
    (folder / ".git").mkdir()
    for ci in ("github", "gitlab"):
        words = [sys.executable, "-m", "retape", "init", "--ci", ci]
        env = {key: value for key, value in os.environ.items() if key != "CI"}
        subprocess.run(words, cwd=folder, env=env, check=True, capture_output=True, timeout=120)
    return folder


def recorded(folder: Path) -> Path:
    """A repository of the demo shop: a configuration, a capture of build A, and build B to start."""
    spec = importlib.util.spec_from_file_location("demo_of_retape_for_ci", EXAMPLES / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = demo
    spec.loader.exec_module(demo)
    made = demo.Demo(folder, folder / "none.html", REQUESTS)
    made.prepare()
    made.record()
    (folder / "tests" / "captures").mkdir(parents=True)
    made.capture.rename(folder / CAPTURE)
    shutil.rmtree(folder / ".retape")
    where = " ".join(f"--{name} {shlex.quote(url)}" for name, url in made.addresses.items())
    del sys.modules[spec.name]
    return written(folder, f"python {EXAMPLES / 'shop' / 'service.py'} --port $PORT {where} --build b")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "kept").mkdir()
    return Place(tmp_path / "shop", standing(tmp_path / "programs"), tmp_path / "kept")


def fresh(place: Place, repository: Path) -> Place:
    """Another machine: a checkout of its own, the same artifacts."""
    shutil.rmtree(place.folder, ignore_errors=True)
    shutil.copytree(repository, place.folder)
    return place


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("vendor.github-workflows", [".github/workflows/retape.yml", ".github/workflows/retape-comment.yml"]),
        ("custom.github-workflows-require-timeout", [".github/workflows/retape.yml"]),
        ("vendor.gitlab-ci", [".gitlab-ci.yml", ".gitlab/retape.gitlab-ci.yml"]),
    ],
)
def test_the_platforms_take_it(schema: str, names: list[str], tmp_path: Path) -> None:
    check = software.python_tools(name="pipelines") / "check-jsonschema"
    written(tmp_path / "shop", "python app.py $PORT")
    files = [tmp_path / "shop" / name for name in names]
    done = subprocess.run(
        [check, "--builtin-schema", schema, *files], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def shard(place: Place, number: int, summary: Path) -> Done:
    values = {"matrix.shard": str(number), "strategy.job-total": str(SHARDS)}
    workflow = place.folder / ".github" / "workflows" / "retape.yml"
    return github(place, workflow, "replay", values, {"GITHUB_STEP_SUMMARY": summary})


@pytest.mark.timeout(900)
def test_shards_are_replayed_merged_and_judged(place: Place, tmp_path: Path) -> None:
    """On GitHub, then on GitLab, out of one recording: the same drift, and a lost shard is not overlooked."""
    pytest.importorskip("mitmproxy")
    (tmp_path / "repository").mkdir()
    repository = recorded(tmp_path / "repository" / "shop")
    there = on_github(place, repository, tmp_path)
    assert on_gitlab(place, repository) == there


def on_github(place: Place, repository: Path, tmp_path: Path) -> list[str]:
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    for number in range(1, SHARDS + 1):
        done = shard(fresh(place, repository), number, summary)
        assert done.failed == [], done.output
    assert not summary.exists(), "the shards leave the summary to the merged run"
    said = judged(fresh(place, repository), {"GITHUB_STEP_SUMMARY": summary, "GITHUB_OUTPUT": output})
    assert (said["verdict"], said["reasons"]) == ("drift", [])
    assert (said["ledger"]["recorded"], said["ledger"]["not_replayed"]) == (REQUESTS, 0)
    kept = place.artifacts / "retape-report"
    assert {path.name for path in kept.iterdir()} == {"junit.xml", "report.html", "report.json", "run.sqlite"}
    assert "### ❌ Retape: drift" in summary.read_text()
    assert "verdict=drift\n" in output.read_text()
    assert int(str(ET.parse(kept / "junit.xml").getroot().get("failures"))) == len(said["groups"]) + 1
    found = [one["fingerprint"] for one in said["groups"]]
    shutil.rmtree(place.artifacts / "retape-run-2")
    said = judged(fresh(place, repository), {"GITHUB_STEP_SUMMARY": summary})
    assert any("shard 2/2 is missing" in reason for reason in said["reasons"])
    assert said["exit_code"] in (1, 3), "whichever clients it held"
    return found


def judged(place: Place, files: dict[str, Path]) -> dict[str, Any]:
    """The JSON report of the job that merges, which ends with its verdict and keeps its reports all the same."""
    done = github(place, place.folder / ".github" / "workflows" / "retape.yml", "report", {}, files)
    said = dict(json.loads((place.artifacts / "retape-report" / "report.json").read_text()))
    assert [(name, code) for name, code in done.codes if code] == [("Judge", said["exit_code"])], done.output
    assert "\n::error file=retape.rules.toml," in done.output
    return said


def on_gitlab(place: Place, repository: Path) -> list[str]:
    pipeline = Path(".gitlab") / "retape.gitlab-ci.yml"
    for number in range(1, SHARDS + 1):
        fresh(place, repository)
        variables = {"CI_NODE_INDEX": str(number), "CI_NODE_TOTAL": str(SHARDS)}
        done = gitlab(place, place.folder / pipeline, "retape-replay", variables)
        assert done.failed == [], done.output
    fresh(place, repository)
    done = gitlab(place, place.folder / pipeline, "retape-report", {})
    assert done.codes == [("retape-report", 1)], done.output
    kept = place.artifacts / "retape-report-0" / "retape-out"
    said = json.loads((kept / "report.json").read_text())
    assert (said["ledger"]["recorded"], said["ledger"]["not_replayed"], said["reasons"]) == (REQUESTS, 0, [])
    quality = json.loads((place.folder / "retape-out" / "gl-code-quality-report.json").read_text())
    found = [one["fingerprint"] for one in said["groups"]]
    assert [one["fingerprint"] for one in quality] == found
    return found


@pytest.mark.parametrize(
    ("pulls", "comments", "asked"),
    [
        ("12", "", "api --method POST repos/acme/shop/issues/12/comments -F body=@body.md --silent"),
        ("12", "345", "api --method PATCH repos/acme/shop/issues/comments/345 -F body=@body.md --silent"),
        ("", "", ""),
    ],
)
def test_the_comment_is_made_or_replaced(pulls: str, comments: str, asked: str, place: Place) -> None:
    written(place.folder, "python app.py $PORT")
    program(
        place.programs / "gh",
        f"""echo "$*" >> asked
case "$*" in
  *"/pulls -f "*) printf '%s' '{pulls}' ;;
  "run download"*) mkdir -p comment && printf '<!-- retape: drift report -->\\n%070000d' 0 > comment/comment.md ;;
  *"--paginate"*) printf '%s' '{comments}' ;;
esac""",
    )
    workflow = place.folder / ".github" / "workflows" / "retape-comment.yml"
    done = github(place, workflow, "comment", HEAD, {})
    assert done.failed == [], done.output
    lines = (place.folder / "asked").read_text().splitlines()
    assert lines[0].startswith("api --method GET repos/acme/shop/pulls -f state=open -f head=ada:x --jq ")
    assert (lines[-1] == asked) if asked else (len(lines) == 1)
    if asked:
        assert (place.folder / "body.md").stat().st_size == 65_000


def test_a_link_in_the_artifact_is_not_followed(place: Place) -> None:
    """It would be read by a job that has a token in its environment."""
    written(place.folder, "python app.py $PORT")
    script = """echo "$*" >> asked
case "$*" in
  *"/pulls -f "*) echo 12 ;;
  "run download"*) mkdir -p comment && ln -s /proc/self/environ comment/comment.md ;;
esac"""
    program(place.programs / "gh", script)
    done = github(place, place.folder / ".github" / "workflows" / "retape-comment.yml", "comment", HEAD, {})
    assert done.failed == ["Comment"]
    assert not (place.folder / "body.md").exists()
    assert "POST" not in (place.folder / "asked").read_text()


@pytest.mark.parametrize(("right", "failed"), [(True, []), (False, ["Fetch the capture"])])
def test_a_fetched_capture_is_compared_with_its_checksum(right: bool, failed: list[str], place: Place) -> None:
    written(place.folder, "python app.py $PORT")
    elsewhere = place.folder / "elsewhere.sqlite"
    elsewhere.write_bytes(b"a capture")
    digest = hashlib.sha256(elsewhere.read_bytes() if right else b"other").hexdigest()
    workflow = place.folder / ".github" / "workflows" / "retape.yml"
    text = workflow.read_text().replace('CAPTURE_URL: ""', f"CAPTURE_URL: {elsewhere.as_uri()}")
    text = text.replace('CAPTURE_SHA256: ""', f"CAPTURE_SHA256: {digest}")
    workflow.write_text(text.partition("      # Drift (1)")[0])
    done = github(place, workflow, "replay", {"matrix.shard": "1", "strategy.job-total": "2"}, {})
    assert done.failed == failed, done.output
    assert (place.folder / CAPTURE).read_bytes() == b"a capture"


@pytest.mark.parametrize("summed", [True, False])
def test_gitlab_fetches_it_once_where_it_has_a_checksum(summed: bool, place: Place) -> None:
    written(place.folder, "python app.py $PORT")
    pipeline = place.folder / ".gitlab" / "retape.gitlab-ci.yml"
    made = yaml.safe_load(pipeline.read_text())
    made["retape-replay"] |= {"script": ["true"], "artifacts": {"paths": []}}
    pipeline.write_text(yaml.safe_dump(made, sort_keys=False))
    elsewhere = place.folder / "elsewhere.sqlite"
    elsewhere.write_bytes(b"one")
    variables = {"CAPTURE_URL": elsewhere.as_uri()}
    variables |= {"CAPTURE_SHA256": hashlib.sha256(b"one").hexdigest()} if summed else {}
    for content in (b"one", b"two"):
        elsewhere.write_bytes(content)
        (place.folder / CAPTURE).unlink(missing_ok=True)
        done = gitlab(place, pipeline, "retape-replay", variables)
        assert done.failed == [], done.output
    assert (place.folder / CAPTURE).read_bytes() == (b"one" if summed else b"two")


def test_a_capture_that_is_nowhere_is_said(place: Place) -> None:
    written(place.folder, "python app.py $PORT")
    done = github(
        place, place.folder / ".github" / "workflows" / "retape.yml", "replay",
        {"matrix.shard": "1", "strategy.job-total": "2"}, {},
    )  # fmt: skip
    assert done.failed == ["Fetch the capture"]
    assert "commit the capture as tests/captures/shop.sqlite, or say in CAPTURE_URL where it is" in done.output
