"""Exchanges and captures for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from captures.writer import CaptureWriter

JSON: Headers = ((b"Content-Type", b"application/json"),)


def exchange(
    identity: int = 1,
    *,
    method: str = "GET",
    target: bytes = b"/",
    headers: Headers = (),
    body: bytes = b"",
    status: int = 200,
    response_headers: Headers = (),
    response_body: bytes = b"",
    **more: Any,
) -> Exchange:
    """An inbound exchange with an answer, unless ``more`` says otherwise."""
    values: dict[str, Any] = {
        "direction": Direction.INBOUND,
        "timing": Timing(100.0, 100.1, 100.2, 100.3),
        "response": Response(status, response_headers, response_body),
        **more,
    }
    return Exchange(id=identity, request=Request(method, "http", "shop", 80, target, headers, body), **values)


def capture(path: Path, *exchanges: Exchange, mode: str = "record") -> Path:
    """A finished capture of ``exchanges``."""
    with CaptureWriter(path, mode=mode, now=lambda: 1000.0) as writer:
        for one in exchanges:
            assert writer.put(one)
    return path
