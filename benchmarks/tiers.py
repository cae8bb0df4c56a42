"""Choosing what the smoke tier sends, beside replaying everything: a choice that takes longer than it saves is none.

    python -m benchmarks tiers --exchanges 100000

The recording and the target are those of ``endurance``. Each part runs in a process of its own, one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.endurance import record, target
from benchmarks.scale import ROOT, peak
from benchmarks.table import Ratio, render

USUAL = 10_000


def choose(capture: Path, state: Path) -> dict[str, Any]:
    """Choose, and once more with what was kept of the first time."""
    from captures.store import Capture
    from replayer.tiers.smoke import cover_for

    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        with Capture.open(capture) as source:
            cover = cover_for(source, (), (), state=state)
        seconds.append(time.perf_counter() - started)
    return {"seconds": seconds, "of": cover.total, "steps": len(cover.steps), "peak": peak()}


def replay(capture: Path, url: str) -> dict[str, Any]:
    """``retape replay`` of everything, verdict included."""
    import retape

    started = time.perf_counter()
    words = ["replay", str(capture), "--target", url, "-q", "--no-history", "-o", str(capture.with_name("run.sqlite"))]
    code = retape.run([*words, "--report", f"json={os.devnull}"])
    return {"seconds": time.perf_counter() - started, "code": code, "peak": peak()}


def in_process(folder: Path, *words: str) -> dict[str, Any]:
    """One of the jobs above in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.tiers", "--job", *words]
    environment = {**os.environ, "RETAPE_STATE_DIR": str(folder)}
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"tiers: {words[0]} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(*, quick: bool = False, exchanges: int = USUAL) -> list[Ratio]:
    """Choosing against replaying, and choosing again against choosing."""
    count = 200 if quick else exchanges
    with tempfile.TemporaryDirectory() as name, target() as url:
        folder = Path(name)
        capture = folder / "capture.sqlite"
        record(capture, count)
        chosen = in_process(folder, "choose", str(capture), str(folder))
        whole = in_process(folder, "replay", str(capture), url)
    if chosen["of"] != count or whole["code"] not in (0, 1, 3):
        raise SystemExit(f"tiers: {count} exchanges ended as {chosen} and {whole}")
    first, again = chosen["seconds"]
    return [
        Ratio(f"choosing the smoke tier of {count:,} exchanges", "replaying and judging them all",
              first / whole["seconds"], "at most 1 x",
              f"{first:.1f} s against {whole['seconds']:.1f} s; {chosen['steps']} are sent; {chosen['peak']:.0f} MB"),
        Ratio("the same once more, as kept", "the first time", again / first, "at most 0.1 x", f"{again * 1e3:.0f} ms"),
    ]  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the size given."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks tiers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exchanges", type=int, default=USUAL, metavar="N")
    parser.add_argument("--job", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.job:
        name, capture, other = options.job
        print(json.dumps(choose(Path(capture), Path(other)) if name == "choose" else replay(Path(capture), other)))
    elif options.exchanges < 1:
        print("tiers: --exchanges wants a number from 1.", file=sys.stderr)
        return 2
    else:
        print(render(measure(exchanges=options.exchanges)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
