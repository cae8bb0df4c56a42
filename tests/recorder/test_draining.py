"""How a recording ends: what a client was told is on the tape, and what is under way is brought to its end."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
from collections.abc import Callable

import pytest

from recorder import proxy as proxying
from recorder.tape import Tape
from tests.recorder.conftest import DEADLINE, Lab, answering, connect, head, inbound, read_until, until

pytestmark = pytest.mark.slow  # a real proxy for each

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(path: bytes = b"/") -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path


def after_the_head(go_on: asyncio.Event) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]:
    """An origin that sends the head of :data:`OK`, and its body when it is told to."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(OK[:-2])
        await go_on.wait()
        writer.write(OK[-2:])
        await reader.read()

    return handle


def test_the_last_byte_leaves_after_the_exchange_is_on_the_tape(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a whole answer may stop the recording at once: the exchange is complete by then."""
    go_on = asyncio.Event()
    client = socket.socket()
    early: list[bool] = []
    put = Tape._put

    def watching(*arguments: object) -> None:
        put(*arguments)  # type: ignore[arg-type]
        early.append(bool(select.select([client], [], [], 0)[0]))

    monkeypatch.setattr(Tape, "_put", watching)
    with lab.recording(inbound(lab.origin(after_the_head(go_on)))) as proxy, client:
        client.connect(("127.0.0.1", proxy.port()))
        client.sendall(get())
        read_until(client, b"\r\n\r\n")
        lab.call(go_on.set)
        read_until(client, b"ok")
    assert early == [False]
    assert lab.only().failure is None


def test_what_is_open_has_the_time_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    settle = proxying._settle

    async def watched(settled: Callable[[], bool], seconds: float, commands: asyncio.Queue[str]) -> bool:
        given.append(seconds)
        return await settle(settled, seconds, commands)

    monkeypatch.setattr(proxying, "_settle", watched)
    recording = lab.recording(inbound(lab.origin(after_the_head(asyncio.Event()))), drain=0.05)
    with recording as proxy, connect(proxy.port()) as client:
        client.sendall(get())
        read_until(client, b"\r\n\r\n")
        proxy.command("drain")
        until(lambda: proxy.has("drained"))
        proxy.command("stop")
        until(lambda: proxy.has("done"))
    assert given == [0.05, 0.0]


@pytest.mark.parametrize(("command", "opened"), [("drain", "before"), ("stop", "just now")])
def test_a_request_that_has_arrived_is_answered(lab: Lab, command: str, opened: str) -> None:
    """The loop is held while the command and the request arrive, so that it finds both at once."""
    with lab.recording(inbound(lab.origin(answering(OK)))) as proxy, socket.socket() as client:
        held, go_on = threading.Event(), threading.Event()
        if opened == "before":
            client.connect(("127.0.0.1", proxy.port()))
            client.sendall(get(b"/first"))
            read_until(client, b"ok")

        def hold() -> None:
            assert proxy.commands is not None
            proxy.commands.put_nowait(command)
            held.set()
            go_on.wait(DEADLINE)

        assert proxy.loop is not None
        proxy.loop.call_soon_threadsafe(hold)
        held.wait(DEADLINE)
        if opened == "just now":
            client.connect(("127.0.0.1", proxy.port()))
        client.sendall(get(b"/last"))
        go_on.set()
        read_until(client, b"ok")
        if command == "drain":
            until(lambda: proxy.has("drained"))
    assert lab.exchanges()[-1].request.target == b"/last"
    assert [one.failure for one in lab.exchanges() if one.failure] == []
