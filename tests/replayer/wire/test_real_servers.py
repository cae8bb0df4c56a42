"""The client against servers that people run: hypercorn (HTTP/1.1 and HTTP/2, with and without TLS) and nginx."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from captures.model import Request
from captures.service import free_port
from captures.trust import Authority
from replayer import loops
from replayer.client import Client, Outcome, Target
from replayer.plan import Connections, HttpVersion

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with the body it got, twice, and says which protocol it got it by."""
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind.endswith("shutdown"):
                return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = [(b"x-spoken", scope["http_version"].encode()), *((b"x-" + name, v) for name, v in scope["headers"])]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def hypercorn(folder: Path | None) -> AsyncIterator[Target]:
    """With TLS, and then ALPN, where there is a folder for the certificate."""
    config_module = pytest.importorskip("hypercorn.config")
    from hypercorn.asyncio import serve

    port = free_port()
    config = config_module.Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.accesslog = config.errorlog = None
    config.h2_max_concurrent_streams = 10
    if folder is not None:
        authority = Authority.load_or_create(folder)
        context = authority.leaf_context("127.0.0.1")
        context.set_alpn_protocols(["h2", "http/1.1"])
        config.create_ssl_context = lambda: context
        config.certfile = config.keyfile = "made above"
    stop = asyncio.Event()
    task = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            assert not task.done()
            await asyncio.sleep(0.01)
        else:
            writer.close()
            break
    try:
        yield Target("http" if folder is None else "https", "127.0.0.1", port)
    finally:
        stop.set()
        await task


def request(number: int, version: str, body: bytes = b"") -> Request:
    headers = ((b"Host", b"shop.test"), (b"N", b"%d" % number), (b"Content-Length", b"%d" % len(body)))
    return Request("POST", "http", "shop.test", 80, b"/%%2F?n=%d" % number, headers, body, http_version=version)


@pytest.mark.parametrize("tls", [False, True], ids=["cleartext", "TLS"])
@pytest.mark.parametrize("recorded", ["HTTP/1.1", "HTTP/2.0"])
@pytest.mark.parametrize("connections", Connections)
@pytest.mark.parametrize("run", [asyncio.run, loops.run], ids=["asyncio", "fastest loop"])
def test_hypercorn(
    tls: bool, recorded: str, connections: Connections, run: Callable[[Any], Any], tmp_path: Path
) -> None:
    async def sent() -> list[Outcome]:
        async with hypercorn(tmp_path if tls else None) as target:
            client = Client(target, timeout=60, connections=connections)
            try:
                small = [client.send(request(n, recorded, b"%d" % n), connection=f"c{n % 4}") for n in range(200)]
                big = client.send(request(200, recorded, b"x" * 2_000_000), connection="big")
                return await asyncio.gather(*small, big)
            finally:
                await client.close()

    outcomes: list[Outcome] = run(sent())
    for number, outcome in enumerate(outcomes):
        assert outcome.failure is None
        assert outcome.response is not None
        headers = dict(outcome.response.headers)
        assert headers[b"x-n"] == b"%d" % number
        assert headers[b"x-spoken"] == (b"1.1" if recorded == "HTTP/1.1" else b"2")
        assert outcome.response.body == (b"%d" % number * 2 if number < 200 else b"x" * 4_000_000)


NGINX_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 7; default_type text/plain;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{plain}; listen 127.0.0.1:{two} http2; location / {{ return 200 '$request_uri'; }} }}
}}
"""


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@pytest.mark.parametrize("version", [HttpVersion.ONE, HttpVersion.TWO])
def test_nginx_that_ends_each_connection_after_seven_requests(version: HttpVersion, tmp_path: Path) -> None:
    """By ``Connection: close`` and by GOAWAY: no request is lost to either."""
    plain, two = free_port(), free_port()
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(NGINX_CONFIGURATION.format(folder=tmp_path, plain=plain, two=two))
    assert NGINX is not None
    server = subprocess.Popen([NGINX, "-e", str(tmp_path / "error.log"), "-c", str(configuration)])
    port = plain if version is HttpVersion.ONE else two

    async def sent() -> list[Outcome]:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                assert server.poll() is None
                await asyncio.sleep(0.01)
            else:
                writer.close()
                break
        client = Client(Target("http", "127.0.0.1", port), timeout=60, http_version=version)
        try:
            gate = asyncio.Semaphore(50)

            async def one(number: int) -> Outcome:
                async with gate:
                    return await client.send(request(number, "HTTP/1.1"), connection=f"c{number % 3}")

            return await asyncio.gather(*(one(number) for number in range(300)))
        finally:
            await client.close()

    try:
        outcomes = asyncio.run(sent())
    finally:
        server.terminate()
        server.wait()
    assert [outcome.failure for outcome in outcomes] == [None] * 300
    bodies = [outcome.response.body for outcome in outcomes if outcome.response]
    assert bodies == [b"/%%2F?n=%d" % n for n in range(300)]
