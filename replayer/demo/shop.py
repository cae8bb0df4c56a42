"""The shop of ``retape demo``: a small service in two builds, made of the standard library only. Change it and replay.

    python shop.py --port 8000 --build next

It asks stock and payments at STOCK_URL and PAYMENTS_URL. What the next build does otherwise is marked DRIFT.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PRODUCTS: dict[str, dict[str, Any]] = {
    "mug": {"sku": "mug", "name": "Mug", "price": 14.25, "shipping": {"weight_g": 380, "fragile": True}},
    "pen": {"sku": "pen", "name": "Pen", "price": 2.5, "shipping": {"weight_g": 12, "fragile": False}},
    "lamp": {"sku": "lamp", "name": "Lamp", "price": 89.0, "shipping": {"weight_g": 2100, "fragile": True}},
}
POSTAGE = 4.9
Answer = tuple[int, Any]


class Shop:
    """What the shop knows, in memory. ``new``: it is the next build."""

    def __init__(self, *, new: bool) -> None:
        self.new = new
        self.clients: dict[str, str] = {}  # token -> name
        self.carts: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}

    def answer(self, method: str, path: str, sent: Any, token: str) -> Answer:
        """Status and JSON for one request."""
        match [method, *path.strip("/").split("/")]:
            case ["POST", "login"]:
                mine = secrets.token_urlsafe(24)
                self.clients[mine] = str(sent["user"])
                return 200, {"token": mine, "user": sent["user"]}
            case ["GET", "products"]:
                price = str if self.new else float  # DRIFT: prices are text
                return 200, {"products": [{**one, "price": price(one["price"])} for one in PRODUCTS.values()]}
            case ["GET", "products", sku] if sku in PRODUCTS:
                shipping = dict(PRODUCTS[sku]["shipping"])
                if self.new:
                    del shipping["weight_g"]  # DRIFT: the weight is gone
                return 200, {**PRODUCTS[sku], "shipping": shipping}
        if token not in self.clients:
            return 401, {"error": "log in first"}
        match [method, *path.strip("/").split("/")]:
            case ["POST", "carts"]:
                name = str(uuid.uuid4())
                self.carts[name] = {"id": name, "owner": self.clients[token], "items": [], "created_at": now()}
                return 201, self.carts[name]
            case ["POST", "carts", name, "items"] if name in self.carts:
                if sent.get("sku") not in PRODUCTS:
                    return (400 if self.new else 422), {"error": "no such product"}  # DRIFT: another status
                self.carts[name]["items"].append({"sku": sent["sku"], "quantity": sent["quantity"]})
                return 200, self.carts[name]
            case ["POST", "orders"] if sent["cart"] in self.carts:
                return self.order(self.carts[sent["cart"]])
            case ["GET", "orders", name] if name in self.orders:
                return 200, self.orders[name]
        return 404, {"error": "there is nothing"}

    def order(self, cart: dict[str, Any]) -> Answer:
        """Ask whether everything is there, charge for it, and keep the order."""
        total = POSTAGE
        for item in cart["items"]:
            for _ in range(2 if self.new else 1):  # DRIFT: stock is asked twice
                there = call("GET", f"{os.environ['STOCK_URL']}/stock/{item['sku']}")
            if there["available"] < item["quantity"]:
                return 409, {"error": "sold out", "sku": item["sku"]}
            total += PRODUCTS[item["sku"]]["price"] * item["quantity"]
        amount = round((total - POSTAGE if self.new else total) * 100)  # DRIFT: postage is not charged
        charge = call("POST", f"{os.environ['PAYMENTS_URL']}/charges", {"amount": amount, "currency": "EUR"})
        order = {
            "id": f"ord_{secrets.token_hex(8)}",
            "cart": cart["id"],
            "charge": charge["id"],
            "total": round(total, 2),
            "status": "paid",
            "created_at": now(),
        }
        self.orders[order["id"]] = order
        return 201, order


def now() -> str:
    """The moment, as JSON has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def call(method: str, url: str, sent: Any = None) -> Any:
    """Ask a dependency; its JSON."""
    body = None if sent is None else json.dumps(sent).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - where the tour says
        return json.load(answer)


class Handler(BaseHTTPRequestHandler):
    """HTTP around :class:`Shop`."""

    protocol_version = "HTTP/1.1"
    shop: Shop

    def do_GET(self) -> None:
        """Answer a request without a body."""
        self.reply(*self.shop.answer("GET", self.path, None, self.token()))

    def do_POST(self) -> None:
        """Answer a request with JSON."""
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        try:
            self.reply(*self.shop.answer("POST", self.path, sent, self.token()))
        except urllib.error.URLError as error:
            self.reply(502, {"error": f"a dependency failed: {error}"})

    def token(self) -> str:
        """The client's."""
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def reply(self, status: int, value: Any) -> None:
        """Send JSON."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if not (self.shop.new and self.path.startswith("/orders/ord_")):  # DRIFT: a header that protects is gone
            self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Nothing: the tour talks enough."""


def main() -> None:
    """Serve until the process is ended."""
    arguments = argparse.ArgumentParser(description="The shop of retape demo.")
    arguments.add_argument("--port", type=int, default=8000)
    arguments.add_argument("--build", choices=["recorded", "next"], default="recorded")
    given = arguments.parse_args()
    Handler.shop = Shop(new=given.build == "next")
    ThreadingHTTPServer(("127.0.0.1", given.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
