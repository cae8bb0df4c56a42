"""How the three demo processes start: bind, serve until a signal."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette

HOST = "127.0.0.1"


def _leave(signal_number: int, frame: FrameType | None) -> None:
    sys.exit(0)  # an exception, so that temporary directories are removed on the way out


def serve(app: Starlette, port: int, *, key: Path | None = None, certificate: Path | None = None) -> None:
    """Serve ``app`` on loopback, over TLS when a key and a certificate are given.

    Port 0 takes a free one and says which, as one JSON line on stdout.
    """
    listener = socket.create_server((HOST, port), backlog=256)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, ssl_keyfile=key, ssl_certfile=certificate, timeout_keep_alive=60
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # uvicorn shuts down in order first, then raises the signal again
    if port == 0:
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    uvicorn.Server(config).run(sockets=[listener])
