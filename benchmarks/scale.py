"""A large capture: how fast it opens, is listed, searched and counted, and how much memory ``retape diff`` takes on it.

    python -m benchmarks scale --exchanges 1000000 [--no-diff]

The capture and its run are made up (:mod:`benchmarks.shop`) and written first. What is measured runs in processes of
its own, so that each peak of memory is that command's alone. By default two sizes are measured, for memory that does
not grow shows only between two.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.shop import write_capture, write_run
from benchmarks.storing import NOWHERE
from benchmarks.table import Ratio, render

SMALL, USUAL = 5_000, 20_000
OPENING, LISTING = 0.2, 1.0  # seconds
MEMORY = 300.0  # megabytes
ROOT = Path(__file__).resolve().parent.parent


def peak() -> float:
    """The most memory this process ever had resident, megabytes of 1,000,000 bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike getrusage's figure it does not begin with what the parent had
        kilobytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(kilobytes) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _open_and_count(capture: Path) -> dict[str, Any]:
    from captures.store import Capture

    started = time.perf_counter()
    with Capture.open(capture) as opened:
        opened_after = time.perf_counter() - started
        count = opened.count()
    return {"opened": opened_after, "seconds": time.perf_counter() - started, "count": count}


def _read(capture: Path) -> dict[str, Any]:
    from captures.store import Capture

    started = time.perf_counter()
    with Capture.open(capture) as opened:
        count = sum(1 for _ in opened.exchanges())
    return {"seconds": time.perf_counter() - started, "count": count}


def _asked(*words: str) -> Callable[[Path], dict[str, Any]]:
    """What takes a ``retape capture`` command, its imports included."""

    def ask(capture: Path) -> dict[str, Any]:
        started = time.perf_counter()
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            import retape

            code = retape.run(["capture", words[0], str(capture), *words[1:]])
        return {"seconds": time.perf_counter() - started, "code": code}

    return ask


def _diff(capture: Path, run: Path) -> dict[str, Any]:
    import retape

    started = time.perf_counter()
    code = retape.run(["diff", str(capture), str(run), "--report", f"json={os.devnull}"])
    return {"seconds": time.perf_counter() - started, "code": code}


def in_process(*words: str) -> dict[str, Any]:
    """One of the jobs above in a process of its own; what it found, with ``peak``."""
    argv = [sys.executable, "-m", "benchmarks.scale", "--job", *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"scale: {' '.join(words)} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def job(words: Sequence[str]) -> None:
    """What the process of :func:`in_process` does; prints one line of JSON."""
    name, *paths = words
    jobs: dict[str, Callable[..., dict[str, Any]]] = {
        "open": _open_and_count,
        "read": _read,
        "ls": _asked("ls", "--last", "20"),
        "grep": _asked("grep", NOWHERE),
        "stats": _asked("stats"),
        "diff": _diff,
    }
    found = jobs[name](*map(Path, paths))
    print(json.dumps({**found, "peak": peak()}))


def reading(capture: Path, exchanges: int) -> list[Ratio]:
    """How fast ``capture`` opens, and is listed, searched and counted."""
    opened, read, listed, searched, counted = (
        in_process(name, str(capture)) for name in ("open", "read", "ls", "grep", "stats")
    )
    codes = [one["code"] for one in (listed, searched, counted)]
    if (opened["count"], read["count"], codes) != (exchanges, exchanges, [0, 1, 0]):  # 1: it is nowhere
        raise SystemExit(f"scale: {exchanges} exchanges ended as {opened}, {read}, {codes}")
    what = f"capture of {exchanges:,} exchanges"
    return [
        Ratio(f"{what}: open and count", "0.2 s", opened["seconds"] / OPENING, "at most 1 x",
              f"{opened['seconds'] * 1e3:.0f} ms, opening alone {opened['opened'] * 1e3:.1f} ms; "
              f"{capture.stat().st_size / exchanges:.0f} B an exchange"),
        Ratio(f"{what}: capture ls --last 20", "1 s", listed["seconds"] / LISTING, "at most 1 x",
              f"{listed['seconds'] * 1e3:.0f} ms, {listed['peak']:.0f} MB"),
        *(
            Ratio(f"{what}: {words}", "reading each exchange once", one["seconds"] / read["seconds"],
                  "at most 1 x (at 1,000,000)",
                  f"{one['seconds']:.1f} against {read['seconds']:.1f} s, {one['peak']:.0f} MB")
            for words, one in ((f"capture grep {NOWHERE}", searched), ("capture stats", counted))
        ),
    ]  # fmt: skip


def diffing(capture: Path, exchanges: int) -> tuple[Ratio, float]:
    """The row of ``retape diff`` of ``capture`` and a run of it, and its peak in megabytes."""
    run = capture.with_suffix(".run.sqlite")
    write_run(capture, run, exchanges)
    diffed = in_process("diff", str(capture), str(run))
    run.unlink()
    if diffed["code"] not in (0, 1):  # anything else compared nothing
        raise SystemExit(f"scale: {exchanges} exchanges ended as {diffed}")
    row = Ratio(
        f"capture of {exchanges:,} exchanges: peak memory of retape diff", "300 MB", diffed["peak"] / MEMORY,
        "at most 1 x",
        f"{diffed['peak']:.0f} MB; {diffed['seconds']:.1f} s, {exchanges / diffed['seconds']:,.0f} exchanges/s",
    )  # fmt: skip
    return row, diffed["peak"]


def measure(*, quick: bool = False, sizes: Sequence[int] = (), diff: bool = True) -> list[Ratio]:
    """The rows of each size (default: two small ones), and how much memory grew between the first and the last."""
    wanted = sorted(sizes or ((60, 240) if quick else (SMALL, USUAL)))
    table: list[Ratio] = []
    peaks: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for exchanges in wanted:
            print(f"scale: {exchanges:,} exchanges …", file=sys.stderr)
            capture = Path(folder) / f"{exchanges}.sqlite"
            write_capture(capture, exchanges)
            table += reading(capture, exchanges)
            if diff:
                row, peaks[exchanges] = diffing(capture, exchanges)
                table.append(row)
            capture.unlink()
    if len(peaks) > 1:
        few, many = wanted[0], wanted[-1]
        each = (peaks[many] - peaks[few]) * 1e6 / (many - few)
        table.append(
            Ratio(f"memory of retape diff, {many:,} against {few:,} exchanges", f"the peak at {few:,}",
                  peaks[many] / peaks[few], "about 1 x", f"{each:,.0f} bytes more for every exchange")
        )  # fmt: skip
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the sizes given."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exchanges", type=int, nargs="+", default=[SMALL, USUAL], metavar="N")
    parser.add_argument("--no-diff", action="store_true", help="leave out the diff, which takes longest")
    parser.add_argument("--job", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.job:
        job(options.job)
        return 0
    if min(options.exchanges) < 1:
        print("scale: --exchanges wants numbers from 1.", file=sys.stderr)
        return 2
    print(render(measure(sizes=options.exchanges, diff=not options.no_diff)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
