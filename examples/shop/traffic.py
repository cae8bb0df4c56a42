"""Four customers shopping: a real HTTP client that makes 300 requests over every endpoint of the shop.

    python traffic.py http://127.0.0.1:8000 [--requests 300]

Who does what is the same on every run; what the shop answers is not, and later requests use the tokens, cookies,
cart ids, order ids and ETags of earlier answers. One customer's client sends ``X-Request-ID``, another's
``traceparent``, two send nothing of the kind. Most requests come one after another; now and then a page opens several
products at once. The last line on stdout is a summary as JSON; an answer with an unexpected status ends the run.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import catalog
import httpx

Step = Iterator[None]
SEARCHES = ("tea", "mug", "pot", "glass", "jar", "steel", "coffee")
SKUS = tuple(product.sku for product in catalog.PRODUCTS if product.on_hand > 1)
LAST_ONE = "JAR-601"
BURST = 3
BURST_EVERY = 40


class UnexpectedAnswer(Exception):
    """The shop answered with another status than the journey counts on."""


class Shopper:
    """One customer with a client of their own: one kept-alive connection, one cookie jar."""

    def __init__(self, customer: catalog.Customer, base_url: str, trace: str, *, uses_cookie: bool) -> None:
        self.client = httpx.Client(base_url=base_url, timeout=30, trust_env=False)
        self.done: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self._customer = customer
        self._trace = trace
        self._uses_cookie = uses_cookie
        self._token = ""
        self._random = random.Random(customer.email)

    def send(self, endpoint: str, expect: int, body: object = None, /, **where: str) -> httpx.Response:
        """Send one request; ``endpoint`` is "METHOD /path/{template}?query". Raises UnexpectedAnswer."""
        method, _, template = endpoint.partition(" ")
        headers = {"Authorization": f"Bearer {self._token}"} if self._token and not self._uses_cookie else {}
        if self._trace == "x-request-id":
            headers["X-Request-ID"] = str(uuid.uuid4())
        elif self._trace == "traceparent":
            headers["traceparent"] = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        if etag := where.pop("etag", ""):
            headers["If-None-Match"] = etag
        answer = self.client.request(method, template.format(**where), json=body, headers=headers)
        if answer.status_code != expect:
            raise UnexpectedAnswer(f"{endpoint} answered {answer.status_code} instead of {expect}: {answer.text[:300]}")
        self.done[endpoint.partition("?")[0]] += 1
        self.statuses[answer.status_code] += 1
        return answer

    def log_in(self) -> Step:
        """A wrong password first, then the right one."""
        who = {"email": self._customer.email}
        self.send("GET /me", 401)
        yield
        self.send("POST /login", 401, who | {"password": "guess"})
        yield
        self._token = self.send("POST /login", 200, who | {"password": self._customer.password}).json()["token"]
        if not self._uses_cookie:
            self.client.cookies.clear()
        yield

    def browse(self) -> Step:
        """Look around."""
        etag = self.send("GET /products", 200).headers["etag"]
        yield
        self.send("GET /search?q={q}", 200, q=self._random.choice(SEARCHES))
        yield
        for sku in self._random.sample(SKUS, 2):
            self.send("GET /products/{sku}", 200, sku=sku)
            yield
        self.send("GET /products/{sku}", 404, sku=f"OLD-{self._random.randint(100, 999)}")
        yield
        self.send("GET /products", 304, etag=etag)
        yield

    def fill_cart(self, extra: str | None) -> Iterator[str]:
        """Yields the cart's id after every request."""
        cart: str = self.send("POST /carts", 201).json()["id"]
        yield cart
        skus = [*self._random.sample(SKUS, self._random.randint(2, 4)), *([extra] if extra else [])]
        for sku in skus:
            quantity = 2 if sku == extra else self._random.randint(1, 5)
            self.send("POST /carts/{cart}/items", 201, {"sku": sku, "quantity": quantity}, cart=cart)
            yield cart
        self.send("GET /carts/{cart}", 200, cart=cart)
        yield cart
        self.send("POST /carts/{cart}/coupon", 422, {"code": f"SPRING{self._random.randint(10, 99)}"}, cart=cart)
        yield cart
        if self._random.random() < 0.5:
            self.send("POST /carts/{cart}/coupon", 200, {"code": self._random.choice(list(catalog.COUPONS))}, cart=cart)
            yield cart
            self.send("GET /carts/{cart}", 200, cart=cart)
            yield cart

    def buy(self, journey: int) -> Step:
        """Fill a cart, pay, look at the order; every second one goes back."""
        short = journey == 0 and self._trace == "x-request-id"
        cart = ""
        for cart in self.fill_cart(LAST_ONE if short else None):  # noqa: B007  the last one is what counts
            yield
        if short:
            self.send("POST /orders", 409, {"cart_id": cart, "payment_method": "pm_card_visa"})
            yield
            self.send("DELETE /carts/{cart}/items/{sku}", 204, cart=cart, sku=LAST_ONE)
            yield
        if journey % 2:
            self.send("POST /orders", 402, {"cart_id": cart, "payment_method": "pm_card_declined"})
            yield
        order = self.send("POST /orders", 201, {"cart_id": cart, "payment_method": "pm_card_visa"}).json()["id"]
        yield
        self.send("GET /orders/{order}", 200, order=order)
        yield
        if journey % 2 == 0:
            self.send("POST /orders/{order}/refund", 202, order=order)
            yield
            self.send("POST /orders/{order}/refund", 409, order=order)
            yield
        self.send("GET /orders", 200)
        yield

    def change_mind(self) -> Step:
        """Put something in, take it out."""
        cart = self.send("POST /carts", 201).json()["id"]
        yield
        sku = self._random.choice(SKUS)
        self.send("POST /carts/{cart}/items", 201, {"sku": sku, "quantity": 1}, cart=cart)
        yield
        self.send("DELETE /carts/{cart}/items/{sku}", 204, cart=cart, sku=sku)
        yield
        self.send("GET /carts/{cart}", 200, cart=cart)
        yield

    def journey(self) -> Step:
        """Everything, over and over. Each step is one request."""
        yield from self.log_in()
        number = 0
        while True:
            self.send("GET /me", 200)
            yield
            yield from self.browse()
            yield from self.buy(number)
            self.send("GET /export.csv", 200)
            yield
            yield from self.change_mind()
            self.send("GET /healthz", 200)
            yield
            number += 1


