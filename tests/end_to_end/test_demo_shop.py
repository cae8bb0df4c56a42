"""The demo shop by itself, without Retape: the same requests to build A and build B, seven differences.

Services and dependencies run in this process, over real sockets; what reaches the dependencies is written down.
"""

from __future__ import annotations

import importlib
import json
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
httpx = pytest.importorskip("httpx")
uvicorn = pytest.importorskip("uvicorn")

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
VOLATILE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # UUIDs
    r"|ORD-\d{4}-\d{6}"
    r"|(rsv|ch|re)_[0-9a-f]+"
    r"|\d{4}-\d{2}-\d{2}T[\d:.]+(Z|\+00:00)"
    r'|"token":"[^"]+"|"issued_at":\d+'
    r'|"[0-9a-f]{16}"|shop_session=[^;]+'
)
Event = MutableMapping[str, Any]
App = Callable[[Event, Callable[[], Awaitable[Event]], Callable[[Event], Awaitable[None]]], Awaitable[None]]


def stable(text: str) -> str:
    """``text`` without what is new on every run."""
    return VOLATILE.sub("~", text)


@contextmanager
def serving(app: App) -> Iterator[str]:
    """The URL of an ASGI application, served from a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


def written_down(app: App, name: str, calls: list[str]) -> App:
    """``app``, each request to it appended to ``calls``."""

    async def listening(scope: Event, receive: Callable[[], Awaitable[Event]], send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        body = bytearray()

        async def reading() -> Event:
            event = await receive()
            body.extend(event.get("body", b""))
            return event

        await app(scope, reading, send)
        calls.append(f"{name} {scope['method']} {scope['path']} {body.decode()}".strip())

    return listening


class Shopping:
    """One build with its dependencies: requests in, what it answered and whom it called out."""

    def __init__(self, build: str, stack: ExitStack, load: Callable[[str], Any]) -> None:
        self._calls: list[str] = []
        made = {"a": load("builds").Build, "b": load("drifts").BuildB}[build]()
        urls = [
            stack.enter_context(serving(written_down(load(name).application(), name, self._calls)))
            for name in ("payments", "inventory")
        ]
        url = stack.enter_context(serving(load("service").application(made, *urls, load("catalog").PAYMENTS_API_KEY)))
        self._client = stack.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=60))

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[Any, dict[str, Any]]:
        """(the raw response, everything stable about the exchange)."""
        self._calls.clear()
        answer = self._client.request(method, path, json=body, headers=headers)
        told = {name: stable(value) for name, value in answer.headers.items() if name not in ("date", "content-length")}
        seen = {"status": answer.status_code, "headers": told, "body": stable(answer.text)}
        return answer, seen | {"calls": [stable(call) for call in self._calls]}

    def journey(self) -> dict[str, dict[str, Any]]:
        """One of everything, under a name each."""
        seen: dict[str, dict[str, Any]] = {}

        def ask(name: str, method: str, path: str, body: object = None, **headers: str) -> Any:
            answer, seen[name] = self.ask(method, path, body, **headers)
            return answer

        ask("stranger", "GET", "/me")
        token = ask("login", "POST", "/login", {"email": "ada@example.com", "password": "analytical-engine"}).json()
        me = {"Authorization": f"Bearer {token['token']}"}
        ask("wrong login", "POST", "/login", {"email": "ada@example.com", "password": "?"})
        ask("me", "GET", "/me", **me)
        etag = ask("products", "GET", "/products").headers["etag"]
        ask("products unchanged", "GET", "/products", **{"If-None-Match": etag})
        ask("product", "GET", "/products/TEA-101")
        ask("unknown product", "GET", "/products/OLD-1")
        ask("search", "GET", "/search?q=tea")
        cart = ask("new cart", "POST", "/carts", **me).json()["id"]
        for number, sku in enumerate(("TEA-101", "TEA-102", "POT-302")):
            ask(f"item {number}", "POST", f"/carts/{cart}/items", {"sku": sku, "quantity": 1}, **me)
        ask("cart", "GET", f"/carts/{cart}", **me)
        ask("invalid coupon", "POST", f"/carts/{cart}/coupon", {"code": "FREE"}, **me)
        ask("coupon", "POST", f"/carts/{cart}/coupon", {"code": "TEATIME5"}, **me)
        ask("item out", "DELETE", f"/carts/{cart}/items/TEA-102", **me)
        ask("declined", "POST", "/orders", {"cart_id": cart, "payment_method": "pm_card_declined"}, **me)
        order = ask("order", "POST", "/orders", {"cart_id": cart, "payment_method": "pm_card_visa"}, **me).json()["id"]
        ask("order shown", "GET", f"/orders/{order}", **me)
        ask("refund", "POST", f"/orders/{order}/refund", **me)
        ask("refund again", "POST", f"/orders/{order}/refund", **me)
        ask("orders", "GET", "/orders", **me)
        ask("export", "GET", "/export.csv", **me)
        ask("health", "GET", "/healthz")
        return seen


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Import a module of the shop."""
    monkeypatch.syspath_prepend(str(SHOP))
    return importlib.import_module


@pytest.mark.end_to_end
def test_build_b_drifts_in_the_seven_seeded_ways(load: Callable[[str], Any]) -> None:
    with ExitStack() as stack:
        recorded, replayed = (Shopping(build, stack, load).journey() for build in ("a", "b"))
    differing = {name: (recorded[name], replayed[name]) for name in recorded if recorded[name] != replayed[name]}
    parts = {name: {part for part in old if old[part] != new[part]} for name, (old, new) in differing.items()}
    assert parts == {
        "product": {"body"},
        "search": {"body"},
        "cart": {"body"},
        "invalid coupon": {"status"},
        "export": {"headers"},
        "declined": {"calls"},
        "order": {"calls"},
        "refund": {"calls"},
    }
    old, new = differing["cart"]
    assert [key for key, value in json.loads(old["body"]).items() if json.loads(new["body"])[key] != value] == [
        "tax_estimate"
    ]
    old, new = differing["order"]
    assert [call for call in new["calls"] if call not in old["calls"]] == [
        "inventory GET /stock/POT-302",
        "inventory GET /stock/TEA-101",
    ]
    old, new = differing["refund"]
    assert len(old["calls"]) == len(new["calls"]) == 1
    amounts = [int(re.search(r'"amount": ?(\d+)', side["calls"][0]).group(1)) for side in (old, new)]  # type: ignore[union-attr]
    assert amounts[1] - amounts[0] == load("catalog").REFUND_FEE


def test_the_readme_lists_what_the_demo_expects(load: Callable[[str], Any]) -> None:
    """Seven drifts: in the list the demo checks, in the README, and in the code of build B."""
    expected = json.loads((SHOP / "expected.json").read_text(encoding="utf-8"))
    assert [entry["number"] for entry in expected] == [1, 2, 3, 4, 5, 6, 7]
    overridden = {name for name, value in vars(load("drifts").BuildB).items() if callable(value)}
    assert overridden == {entry["where"].rpartition(".")[2] for entry in expected}
    readme = (SHOP / "README.md").read_text(encoding="utf-8")
    for entry in expected:
        assert f"| {entry['number']} | " in readme
        assert entry["where"].rpartition(" ")[2] in readme
