"""The HTML report of very many drifted exchanges: how large, how long to write, how long until one can read it.

    python -m benchmarks reporting --exchanges 100 10000 100000

The run is made up (:mod:`benchmarks.drifted`). Pages are opened in headless Chromium; times are from the beginning of
the navigation until what was drawn is painted, medians of three openings. The peer is a page with the same data as
plain JSON, parsed and drawn whole on opening, as most tools' reports are.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import drifted
from benchmarks.table import Ratio, render
from captures.store import Capture
from diffing.reports import html
from diffing.reports.files import replace
from tests.browser.launching import PATIENCE, chromium, running

OPENS, SIZE = 2.0, 25.0  # seconds, MiB: the goals
OPENINGS = 3
WORD = "customers"
PAINTED = "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
READY = """new MutationObserver((_, watch) => {
    if (document.documentElement.dataset.ready === undefined) return;
    watch.disconnect();
    PAINTED.then(at => { window.readyAt = at; });
}).observe(document, { attributes: true, subtree: true, childList: true });""".replace("PAINTED", PAINTED)
TOLD = "async () => { while (!window.readyAt) await PAINTED; return window.readyAt; }".replace("PAINTED", PAINTED)
FILTER = """async word => {
    const box = document.getElementById("search"), began = performance.now();
    box.value = word;
    box.dispatchEvent(new Event("input"));
    return await PAINTED - began;
}""".replace("PAINTED", PAINTED)
OPEN = """async group => {
    const began = performance.now(), root = document.documentElement;
    location.hash = `#group=${group}`;
    while (!(root.dataset.shown || "").includes(group)) await new Promise(requestAnimationFrame);
    return await PAINTED - began;
}""".replace("PAINTED", PAINTED)
PEER = """const data = JSON.parse(document.getElementById("data").textContent), list = document.createElement("ol");
for (const group of data.index.groups) {
    const row = document.createElement("li");
    for (const name of ["level", "kind", "endpoint", "location", "title", "from", "to", "exchanges"]) {
        const part = document.createElement("span");
        part.textContent = `${group[name]} `;
        row.append(part);
    }
    list.append(row);
}
document.body.append(list);
document.documentElement.dataset.ready = "yes";"""


@dataclass(frozen=True, slots=True)
class Opened:
    """Seconds, medians: until ready, to filter by a word, to open a group with its evidence."""

    ready: float
    filtered: float = 0.0
    group: float = 0.0


@dataclass(frozen=True, slots=True)
class Page:
    """One written page: its groups, seconds to write it, MiB."""

    path: Path
    groups: int
    written: float
    size: float


def write_page(folder: Path, exchanges: int) -> Page:
    """The report of that many drifted exchanges."""
    recorded, replayed = drifted.write_captures(folder, exchanges)
    result = drifted.verdict(recorded, replayed, exchanges)
    path = folder / f"report-{exchanges}.html"
    with Capture.open(recorded) as one, Capture.open(replayed) as other:
        began = time.perf_counter()
        replace(path, html.render(result, one, other))
        written = time.perf_counter() - began
    return Page(path, len(result.groups), written, _mib(path))


def write_peer(page: Page) -> Page:
    """The same data as plain JSON in a page that draws all of it."""
    chunks = re.findall(
        r'<script type="application/octet-stream" id="([^"]+)">(.*?)</script>', page.path.read_text("utf-8")
    )
    data = {name: json.loads(gzip.decompress(base64.b64decode(text))) for name, text in chunks}
    text = json.dumps(data).replace("<", "\\u003c")
    path = page.path.with_suffix(".peer.html")
    path.write_text(
        f'<!DOCTYPE html><title>peer</title><body><script type="application/json" id="data">{text}</script>'
        f"<script>{PEER}</script>",
        encoding="utf-8",
    )
    return Page(path, page.groups, 0.0, _mib(path))


def _mib(path: Path) -> float:
    return path.stat().st_size / 2**20


def opened(page: Page, *, ours: bool) -> Opened | None:
    """The page in a browser; None where there is none."""
    executable = chromium()
    if executable is None:
        return None
    found: list[list[float]] = []
    with running(executable) as browser:
        for _ in range(OPENINGS):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.set_default_timeout(PATIENCE)
            context.add_init_script(READY)
            window = context.new_page()
            window.goto(page.path.as_uri())
            times: list[Any] = [window.evaluate(TOLD)]
            if ours:
                times.append(window.evaluate(FILTER, WORD))
                window.evaluate(FILTER, "")
                times.append(statistics.median(window.evaluate(OPEN, f"{group:012x}") for group in (0, 1, 20)))
            found.append(times)
            context.close()
    return Opened(*(statistics.median(times) / 1000 for times in zip(*found, strict=True)))


def rows(exchanges: int, folder: Path) -> list[Ratio]:
    """The rows of one size."""
    page = write_page(folder, exchanges)
    peer = write_peer(page)
    what = f"HTML report of {exchanges:,} drifted exchanges"
    mine, theirs = opened(page, ours=True), opened(peer, ours=False)
    told = f"{page.size:.1f} MiB, {page.groups:,} groups, written in {page.written:.1f} s"
    sizes = [
        Ratio(f"{what}: size", f"{SIZE:.0f} MiB", page.size / SIZE, "at most 1 x", told),
        Ratio(f"{what}: size", "plain JSON in the page", page.size / peer.size, "at most 1 x", f"{peer.size:.1f} MiB"),
    ]
    if mine is None or theirs is None:
        return [*sizes, Ratio(f"{what}: opens", f"{OPENS:.0f} s", None, "at most 1 x", "no Chromium at hand")]
    told = (
        f"{mine.ready:.2f} s to ready, {mine.filtered * 1000:.0f} ms to filter by a word, "
        f"{mine.group * 1000:.0f} ms to open a group"
    )
    return [
        *sizes,
        Ratio(f"{what}: opens", f"{OPENS:.0f} s", mine.ready / OPENS, "at most 1 x", told),
        Ratio(
            f"{what}: opens", "plain JSON in the page", mine.ready / theirs.ready, "at most 1 x from 10,000 on",
            f"{mine.ready:.2f} against {theirs.ready:.2f} s",
        ),
    ]  # fmt: skip


def measure(*, quick: bool = False) -> list[Ratio]:
    """The rows for the table."""
    with tempfile.TemporaryDirectory() as folder:
        return [row for size in ((40,) if quick else (100, 10_000, 100_000)) for row in rows(size, Path(folder))]


def main(argv: Sequence[str]) -> int:
    """Any sizes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks reporting", description=__doc__)
    parser.add_argument("--exchanges", type=int, nargs="+", default=[100, 10_000, 100_000])
    parser.add_argument("--folder", type=Path, help="keep the pages there, to look at or to profile")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(render([row for size in arguments.exchanges for row in rows(size, folder)]))
    return 0
