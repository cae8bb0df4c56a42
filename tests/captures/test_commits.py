"""What a working directory says of the build in it, asked of a real git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from captures.commits import built_from, commit

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


def git(*words: str) -> None:
    who = ["-c", "user.name=dana", "-c", "user.email=dana@example.com"]
    subprocess.run(["git", *who, *words], check=True, capture_output=True, timeout=60)


def test_commit_label_and_whether_there_is_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert (commit(), built_from(), built_from("nightly")) == (None, {}, {"label": "nightly"})
    git("init", "-q")
    assert commit() is None  # before the first
    (tmp_path / "app.py").write_text("1")
    git("add", "app.py")
    git("commit", "-q", "-m", "Begin")
    (tmp_path / "run.sqlite").touch()  # what nobody added makes no other build
    assert built_from() == {"git": commit()}
    (tmp_path / "app.py").write_text("2")
    assert built_from() == {"git": commit(), "dirty": True}
