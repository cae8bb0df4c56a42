"""A laboratory: scripted origin servers on raw sockets, and the recorder's proxy running in a thread of the test."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import socket
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mitmproxy", reason="recording needs the extra retape[record]")

from captures.model import Exchange
from captures.redacting.redaction import Redactor
from captures.redacting.secret_messages import message_redactor
from captures.store import Capture
from captures.trust import Authority
from captures.writer import CaptureWriter
from recorder.listeners import LOOPBACK, Listener, Role, Target
from recorder.plan import ProxyPlan
from recorder.proxy import serve

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what mitmproxy's dependencies say while they are imported is not ours to mend
    importlib.import_module("recorder.mends")

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DEADLINE = 60.0  # seconds, for a busy machine: what succeeds does not wait


def until(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Poll ``condition`` until it is true; its value."""
    deadline = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {DEADLINE:g} s"
        time.sleep(0.005)
    return value


class Loop:
    """An event loop in a thread, for scripted servers."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []

    def origin(self, handler: Handler, **options: Any) -> int:
        """Serve connections with ``handler`` (which need not close them); the port."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
            with suppress(OSError):
                writer.close()

        async def start() -> asyncio.Server:
            return await asyncio.start_server(connected, LOOPBACK, 0, **options)

        server = asyncio.run_coroutine_threadsafe(start(), self.loop).result(DEADLINE)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop everything."""

        async def stop() -> None:
            for server in self._servers:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self.loop).result(DEADLINE)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(DEADLINE)
        self.loop.close()


class Running:
    """A proxy that records."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.commands: asyncio.Queue[str] | None = None
        self.error: BaseException | None = None

    def port(self, index: int = 0) -> int:
        """Where listener ``index`` listens."""
        return int(next(e["port"] for e in self.events if e["event"] == "listening" and e["index"] == index))

    def command(self, text: str) -> None:
        """``drain``, ``stop`` or ``now``."""
        assert self.loop is not None
        assert self.commands is not None
        self.loop.call_soon_threadsafe(self.commands.put_nowait, text)

    def last(self, name: str) -> dict[str, Any]:
        """The latest event called ``name``."""
        return [event for event in self.events if event["event"] == name][-1]

    def has(self, name: str) -> bool:
        """Whether there was an event called ``name``."""
        return any(event["event"] == name for event in self.events)


class Lab:
    """Runs proxies on a capture file of its own."""

    def __init__(self, folder: Path, loop: Loop, authority_folder: Path) -> None:
        self.capture = folder / "lab.sqlite"
        self.authority = Authority.load_or_create(shutil.copytree(authority_folder, folder / "ca"))
        self.origin = loop.origin
        self._loop = loop
        self.folder = folder

    @contextmanager
    def recording(
        self,
        *listeners: Listener,
        prepare: Callable[[Exchange], Exchange] | None = None,
        redacted: bool = False,
        **plan: Any,
    ) -> Iterator[Running]:
        """Record on ``listeners`` inside the block; at its end everything is on disk. ``prepare``: the writer's."""
        running = Running()
        settings = {"drain": 2.0, **plan}
        proxy_plan = ProxyPlan(str(self.capture), listeners, str(self.authority.directory), b"k" * 32, **settings)

        async def main() -> None:
            running.loop = asyncio.get_running_loop()
            running.commands = asyncio.Queue()
            redactor = Redactor(b"k" * 32)
            writer = CaptureWriter(
                self.capture,
                mode="record",
                prepare=redactor.exchange if redacted else prepare,
                prepare_messages=message_redactor(redactor) if redacted else None,
                max_queued_bytes=proxy_plan.max_queue,
                blocks=proxy_plan.blocks,
            )
            try:
                await serve(proxy_plan, writer, lambda **event: running.events.append(event), running.commands)
            finally:
                writer.close()

        def run() -> None:
            try:
                asyncio.run(main())
            except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
                running.error = error

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        until(lambda: running.has("started") or running.error, "the proxy's start")
        if running.error is not None:
            raise running.error
        try:
            yield running
        finally:
            if not running.has("done"):
                running.command("stop")
            thread.join(DEADLINE)
        if running.error is not None:
            raise running.error
        assert not thread.is_alive()

    def exchanges(self) -> list[Exchange]:
        """What is on the tape."""
        with Capture.open(self.capture) as capture:
            return list(capture.exchanges())

    def count(self) -> int:
        """How many exchanges are on disk right now."""
        with Capture.open(self.capture) as capture:
            return capture.count()

    def call(self, function: Callable[[], Any]) -> None:
        """Call ``function`` on the scripted servers' loop."""
        self._loop.loop.call_soon_threadsafe(function)

    def only(self) -> Exchange:
        """The one exchange on the tape."""
        (exchange,) = self.exchanges()
        return exchange


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """mitmproxy 11 calls pyOpenSSL in ways that newer pyOpenSSL deprecates: not ours to mend."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.filterwarnings(r"ignore::DeprecationWarning:mitmproxy\..*"))


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """One event loop for all scripted servers."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def lab(tmp_path: Path, loop: Loop, authority_folder: Path) -> Lab:
    """A laboratory."""
    return Lab(tmp_path, loop, authority_folder)


@pytest.fixture
def start(tmp_path: Path, authority_folder: Path) -> Iterator[Callable[..., Any]]:
    """Starts recorders (``tests.recorder.running``), and ends what the test left running."""
    from tests.recorder.running import Recorder

    started: list[Recorder] = []
    shutil.copytree(authority_folder, tmp_path / "state")

    def run(*arguments: str, **options: Any) -> Recorder:
        started.append(Recorder(tmp_path, *arguments, **options))
        return started[-1]

    yield run
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def inbound(port: int, scheme: str = "http") -> Listener:
    """An inbound listener in front of ``port``."""
    return Listener(Role.INBOUND, LOOPBACK, 0, Target(scheme, LOOPBACK, port))


def outbound() -> Listener:
    """A forward proxy."""
    return Listener(Role.OUTBOUND, LOOPBACK, 0)


def connect(port: int) -> socket.socket:
    """A raw client connection."""
    return socket.create_connection((LOOPBACK, port), DEADLINE)


def ask(port: int, request: bytes) -> bytes:
    """Send ``request`` on a connection of its own and read until the server closes it."""
    with connect(port) as client:
        client.sendall(request)
        return read_all(client)


def read_all(client: socket.socket) -> bytes:
    """Everything until the end (or a reset)."""
    received = bytearray()
    with suppress(ConnectionResetError):
        while chunk := client.recv(65536):
            received += chunk
    return bytes(received)


def read_until(client: socket.socket, ending: bytes) -> bytes:
    """Everything up to and including ``ending``."""
    received = bytearray()
    while not received.endswith(ending):
        chunk = client.recv(65536)
        assert chunk, f"closed after {bytes(received)!r}"
        received += chunk
    return bytes(received)


async def head(reader: asyncio.StreamReader) -> bytes:
    """A request's head."""
    return await reader.readuntil(b"\r\n\r\n")


def answering(answer: bytes, body: int = 0) -> Handler:
    """An origin that reads a head and ``body`` bytes, sends ``answer`` and closes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        if body:
            await reader.readexactly(body)
        writer.write(answer)
        await writer.drain()

    return handle
