"""What is large passes at once and gathers nowhere: measured on the recorder's own processes."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from captures.store import Capture
from tests.recorder.conftest import Lab, connect, head, read_until, until
from tests.recorder.running import Recorder, Start, descendants
from tests.recorder.test_websocket import HANDSHAKE, echo, frame

pytestmark = pytest.mark.slow  # real processes, and hundreds of megabytes

CHUNK = bytes(range(256)) * 4096  # 1 MiB
SIZE = 300 * len(CHUNK)
ROOM = 60_000  # kilobytes that the recorder may grow by: a fifth of what passes


def peak(recorder: Recorder) -> int:
    """The most memory the recorder's processes ever had, the proxy's and the writer's, in kilobytes."""
    lines = [
        line
        for pid in [recorder.process.pid, *descendants(recorder.process.pid)]
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    ]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def digest() -> str:
    whole = hashlib.sha256()
    for _ in range(SIZE // len(CHUNK)):
        whole.update(CHUNK)
    return whole.hexdigest()


def pieces(client: socket.socket) -> Iterator[bytes]:
    while piece := client.recv(1 << 18):
        yield piece


@pytest.fixture
def recorded(start: Start, lab: Lab) -> Iterator[tuple[Recorder, dict[str, int]]]:
    """A recorder before an origin that sends (GET) or takes (PUT) 300 MiB, and what that has sent."""
    state = {"sent": 0}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await head(reader)
        whole = hashlib.sha256()
        if asked.startswith(b"PUT"):
            while state["sent"] < SIZE:
                piece = await reader.read(1 << 18)
                whole.update(piece)
                state["sent"] += len(piece)
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + whole.hexdigest().encode())
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % SIZE)
        while state["sent"] < SIZE:
            writer.write(CHUNK)
            await writer.drain()
            state["sent"] += len(CHUNK)

    origin = lab.origin(handle)
    recorder = start("--inbound", f"0=http://127.0.0.1:{origin}", "--max-body", "1MB")
    recorder.port("inbound")
    yield recorder, state
    assert recorder.end()[0] == 0


def test_a_download_passes_at_once_and_a_slow_client_holds_it_back(recorded: tuple[Recorder, dict[str, int]]) -> None:
    recorder, state = recorded
    with connect(recorder.port("inbound")) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += client.recv(1)
        before = peak(recorder)
        seen = [-1, -2]

        def stands_still() -> bool:
            seen.append(state["sent"])
            return len(seen) > 40 and len(set(seen[-40:])) == 1

        until(stands_still, "the origin to wait for the client")
        assert state["sent"] < SIZE / 2, "the first bytes have come, and most are not sent yet"
        whole = hashlib.sha256()
        for piece in pieces(client):
            whole.update(piece)
        assert whole.hexdigest() == digest()
    until(lambda: recorder.capture.exists() and Capture.open(recorder.capture).count(), "the exchange on disk")
    assert peak(recorder) - before < ROOM
    (exchange,) = recorder.exchanges()
    assert exchange.body_truncated
    assert exchange.response.body == CHUNK[: 64 * 1024]
    assert exchange.notes == {"response_body_length": SIZE, "response_body_sha256": digest()}


def test_an_upload_passes_and_gathers_nowhere(recorded: tuple[Recorder, dict[str, int]]) -> None:
    recorder, _ = recorded
    with connect(recorder.port("inbound")) as client:
        before = peak(recorder)
        client.sendall(b"PUT /large HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(SIZE // len(CHUNK)):
            client.sendall(CHUNK)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
    assert peak(recorder) - before < ROOM
    until(lambda: recorder.exchanges(), "the exchange on disk")
    (exchange,) = recorder.exchanges()
    assert exchange.request.body == CHUNK[: 64 * 1024]
    assert exchange.notes == {"request_body_length": SIZE, "request_body_sha256": digest()}


def test_a_socket_that_says_much_gathers_nothing_and_leaves_it_behind_when_killed(start: Start, lab: Lab) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(echo)}")
    words = [b"%04d" % number + b"x" * 116 for number in range(1000)]
    with connect(recorder.port("inbound")) as client:
        client.sendall(HANDSHAKE)
        read_until(client, b"\r\n\r\n")

        def say(times: int) -> None:
            for _ in range(times):
                for word in words[:: len(words) // 100]:
                    client.sendall(frame(1, word))
                    read_until(client, word)

        say(5)
        before = peak(recorder)
        say(100)
        until(lambda: Capture.open(recorder.capture).message_count() == 21_000, "the messages on disk")
        assert peak(recorder) - before < 15_000, "20,000 messages of 120 bytes"
        recorder.process.kill()
        recorder.process.wait()
    with Capture.open(recorder.capture) as capture:
        assert capture.damage() == []
        assert capture.message_count(1) == 21_000
        assert capture.exchange(1).request.target == b"/ws"
