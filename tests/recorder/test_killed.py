"""``kill -9`` at any moment, of any of the recorder's processes, under load: a seeded series of such moments.

The file opens and is whole, what was answered more than a second before (longer where the machine stood still) is in
it, the next recording is not held up, and neither a process nor a port is left behind.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from captures.store import Capture
from captures.writer import CaptureWriter, is_being_written
from recorder.listeners import LOOPBACK
from tests.captures.making import exchange
from tests.pace import Pace
from tests.recorder.conftest import Lab, head, until
from tests.recorder.running import Start, descendants, gone, traffic

pytestmark = pytest.mark.slow

KILLS = 20
SERVICE = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (self.path * 2000)[:8000].encode()
        self.send_response_only(200)
        self.send_header("Content-Length", "8000")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def answer(path: str) -> bytes:
    """What the service answers to ``path``, whoever it is."""
    return b"HTTP/1.0 200 OK\r\nContent-Length: 8000\r\nConnection: close\r\n\r\n" + (path * 2000)[:8000].encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer((await head(reader)).split()[1].decode()))
    await writer.drain()


def accepts(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), 1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("number", range(KILLS))
def test_a_kill_at_any_moment(lab: Lab, start: Start, number: int) -> None:
    chance = random.Random(number)
    rotation = ("--rotate", "1MB") if chance.random() < 0.3 else ()
    if chance.random() < 0.4:
        recorder = start("--inbound", "0", *rotation, "--", sys.executable, "-c", SERVICE, "{port}")
    else:
        recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(serve)}", *rotation)
    port = recorder.port("inbound")
    parent, family = recorder.process.pid, descendants(recorder.process.pid)
    proxies = [pid for pid in family if b"recorder." in Path(f"/proc/{pid}/cmdline").read_bytes()]
    killed = chance.choice([proxies, [parent], [parent, *proxies], [chance.choice(proxies)]])
    with Pace(recorder.capture.parent) as pace, traffic(port, answer, clients=3) as running:
        running.more(1)
        time.sleep(chance.uniform(0.0, 2.5))  # the moment is the test's subject: nothing is waited for
        running.stop()
        at = time.monotonic()
        others = [pid for pid in killed if b"recorder.scribe" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        if not others:  # another writing process takes its place
            recorder.event("warning")
            recorder.process.send_signal(signal.SIGINT)
        until(lambda: all(map(gone, [parent, *family])), "the end of every process")
        running.wait()
    assert not accepts(port)
    there: set[str] = set()
    for path in recorder.capture.parent.glob("cli*.sqlite"):
        with Capture.open(path) as capture:
            assert capture.damage() == []
            there |= {one.request.target.decode() for one in capture.exchanges()}
        assert not is_being_written(path)
    missing = {path for path, when in running.answered.items() if when < at - pace.allowed(1.0)} - there
    assert not missing
    with CaptureWriter(recorder.capture, mode="record") as writer:
        writer.put(exchange(writer.reserve_id()))
        assert writer.close().written == 1
    with Capture.open(recorder.capture) as capture:
        assert capture.damage() == []
