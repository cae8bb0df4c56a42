"""Every command that a report prints runs as it is printed, in a shell, and does what it is printed for."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import retape
from tests.diffing.probes.recordings import Row, write_rows

HOSTILE = "it's $(id) \x1b[31m\u202e\x9b1m\u2028 \"`x`"
CHANGES: dict[str, tuple[Row, Row]] = {
    "a member": (Row("GET /a", {"a": {"b c": [1]}}), Row("GET /a", {"a": {"b c": [2]}})),
    "a hostile member": (Row("GET /a", {HOSTILE: 1}), Row("GET /a", {HOSTILE: 2})),
    "a hostile text": (Row("GET /a", {"a": f"{HOSTILE} 1 "}), Row("GET /a", {"a": f"{HOSTILE} 2 "})),
    "an item that is gone": (Row("GET /a", {"a": [1, 2, 3]}), Row("GET /a", {"a": [1, 3]})),
    "a header": (Row("GET /a", {}, headers={"X-Note": "a b"}), Row("GET /a", {}, headers={"X-Note": "c d"})),
    "a header that is gone": (Row("GET /a", {}, headers={"X-Note": "a b"}), Row("GET /a", {})),
    "a cookie": (
        Row("GET /a", {}, headers={"Set-Cookie": "a=b; Path=/"}),
        Row("GET /a", {}, headers={"Set-Cookie": "a=b; Path=/x"}),
    ),
    "a line": (
        Row("GET /a", "one\ntwo\n", content_type="text/plain"),
        Row("GET /a", "one\n2\n", content_type="text/plain"),
    ),
    "an element": (
        Row("GET /a", "<a><b>1</b></a>", content_type="application/xml"),
        Row("GET /a", "<a><b>2</b></a>", content_type="application/xml"),
    ),
    "another media type": (
        Row("GET /a", "<a/>", content_type="application/xml"),
        Row("GET /a", "<a/>", content_type="text/plain"),
    ),
}


def run_as_printed(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Split by a real shell, then run in this process: the exit code, and what was said on stderr."""
    split = subprocess.run(
        ["bash", "-c", f"retape() {{ printf '%s\\0' \"$@\"; }}; {line}"], capture_output=True, check=True
    )
    capsys.readouterr()
    code = retape.run(split.stdout.decode().split("\0")[:-1])
    return code, capsys.readouterr().err


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / ".git").mkdir()


def printed(text: str, label: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(label)]
    return line.removeprefix(label)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("run", ["a replay", "another recording"])
def test_why_and_volatile_run(change: str, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    ids = write_rows(Path("the tape's.sqlite"), [CHANGES[change][0]], 1800, None)
    write_rows(Path("b.sqlite"), [CHANGES[change][1]], 30, ids if run == "a replay" else None)
    assert retape.run(["diff", "the tape's.sqlite", "b.sqlite"]) == 1
    report = capsys.readouterr().out
    assert run_as_printed(printed(report, "Why?"), capsys) == (0, "")
    if "Volatile?" in report:
        assert run_as_printed(printed(report, "Volatile?"), capsys)[0] == 0
    assert "\nAgain" not in report  # neither says how it was made


def test_they_name_the_files_that_the_comparison_went_by(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = write_rows(tmp_path / "a.sqlite", [Row("GET /a", {"a": 1, "b": 1})], 1800, None)
    write_rows(tmp_path / "b.sqlite", [Row("GET /a", {"a": 2, "b": 2})], 30, ids)
    (tmp_path / "x.toml").write_text('[[rules]]\nid = "r"\nlocation = "$.a"\nexpect = "integer"\n')
    assert retape.run(["diff", "a.sqlite", "b.sqlite", "--rules", "x.toml"]) == 1
    report = capsys.readouterr().out
    for label in ("Why?", "Volatile?"):
        assert "--rules x.toml" in printed(report, label)
        assert run_as_printed(printed(report, label), capsys)[0] == 0


def test_a_run_that_names_its_recording_needs_no_more_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = write_rows(tmp_path / "a.sqlite", [Row("GET /a", {"a": 1})], 1800, None)
    meta = {"source": "a.sqlite", "command": ["serve", "--port", "{port}"]}
    write_rows(tmp_path / "b.sqlite", [Row("GET /a", {"a": 2})], 30, ids, meta)
    assert retape.run(["diff", "a.sqlite", "b.sqlite", "--report", "json=r.json", "--report", "terminal"]) == 1
    report = capsys.readouterr().out
    assert "--recorded " not in report
    assert run_as_printed(printed(report, "Why?"), capsys) == (0, "")
    (group,) = json.loads((tmp_path / "r.json").read_text())["groups"]
    assert group["command"] == "retape replay a.sqlite --only id:1 -- serve --port '{port}'"
