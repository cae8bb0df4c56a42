"""A recording whose calls were linked by guesses, replayed: the guesses are right, and make no drift of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mitmproxy")

from benchmarks.linking import record, service


@pytest.mark.end_to_end
def test_calls_linked_by_guesses_replay_cleanly(tmp_path: Path) -> None:
    found = record(tmp_path, traced=False, requests=60, at_once=8)
    print(found)
    assert found.guessed > 0.3 * found.calls  # how many can be told depends on how requests happen to overlap
    assert found.wrong == found.misled == []
    capture, report = tmp_path / "linking.sqlite", tmp_path / "report.json"
    stats = [sys.executable, "-m", "retape", "capture", "stats", str(capture)]
    environment = {**os.environ, "RETAPE_STATE_DIR": str(tmp_path / "state")}
    shown = subprocess.run(stats, capture_output=True, text=True, check=True, env=environment).stdout
    assert "value-flow (a guess)" in shown
    replay = [sys.executable, "-m", "retape", "replay", str(capture), "-o", str(tmp_path / "run.sqlite")]
    replay += ["--report", f"json={report}", "--", *service(traced=False)]
    done = subprocess.run(replay, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    said = json.loads(report.read_text(encoding="utf-8"))
    assert (done.returncode, said["groups"], said["reasons"]) == (0, [], []), done.stdout[-3000:]
    assert said["stubs"] == {"served": found.calls, "missed": 0, "unused": 0}
