"""The capture file: size against a mitmproxy flow file of the same traffic, and opening a large one.

python -m benchmarks storing
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path

from benchmarks.table import Ratio
from captures.model import Direction, Exchange, Request, Response, Timing
from captures.store import Capture
from captures.writer import CaptureWriter

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
    with tempfile.TemporaryDirectory() as folder:
        exchanges = traffic(count)
        capture = Path(folder) / "c.sqlite"
        started = time.perf_counter()
        with CaptureWriter(capture, mode="record") as writer:
            for exchange in exchanges:
                writer.reserve_id()
                writer.put(exchange)
        took = time.perf_counter() - started
        size = capture.stat().st_size
        flows = flow_file_size(exchanges, Path(folder) / "flows")
        opening = []
        for _ in range(5):
            started = time.perf_counter()
            Capture.open(capture).close()
            opening.append(time.perf_counter() - started)
    return [
        Ratio(
            "capture size", "mitmproxy flow file", size / flows if flows else None, "at most 0.125 x",
            f"{size / count:.0f} B an exchange, {(flows or 0) / count:.0f} B a flow; {count:,} exchanges",
        ),
        Ratio(
            f"opening a capture of {count:,}", "0.2 s", min(opening) / 0.2, "at most 1 x (at 1,000,000)",
            f"{min(opening) * 1000:.1f} ms; written at {count / took:,.0f} exchanges/s",
        ),
    ]  # fmt: skip
