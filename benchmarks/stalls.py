"""What a large body does to everybody else: how long small requests take while 30 MB of JSON full of tokens pass.

python -m benchmarks stalls
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import HOST, missing, nginx
from benchmarks.recording import BODY, HEADERS, Asked, ours, theirs
from benchmarks.table import Ratio, render

MEGABYTES = 30
AFTER = 2.0  # seconds that are watched once the body has been answered: it is searched and written then
WHAT, PEER = f"small requests while {MEGABYTES} MB of JSON with tokens pass, the slowest 1 %", "bare `mitmdump -q`"
GOAL = "at most 1 x"


def body(megabytes: int) -> bytes:
    """JSON whose one text is a log, with something to replace in every line."""
    line = "2026-11-30 12:00:01 GET /orders?access_token=abcdef0123456789 200 jo@example.test\n"
    return json.dumps({"service": "shop", "log": line * (megabytes * 1_000_000 // len(line))}).encode()


@dataclass(frozen=True, slots=True)
class Seen:
    """Latencies of small requests, in milliseconds."""

    p99: float
    worst: float


def watch(port: int, upload: Path, rounds: int) -> Seen:
    """Ask ``port`` for something small all the time, while ``upload`` is sent to it ``rounds`` times."""
    request = "GET / HTTP/1.1\r\nHost: a\r\n" + "".join(f"{header}\r\n" for header in HEADERS) + "\r\n"
    took: list[float] = []
    argv = ["curl", "-sf", "-o", "/dev/null", "-H", "Content-Type: application/json", "-H", "Expect:"]
    argv += ["--data-binary", f"@{upload}", f"http://{HOST}:{port}/upload"]
    with socket.create_connection((HOST, port)) as client:
        for _ in range(rounds):
            with subprocess.Popen(argv) as sender:
                until = None
                while until is None or time.perf_counter() < until:
                    start = time.perf_counter()
                    client.sendall(request.encode())
                    _receive(client)
                    took.append((time.perf_counter() - start) * 1000)
                    if until is None and sender.poll() is not None:
                        until = time.perf_counter() + AFTER
                if sender.returncode:
                    sys.exit(f"curl did not go through: {sender.returncode}")
    took.sort()
    return Seen(took[len(took) * 99 // 100], took[-1])


def _receive(client: socket.socket) -> None:
    received = b""
    while not received.endswith(BODY[-8:].encode()):
        received += client.recv(65536)


def measure(*, quick: bool = False, asked: Asked | None = None, rounds: int = 3) -> list[Ratio]:
    """The row of this benchmark. ``quick``: 1 MB, once."""
    asked = asked or Asked()
    lacking = missing("nginx", "curl") + ([] if (asked.python.parent / "mitmdump").exists() else ["mitmdump"])
    if lacking:
        return [Ratio(WHAT, PEER, None, GOAL, f"needs {', '.join(lacking)}")]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        upload = folder / "upload.json"
        upload.write_bytes(body(1 if quick else MEGABYTES))
        with nginx(folder, BODY) as ports:
            origin = f"http://{HOST}:{ports['http']}"
            capture = folder / "capture.sqlite"
            with theirs(asked, origin, folder) as peer, ours(asked, origin, folder, capture) as mine:
                other = watch(peer.port, upload, 1 if quick else rounds)
                seen = watch(mine.port, upload, 1 if quick else rounds)
    detail = (
        f"{seen.p99:.0f} ms against {other.p99:.0f} ms, the very slowest {seen.worst:.0f} against {other.worst:.0f}"
    )
    return [Ratio(WHAT, PEER, seen.p99 / other.p99, GOAL, detail)]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the row."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks stalls", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often the large body passes")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="runs both proxies")
    given = parser.parse_args(argv)
    print(render(measure(asked=Asked(python=given.python), rounds=given.rounds)))


if __name__ == "__main__":
    main()
