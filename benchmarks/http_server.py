"""One server for all: nginx where it is installed (Debian: nginx-light), else Retape's own stub server."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from captures.model import Request, Response
from captures.service import free_port
from replayer.stubs import Answer, StubServer

BODY = json.dumps(
    {"items": [{"sku": f"SKU-{n}", "name": "a thing of the shop", "price": n} for n in range(16)]}
).encode()
"""1 KB of JSON, whatever is asked for."""

HEADERS = ((b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(BODY)))

CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{body}'; }} }}
}}
"""


def nginx() -> str | None:
    """Where nginx is; Debian keeps it off people's PATH."""
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, str]]:
    """The server's name and URL; it answers every GET with :data:`BODY`."""
    program = nginx()
    if program is None:
        server = subprocess.Popen([sys.executable, "-m", "benchmarks.http_server"], stdout=subprocess.PIPE)
        assert server.stdout is not None
        name, url = "our stub server", server.stdout.readline().decode().strip()
    else:
        port = free_port()
        configuration = folder / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port, body=BODY.decode()))
        server = subprocess.Popen([program, "-e", str(folder / "error.log"), "-c", str(configuration)])
        name, url = "nginx", f"http://127.0.0.1:{port}"
        _await_port(port)
    try:
        yield name, url
    finally:
        server.terminate()
        server.wait()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


class _Same:
    """Answers everything with the same bytes."""

    def refuse(self, host: str, port: int) -> bool:
        return False

    def distrusted(self, host: str, port: int, why: str) -> None:
        pass

    def answer(self, request: Request) -> Answer:
        return Answer(Response(200, HEADERS, BODY, b"OK"))


async def _serve() -> None:
    url = await StubServer(_Same(), None).listen()
    print(url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
