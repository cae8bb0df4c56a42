"""A fifth of many sessions of the demo shop: recorded whole, counted, and clean on replay."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from captures.model import Direction, header
from captures.store import Capture

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SESSIONS = 60
SHOPPERS = """
import sys
sys.path.insert(0, sys.argv[1])
import catalog
from traffic import Shopper

sent = 0

def visit(number):
    shopper = Shopper(catalog.CUSTOMERS[number % 4], sys.argv[2], "", uses_cookie=number % 2 == 1)
    yield from shopper.log_in()
    shopper.send("GET /me", 200)
    yield
    shopper.send("GET /products", 200)
    yield
    cart = shopper.send("POST /carts", 201).json()["id"]
    yield
    for sku in ("TEA-101", "MUG-201"):
        sku = SKUS[(number + len(sku)) % len(SKUS)]
        shopper.send("POST /carts/{cart}/items", 201, {"sku": sku, "quantity": 1}, cart=cart)
        yield
    shopper.send("GET /carts/{cart}", 200, cart=cart)
    yield
    if number % 3:
        order = shopper.send("POST /orders", 201, {"cart_id": cart, "payment_method": "pm_card_visa"}).json()["id"]
        yield
        shopper.send("GET /orders/{order}", 200, order=order)
        yield
        shopper.send("POST /orders/{order}/refund", 202, order=order)
        yield
    shopper.send("GET /orders", 200)
    yield
    shopper.send("GET /export.csv", 200)
    yield
    shopper.client.close()

SKUS = [product.sku for product in catalog.PRODUCTS if product.on_hand > 12]
waiting = [visit(number) for number in range(int(sys.argv[3]))]
active = []
while waiting or active:
    while waiting and len(active) < 5:
        active.append(waiting.pop(0))
    for one in list(active):
        try:
            next(one)
            sent += 1
        except StopIteration:
            active.remove(one)
print(sent)
"""


@pytest.fixture
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo_to_sample", EXAMPLES / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.end_to_end
def test_a_sample_of_the_demo_shop_replays_cleanly(tmp_path: Path, demo: ModuleType) -> None:
    steps = demo.Demo(tmp_path, tmp_path / "report.html", 0)
    ca = tmp_path / "payments-ca.pem"
    shop = demo.SHOP
    with (
        demo.running([sys.executable, str(shop / "inventory.py"), "--port", "0"], steps.env, tmp_path) as stock,
        demo.running([sys.executable, str(shop / "payments.py"), "--port", "0", "--ca", str(ca)], steps.env, tmp_path)
        as tills,
    ):  # fmt: skip
        steps.addresses["payments"] = f"https://127.0.0.1:{demo.port_of(tills)}"
        steps.addresses["inventory"] = f"http://127.0.0.1:{demo.port_of(stock)}"
        settings = (shop / "retape.toml").read_text(encoding="utf-8")
        settings = settings.replace("https://127.0.0.1:9443", steps.addresses["payments"])
        settings = settings.replace("http://127.0.0.1:9080", steps.addresses["inventory"])
        (tmp_path / "retape.toml").write_text(settings, encoding="utf-8")
        recorder = steps.retape("record", "--inbound", "0", "--outbound", "0", "--upstream-ca", ca, "--sample", "20%")
        recorder += ["-o", steps.capture.name, "--format", "json", *steps.service("a")]
        with demo.running(recorder, steps.env, tmp_path) as recording:
            front = demo.inbound_port_of(recording)
            shoppers = [sys.executable, "-c", SHOPPERS, str(shop), f"http://127.0.0.1:{front}", str(SESSIONS)]
            sent = int(subprocess.run(shoppers, env=steps.env, capture_output=True, text=True, check=True).stdout)
            recording.send_signal(signal.SIGINT)
            events = [json.loads(line) for line in recording.stdout]
            assert recording.wait(60) == 0
    done = next(event for event in events if event["event"] == "done")
    print({name: done[name] for name in ("inbound", "outbound", "sampled_out", "sampled_out_calls")}, "of", sent)
    assert done["inbound"] + done["sampled_out"] == sent, "nothing is left out uncounted"
    assert done["inbound"] < 0.6 * sent
    whole(steps.capture)
    said: dict[str, Any] = steps.replay("a", 0)
    print(said["ledger"])
    assert said["verdict"] == "clean"
    assert said["ledger"]["replayed"] == done["inbound"]
    assert said["stubs"]["missed"] == 0
    assert any("20 % of the sessions" in note for note in said["notes"]), said["notes"]


def whole(path: Path) -> None:
    """Who is known in a kept request was seen to log in, and every kept call has its kept request."""
    logged_in: set[bytes] = set()
    with Capture.open(path) as capture:
        kept = {one.id for one in capture.exchanges(direction=Direction.INBOUND)}
        for one in capture.exchanges():
            if one.direction is Direction.OUTBOUND:
                assert one.cause is not None
                assert one.cause.exchange is None or one.cause.exchange in kept
                continue
            assert one.response is not None
            for value in (header(one.request.headers, "authorization"), header(one.request.headers, "cookie")):
                if value is not None and one.response.status != 401:
                    token = re.split(rb"[ =]", value)[-1]
                    assert token in logged_in, f"exchange {one.id} has no login"
            if one.request.target == b"/login" and one.response.status == 200:
                cookie = header(one.response.headers, "set-cookie") or b""
                logged_in.add(cookie.split(b";")[0].partition(b"=")[2])
                logged_in.add(json.loads(one.response.body)["token"].encode())
        meta = capture.sessions()[-1].meta
    assert meta["selection"]["sample"] == 0.2
    assert sum(meta["sampling"]["kept"].values()) < meta["sampling"]["sessions"]
