"""The capture file: size against a mitmproxy flow file of the same traffic, and opening a large one.

python -m benchmarks storing
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path

from benchmarks.shop import exchange_number
from benchmarks.table import Ratio
from captures.model import Direction, Exchange, Request, Response, Timing
from captures.searching import PARTS, compiled, hits
from captures.sieve import candidates
from captures.store import Capture
from captures.writer import CaptureWriter

NOWHERE = "order-that-never-was"
WORDS = ("fine", "good", "plain", "blue", "oak", "steel")


def traffic(count: int) -> list[Exchange]:
    """``count`` exchanges as a small shop makes them: 1 KB JSON answers out of 200 products, nine headers a side."""
    dice = random.Random(7)
    products = [
        json.dumps(
            {"sku": f"SKU-{n}", "name": f"Product {n}", "price": f"{dice.randint(100, 99999) / 100:.2f}",
             "tags": [f"tag-{dice.randint(0, 40)}" for _ in range(6)],
             "description": " ".join(dice.choice(WORDS) for _ in range(140))}
        ).encode()
        for n in range(200)
    ]  # fmt: skip
    made = []
    for n in range(1, count + 1):
        which = dice.randrange(200)
        request_headers = (
            (b"Host", b"shop.internal:8080"),
            (b"User-Agent", b"python-httpx/0.28.1"),
            (b"Accept", b"*/*"),
            (b"Accept-Encoding", b"gzip, deflate"),
            (b"Connection", b"keep-alive"),
            (b"X-Request-Id", f"{dice.getrandbits(128):032x}".encode()),
        )
        response_headers = (
            (b"Date", b"Sat, 21 Nov 2026 09:00:00 GMT"),
            (b"Server", b"uvicorn"),
            (b"Content-Type", b"application/json"),
            (b"Content-Length", str(len(products[which])).encode()),
        )
        request = Request("GET", "http", "shop.internal", 8080, f"/products/SKU-{which}".encode(), request_headers)
        at = 1.8e9 + n / 100
        made.append(
            Exchange(n, Direction.INBOUND, request, Timing(at, at, at + 0.01, at + 0.012),
                     Response(200, response_headers, products[which], b"OK"), connection=f"c{n % 8}")
        )  # fmt: skip
    return made


def flow_file_size(exchanges: list[Exchange], path: Path) -> int | None:
    """Bytes of a mitmproxy flow file with the same traffic; None where mitmproxy is not installed."""
    try:
        from mitmproxy import connection, http, io
    except ImportError:
        return None
    with path.open("wb") as file:
        writer = io.FlowWriter(file)
        for exchange in exchanges:
            client = connection.Client(peername=("127.0.0.1", 50000), sockname=("127.0.0.1", 8080))
            server = connection.Server(address=(exchange.request.host, exchange.request.port))
            flow = http.HTTPFlow(client, server)
            request, response = exchange.request, exchange.response
            assert response is not None
            flow.request = http.Request(
                request.host, request.port, request.method.encode(), request.scheme.encode(), b"", request.target,
                b"HTTP/1.1", http.Headers(request.headers), request.body, None, exchange.timing.started, None,
            )  # fmt: skip
            flow.response = http.Response(
                b"HTTP/1.1", response.status, response.reason, http.Headers(response.headers), response.body, None,
                exchange.timing.started, exchange.timing.ended,
            )  # fmt: skip
            writer.add(flow)
    return path.stat().st_size


def measure(*, quick: bool = False) -> list[Ratio]:
    """The rows of this benchmark."""
    count = 200 if quick else 20_000
    repeated = traffic(count)
    different = [exchange_number(at, run=False) for at in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "c.sqlite"
        table = [
            _size("capture size, 200 answers that come again", repeated, capture),
            _size("capture size, every answer another", different, Path(folder) / "d.sqlite"),
        ]
        real = _real(quick=quick)
        if real:
            table.append(_size("capture size, real recordings of GitHub's API", real, Path(folder) / "r.sqlite"))
        opening = []
        for _ in range(5):
            started = time.perf_counter()
            Capture.open(capture).close()
            opening.append(time.perf_counter() - started)
        table += _grep(Path(folder) / "d.sqlite", count)
    return [
        *table,
        Ratio(
            f"opening a capture of {count:,}", "0.2 s", min(opening) / 0.2, "at most 1 x (at 1,000,000)",
            f"{min(opening) * 1000:.1f} ms",
        ),
    ]  # fmt: skip


def _real(*, quick: bool) -> list[Exchange]:
    """Recordings over nine years, of few requests each; none where they are not at hand."""
    from benchmarks.octokit import FOLDER
    from benchmarks.recordings import everything

    return [] if quick or not FOLDER.is_dir() else everything(FOLDER)


def _grep(capture: Path, count: int) -> list[Ratio]:
    """Looking for a text that is nowhere, in everything: ours against mitmproxy's filters over its own file."""
    flows = capture.with_suffix(".flows")
    if not flows.exists():
        return []
    from mitmproxy import flowfilter, io

    pattern = compiled(NOWHERE, regex=False, ignore_case=False)
    started = time.perf_counter()
    with Capture.open(capture) as opened:
        found = sum(any(hits(one, pattern)) for one in opened.each(candidates(opened, pattern, frozenset(PARTS))))
    ours = time.perf_counter() - started
    wanted = flowfilter.parse(f"~u {NOWHERE} | ~h {NOWHERE} | ~b {NOWHERE}")
    started = time.perf_counter()
    with flows.open("rb") as file:
        theirs_found = sum(bool(flowfilter.match(wanted, flow)) for flow in io.FlowReader(file).stream())
    theirs = time.perf_counter() - started
    assert found == theirs_found == 0
    return [
        Ratio(
            "a text that is nowhere, looked for everywhere", "mitmproxy's filters over its flow file", ours / theirs,
            "at most 0.1 x", f"{ours / count * 1e6:.0f} against {theirs / count * 1e6:.0f} µs an exchange; {count:,}",
        )
    ]  # fmt: skip


def _size(what: str, exchanges: list[Exchange], capture: Path) -> Ratio:
    count = len(exchanges)
    started = time.perf_counter()
    with CaptureWriter(capture, mode="record") as writer:
        for exchange in exchanges:
            writer.reserve_id()
            writer.put(exchange)
    took = time.perf_counter() - started
    size = capture.stat().st_size
    flows = flow_file_size(exchanges, capture.with_suffix(".flows"))
    return Ratio(
        what, "mitmproxy flow file", size / flows if flows else None, "at most 0.125 x",
        f"{size / count:.0f} B an exchange, {(flows or 0) / count:.0f} B a flow; {count:,} exchanges, "
        f"written at {count / took:,.0f}/s",
    )  # fmt: skip
