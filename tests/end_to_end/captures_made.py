"""Captures written without recording, for what only needs a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler as Server
from pathlib import Path

from captures.model import Direction, Exchange, Request, Response, Timing
from captures.writer import CaptureWriter


def items(path: Path, count: int, *, padding: int = 0) -> Path:
    """A capture at ``path`` of ``count`` requests to ``service.py``'s ``/items/N``; ``padding`` widens requests."""
    bodies = [
        json.dumps({"item": str(number), "price": len(str(number)) * 7, "tags": ["a", "b"]}) for number in range(count)
    ]
    return _write(path, [(f"/items/{number}", body) for number, body in enumerate(bodies)], padding)


def slow(path: Path, count: int, seconds: float) -> Path:
    """A capture at ``path`` of ``count`` requests to ``service.py``'s ``/slow/SECONDS``."""
    return _write(path, [(f"/slow/{seconds}", '{"slow": true}')] * count, 0)


def _write(path: Path, exchanges: Sequence[tuple[str, str]], padding: int) -> Path:
    with CaptureWriter(path, mode="record", meta={"label": "made by a test"}) as writer:
        for number, (target, text) in enumerate(exchanges):
            body = text.encode()
            started = 1_700_000_000.0 + number
            headers = [(b"Host", b"127.0.0.1:8000"), (b"Accept", b"*/*")]
            if padding:
                headers.append((b"X-Padding", f"{number:08d}".encode() * (padding // 8)))
            writer.put(
                Exchange(
                    id=writer.reserve_id(),
                    direction=Direction.INBOUND,
                    request=Request("GET", "http", "127.0.0.1", 8000, target.encode(), tuple(headers)),
                    response=Response(
                        200,
                        (
                            (b"Server", f"{Server.server_version} {Server.sys_version}".encode()),
                            (b"Date", b"Tue, 14 Nov 2023 22:13:20 GMT"),
                            (b"Content-Type", b"application/json"),
                            (b"Content-Length", str(len(body)).encode()),
                        ),
                        body,
                        b"OK",
                    ),
                    timing=Timing(started, started, started + 0.01, started + 0.01),
                )
            )
    return path
