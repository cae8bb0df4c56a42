"""What stands around the demo's shop while it is recorded: stock, payments, and customers. Standard library only."""

from __future__ import annotations

import json
import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CUSTOMERS = (
    ("ann", (("mug", 1), ("pen", 3))),
    ("ben", (("lamp", 1),)),
    ("cho", (("pen", 10), ("mug", 2), ("lamp", 1))),
    ("dee", (("lamp", 500),)),  # more than there are
    ("eli", (("mug", 4), ("sofa", 1))),  # which the shop does not have
    ("fay", (("pen", 1),)),
)
"""Who comes, and what each puts into a cart."""


class _Dependency(BaseHTTPRequestHandler):
    """``GET /stock/SKU`` and ``POST /charges``."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply(200, {"sku": self.path.rpartition("/")[2], "available": 100})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._reply(201, {"id": f"ch_{secrets.token_hex(8)}", "amount": asked["amount"], "status": "captured"})

    def _reply(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Nothing."""


@contextmanager
def dependency() -> Iterator[str]:
    """A dependency on a free port of loopback, until the end of the block; its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Dependency) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def shopping(url: str) -> int:
    """All customers, one after another, in the shop at ``url``; how many requests they made. Raises ``OSError``."""
    client = _Client(url)
    for name, wanted in CUSTOMERS:
        client.ask("GET", "/products")
        token = client.ask("POST", "/login", {"user": name, "password": f"{name}-and-the-demo"})["token"]
        client.token = token
        cart = client.ask("POST", "/carts", {})["id"]
        for sku, quantity in wanted:
            client.ask("GET", f"/products/{sku}")
            client.ask("POST", f"/carts/{cart}/items", {"sku": sku, "quantity": quantity})
        order = client.ask("POST", "/orders", {"cart": cart})
        client.ask("GET", f"/orders/{order.get('id', 'unknown')}")
        client.token = ""
    client.ask("POST", "/carts", {})  # by nobody
    return client.asked


class _Client:
    """Asks the shop, never through a proxy that the environment names."""

    def __init__(self, url: str) -> None:
        self._url, self.token, self.asked = url, "", 0
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, method: str, path: str, sent: Any = None) -> Any:
        """The JSON that answers, whatever the status."""
        self.asked += 1
        headers = {"Content-Type": "application/json", "User-Agent": "customer/1"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = None if sent is None else json.dumps(sent).encode()
        request = urllib.request.Request(self._url + path, body, headers, method=method)  # noqa: S310 - our own shop
        try:
            with self._opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return json.load(refused)
