"""A long replay: how much memory ``retape replay`` takes, and how fast it is from the first to the last exchange.

    python -m benchmarks endurance --exchanges 25000 100000

The recording is made up: every fourth request makes an order with a new id, the three after it read that order, and
five requests are under way at any time. The target makes new ids, so that every id is chained. Each replay runs in a
process of its own, so that its peak of memory is its own; that memory does not grow shows only between two sizes.

What sending several at once gains is measured on reads that nothing ties, against a target that takes 10 ms for each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.scale import ROOT, peak
from benchmarks.table import Ratio, render
from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from captures.writer import CaptureWriter
from replayer.client import Target
from replayer.events import Event, Finished, Started
from replayer.plan import Order, ReplayPlan
from replayer.run import replay
from replayer.stubs import Answer, StubServer

SMALL, USUAL = 2_000, 10_000
MEMORY = 300.0  # megabytes
CONCURRENCY = 8
HEADERS: Headers = ((b"Content-Type", b"application/json"),)
READS = 3  # of each order
SEVERAL, LATENCY = 16, 0.01  # at once, and seconds, for the gain by sending several at once


def order_answer(order: str) -> Response:
    """What making or reading ``order`` is answered with: about 1 KB."""
    items = [{"sku": f"SKU-{number}", "name": "a thing of the shop", "price": number} for number in range(16)]
    body = json.dumps({"id": order, "state": "new", "items": items}).encode()
    return Response(200, (*HEADERS, (b"Content-Length", b"%d" % len(body))), body, b"OK")


class _Orders:
    """Makes and shows orders; keeps none, so that only the replay's memory could grow."""

    def __init__(self, latency: float) -> None:
        self._latency = latency

    def refuse(self, host: str, port: int) -> bool:
        return False

    def distrusted(self, host: str, port: int, why: str) -> None:
        pass

    def answer(self, request: Request) -> Answer:
        order = request.target.rpartition(b"/")[2].decode() if request.method == "GET" else str(uuid.uuid4())
        return Answer(order_answer(order), None, self._latency)


async def _serve(latency: float) -> None:
    print(await StubServer(_Orders(latency), None).listen(), flush=True)
    await asyncio.Event().wait()


def record(path: Path, exchanges: int, *, tied: bool = True) -> None:
    """A capture of ``exchanges`` requests, five of them under way at any time; not ``tied``: reads alone."""
    order = ""
    with CaptureWriter(path, mode="record", max_queued_bytes=1 << 62) as writer:
        for number in range(exchanges):
            at = 1_780_000_000.0 + number * 0.01
            if not tied or number % (READS + 1) == 0:
                order = str(uuid.uuid4())
            if tied and number % (READS + 1) == 0:
                body = b'{"sku": "SKU-1"}'
                headers = ((b"Host", b"shop.test"), *HEADERS, (b"Content-Length", b"%d" % len(body)))
                asked = Request("POST", "http", "shop.test", 80, b"/orders", headers, body)
            else:
                at += 0.05
                asked = Request("GET", "http", "shop.test", 80, f"/orders/{order}".encode(), ((b"Host", b"shop.test"),))
            timing = Timing(at, at, at + 0.049, at + 0.05)
            connection = f"c{number % CONCURRENCY}"
            writer.put(
                Exchange(
                    writer.reserve_id(), Direction.INBOUND, asked, timing,
                    response=order_answer(order), connection=connection,
                )
            )  # fmt: skip


def job(capture: Path, url: str, concurrency: int) -> None:
    """What the process of its own does: one replay; prints one line of JSON."""
    times: list[float] = []
    plan = ReplayPlan(
        capture.with_name("run.sqlite"),
        target=Target.parse(url),
        concurrency=concurrency,
        order=Order.INDEPENDENT if concurrency > 1 else Order.RECORDED,
    )

    def note(event: Event) -> None:
        if isinstance(event, Started | Finished):
            times.append(time.perf_counter())

    outcome = replay(capture, plan, note)
    seconds = times[-1] - times[0]
    print(json.dumps({"replayed": outcome.replayed, "reasons": outcome.reasons, "seconds": seconds, "peak": peak()}))


def endure(exchanges: int, url: str, concurrency: int, *, tied: bool = True) -> dict[str, Any]:
    """One replay of ``exchanges`` in a process of its own; what it found."""
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "capture.sqlite"
        record(capture, exchanges, tied=tied)
        argv = [sys.executable, "-m", "benchmarks.endurance", "--job", str(capture), url, str(concurrency)]
        environment = {**os.environ, "RETAPE_STATE_DIR": folder}
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"endurance: a replay of {exchanges} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if found["replayed"] != exchanges or found["reasons"]:
        raise SystemExit(f"endurance: {exchanges} exchanges ended as {found}")
    return found


@contextmanager
def target(latency: float = 0.0) -> Iterator[str]:
    """The target in a process of its own; its URL."""
    argv = [sys.executable, "-m", "benchmarks.endurance", "--serve", str(latency)]
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().decode().strip()
    finally:
        server.kill()
        server.wait()


def gain(exchanges: int) -> Ratio:
    """How much faster several at once are than one at a time, against a target that takes its time."""
    with target(LATENCY) as url:
        alone, several = (exchanges / endure(exchanges, url, many, tied=False)["seconds"] for many in (1, SEVERAL))
    what = f"replay of {exchanges:,} reads that nothing ties, {SEVERAL} at once, a target that takes 10 ms"
    detail = f"{several:,.0f}/s against {alone:,.0f}/s"
    return Ratio(what, "one at a time", several / alone, ">= 8 x", detail)


def measure(*, quick: bool = False, sizes: Sequence[int] = (), concurrency: int = CONCURRENCY) -> list[Ratio]:
    """The gain by several at once; peak memory of each size against the goal, and how much it grew in between."""
    wanted = sorted(sizes or ((40, 160) if quick else (SMALL, USUAL)))
    table = [gain(40 if quick else 1_000)]
    peaks: dict[int, float] = {}
    with target() as url:
        for exchanges in wanted:
            print(f"endurance: {exchanges:,} exchanges …", file=sys.stderr)
            found = endure(exchanges, url, concurrency)
            peaks[exchanges] = found["peak"]
            rate = exchanges / found["seconds"]
            detail = f"{found['peak']:.0f} MB; {found['seconds']:.1f} s, {rate:,.0f} exchanges/s"
            what = f"replay of {exchanges:,} exchanges, {concurrency} at once: peak memory"
            table.append(Ratio(what, "300 MB", found["peak"] / MEMORY, "at most 1 x", detail))
    if len(peaks) > 1:
        few, many = wanted[0], wanted[-1]
        each = (peaks[many] - peaks[few]) * 1e6 / (many - few)
        what = f"memory of retape replay, {many:,} against {few:,} exchanges"
        detail = f"{each:,.0f} bytes more for every exchange"
        table.append(Ratio(what, f"the peak at {few:,}", peaks[many] / peaks[few], "about 1 x", detail))
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the sizes given."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks endurance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exchanges", type=int, nargs="+", default=[SMALL, USUAL], metavar="N")
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY, metavar="N")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--job", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve is not None:
        asyncio.run(_serve(options.serve))
    elif options.job:
        job(Path(options.job[0]), options.job[1], int(options.job[2]))
    elif min(options.exchanges) < 1 or options.concurrency < 1:
        print("endurance: --exchanges and --concurrency want numbers from 1.", file=sys.stderr)
        return 2
    else:
        print(render(measure(sizes=options.exchanges, concurrency=options.concurrency)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
