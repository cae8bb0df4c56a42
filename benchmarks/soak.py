"""A recorder left running: how much memory ``retape record`` takes from the first exchange to the last.

    python -m benchmarks soak --exchanges 500000

Everything comes at once, as it does to a service: HTTP/1.1 kept alive and HTTP/2 with many streams (wrk, h2load), a new
connection for each request, a forward proxy to 200 hosts, TLS through it to as many (each with a certificate of ours),
and clients that leave: at once, in the middle of a head, before their answer. Every answer differs. The recording
rotates and removes its oldest files, so that the disk stays as it is, too. The memory of all its processes is
printed as a curve; the slope is the least squares' over what comes after the first fifth.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import HOST, missing, running
from benchmarks.table import Ratio, render
from captures.service import free_port
from captures.trust import FILE as AUTHORITY_FILE
from captures.trust import Authority

USUAL, QUICK = 20_000, 1_500
ROUND = 10.0  # seconds of each load before it is begun anew
PAUSE = 10  # ms before each request of a kept connection: beyond what can be written, the bounded queues fill
RATE = 100  # requests a second on each HTTP/2 connection
LASTING = 12  # times as long do the connections live that are kept alive
HOSTS = 200
EVERY = 1.0  # seconds between samples
FIRST = 0.2  # share of the run in which caches fill
ITEMS = json.dumps([{"sku": f"sku-{n}", "price": n * 1.1} for n in range(16)])
WRONG = re.compile(r"Non-2xx|Socket errors|[1-9]\d* (4xx|5xx|failed|errored)")  # in what wrk and h2load print
ANSWERED = re.compile(r"[1-9]\d* requests in|[1-9]\d* 2xx")
LUA = """
local number = 0
delay = function() return WAIT end
request = function()
  number = number + 1
  local path = "/orders/" .. number % 5000 .. "?page=" .. number % 7
  return wrk.format("GET", BASE .. path, {["Authorization"] = "Bearer soak-token-" .. number % 100 MORE})
end
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """The recorder at one moment."""

    at: float  # seconds from the beginning
    exchanges: int
    memory: dict[str, float]  # megabytes of each of its processes

    @property
    def total(self) -> float:
        """Megabytes of all."""
        return sum(self.memory.values())


class Recorder:
    """``retape record`` under load, and what is seen of it from outside."""

    def __init__(self, process: subprocess.Popen[bytes], ports: Sequence[int]) -> None:
        self.process = process
        self.inbound, self.streams, self.outbound, self.metrics = ports
        self._began = time.monotonic()

    def sample(self) -> Sample:
        """Now."""
        with urllib.request.urlopen(f"http://{HOST}:{self.metrics}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        found = re.search(r"^retape_exchanges_seen_total (\d+)", text, re.MULTILINE)
        family = {"parent": self.process.pid, **{_name(pid): pid for pid in _children(self.process.pid)}}
        memory = {name: kilobytes / 1000 for name, pid in family.items() if (kilobytes := _resident(pid))}
        return Sample(time.monotonic() - self._began, int(found[1]) if found else 0, memory)


def _children(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread that has just ended
            for child in map(int, path.read_text().split()):
                found += [child, *_children(child)]
    return found


def _name(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"recorder.")
        return f"{words[1].split()[0].decode()} {pid}" if len(words) > 1 else str(pid)
    return str(pid)


def _resident(pid: int) -> float:
    """Kilobytes of 1,000 bytes; 0 for a process that has ended."""
    with suppress(OSError):
        found = re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) * 1.024 if found else 0.0
    return 0.0


@contextmanager
def origin(folder: Path) -> Iterator[dict[str, int]]:
    """An nginx on every address from 127.0.0.1 on, whose answers all differ; its ports by scheme."""
    ports = {"http": free_port(), "https": free_port(), "h2c": free_port()}
    Authority.load_or_create(folder / "origin")
    certificate = folder / "origin" / AUTHORITY_FILE
    listens = "\n".join(
        f"listen {host(number)}:{ports['http']}; listen {host(number)}:{ports['https']} ssl;" for number in range(HOSTS)
    )
    listens += f"\nlisten {HOST}:{ports['h2c']} http2;"
    scratch = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/pid; error_log /dev/null crit;\n"
        "worker_rlimit_nofile 8192; events { worker_connections 4096; }\n"
        f"http {{ access_log off; keepalive_requests 1000000000; {scratch}\n"
        f"server {{ {listens}\nssl_certificate {certificate}; ssl_certificate_key {certificate};\n"
        "location / { default_type application/json; add_header X-Request-Id $request_id;\n"
        f'return 200 \'{{"id": "$request_id", "uri": "$request_uri", "items": {ITEMS}}}\'; }} }} }}\n'
    )
    with running(["nginx", "-c", str(config)], ports["http"]):
        yield ports


