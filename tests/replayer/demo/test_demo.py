"""``retape demo``: what it promises, what it leaves, and that what it proposes works."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import retape
from replayer.demo import shop, tour
from tests.regenerate import commands

RETAPE = [sys.executable, "-m", "retape"]


def run(words: list[str], folder: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RETAPE_")}
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


@pytest.mark.slow
@pytest.mark.end_to_end
@pytest.mark.timeout(900)
def test_the_tour(tmp_path: Path) -> None:
    pytest.importorskip("mitmproxy")
    done = run([*RETAPE, "demo"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "retape-demo"
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} >= {
        "shop.sqlite", "run-same.sqlite", "run-next.sqlite", "report.html", "shop.py", "retape.toml",
    }  # fmt: skip
    assert "Verdict: clean" in done.stdout
    assert "Verdict: drift" in done.stdout
    drifts = Path(shop.__file__).read_text(encoding="utf-8").count("# DRIFT")
    assert f"{drifts} groups of drift" in done.stdout
    proposed = re.findall(r"^   \$ (.*?) +# ", done.stdout.partition("To try next")[2], re.MULTILINE)
    assert proposed[0] == "cd retape-demo"
    for line in proposed[1:]:
        words = shlex.split(line)
        if words[1] == "review":  # which serves until it is stopped
            continue
        words = [sys.executable if word == "python" else word for word in words]
        tried = run([*RETAPE, *words[1:]], folder)
        assert tried.returncode in (0, 1), f"{line}: {tried.stderr}"  # 1: there is drift, as it should be
        assert tried.stdout or tried.stderr


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mitmproxy")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "shop.sqlite").write_text("precious")
    assert retape.run(["demo", "-o", str(theirs)]) == 2
    assert "retape demo -o FOLDER" in capfd.readouterr().err
    assert [path.name for path in theirs.iterdir()] == ["shop.sqlite"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mitmproxy")
    (tmp_path / "file").write_text("in the way")
    assert retape.run(["demo", "-o", str(tmp_path / "file" / "demo")]) == 2
    assert "cannot be written: Not a directory." in capfd.readouterr().err


def test_without_the_recorder_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec

    def without(name: str, *more: Any) -> Any:
        return None if name == "mitmproxy" else found(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    assert retape.run(["demo", "-o", str(tmp_path / "x")]) == 2
    assert "pip install 'retape[record]'" in capfd.readouterr().err
    assert not (tmp_path / "x").exists()


def test_what_is_proposed_are_commands_that_exist(tmp_path: Path) -> None:
    known = {name for name, _ in commands(retape.cli)}
    lines = [line for line, _ in tour.ideas(tmp_path, [name for name in known if " " not in name])]
    for line in lines:
        words = line.split()
        assert words[0] == "cd" or words[1] in known
    assert tour.ideas(tmp_path, [])[0][0].startswith("cd ")
    assert len(tour.ideas(tmp_path, [])) == 1
