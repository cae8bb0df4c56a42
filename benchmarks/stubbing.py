"""How many calls a second stubs answer: our stub server, WireMock and mountebank under one wrk, taking turns.

A thousand distinct stubs, half of them GETs told apart by path and query, half POSTs with a JSON body; every answer is
about 1 KB and is checked by the client for being that of its own request. All three match fully and record each call:
ours redacts and writes them into a run on disk (counted afterwards), WireMock keeps its journal, mountebank
``recordRequests``. wrk has one connection per thread, so that a script knows what each answer answers to.

    python -m benchmarks.stubbing --seconds 5 --rounds 3
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.recording import running
from benchmarks.table import Ratio, render
from captures.links import Linker
from captures.model import Cause, CauseHow, Direction, Exchange, Request, Response, Timing
from captures.redacting.redaction import RedactionPolicy, Redactor
from captures.service import free_port
from captures.store import Capture
from captures.writer import CaptureWriter

STUBS = 1_000
PACKAGES = ("wiremock@3.13.2", "@mbtest/mountebank@2.9.2")
SCRIPT = """
local threads = {}
function setup(thread) table.insert(threads, thread); thread:set("id", #threads) end
function init() wrong = 0; answered = 0; now = id * 37 end
function request()
  now = (now + 7) % STUBS
  if now % 2 == 0 then
    return wrk.format("GET", "/items/" .. now .. "?page=1&size=20", {Host = "shop.test", Accept = "application/json"})
  end
  local body = '{"order": ' .. now .. ', "amount": 25, "currency": "EUR"}'
  local headers = {Host = "shop.test", Accept = "application/json", ["Content-Type"] = "application/json"}
  return wrk.format("POST", "/orders/" .. now .. "/charges", headers, body)
end
function response(status, headers, body)
  answered = answered + 1
  if status ~= 200 or not string.find(body, '"number": ' .. now .. ',', 1, true) then wrong = wrong + 1 end
end
function done()
  local w, a = 0, 0
  for _, t in ipairs(threads) do w = w + t:get("wrong"); a = a + t:get("answered") end
  io.write("answered " .. a .. " wrong " .. w .. "\\n")
end
"""


def asked(number: int) -> tuple[str, str, str]:
    """(method, target, body) of stub ``number``."""
    if number % 2 == 0:
        return "GET", f"/items/{number}?page=1&size=20", ""
    return "POST", f"/orders/{number}/charges", f'{{"order": {number}, "amount": 25, "currency": "EUR"}}'


def answered(number: int) -> str:
    """Its answer."""
    parts = [{"sku": f"SKU-{number}-{part}", "name": "a thing of the shop", "price": part} for part in range(15)]
    return json.dumps({"number": number, "parts": parts})


# -- ours ---------------------------------------------------------------------------------------------------------


def record(path: Path) -> None:
    """A capture in which one request made every call."""
    kind = ((b"Content-Type", b"application/json"),)
    with CaptureWriter(path, mode="record") as writer:
        inbound = writer.reserve_id()
        at = 1_780_000_000.0
        request = Request("GET", "http", "front.test", 80, b"/", ((b"Host", b"front.test"),))
        writer.put(Exchange(inbound, Direction.INBOUND, request, Timing(at, at, at, at + 9), Response(200)))
        for number in range(STUBS):
            method, target, body = asked(number)
            head = ((b"Host", b"shop.test"), *(kind if body else ()))
            call = Request(method, "http", "shop.test", 80, target.encode(), head, body.encode())
            answer = answered(number).encode()
            writer.put(
                Exchange(
                    writer.reserve_id(),
                    Direction.OUTBOUND,
                    call,
                    Timing(at, at, at, at + 0.01),
                    Response(200, (*kind, (b"Content-Length", b"%d" % len(answer))), answer, b"OK"),
                    dependency="shop",
                    cause=Cause(CauseHow.WINDOW, inbound, "the only one"),
                )
            )


async def _serve(capture: Path, run: Path, port: int) -> None:
    """Answer as a replay does while that request is under way, until SIGTERM."""
    from replayer.bindings import Bindings
    from replayer.desk import ReplayDesk
    from replayer.library import StubLibrary
    from replayer.stubs import Server, StubServer

    with Capture.open(capture) as source, CaptureWriter(run, mode="replay") as writer:
        linker = Linker()
        library = StubLibrary(source, [session.id for session in source.sessions()])
        redactor = Redactor(b"k" * 32, RedactionPolicy())
        desk = ReplayDesk(library, linker, Bindings(), redactor, writer, lambda event: None)
        inbound = writer.reserve_id()
        desk.begin(inbound, 1)
        linker.inbound_started(inbound, (), time.monotonic())
        server = StubServer(desk, None)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await server.listen(Server("http", "shop.test", 80), port=port)
        await stop.wait()
        await server.close()


@contextmanager
def ours(folder: Path) -> Iterator[int]:
    """Our stub server in a process of its own."""
    capture, run, port = folder / "capture.sqlite", folder / "run.sqlite", free_port()
    if not capture.exists():
        record(capture)
    run.unlink(missing_ok=True)
    with running([sys.executable, "-m", "benchmarks.stubbing", "--serve", str(capture), str(run), str(port)], port):
        yield port


def kept(folder: Path) -> int:
    """How many calls the run holds, none dropped."""
    with Capture.open(folder / "run.sqlite") as run:
        (session,) = run.sessions()
        if session.dropped:
            sys.exit(f"stubbing: {session.dropped} calls were not written")
        return run.count(Direction.OUTBOUND)


# -- peers --------------------------------------------------------------------------------------------------------


def peers(install: bool) -> Path | str:
    """The ``node_modules`` with both, or why there is none."""
    folder = Path(sys.prefix) / "third-party-stubs"
    missing = [tool for tool in ("java", "node", "npm") if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    if not (folder / "node_modules" / "wiremock").exists():
        if not install:
            return "WireMock and mountebank are not installed; without --quick they are"
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *PACKAGES],
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            return "npm could not install WireMock and mountebank"
    return folder / "node_modules"


@contextmanager
def wiremock(modules: Path) -> Iterator[int]:
    """WireMock with its journal, bounded so that it does not run out of memory (wiremock #2731)."""
    jar = next((modules / "wiremock" / "build").glob("*.jar"))
    port = free_port()
    argv = ["java", "-jar", str(jar), "--port", str(port), "--bind-address", "127.0.0.1", "--disable-banner"]
    with (
        tempfile.TemporaryDirectory() as folder,  # it makes folders for mappings and files where it stands
        running([*argv, "--max-request-journal-entries", "20000", "--root-dir", folder], port, cwd=folder),
    ):
        mappings = {"mappings": list(map(_mapping, range(STUBS)))}
        _put(f"http://127.0.0.1:{port}/__admin/mappings/import", "POST", mappings)
        yield port


def _mapping(number: int) -> dict[str, Any]:
    method, target, body = asked(number)
    request: dict[str, Any] = {"method": method, "url": target}
    if body:
        request["bodyPatterns"] = [{"equalToJson": body}]
    kind = {"Content-Type": "application/json"}
    return {"request": request, "response": {"status": 200, "headers": kind, "body": answered(number)}}


@contextmanager
def mountebank(modules: Path) -> Iterator[int]:
    """mountebank with one imposter. Its pidfile is in a folder of its own: it deletes that file, whatever it is."""
    admin, port = free_port(), free_port()
    argv = ["node", str(modules / "@mbtest" / "mountebank" / "bin" / "mb"), "start", "--port", str(admin)]
    quiet = ["--host", "127.0.0.1", "--loglevel", "error", "--nologfile"]
    with (
        tempfile.TemporaryDirectory() as folder,
        running([*argv, *quiet, "--pidfile", str(Path(folder) / "mb.pid")], admin, cwd=folder),
    ):
        imposter = {"protocol": "http", "port": port, "host": "127.0.0.1", "recordRequests": True}
        stubs = {"defaultResponse": {"statusCode": 599}, "stubs": list(map(_stub, range(STUBS)))}
        _put(f"http://127.0.0.1:{admin}/imposters", "PUT", {"imposters": [{**imposter, **stubs}]})
        yield port


def _stub(number: int) -> dict[str, Any]:
    method, target, body = asked(number)
    path, _, query = target.partition("?")
    fields = dict(pair.split("=") for pair in query.split("&") if pair)
    wanted = {"method": method, "path": path, "query": fields, **({"body": body} if body else {})}
    answer = {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": answered(number)}
    return {"predicates": [{"deepEquals": wanted, "caseSensitive": True}], "responses": [{"is": answer}]}


def _put(url: str, method: str, value: Any) -> None:
    request = urllib.request.Request(
        url, json.dumps(value).encode(), {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=60):
        pass


# -- measuring ----------------------------------------------------------------------------------------------------


def wrk(port: int, seconds: float, connections: int, script: Path) -> tuple[float, int]:
    """Answers per second, and how many there were. Ends the benchmark when one was wrong."""
    argv = ["wrk", f"-t{connections}", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
    out = subprocess.run([*argv, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    rate, counts = re.search(r"Requests/sec:\s+([\d.]+)", out), re.search(r"answered (\d+) wrong (\d+)", out)
    if rate is None or counts is None or counts[2] != "0" or "Socket errors" in out:
        sys.exit(f"stubbing: not every answer was the right one:\n{out}")
    return float(rate[1]), int(counts[1])


def measure(*, quick: bool = False, seconds: float = 5, rounds: int = 3, connections: int = 8) -> list[Ratio]:
    """One row for each peer. ``quick``: one round of a second, and only the peers that are installed."""
    what, goal = f"stub server, {STUBS:,} stubs, full matching, calls recorded", "at least 5 x the faster"
    if shutil.which("wrk") is None:
        return [Ratio(what, "WireMock and mountebank", None, goal, "wrk is not installed")]
    if quick:
        seconds, rounds = 1, 1
    modules = peers(install=not quick)
    others: dict[str, Callable[[Path], Any]] = {}
    if isinstance(modules, Path):
        others = {"WireMock 3.13.2, journal on": wiremock, "mountebank 2.9.2, `recordRequests`": mountebank}
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        script = folder / "stubs.lua"
        script.write_text(f"STUBS = {STUBS}\n{SCRIPT}")
        for _ in range(rounds):
            with ours(folder) as port:
                rate, number = wrk(port, seconds, connections, script)
            rates.setdefault("", []).append(rate)
            if kept(folder) < number:
                sys.exit(f"stubbing: {number} calls were answered and {kept(folder)} are in the run")
            for name, peer in others.items():
                with peer(modules) as port:
                    wrk(port, max(1, seconds / 2), connections, script)  # a JVM and V8 get warm
                    rates.setdefault(name, []).append(wrk(port, seconds, connections, script)[0])
    mine = statistics.median(rates[""])
    if not others:
        return [Ratio(what, "WireMock and mountebank", None, goal, f"{mine:,.0f} answers/s; {modules}")]
    return [
        Ratio(
            what,
            name,
            mine / (peer := statistics.median(rates[name])),
            goal,
            f"{mine:,.0f} against {peer:,.0f} answers/s",
        )
        for name in others
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure once and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each; the median counts")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--serve", nargs=3, metavar=("CAPTURE", "RUN", "PORT"), help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.serve:
        capture, run, port = given.serve
        asyncio.run(_serve(Path(capture), Path(run), int(port)))
        return
    print(render(measure(seconds=given.seconds, rounds=given.rounds, connections=given.connections)))


if __name__ == "__main__":
    main()
