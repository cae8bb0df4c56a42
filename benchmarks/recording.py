"""What recording costs: requests per second through ``retape record`` and through a bare ``mitmdump -q``.

Both stand as a reverse proxy in front of the same nginx on the same machine in one run, taking turns, under the same
wrk. Ours redacts and has every exchange on disk at the end (checked); theirs keeps nothing. Goal: at least 2 x.

    python benchmarks/recording.py --seconds 5 --rounds 3
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

BODY = json.dumps({"id": 1, "items": [{"sku": f"sku-{n}", "price": n * 1.1} for n in range(24)]})
HEADERS = ("Authorization: Bearer benchmark-token-0123456789", "Cookie: session=abcdef0123456789", "X-Request-Id: 1")
GOAL = 2.0


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
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/pid; error_log /dev/null crit; events {{ worker_connections 512; }}\n"
        f"http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/b;"
        f" proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;"
        f" server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{BODY}'; }} }} }}"
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each; the median counts")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    options = parser.parse_args()
    mitmdump = shutil.which("mitmdump", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    missing = [
        name
        for name, found in (("nginx", shutil.which("nginx")), ("wrk", shutil.which("wrk")), ("mitmdump", mitmdump))
        if not found
    ]
    if missing or mitmdump is None:
        sys.exit(f"recording: needs {', '.join(missing)}.")
    ours: list[float] = []
    theirs: list[float] = []
    tails: list[str] = []
    with tempfile.TemporaryDirectory() as temporary, nginx(Path(temporary)) as origin:
        folder = Path(temporary)
        direct, _ = wrk(origin, options.seconds, options.connections)
        for number in range(options.rounds):
            port = free_port()
            argv = [mitmdump, "-q", "--mode", f"reverse:http://127.0.0.1:{origin}", "--listen-host", "127.0.0.1"]
            with running([*argv, "-p", str(port), "--set", f"confdir={folder}/theirs"], port):
                theirs.append(wrk(port, options.seconds, options.connections)[0])
            port = free_port()
            capture = folder / f"{number}.sqlite"
            argv = [sys.executable, "-m", "retape", "record", "--inbound", f"{port}=http://127.0.0.1:{origin}"]
            environment = {**os.environ, "RETAPE_STATE_DIR": str(folder / "ours")}
            with running([*argv, "-o", str(capture)], port, signal.SIGINT, env=environment):
                rate, tail = wrk(port, options.seconds, options.connections)
            ours.append(rate)
            tails.append(tail)
            check(capture, rate * options.seconds)
    ratio = statistics.median(ours) / statistics.median(theirs)
    result = {
        "benchmark": "recording", "ours_rps": round(statistics.median(ours)),
        "mitmdump_rps": round(statistics.median(theirs)), "direct_rps": round(direct), "ours_p99": tails,
        "ratio": round(ratio, 2), "goal": GOAL, "lost": 0,
    }  # fmt: skip
    if options.format == "json":
        print(json.dumps(result))
    else:
        print(
            f"recording: {ratio:.2f} x mitmdump -q (goal {GOAL:g} x): {result['ours_rps']} against "
            f"{result['mitmdump_rps']} requests/s, {result['direct_rps']} without a proxy, "
            f"{options.connections} connections, redacted and on disk, none lost, p99 {', '.join(tails)}"
        )


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


if __name__ == "__main__":
    main()
