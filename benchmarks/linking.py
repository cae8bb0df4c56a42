"""How many outbound calls are laid to the request that made them, under 50 requests at once.

A real service (threads, one process) makes four calls for each request to a real dependency (another process), through
``retape record``; each call says in a short number whose it is, which no evidence rests on. Some clients send one token
in several requests at once, and a thread of the service calls on its own account with ids of requests that are open.
Measured with a service that passes ``traceparent`` on, with one that knows of no traces (a connection for each request,
or a pool of them), and with one that passes on what ``--inject-trace`` gave it.

    python -m benchmarks linking --requests 400
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.table import Ratio, render
from captures.model import CauseHow, Direction, Exchange

AT_ONCE = 50
CALLS = 4  # outbound, for each request
CERTAIN = (CauseHow.TRACE_HEADER, CauseHow.WINDOW)

DEPENDENCY = r"""
import hashlib, http.server, json, random, sys, time

class Dependency(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def answer(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(random.uniform(0.002, 0.02))
        body = json.dumps({"account": "acc_" + hashlib.sha256(asked).hexdigest()[:20], "rate": 1.25}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
    def log_message(self, *_):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

server = Server(("127.0.0.1", 0), Dependency)
print(server.server_port, flush=True)
server.serve_forever()
"""

SERVICE = r"""
import collections, http.client, http.server, json, os, random, secrets, sys, threading, time, urllib.parse

port, passes_on, pooled = int(sys.argv[1]), sys.argv[2] == "traced", sys.argv[3] == "pooled"
dependency = urllib.parse.urlsplit(os.environ["BANK_URL"]).netloc
pool, lock, active = [], threading.Lock(), collections.deque(maxlen=20)
count = 0

def take():
    with lock:
        if pooled and pool:
            return pool.pop(0)
    return http.client.HTTPConnection(dependency)

def give(connection):
    with lock:
        pool.append(connection)

def call(connection, method, target, headers, body=b""):
    connection.request(method, target, body or None, headers)
    return json.loads(connection.getresponse().read())

class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_POST(self):
        global count
        number = urllib.parse.parse_qs(self.path.partition("?")[2])["n"][0]
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        trace = {}
        if passes_on and self.headers["traceparent"]:
            version, identity, _, flags = self.headers["traceparent"].split("-")
            trace = {"traceparent": "-".join([version, identity, secrets.token_hex(8), flags])}
        with lock:
            count += 1
        active.append(asked["customer"])
        own = None if pooled else take()
        def make(method, target, headers, body=b""):
            connection = take() if pooled else own
            answer = call(connection, method, f"{target}?n={number}", {**trace, **headers}, body)
            if pooled:
                give(connection)
            return answer
        steps = [
            lambda: make("GET", "/rates", {}),
            lambda: make("POST", "/charges", {"Authorization": self.headers["Authorization"]}, b'{"amount": 12}'),
            lambda: make("GET", "/accounts/" + make(
                "POST", "/customers", {}, json.dumps({"customer": asked["customer"]}).encode()
            )["account"], {}),
        ]
        random.Random(int(number)).shuffle(steps)
        for step in steps:
            step()
        if own is not None:
            own.close()
        with lock:
            count -= 1
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_):
        pass

def on_its_own_account():
    connection = http.client.HTTPConnection(dependency)
    while True:
        time.sleep(0.02)
        if count > 10:
            call(connection, "GET", f"/sync/{random.choice(active)}?n=0", {})

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

threading.Thread(target=on_its_own_account, daemon=True).start()
Server(("127.0.0.1", port), Service).serve_forever()
"""


@dataclass(slots=True)
class Score:
    """What became of the calls of one recording."""

    calls: int = 0  # that requests made
    certain: int = 0  # right, and claimed to be certain
    guessed: int = 0  # right, and marked as a guess
    wrong: list[str] = field(default_factory=list)  # claimed to be certain
    misled: list[str] = field(default_factory=list)  # wrong guesses
    open: int = 0  # laid to no single request
    own: int = 0  # calls of the service's own, left open as they should be
    hows: Counter[str] = field(default_factory=Counter)
    traced: bool = True  # no inbound request was recorded with a traceparent that its client did not send

    @property
    def right(self) -> float:
        """The share of the calls of requests that are laid to the right one."""
        return (self.certain + self.guessed) / max(self.calls, 1)

    @property
    def misled_calls(self) -> int:
        """Of calls of requests, the wrong guesses."""
        return self.calls - self.certain - self.guessed - self.open - self._wrong_calls

    @property
    def _wrong_calls(self) -> int:
        return sum("n=0" not in one for one in self.wrong)

    def __str__(self) -> str:
        return (
            f"{self.right:.1%} of {self.calls} calls right ({self.certain} certain, {self.guessed} marked as a guess), "
            f"{self.open} left open, {self.misled_calls} guessed wrong, {len(self.wrong)} wrong and certain; "
            f"of the service's own calls {len(self.misled) - self.misled_calls} guessed to be a request's, "
            f"{self.own} left open"
        )


def service(*, traced: bool, pooled: bool = False) -> list[str]:
    """The command of the service."""
    return [sys.executable, "-c", SERVICE, "{port}", "traced" if traced else "bare", "pooled" if pooled else "single"]


def record(
    folder: Path,
    *,
    traced: bool,
    pooled: bool = False,
    inject: bool = False,
    requests: int = 200,
    at_once: int = AT_ONCE,
) -> Score:
    """Record ``requests`` and score the links. ``traced``: the service passes ``traceparent`` on."""
    capture = folder / "linking.sqlite"
    environment = {**os.environ, "RETAPE_STATE_DIR": str(folder / "state")}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy"):
        environment.pop(name, None)
    dependency = subprocess.Popen([sys.executable, "-c", DEPENDENCY], stdout=subprocess.PIPE, text=True)
    recorder: subprocess.Popen[str] | None = None
    try:
        assert dependency.stdout is not None
        at = int(dependency.stdout.readline())
        argv = [
            sys.executable, "-m", "retape", "record", "--format", "json", "-o", str(capture), "--inbound", "0",
            "--dependency", f"bank=http://127.0.0.1:{at}@BANK_URL", *(["--inject-trace"] if inject else []),
            "--", *service(traced=traced, pooled=pooled),
        ]  # fmt: skip
        recorder = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment)
        assert recorder.stdout is not None
        port = 0
        for line in recorder.stdout:
            event = json.loads(line)
            if event["event"] == "listening" and event["role"] == "inbound":
                port = event["port"]
            if event["event"] == "ready":
                break
        _send(port, requests, at_once, with_trace=traced and not inject)
        recorder.send_signal(signal.SIGINT)
        recorder.stdout.read()
        if recorder.wait(60) not in (0, -signal.SIGINT):
            sys.exit(f"linking: retape record ended with {recorder.returncode}")
    finally:
        for process in (recorder, dependency):
            if process is not None:
                if process.poll() is None:
                    process.terminate()
                    process.wait(30)
                if process.stdout is not None:
                    process.stdout.close()
    return score(capture, expected=requests, inject=inject)


def _send(port: int, requests: int, at_once: int, *, with_trace: bool) -> None:
    numbers = iter(range(1, requests + 1))
    lock = threading.Lock()
    barrier = threading.Barrier(at_once)
    failures: list[str] = []
    shared = secrets.token_urlsafe(24)

    def client(index: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        token = shared if index % 10 == 0 else secrets.token_urlsafe(24)
        barrier.wait()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            if with_trace:
                headers["traceparent"] = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
            body = {"customer": str(uuid.uuid4()), "items": [{"sku": "SKU-1001", "count": random.randint(1, 9)}]}
            try:
                connection.request("POST", f"/orders?n={number}", json.dumps(body), headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    failures.append(f"{number}: {answer.status}")
            except OSError as error:
                failures.append(f"{number}: {error}")
                break
        connection.close()

    threads = [threading.Thread(target=client, args=(index,)) for index in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"linking: {len(failures)} requests failed, the first {failures[0]}")


def score(path: Path, *, expected: int, inject: bool) -> Score:
    """What the capture at ``path`` says of each call, beside whose it was."""
    from captures.store import Capture

    with Capture.open(path) as capture:
        exchanges = list(capture.exchanges())
    whose = {one.id: _number(one) for one in exchanges if one.direction is Direction.INBOUND}
    if len(whose) != expected:
        sys.exit(f"linking: {len(whose)} of {expected} requests were recorded")
    found = Score()
    for one in exchanges:
        if one.direction is Direction.INBOUND:
            if inject and any(name.lower() == b"traceparent" for name, _ in one.request.headers):
                found.traced = False
            continue
        _judge(one, whose, found)
    if found.calls != expected * CALLS:
        sys.exit(f"linking: {found.calls} of {expected * CALLS} calls were recorded")
    return found


def _judge(call: Exchange, whose: dict[int, int], found: Score) -> None:
    number, cause = _number(call), call.cause
    assert cause is not None
    if number:
        found.calls += 1
        found.hows[cause.how.value] += 1
    named = whose.get(cause.exchange) if cause.exchange is not None else None
    if named is None:
        found.open += number > 0
        found.own += number == 0
    elif named != number:
        (found.misled if cause.how.is_guess else found.wrong).append(f"{call.request.target!r}: {cause.evidence}")
    elif cause.how in CERTAIN:
        found.certain += 1
    else:
        found.guessed += 1


def _number(one: Exchange) -> int:
    match = re.search(rb"[?&]n=(\d+)", one.request.target)
    assert match is not None
    return int(match[1])


def measure(*, quick: bool = False, requests: int = 400) -> list[Ratio]:
    """Three rows: with traces, without, and with injected ones."""
    rows = []
    for what, goal, options in (
        ("links, 50 requests at once, the service passes traces on", "100 %", {"traced": True}),
        ("the same, injected by the recorder", "100 %", {"traced": True, "inject": True}),
        ("the same, no traces, a connection for each request", "none wrong and certain", {"traced": False}),
        ("the same, no traces, a pool of connections", "none wrong and certain", {"traced": False, "pooled": True}),
    ):
        with tempfile.TemporaryDirectory() as folder:
            found = record(Path(folder), requests=100 if quick else requests, **options)
        rows.append(Ratio(what, "whose call it really was", found.right, goal, str(found), share=True))
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Measure once and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400, help="of each measurement")
    print(render(measure(requests=parser.parse_args(argv).requests)))


if __name__ == "__main__":
    main()
