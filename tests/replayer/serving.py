"""A stub server in a thread of its own, on a desk that answers from a table."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from captures.model import Request, Response
from captures.trust import Authority
from replayer.stubs import Answer, Server, StubServer


class Desk:
    """Answers from a table of ``METHOD url``; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answers: dict[str, Answer] = {}
        self.refused: set[tuple[str, int]] = set()
        self.distrusts: list[str] = []

    def refuse(self, host: str, port: int) -> bool:
        return (host, port) in self.refused

    def distrusted(self, host: str, port: int, why: str) -> None:
        self.distrusts.append(f"{host}:{port}")

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        default = Answer(Response(200, ((b"Content-Length", b"2"), (b"x-A", b"1"), (b"X-a", b"2")), b"ok", b"Fine"))
        return self.answers.get(request.target.decode(), default)


class Running:
    """A stub server in a thread with a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk()
        self.authority = Authority.load_or_create(folder)
        self.trust = ssl.create_default_context(cafile=str(self.authority.certificate_path))
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.stubs = StubServer(self.desk, self.authority)
        self.proxy = self.listen()

    def listen(self, server: Server | None = None, port: int = 0) -> str:
        future: Future[str] = asyncio.run_coroutine_threadsafe(self.stubs.listen(server, port=port), self.loop)
        return future.result(5)

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(proxy=self.proxy, verify=self.trust, trust_env=False, timeout=60, **more)

    def raw(self, data: bytes, url: str = "", *, half_close: bool = True) -> bytes:
        parts = urlsplit(url or self.proxy)
        with socket.create_connection((parts.hostname or "", parts.port or 0), 60) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.stubs.close(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()
