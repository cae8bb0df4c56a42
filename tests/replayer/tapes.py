"""Captures made by hand, and what a test asks of a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Headers,
    Request,
    Response,
    Timing,
)
from captures.store import Capture
from captures.writer import CaptureWriter
from replayer.events import Event
from replayer.plan import ReplayPlan, RunOutcome
from replayer.run import replay

NOW = 1_780_000_000.0
ORDER = "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11"
SHOP = [sys.executable, str(Path(__file__).with_name("shop.py")), "{port}"]


def request(
    method: str = "GET",
    target: str = "/",
    body: Any = None,
    *,
    host: str = "shop.test",
    scheme: str = "http",
    headers: Headers = (),
) -> Request:
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    more: Headers = ((b"Host", host.encode()), *headers)
    if body is not None:
        more = (*more, (b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(raw)))
    return Request(method, scheme, host, 443 if scheme == "https" else 80, target.encode(), more, raw)


def response(status: int = 200, body: Any = None, *, headers: Headers = ()) -> Response:
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    more: Headers = ((b"Content-Type", b"application/json"), *headers, (b"Content-Length", b"%d" % len(raw)))
    return Response(status, more, raw, b"OK" if status == 200 else b"")


class Tape:
    """Writes a recording step by step; ids are in the order of the calls."""

    def __init__(self, path: Path, **meta: Any) -> None:
        self.path = path
        self.writer = CaptureWriter(path, mode="record", meta=meta, now=lambda: NOW)
        self._clock = NOW

    def __enter__(self) -> Tape:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()

    def inbound(self, asked: Request, answered: Response | None, *, connection: str = "c1", **more: Any) -> int:
        return self._put(Direction.INBOUND, asked, answered, connection=connection, **more)

    def outbound(self, cause: int | Cause | None, asked: Request, answered: Response | None, **more: Any) -> int:
        link = cause if isinstance(cause, Cause) else Cause(CauseHow.NONE, None, "by hand")
        if isinstance(cause, int):
            link = Cause(CauseHow.WINDOW, cause, "by hand")
        return self._put(Direction.OUTBOUND, asked, answered, cause=link, dependency=asked.host.split(".")[0], **more)

    def _put(
        self,
        direction: Direction,
        asked: Request,
        answered: Response | None,
        *,
        failure: FailureKind | None = None,
        after: float = 0.0,
        **more: Any,
    ) -> int:
        identity = self.writer.reserve_id()
        self._clock += 0.01
        at = self._clock + after
        exchange = Exchange(
            identity,
            direction,
            asked,
            Timing(at, at, at, at + (0.2 if direction is Direction.INBOUND else 0.005)),
            response=answered,
            failure=Failure(failure) if failure else None,
        )
        self.writer.put(replace(exchange, **more))
        return identity


def order_tape(path: Path, order: str = ORDER) -> Path:
    """POST an order (two stock look-ups, one charge over HTTPS), then GET it."""
    with Tape(path) as tape:
        first = tape.inbound(
            request("POST", "/orders", {"items": [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]}),
            response(
                201,
                {"id": order, "total": 25, "payment": {"id": "pay_8f3k2m9x", "order_id": order}},
                headers=((b"Location", f"/orders/{order}".encode()),),
            ),
        )
        for sku, price in (("A", 10), ("B", 5)):
            asked = request(target=f"/stock/{sku}", host="inventory.test")
            tape.outbound(first, asked, response(200, {"price": price}))
        tape.outbound(
            first,
            request(
                "POST",
                "/charges",
                {"order_id": order, "amount": 25, "at": NOW},
                host="payments.test",
                scheme="https",
            ),
            response(200, {"id": "pay_8f3k2m9x", "order_id": order}),
        )
        tape.inbound(request(target=f"/orders/{order}"), response(200, {"id": order, "total": 25}))
    return path


def run_of(
    capture: Path, mode: str = "", command: Sequence[str] | None = None, **options: Any
) -> tuple[RunOutcome, list[Exchange], list[Event]]:
    """Replay ``capture`` against the shop; the outcome, what the run holds, and the events."""
    events: list[Event] = []
    plan = ReplayPlan(
        output=capture.with_name("run.sqlite"),
        command=(SHOP + ([mode] if mode else [])) if command is None else command,
        ready_timeout=60,
        **options,
    )
    outcome = replay(capture, plan, events.append)
    with Capture.open(outcome.run) as run:
        return outcome, list(run.exchanges()), events


def bodies(exchanges: Sequence[Exchange]) -> list[Any]:
    return [json.loads(one.response.body) if one.response and one.response.body else None for one in exchanges]
