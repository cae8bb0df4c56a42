"""Every benchmark runs, at a size that proves nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMES = [
    path.stem
    for path in sorted((ROOT / "benchmarks").glob("*.py"))
    if path.stem not in ("__init__", "__main__", "table")
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_prints_its_ratios(name: str) -> None:
    if name == "recording":
        pytest.importorskip("mitmproxy")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick"], cwd=ROOT, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr[-3000:]
    header, rule, *rows = done.stdout.splitlines()
    assert header.startswith("| what | against | ratio | goal |")
    assert rows
    assert all(row.count("|") >= 6 for row in (rule, *rows))
