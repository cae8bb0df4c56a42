"""A service that is nasty to pin, standard library only: ``python shifty.py PORT [next]``.

Its list has another order each time, a counter counts every request, a field comes and goes, a level moves, ids are
new, and it keeps what was made. ``next`` is the next build: another price, another name of a field, another status.
"""

from __future__ import annotations

import itertools
import json
import sys
import uuid
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NEXT = sys.argv[2:] == ["next"]
COUNT = itertools.count(1)
NOTES: dict[str, dict[str, object]] = {}


def shirt() -> dict[str, object]:
    turn = next(COUNT)
    sizes = ["s", "m", "l", "xl"]
    sizes = sizes[turn % 4 :] + sizes[: turn % 4]  # never twice the same, and no chance in it
    value: dict[str, object] = {
        "sku": "A-1",
        "price": 13.5 if NEXT else 12.5,
        "served": turn,
        "level": turn * 37 % 101,
        "mood": ["calm", "busy", "closing"][turn % 3],
        "load": {"factor": turn / 8, "workers": 4},
        "sizes": sizes,
        "colours": ["red", "blue"],
    }
    if turn % 2:
        value["promotion"] = "summer"
    return value


class Shifty(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", f'"{zlib.crc32(body):08x}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        note = NOTES.get(self.path.rpartition("/")[2])
        if self.path == "/shirt":
            self.reply(200, shirt())
        elif self.path == "/notes":
            self.reply(200, {"count": len(NOTES), "notes": list(NOTES.values())})
        elif note is not None:
            self.reply(200, note)
        else:
            self.reply(410 if NEXT else 404, {"error": "no such note"})

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        identity = str(uuid.uuid4())
        NOTES[identity] = {"id": identity, "body" if NEXT else "text": said["text"], "number": len(NOTES) + 1}
        self.reply(201, NOTES[identity])


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shifty).serve_forever()
