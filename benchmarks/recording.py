"""What recording costs: requests per second through ``retape record`` and through a bare ``mitmdump -q``.

Both stand as a reverse proxy in front of the same nginx on the same machine in one run, taking turns, under the same
wrk. Ours redacts and has every exchange on disk at the end (checked); theirs keeps nothing. Goal: at least 2 x.

    python -m benchmarks.recording --seconds 5 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.table import Ratio, render

BODY = json.dumps({"id": 1, "items": [{"sku": f"sku-{n}", "price": n * 1.1} for n in range(24)]})
HEADERS = ("Authorization: Bearer benchmark-token-0123456789", "Cookie: session=abcdef0123456789", "X-Request-Id: 1")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            if process.poll() is not None:
                sys.exit(f"{process.args} ended with {process.returncode}")
            time.sleep(0.05)
    sys.exit(f"{process.args} does not listen on {port}")


@contextmanager
def running(argv: list[str], port: int, stop: int = signal.SIGTERM, **options: object) -> Iterator[None]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    try:
        await_port(port, process)
        yield
    finally:
        process.send_signal(stop)
        process.wait(60)


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    port = free_port()
    config = folder / "nginx.conf"
    scratch = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/pid; error_log /dev/null crit;\n"
        "events { worker_connections 512; }\n"
        f"http {{ access_log off; keepalive_requests 1000000000; {scratch}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{\n"
        f"default_type application/json; return 200 '{BODY}'; }} }} }}\n"
    )
    with running(["nginx", "-c", str(config)], port):
        yield port


def wrk(port: int, seconds: float, connections: int) -> tuple[float, str]:
    """Requests per second, and the 99th percentile of the latency as wrk writes it."""
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
    for header in HEADERS:
        argv += ["-H", header]
    out = subprocess.run(
        [*argv, f"http://127.0.0.1:{port}/orders/1"], capture_output=True, text=True, check=True
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    tail = re.search(r"99%\s+(\S+)", out)
    if rate is None or "Non-2xx" in out or "Socket errors" in out:
        sys.exit(f"wrk did not go through:\n{out}")
    return float(rate[1]), tail[1] if tail else "?"


def measure(*, quick: bool = False, seconds: float = 5, rounds: int = 3, connections: int = 8) -> list[Ratio]:
    """The row of this benchmark. ``quick``: one round of a second."""
    what, peer, goal = "recording, throughput", "bare `mitmdump -q`", "at least 2 x"
    if quick:
        seconds, rounds = 1, 1
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    tools = {name: shutil.which(name, path=path) for name in ("nginx", "wrk", "mitmdump")}
    missing = [name for name, found in tools.items() if found is None]
    if missing:
        return [Ratio(what, peer, None, goal, f"needs {', '.join(missing)}")]
    ours: list[float] = []
    theirs: list[float] = []
    tails: list[str] = []
    with tempfile.TemporaryDirectory() as temporary, nginx(Path(temporary)) as origin:
        folder = Path(temporary)
        direct, _ = wrk(origin, seconds, connections)
        for number in range(rounds):
            port = free_port()
            argv = [str(tools["mitmdump"]), "-q", "--mode", f"reverse:http://127.0.0.1:{origin}"]
            argv += ["--listen-host", "127.0.0.1", "-p", str(port), "--set", f"confdir={folder}/theirs"]
            with running(argv, port):
                theirs.append(wrk(port, seconds, connections)[0])
            port = free_port()
            capture = folder / f"{number}.sqlite"
            argv = [sys.executable, "-m", "retape", "record", "--inbound", f"{port}=http://127.0.0.1:{origin}"]
            environment = {**os.environ, "RETAPE_STATE_DIR": str(folder / "ours")}
            with running([*argv, "-o", str(capture)], port, signal.SIGINT, env=environment):
                rate, tail = wrk(port, seconds, connections)
            ours.append(rate)
            tails.append(tail)
            check(capture, rate * seconds)
    mine, peers = statistics.median(ours), statistics.median(theirs)
    detail = (
        f"{mine:.0f} against {peers:.0f} requests/s ({direct:.0f} without a proxy), {connections} connections, "
        f"redacted and on disk, none lost, p99 {', '.join(tails)}"
    )
    return [Ratio(what, peer, mine / peers, goal, detail)]


def check(capture: Path, expected: float) -> None:
    """Everything that was answered is on disk, redacted."""
    from captures.store import Capture

    with Capture.open(capture) as opened:
        session = opened.sessions()[-1]
        first = next(opened.exchanges())
    if session.dropped or session.ended is None or session.written < expected * 0.95:
        sys.exit(f"recording: not everything was kept: {session}")
    if b"benchmark-token" in b"".join(value for _, value in first.request.headers):
        sys.exit("recording: a secret reached the disk")


def main() -> None:
    """Measure once and print the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each; the median counts")
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    print(render(measure(seconds=options.seconds, rounds=options.rounds, connections=options.connections)))


if __name__ == "__main__":
    main()
