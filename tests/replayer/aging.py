"""A service of several builds: ``python aging.py PORT new|old|calm|slow``.

``old`` and ``new`` have another title than was recorded, and a stock that moves; ``new`` another price, too. ``calm``
answers as recorded, ``slow`` does so after a sixth of a second: more than a busy machine adds to a median.
"""

import itertools
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUILD = sys.argv[2]
STOCK = itertools.count(os.getpid() * 7)


class Aging(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        answer = {"id": int(self.path.rpartition("/")[2]), "price": 10, "title": "Shirt", "stock": 5}
        if BUILD in ("old", "new"):
            answer |= {"title": "Blouse", "stock": next(STOCK)}
        if BUILD == "new":
            answer["price"] = 11
        if BUILD == "slow":
            time.sleep(1 / 6)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Aging).serve_forever()