def host(number: int) -> str:
    """An address of this machine: all of 127.0.0.0/8 is."""
    return f"127.0.0.{number + 1}"


@contextmanager
def recording(folder: Path, ports: dict[str, int]) -> Iterator[Recorder]:
    """``retape record`` in front of ``ports``; afterwards it must have lost nothing."""
    inbound, streams, outbound, metrics = (free_port() for _ in range(4))
    argv = [sys.executable, "-m", "retape", "record", "--format", "json", "-o", str(folder / "soak.sqlite")]
    argv += ["--inbound", f"{inbound}=http://{HOST}:{ports['http']}"]
    argv += ["--inbound", f"{streams}=http://{HOST}:{ports['h2c']}"]
    argv += [
        "--outbound",
        str(outbound),
        "--metrics",
        str(metrics),
        "--insecure-upstream",
        "--rotate",
        "100MB|10m",
        "--keep",
        "3",
    ]
    environment = {**os.environ, "RETAPE_STATE_DIR": str(folder / "state")}
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "ready":
            break
    else:
        sys.exit("soak: the recorder did not start")
    rest: list[bytes] = []
    reading = threading.Thread(target=lambda: rest.extend(process.stdout or ()), daemon=True)
    reading.start()
    try:
        yield Recorder(process, (inbound, streams, outbound, metrics))
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(300)
        reading.join(10)
    done = json.loads(rest[-1])
    if code or done["dropped"] or done["seen"] != done["written"]:
        sys.exit(f"soak: the recorder ended with {code}: {done}")


