"""What recording costs: requests per second through ``retape record`` and through a bare ``mitmdump -q``.

Both stand as reverse proxies in front of the same nginx on the same machine in one run and take turns under the same
load: HTTP/1.1 (wrk), HTTPS and HTTP/2 (h2load), each over 1, 8 and 32 connections. Ours redacts and has every exchange
on disk at the end (checked); theirs keeps nothing. Goal: at least 2 x at each point.

    python -m benchmarks recording --seconds 5 --rounds 3
    python -m benchmarks recording --python /other/venv/bin/python      another mitmproxy, another Python
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import HOST, Measured, Protocol, cpu_seconds, load, missing, nginx, running
from benchmarks.table import Ratio, render
from captures.service import free_port

ROOT = Path(__file__).resolve().parent.parent
BODY = json.dumps({"id": 1, "items": [{"sku": f"sku-{n}", "price": n * 1.1} for n in range(24)]})
HEADERS = ("Authorization: Bearer benchmark-token-0123456789", "Cookie: session=abcdef0123456789", "X-Request-Id: 1")
CONNECTIONS = (1, 8, 32)
GOAL = 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure, and on which interpreter the two proxies run."""

    seconds: float = 2.0  # of each measurement
    rounds: int = 1  # measurements of each; the median counts
    connections: tuple[int, ...] = CONNECTIONS
    protocols: tuple[Protocol, ...] = tuple(Protocol)
    python: Path = Path(sys.executable)
    options: tuple[str, ...] = ()  # more of ``retape record``

    def load(self, protocol: Protocol, port: int, connections: int, scratch: Path) -> Measured:
        """One measurement."""
        return load(protocol, port, self.seconds, connections, HEADERS, scratch)


@dataclass(slots=True)
class Point:
    """One protocol over so many connections: ours, theirs and no proxy, round after round."""

    protocol: Protocol
    connections: int
    ours: list[Measured] = field(default_factory=list)
    theirs: list[Measured] = field(default_factory=list)
    direct: list[Measured] = field(default_factory=list)
    spent: list[tuple[float, float]] = field(default_factory=list)  # ms of CPU a request, ours and theirs

    @property
    def ratio(self) -> float:
        """Ours by theirs; the median of the rounds, each of which is one run."""
        return statistics.median(mine.rate / peer.rate for mine, peer in zip(self.ours, self.theirs, strict=True))

    def __str__(self) -> str:
        mine, peer = _median(self.ours), _median(self.theirs)
        spent = " against ".join(f"{statistics.median(side):.2f}" for side in zip(*self.spent, strict=True))
        return (
            f"{self.connections}: {self.ratio:.2f} x, {mine.rate:,.0f} against {peer.rate:,.0f}/s, "
            f"p50 {mine.p50:.1f} against {peer.p50:.1f} ms, p99 {mine.p99:.1f} against {peer.p99:.1f} ms, "
            f"CPU {spent} ms a request"
        )


def _median(of: Sequence[Measured]) -> Measured:
    middle = statistics.median
    return Measured(middle(one.rate for one in of), middle(one.p50 for one in of), middle(one.p99 for one in of))


@dataclass(frozen=True, slots=True)
class Proxy:
    """One that runs."""

    port: int
    pid: int


@contextmanager
def theirs(asked: Asked, origin: str, folder: Path) -> Iterator[Proxy]:
    """A bare ``mitmdump -q`` in front of ``origin``."""
    port = free_port()
    argv = [str(asked.python.parent / "mitmdump"), "-q", "--mode", f"reverse:{origin}", "--listen-host", HOST]
    with running([*argv, "-p", str(port), "--set", f"confdir={folder}/theirs", "--ssl-insecure"], port) as pid:
        yield Proxy(port, pid)


@contextmanager
def ours(asked: Asked, origin: str, folder: Path, capture: Path) -> Iterator[Proxy]:
    """``retape record`` in front of ``origin``."""
    port = free_port()
    argv = [str(asked.python), "-m", "retape", "record", "--inbound", f"{port}={origin}", "--insecure-upstream"]
    environment = {**os.environ, "RETAPE_STATE_DIR": str(folder / "ours")}
    argv += ["-o", str(capture), *asked.options]
    with running(argv, port, signal.SIGINT, env=environment, cwd=ROOT) as pid:
        yield Proxy(port, pid)


def points(asked: Asked, folder: Path) -> list[Point]:
    """Every point, measured. Both proxies run all the time; only one of them is asked at a time."""
    found = []
    with nginx(folder, BODY) as ports:
        for protocol in asked.protocols:
            origin = f"{protocol.scheme}://{HOST}:{ports[protocol.scheme]}"
            measured = [Point(protocol, connections) for connections in asked.connections]
            capture = folder / f"{protocol.name}.sqlite"
            with theirs(asked, origin, folder) as peer, ours(asked, origin, folder, capture) as mine:
                for _ in range(asked.rounds):
                    for point in measured:
                        point.direct.append(asked.load(protocol, ports[protocol.scheme], point.connections, folder))
                        costs = []
                        for proxy, into in ((mine, point.ours), (peer, point.theirs)):
                            before = cpu_seconds(proxy.pid)
                            into.append(asked.load(protocol, proxy.port, point.connections, folder))
                            costs.append((cpu_seconds(proxy.pid) - before) * 1000 / (into[-1].rate * asked.seconds))
                        point.spent.append((costs[0], costs[1]))
            check(capture, sum(one.rate for point in measured for one in point.ours) * asked.seconds)
            found += measured
    return found


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


def rows(found: Iterable[Point]) -> Iterator[Ratio]:
    """A row for each protocol: the ratio is that of its worst point."""
    by_protocol: dict[Protocol, list[Point]] = {}
    for point in found:
        by_protocol.setdefault(point.protocol, []).append(point)
    for protocol, its in by_protocol.items():
        few = ", ".join(str(point.connections) for point in its)
        detail = "; ".join(map(str, its)) + f" ({_median(its[-1].direct).rate:,.0f}/s without a proxy)"
        worst = min(point.ratio for point in its)
        missed = ", ".join(str(point.connections) for point in its if point.ratio < GOAL)
        goal = "at least 2 x" + (f": **missed** at {missed}" if missed else "")
        what = f"recording, {protocol}, {few} connections, the worst of them"
        yield Ratio(what, "bare `mitmdump -q`", worst, goal, detail)


def measure(*, quick: bool = False, asked: Asked | None = None) -> list[Ratio]:
    """The rows of this benchmark. ``quick``: a second for each protocol."""
    asked = asked or (Asked(seconds=1, connections=(8,)) if quick else Asked())
    lacking = missing("nginx", "wrk", "h2load") + (
        [] if (asked.python.parent / "mitmdump").exists() else [f"mitmdump beside {asked.python.name}"]
    )
    if lacking:
        return [Ratio("recording", "bare `mitmdump -q`", None, "at least 2 x", f"needs {', '.join(lacking)}")]
    with tempfile.TemporaryDirectory() as folder:
        return list(rows(points(asked, Path(folder))))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks recording", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each; the median counts")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS, metavar="N")
    parser.add_argument("--protocols", nargs="+", choices=[one.value for one in Protocol], default=list(Protocol))
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="runs both proxies")
    parser.add_argument("--option", action="append", default=[], help="one more for retape record, as --option=--x=y")
    given = parser.parse_args(argv)
    protocols = tuple(map(Protocol, given.protocols))
    asked = Asked(given.seconds, given.rounds, tuple(given.connections), protocols, given.python, tuple(given.option))
    print(render(measure(asked=asked)))


if __name__ == "__main__":
    main()
