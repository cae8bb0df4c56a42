"""How fast the replay engine sends, reads, chains, redacts and writes, against loops that only send and read.

All in one run, against one server, one request at a time on one connection, 1 KB of JSON each. Peers: ``wrk -t1 -c1``
(when it is on the PATH) as the limit, a loop over ``httpx`` as what one would write instead. The engine's figure
includes the run on disk, redaction and chaining; theirs keep nothing.

    python -m benchmarks.replaying --exchanges 2000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from benchmarks.table import Ratio, render
from captures.model import Cause, CauseHow, Direction, Exchange, Request, Response, Timing
from captures.writer import CaptureWriter
from replayer.client import Target
from replayer.events import ExchangeDone
from replayer.plan import ReplayPlan
from replayer.run import replay
from replayer.stubs import Answer, StubServer

BODY = json.dumps(
    {"items": [{"sku": f"SKU-{n}", "name": "a thing of the shop", "price": n} for n in range(18)]}
).encode()
HEADERS = ((b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(BODY)))


class _Same:
    """Answers everything with the same bytes."""

    def refuse(self, host: str, port: int) -> bool:
        return False

    def distrusted(self, host: str, port: int, why: str) -> None:
        pass

    def answer(self, request: Request) -> Answer:
        return Answer(Response(200, HEADERS, BODY, b"OK"))


async def _serve() -> None:
    url = await StubServer(_Same(), None).listen()
    print(url, flush=True)
    await asyncio.Event().wait()


def record(path: Path, exchanges: int) -> None:
    """A capture of ``exchanges`` GETs with their responses."""
    with CaptureWriter(path, mode="record") as writer:
        for number in range(exchanges):
            at = 1_780_000_000.0 + number
            headers = ((b"Host", b"shop.test"), (b"Accept", b"*/*"), (b"X-Request-Id", str(uuid.uuid4()).encode()))
            writer.put(
                Exchange(
                    writer.reserve_id(),
                    Direction.INBOUND,
                    Request("GET", "http", "shop.test", 80, b"/items/%d?page=1" % number, headers),
                    Timing(at, at, at, at + 0.01),
                    response=Response(200, HEADERS, BODY, b"OK"),
                    cause=Cause(CauseHow.NONE, None, ""),
                    connection="one",
                )
            )


def engine(capture: Path, url: str) -> float:
    """Exchanges per second of the engine, from the first to the last response."""
    times: list[float] = []

    def note(event: object) -> None:
        if isinstance(event, ExchangeDone):
            times.append(time.perf_counter())

    replay(capture, ReplayPlan(capture.with_name("run.sqlite"), target=Target.parse(url)), note)
    return (len(times) - 1) / (times[-1] - times[0])


def httpx_loop(url: str, exchanges: int) -> float:
    """Requests per second of a plain loop over httpx."""
    import httpx

    with httpx.Client(base_url=url, trust_env=False) as client:
        client.get("/")
        started = time.perf_counter()
        for number in range(exchanges):
            client.get(f"/items/{number}?page=1").json()
        return exchanges / (time.perf_counter() - started)


def wrk(url: str, seconds: int) -> float | None:
    """Requests per second of ``wrk`` with one connection; None where it is not installed."""
    if shutil.which("wrk") is None:
        return None
    done = subprocess.run(["wrk", "-t1", "-c1", f"-d{seconds}s", url], capture_output=True, text=True, check=True)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    return float(found[1]) if found else None


def measure(*, quick: bool = False, exchanges: int | None = None) -> list[Ratio]:
    """The ratios, measured in one run against one server."""
    number = exchanges or (100 if quick else 3_000)
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("RETAPE_STATE_DIR")
        os.environ["RETAPE_STATE_DIR"] = folder
        capture = Path(folder) / "capture.sqlite"
        record(capture, number)
        server = subprocess.Popen([sys.executable, "-m", "benchmarks.replaying", "--serve"], stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().decode().strip()
            ours = engine(capture, url)
            limit, loop = wrk(url, 1 if quick else 3), httpx_loop(url, number)
        finally:
            server.kill()
            server.wait()
            if before is None:
                del os.environ["RETAPE_STATE_DIR"]
            else:
                os.environ["RETAPE_STATE_DIR"] = before
    what = "replay engine, 1 KB responses, one at a time, run on disk"
    return [
        Ratio(
            what,
            "`wrk -t1 -c1`, same server",
            None if limit is None else ours / limit,
            ">= 0.15",
            "wrk is not installed" if limit is None else f"{ours:,.0f}/s against {limit:,.0f}/s",
        ),
        Ratio(what, "a loop over httpx, nothing kept", ours / loop, ">= 3", f"{ours:,.0f}/s against {loop:,.0f}/s"),
    ]


def main() -> None:
    """Print the ratios as a table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--exchanges", type=int, default=300)
    arguments.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.serve:
        asyncio.run(_serve())
        return
    print(render(measure(exchanges=given.exchanges)))


if __name__ == "__main__":
    main()