class Loads:
    """Everything that asks, again and again until it is stopped."""

    def __init__(self, folder: Path, recorder: Recorder, ports: dict[str, int], seconds: float) -> None:
        self.failed: list[str] = []
        self._stopping = threading.Event()
        self._tools: list[subprocess.Popen[str]] = []
        self._seconds = max(1, round(seconds))
        self._ports, self._recorder = ports, recorder
        inbound, streams, outbound = (
            f"http://{HOST}:{port}" for port in (recorder.inbound, recorder.streams, recorder.outbound)
        )
        scripts = {
            "kept": ('""', "", PAUSE),
            "closed": ('""', ', ["Connection"] = "close"', 20),
            "hosts": (f'"http://127.0.0." .. 1 + number % {HOSTS} .. ":{ports["http"]}"', "", 0),
        }
        for name, (base, more, wait) in scripts.items():
            script = LUA.replace("BASE", base).replace("MORE", more).replace("WAIT", str(wait))
            (folder / f"{name}.lua").write_text(script)
        lasting = self._seconds * LASTING
        tools = [
            ["wrk", "-t1", "-c16", f"-d{lasting}s", "-s", str(folder / "kept.lua"), inbound],
            ["wrk", "-t1", "-c1", f"-d{self._seconds}s", "-s", str(folder / "closed.lua"), inbound],
            ["wrk", "-t1", "-c2", f"-d{self._seconds}s", "-s", str(folder / "hosts.lua"), outbound],
            ["h2load", "-t1", "-c2", "-m4", f"--rps={RATE}", f"-D{lasting}", f"{streams}/orders/2"],
        ]
        jobs = [(self._tool, (argv,)) for argv in tools]
        self._threads = [threading.Thread(target=run, args=given, daemon=True) for run, given in jobs]
        self._threads += [threading.Thread(target=run, daemon=True) for run in (self._leave, self._tunnel)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End everything."""
        self._stopping.set()
        for tool in self._tools:
            tool.terminate()
        for thread in self._threads:
            thread.join(60)

    def _tool(self, argv: Sequence[str]) -> None:
        while not self._stopping.is_set():
            tool = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self._tools.append(tool)
            said, _ = tool.communicate()
            if self._stopping.is_set():
                return
            if tool.returncode or WRONG.search(said) or ANSWERED.search(said) is None:
                self.failed.append(said)
                return

    def _leave(self) -> None:
        """Clients that go: at once, in the middle of a head, before their answer; by a reset, or by an end."""
        chance = random.Random(1)
        while not self._stopping.is_set():
            with suppress(OSError), socket.create_connection((HOST, self._recorder.inbound), 10) as client:
                what = chance.choice([b"", b"GET /cut HTTP/1.1\r\nHo", b"GET /left HTTP/1.1\r\nHost: shop\r\n\r\n"])
                client.sendall(what)
                if chance.random() < 0.5:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._stopping.wait(0.05)

    def _tunnel(self) -> None:
        """TLS through the forward proxy to one host after another."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        number = 0
        while not self._stopping.is_set():
            number += 1
            client = http.client.HTTPSConnection(HOST, self._recorder.outbound, timeout=60, context=context)
            client.set_tunnel(host(number % HOSTS), self._ports["https"])
            try:
                client.request("GET", f"/tunnel/{number}")
                if client.getresponse().read()[:1] != b"{":
                    self.failed.append(f"/tunnel/{number} was not answered by the origin")
            except OSError as error:
                self.failed.append(f"/tunnel/{number}: {error}")
                return
            finally:
                client.close()
            self._stopping.wait(0.25)


def soak(exchanges: int, seconds: float) -> list[Sample]:
    """The samples of one recording of ``exchanges``."""
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        folder = Path(temporary)
        with origin(folder) as ports, recording(folder, ports) as recorder:
            samples = [recorder.sample()]
            loads = Loads(folder, recorder, ports, seconds)
            shown = 0
            while samples[-1].exchanges < exchanges and not loads.failed:
                time.sleep(EVERY)
                samples.append(recorder.sample())
                if samples[-1].exchanges * 20 // exchanges > shown:
                    shown = samples[-1].exchanges * 20 // exchanges
                    print(_line(samples[-1]), file=sys.stderr)
            loads.stop()
            if loads.failed:
                sys.exit(f"soak: a client did not get through:\n{loads.failed[0]}")
            return samples


def _line(sample: Sample) -> str:
    parts = ", ".join(f"{name} {megabytes:.0f}" for name, megabytes in sorted(sample.memory.items()))
    bar = "#" * round(sample.total / 5)
    return f"soak: {sample.exchanges:>9,} {sample.at:>6.0f} s {sample.total:>6.1f} MB {bar} ({parts})"


def slope(samples: Sequence[Sample]) -> float:
    """Bytes more for every exchange: least squares."""
    count = len(samples)
    middle = sum(one.exchanges for one in samples) / count, sum(one.total for one in samples) / count
    spread = sum((one.exchanges - middle[0]) ** 2 for one in samples)
    together = sum((one.exchanges - middle[0]) * (one.total - middle[1]) for one in samples)
    return 1e6 * together / spread if spread else 0.0


def measure(*, quick: bool = False, exchanges: int = USUAL) -> list[Ratio]:
    """The memory at the end against the memory once caches are full."""
    if quick:
        exchanges = QUICK
    what, peer, goal = f"recording of {exchanges:,} exchanges of all kinds: memory at the end", "at a fifth", "<= 1.1 x"
    absent = missing("nginx", "wrk", "h2load")
    if absent:
        return [Ratio(what, peer, None, goal, f"needs {', '.join(absent)}")]
    samples = soak(exchanges, 1.0 if quick else ROUND)
    later = [sample for sample in samples if sample.exchanges >= exchanges * FIRST]
    first, last = later[0], later[-1]
    highest = max(sample.total for sample in samples)
    detail = (
        f"{first.total:.0f} MB, then {last.total:.0f} MB, at most {highest:.0f} MB; {slope(later):+,.0f} bytes for "
        f"each exchange; {last.exchanges / last.at:,.0f} exchanges/s; none lost"
    )
    return [Ratio(what, peer, last.total / first.total, goal, detail)]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure once and print the row."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exchanges", type=int, default=USUAL, metavar="N")
    options = parser.parse_args(argv)
    if options.exchanges < 100:
        print("soak: --exchanges wants 100 or more.", file=sys.stderr)
        return 2
    print(render(measure(exchanges=options.exchanges)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
