"""An nginx to ask and the tools that ask it: ``wrk`` for HTTP/1.1, ``h2load`` (Debian's nghttp2-client) for TLS and
HTTP/2. What they report is brought into one form."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from captures.service import free_port
from captures.trust import FILE as AUTHORITY_FILE
from captures.trust import Authority

UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}  # wrk's, in milliseconds
HOST = "127.0.0.1"


class Protocol(StrEnum):
    """What is spoken, from the client to the proxy and from there to nginx."""

    HTTP1 = "HTTP/1.1"
    HTTPS = "HTTPS"  # HTTP/1.1 over TLS
    HTTP2 = "HTTP/2"  # over TLS

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "http" if self is Protocol.HTTP1 else "https"


@dataclass(frozen=True, slots=True)
class Measured:
    """One load: requests per second, and the latency's median and 99th percentile in milliseconds."""

    rate: float
    p50: float
    p99: float


def missing(*names: str) -> list[str]:
    """Which of these programs are not installed."""
    return [name for name in names if shutil.which(name) is None]


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until ``process`` listens; ends the benchmark when it does not."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), 0.2).close()
            return
        except OSError:
            if process.poll() is not None:
                sys.exit(f"{process.args!r} ended with {process.returncode}")
            time.sleep(0.05)
    sys.exit(f"{process.args!r} does not listen on {port}")


@contextmanager
def running(argv: Sequence[str], port: int, stop: int = signal.SIGTERM, **options: object) -> Iterator[int]:
    """``argv`` as a process that listens on ``port``; its process id."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    try:
        await_port(port, process)
        yield process.pid
    finally:
        process.send_signal(stop)
        process.wait(60)


def cpu_seconds(pid: int) -> float:
    """What process ``pid`` and all its descendants, also those that have ended, have used so far.

    A busy machine changes it less than the clock on the wall.
    """
    ticks: dict[int, tuple[int, int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            words = stat.read_text().rpartition(")")[2].split()
            ticks[int(stat.parent.name)] = int(words[1]), sum(map(int, words[11:15]))
    family = {pid}
    while more := {one for one, (parent, _) in ticks.items() if parent in family} - family:
        family |= more
    return sum(ticks[one][1] for one in family if one in ticks) / os.sysconf("SC_CLK_TCK")


@contextmanager
def nginx(folder: Path, body: str) -> Iterator[dict[str, int]]:
    """One nginx that answers everything with ``body`` (JSON); its ports by scheme."""
    ports = {"http": free_port(), "https": free_port()}
    Authority.load_or_create(folder / "origin")
    certificate = folder / "origin" / AUTHORITY_FILE  # nobody checks it: an authority's own serves as well
    config = folder / "nginx.conf"
    scratch = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/pid; error_log /dev/null crit;\n"
        "events { worker_connections 512; }\n"
        f"http {{ access_log off; keepalive_requests 1000000000; client_max_body_size 1g; {scratch}\n"
        f"server {{ listen {HOST}:{ports['http']}; listen {HOST}:{ports['https']} ssl http2;\n"
        f"ssl_certificate {certificate}; ssl_certificate_key {certificate};\n"
        f"location / {{ default_type application/json; return 200 '{body}'; }} }} }}\n"
    )
    with running(["nginx", "-c", str(config)], ports["http"]):
        yield ports


def load(
    protocol: Protocol, port: int, seconds: float, connections: int, headers: Sequence[str], scratch: Path
) -> Measured:
    """Ask ``port`` for ``/orders/1`` again and again. Ends the benchmark when an answer is not 200."""
    url = f"{protocol.scheme}://{HOST}:{port}/orders/1"
    given = [word for header in headers for word in ("-H", header)]
    if protocol is Protocol.HTTP1:
        return _wrk([f"-c{connections}", f"-d{max(1, round(seconds))}s", *given, url])
    log = scratch / "h2load.log"
    log.unlink(missing_ok=True)
    argv = [
        f"-c{connections}",
        f"-D{round(seconds * 1000)}ms",
        "--warm-up-time=200ms",
        f"--log-file={log}",
        *given,
        url,
    ]
    return _h2load(["--h1", *argv] if protocol is Protocol.HTTPS else argv, log, seconds)


def _wrk(arguments: Sequence[str]) -> Measured:
    out = subprocess.run(["wrk", "-t1", "--latency", *arguments], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    half, tail = (re.search(rf"{share}%\s+([\d.]+)(\w+)", out) for share in (50, 99))
    if rate is None or half is None or tail is None or "Non-2xx" in out or "Socket errors" in out:
        sys.exit(f"wrk did not go through:\n{out}")
    return Measured(float(rate[1]), float(half[1]) * UNITS[half[2]], float(tail[1]) * UNITS[tail[2]])


def _h2load(arguments: Sequence[str], log: Path, seconds: float) -> Measured:
    """h2load prints no percentiles: they come out of its log (start in µs, status, duration in µs)."""
    done = subprocess.run(["h2load", "-t1", *arguments], capture_output=True, text=True, check=False)
    rows = [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []
    failed = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
    wrong = re.search(r"(\d+) 3xx, (\d+) 4xx, (\d+) 5xx", done.stdout)
    took = sorted(int(row[2]) / 1000 for row in rows if row[1] == "200")  # what the end cut short has another status
    if not took or failed is None or wrong is None or any(map(int, (*failed.groups(), *wrong.groups()))):
        sys.exit(f"h2load did not go through:\n{done.stdout}{done.stderr}")
    return Measured(len(took) / seconds, took[len(took) // 2], took[len(took) * 99 // 100])
