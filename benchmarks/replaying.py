"""How fast requests are sent and answers read, by the client alone and by the whole engine, against other clients.

All in one run, on one server (nginx where it is installed), 1 KB of JSON each, with equal numbers of connections. The
engine's figure includes chaining, redaction and the run on disk; the peers keep nothing. Of several rounds the best
stretch of each counts (of wrk, which only says its average, the best round): who else uses the machine must not decide.

    python -m benchmarks.replaying --exchanges 5000
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.http_peers import aiohttp_loop, best_rate, httpx_loop, timed, wrk
from benchmarks.http_server import BODY, HEADERS, running
from benchmarks.table import Ratio, render
from captures.model import Cause, CauseHow, Direction, Exchange, Request, Response, Timing
from captures.writer import CaptureWriter
from replayer import loops
from replayer.client import Client, Target
from replayer.events import ExchangeDone
from replayer.plan import Connections, Order, ReplayPlan
from replayer.run import replay

CONNECTIONS = (1, 32)
PEERS = ("wrk", "aiohttp", "aiohttp on uvloop", "httpx")


def request(number: int) -> Request:
    """One of the requests, each with headers of its own."""
    headers = ((b"Host", b"shop.test"), (b"Accept", b"*/*"), (b"X-Request-Id", str(uuid.UUID(int=number)).encode()))
    return Request("GET", "http", "shop.test", 80, b"/items/%d?page=1" % number, headers)


def record(path: Path, exchanges: int) -> None:
    """A capture of ``exchanges`` GETs with their responses."""
    with CaptureWriter(path, mode="record") as writer:
        for number in range(exchanges):
            at = 1_780_000_000.0 + number
            writer.put(
                Exchange(
                    writer.reserve_id(),
                    Direction.INBOUND,
                    request(number),
                    Timing(at, at, at, at + 0.01),
                    response=Response(200, HEADERS, BODY, b"OK"),
                    cause=Cause(CauseHow.NONE, None, ""),
                    connection=f"c{number % 32}",
                )
            )


def engine(capture: Path, url: str, connections: int) -> float:
    """Exchanges per second of the engine, the run on disk."""
    times: list[float] = []

    def note(event: object) -> None:
        if isinstance(event, ExchangeDone):
            times.append(time.perf_counter())

    run = capture.with_name(f"run-{time.monotonic_ns()}.sqlite")
    plan = ReplayPlan(
        run,
        target=Target.parse(url),
        concurrency=connections,
        order=Order.INDEPENDENT,
        connections=Connections.POOLED,
    )
    replay(capture, plan, note)
    run.unlink()
    return best_rate(times)


def client(url: str, requests: int, connections: int) -> float:
    """Requests per second of the client alone, nothing kept."""

    async def run() -> float:
        sender = Client(Target.parse(url), connections=Connections.POOLED)
        made = [request(number) for number in range(requests)]

        async def send(number: int) -> None:
            outcome = await sender.send(made[number])
            assert outcome.response is not None
            assert outcome.response.body == BODY

        try:
            return await timed(send, requests, connections)
        finally:
            await sender.close()

    return loops.run(run())


def measure(*, quick: bool = False, exchanges: int | None = None) -> list[Ratio]:
    """The ratios, measured in one run against one server."""
    number = exchanges or (100 if quick else 3_000)
    with tempfile.TemporaryDirectory() as folder, _state_in(folder), running(Path(folder)) as (server, url):
        capture = Path(folder) / "capture.sqlite"
        record(capture, number)
        rows: list[Ratio] = []
        for connections in CONNECTIONS:
            ours: dict[str, list[float]] = {"the client alone": [], "the engine, run on disk": []}
            peers: dict[str, list[float | None]] = {peer: [] for peer in PEERS}
            for _ in range(1 if quick else 3):
                ours["the client alone"].append(client(url, number, connections))
                peers["wrk"].append(wrk(url, 1 if quick else 2, connections))
                peers["aiohttp"].append(aiohttp_loop(url, number, connections))
                peers["aiohttp on uvloop"].append(aiohttp_loop(url, number, connections, fast=True))
                ours["the engine, run on disk"].append(engine(capture, url, connections))
                peers["httpx"].append(httpx_loop(url, max(number // 5, 100), connections))  # it is that slow
            rows += _rows(server, connections, ours, peers)
    return rows


def _rows(
    server: str, connections: int, ours: dict[str, list[float]], peers: dict[str, list[float | None]]
) -> Iterator[Ratio]:
    for what, figures in ours.items():
        own = max(figures)
        for peer, others in peers.items():
            best = max((other for other in others if other is not None), default=None)
            yield Ratio(
                f"replaying, 1 KB responses of {server}, {connections} at once: {what}",
                f"`wrk -t1 -c{connections}`" if peer == "wrk" else f"a loop over {peer}",
                None if best is None else own / best,
                ">= 0.15" if peer == "wrk" else ">= 3",
                f"{peer} is not installed" if best is None else f"{own:,.0f}/s against {best:,.0f}/s",
            )


@contextmanager
def _state_in(folder: str) -> Iterator[None]:
    """Keys and certificates of the benchmark are not those of its user."""
    before = os.environ.get("RETAPE_STATE_DIR")
    os.environ["RETAPE_STATE_DIR"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["RETAPE_STATE_DIR"]
        else:
            os.environ["RETAPE_STATE_DIR"] = before


def main(argv: Sequence[str] | None = None) -> None:
    """Print the ratios as a table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--exchanges", type=int, default=3_000)
    print(render(measure(exchanges=arguments.parse_args(argv).exchanges)))


if __name__ == "__main__":
    main()
