"""A service whose answers move by themselves, for ``retape learn``: ``python restless.py PORT [MODE]``.

What moves can only be known by repetition: a stock level, an optional field that comes and goes, an array in another
order, one word of three, a colour, a measure. ``served`` counts from the start of the process, so it moves in no
replay; ``region`` is ``$RESTLESS_REGION``, which differs between recording and replay and is the same in all replays.
MODE seeds a drift at one of those places: ``type``, ``range``, ``word``, ``colour``, ``gone``, ``item``.
"""

import itertools
import json
import os
import pathlib
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE = sys.argv[2] if len(sys.argv) > 2 else ""
STARTED = time.monotonic()
# Other values at every start, and the same ones in every run of the tests: chance may not decide about them.
STARTS = pathlib.Path("restless.starts")
STARTS.write_text(str(int(STARTS.read_text()) + 1 if STARTS.exists() else 1))
random.seed(int(STARTS.read_text()))
SERVED = itertools.count(1)


def stock(sku: str) -> dict[str, object]:
    sizes = ["s", "m", "l", "xl", "xxl"]
    random.shuffle(sizes)
    value: dict[str, object] = {
        "sku": sku,
        "name": f"Shirt {sku}",
        "price": 12.5,
        "level": random.randint(1, 100),
        "colour": f"#{random.randrange(16**6):06x}",
        "mood": random.choice(["calm", "busy", "closing"]),
        "sizes": sizes,
        "served": next(SERVED),
        "load": {"factor": round(random.uniform(0.2, 0.9), 4), "workers": 4},
        "uptime": time.monotonic() - STARTED,
        "region": os.environ.get("RESTLESS_REGION", "north"),
    }
    if random.random() < 0.5:
        value["promotion"] = "summer"
    if MODE == "type":
        value["level"] = str(value["level"])
    if MODE == "range":
        value["level"] = 5_000
    if MODE == "word":
        value["mood"] = "furious"
    if MODE == "colour":
        value["colour"] = "rebeccapurple"
    if MODE == "gone":
        del value["mood"]
    if MODE == "item":
        sizes.append("xxxl")
    return value


class Restless(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/random":
            answer: object = {name: random.randrange(10**6) for name in ("a", "b", "c", "d")}
        elif self.path == "/flapping":
            answer = {"ok": True}
        else:
            answer = stock(self.path.removeprefix("/stock/"))
        body = json.dumps(answer).encode()
        flaps = self.path == "/flapping" and random.random() < 0.5
        self.send_response(503 if flaps else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Restless).serve_forever()
