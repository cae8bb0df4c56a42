"""A service that asks two dependencies, and can be built so that it ignores every proxy variable.

    python caller.py PORT [--direct] [--again] [--elsewhere] [--distrust]

``GET /price/CODE`` asks ``STOCK_URL`` and ``RATES_URL`` (HTTPS) and answers 502 with the reasons when one fails.
``--direct``: by sockets of its own, to the servers themselves. ``--again``: everything three times. ``--elsewhere``:
other pages of theirs, too. ``--distrust``: trusts nobody at TLS.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import ssl
import urllib.request
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Answers(BaseHTTPRequestHandler):
    """One page."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    options = argparse.Namespace()

    def do_GET(self) -> None:
        code = self.path.rpartition("/")[2]
        pages = [f"{os.environ['STOCK_URL']}/stock/{code}", f"{os.environ['RATES_URL']}/rates/{code}"]
        if self.options.elsewhere:
            pages += [f"{os.environ['STOCK_URL']}/v2/stock", f"{os.environ['RATES_URL']}/v2/rates"]
        found, wrong = [], []
        for page in pages * (3 if self.options.again else 1):
            try:
                found.append(self._direct(page) if self.options.direct else self._as_configured(page))
            except (OSError, ValueError) as error:  # urllib's errors are OSErrors
                wrong.append(f"{urlsplit(page).scheme}: {error}")
        body = json.dumps({"error": wrong} if wrong else {"stock": found[0], "rate": found[1]}).encode()
        self.send_response(502 if wrong else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _context(self) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if self.options.distrust else ssl.create_default_context()

    def _as_configured(self, page: str) -> object:
        with urllib.request.urlopen(page, timeout=10, context=self._context()) as answer:
            return json.load(answer)

    def _direct(self, page: str) -> object:
        parts = urlsplit(page)
        connection = HTTPConnection(str(parts.hostname), parts.port)
        plain = socket.create_connection((parts.hostname, parts.port), timeout=60)
        secure = parts.scheme == "https"
        connection.sock = self._context().wrap_socket(plain, server_hostname=parts.hostname) if secure else plain
        connection.request("GET", parts.path)
        return json.load(connection.getresponse())

    def log_message(self, *_: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for option in ("--direct", "--again", "--elsewhere", "--distrust"):
        parser.add_argument(option, action="store_true")
    Answers.options = parser.parse_args()
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", Answers.options.port), Answers).serve_forever()