def shop_around(base_url: str, requests: int, progress: Callable[[int], None]) -> dict[str, Any]:
    """Make exactly so many requests; a summary of them. Raises UnexpectedAnswer, httpx.HTTPError."""
    traces = ("x-request-id", "traceparent", "", "")
    shoppers = [
        Shopper(customer, base_url, trace, uses_cookie=number % 2 == 1)
        for number, (customer, trace) in enumerate(zip(catalog.CUSTOMERS, traces, strict=True))
    ]
    window = Shopper(catalog.CUSTOMERS[0], base_url, "x-request-id", uses_cookie=False)  # not logged in
    sent, turn, next_burst = 0, 0, BURST_EVERY
    journeys = [shopper.journey() for shopper in shoppers]
    with ThreadPoolExecutor(BURST) as pool:
        while sent < requests:
            if sent >= next_burst and sent + BURST <= requests:
                next_burst += BURST_EVERY
                skus = [SKUS[(next_burst + offset) % len(SKUS)] for offset in range(BURST)]
                list(pool.map(lambda sku: window.send("GET /products/{sku}", 200, sku=sku), skus))
                sent += BURST
            else:
                next(journeys[turn % len(journeys)])
                turn += 1
                sent += 1
            progress(sent)
    for shopper in (*shoppers, window):
        shopper.client.close()
    done: Counter[str] = sum((shopper.done for shopper in (*shoppers, window)), Counter())
    statuses: Counter[int] = sum((shopper.statuses for shopper in (*shoppers, window)), Counter())
    return {
        "requests": done.total(),
        "endpoints": dict(sorted(done.items())),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
    }


def main() -> int:
    """Run, print the summary."""
    arguments = argparse.ArgumentParser(description="Traffic for the demo shop.")
    arguments.add_argument("url")
    arguments.add_argument("--requests", type=int, default=300)
    given = arguments.parse_args()
    try:
        print(json.dumps(shop_around(given.url, given.requests, lambda sent: None)), flush=True)
    except (UnexpectedAnswer, httpx.HTTPError) as error:
        print(f"traffic stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
