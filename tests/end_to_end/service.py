"""A tiny service with the bad habits the tests need.

    python service.py PORT [--die-after N]

``GET /items/N`` answers JSON; ``/slow/SECONDS`` later; ``/liar`` says JSON and sends none; ``/liar/fresh`` sends
another non-JSON each time; ``--die-after N`` drops dead on request N + 1, in the middle of it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

served = itertools.count(1)


ARRIVED = "a slow request has arrived"
"""Printed when it has: tests wait for it."""


class Answers(BaseHTTPRequestHandler):
    """One answer for each path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: 40 ms of delayed acknowledgement otherwise
    die_after = 0

    def do_GET(self) -> None:
        if self.die_after and next(served) > self.die_after:
            os._exit(3)
        kind, _, name = self.path.strip("/").partition("/")
        if kind == "items":
            self._answer(200, json.dumps({"item": name, "price": len(name) * 7, "tags": ["a", "b"]}).encode())
        elif kind == "slow":
            print(ARRIVED, flush=True)
            time.sleep(float(name))
            self._answer(200, b'{"slow": true}')
        elif kind == "liar":
            self._answer(200, b"<p>no JSON \xff\xfe %s</p>" % (uuid.uuid4().hex.encode() if name else b"at all"))
        elif kind == "big":
            self._answer(200, os.urandom(int(name)), "application/octet-stream")
        else:
            self._answer(404, b'{"error": "no such page"}')

    def _answer(self, status: int, body: bytes, media_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--die-after", type=int, default=0)
    arguments = parser.parse_args()
    Answers.die_after = arguments.die_after
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", arguments.port), Answers).serve_forever()
