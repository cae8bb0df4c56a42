"""Whole replays with several requests under way: a real service, real sockets, each call laid to its own exchange."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from captures.model import CauseHow, Direction, Exchange, header
from captures.store import Capture
from diffing.engine import compare_captures
from replayer.events import ExchangeDone, Finished
from replayer.pacing import Pacing
from replayer.plan import Order
from tests.replayer.tapes import Tape, request, response, run_of
from tests.replayer.test_run import meta_of

CLIENTS = 6


def orders_tape(path: Path) -> Path:
    """Six clients that overlap: each orders (two calls), reads its order, and asks for something that calls late."""
    ids = [f"3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a{number:02d}" for number in range(CLIENTS)]
    with Tape(path) as tape:
        for client, order in enumerate(ids):
            body = {"items": [{"sku": f"S{client}", "quantity": 2}]}
            paid = {"id": f"pay_8f3k2m{client}x", "order_id": order}
            made = tape.inbound(
                request("POST", "/orders", body),
                response(201, {"id": order, "total": 20 + client, "payment": paid}),
                connection=f"c{client}",
            )
            asked = request(target=f"/stock/S{client}", host="inventory.test")
            tape.outbound(made, asked, response(200, {"price": 10 + client}))
            charge = {"order_id": order, "amount": 20 + 2 * client, "at": 1_780_000_000.5}
            asked = request("POST", "/charges", charge, host="payments.test", scheme="https")
            tape.outbound(made, asked, response(200, paid))
        for client, order in enumerate(ids):
            tape.inbound(request(target=f"/orders/{order}"), response(200, {"id": order}), connection=f"c{client}")
        for client in range(CLIENTS):
            late = tape.inbound(request(target="/later"), response(202, {}), connection=f"l{client}")
            asked = request("POST", "/events", {"a": 1}, host="audit.test")
            tape.outbound(late, asked, response(200, {}), after=0.35)
    return path


def by_direction(run: list[Exchange]) -> tuple[list[Exchange], list[Exchange]]:
    inbound = [one for one in run if one.direction is Direction.INBOUND]
    return inbound, [one for one in run if one.direction is Direction.OUTBOUND]


@pytest.mark.slow
@pytest.mark.parametrize("order", list(Order))
def test_every_answer_and_every_call_is_as_one_at_a_time(tmp_path: Path, order: Order) -> None:
    path = orders_tape(tmp_path / "c.sqlite")
    outcome, run, _ = run_of(path, concurrency=8, order=order)
    assert outcome.reasons == ()
    assert (outcome.replayed, outcome.missed) == (3 * CLIENTS, 0)
    inbound, calls = by_direction(run)
    with Capture.open(path) as capture:
        recorded = {one.id: one for one in capture.exchanges()}
    assert sorted(one.replay_of or 0 for one in inbound) == [
        one.id for one in recorded.values() if one.direction is Direction.INBOUND
    ]
    for one in inbound:
        assert one.response is not None
        assert one.response.status == recorded[one.replay_of or 0].response.status  # type: ignore[union-attr]
    replayed = {one.id: one for one in inbound}
    assert len(calls) == 3 * CLIENTS
    for call in calls:
        assert call.cause is not None
        assert call.cause.how is CauseHow.TRACE_HEADER
        stub = recorded[call.replay_of or 0]
        assert stub.cause is not None
        assert replayed[call.cause.exchange or 0].replay_of == stub.cause.exchange, "answered from another's pool"
    traces = [header(one.request.headers, "traceparent") for one in inbound]
    assert len(set(traces)) == len(traces) == 3 * CLIENTS
    assert all("header traceparent" in {change["where"] for change in one.notes["changes"]} for one in inbound)
    meta = meta_of(outcome.run)
    assert (meta["concurrency"], meta["order"], meta["pacing"], meta["lag"]) == (8, order.value, "none", None)


@pytest.mark.slow
def test_requests_that_overlapped_overlap_again(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for client in range(4):  # each is answered after 0.2 s, and a call that is waited for comes after 0.35
            late = tape.inbound(request(target="/later"), response(202, {}), connection=f"l{client}")
            asked = request("POST", "/events", {"a": 1}, host="audit.test")
            tape.outbound(late, asked, response(200, {}), after=0.35)
    most = {}
    for concurrency in (1, 4):
        _, run, events = run_of(path, concurrency=concurrency)
        inbound, calls = by_direction(run)
        assert {one.cause.exchange for one in calls if one.cause} == {one.id for one in inbound}
        # One at a time, the next request waits for the late call; four at once, it does not.
        starts, ends = [one.timing.started for one in inbound], [one.timing.started for one in calls]
        most[concurrency] = sum(start < min(ends) for start in starts)
        assert len([event for event in events if isinstance(event, ExchangeDone)]) == 4
        path.with_name("run.sqlite").unlink()
    assert most[1] == 1
    assert most[4] > 1


@pytest.mark.slow
def test_one_at_a_time_goes_out_as_recorded(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        tape.inbound(request(target="/raw", headers=((b"X-Request-Id", b"abcdef1234567890"),)), response(200, {}))
    _, (one,), _ = run_of(path)
    assert "changes" not in one.notes
    sent = json.loads(one.response.body)["headers"]  # type: ignore[union-attr]
    assert ["X-Request-Id", "abcdef1234567890"] in sent
    assert "traceparent" not in {name.lower() for name, _ in sent}


@pytest.mark.slow
def test_a_steady_rate_and_its_lag(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for number in range(6):
            tape.inbound(request(target="/login"), response(200, {}), connection=f"c{number}")
    outcome, run, events = run_of(path, pacing=Pacing.parse("10/s"))
    starts = [one.timing.started for one in run]
    assert starts[-1] - starts[0] >= 0.5 - 0.05, "the sixth is due half a second after the first"
    lags = [event.lag for event in events if isinstance(event, ExchangeDone)]
    assert all(lag is not None and lag >= 0 for lag in lags)
    (finished,) = [event for event in events if isinstance(event, Finished)]
    meta = meta_of(outcome.run)
    assert finished.lag == meta["lag"]
    assert meta["lag"]["max"] == max(lag for lag in lags if lag is not None)
    assert meta["pacing"] == "10/s"


@pytest.mark.slow
def test_a_build_that_passes_no_trace_on_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for client in range(4):
            first = tape.inbound(
                request(target=f"/stock/S{client}"), response(200, {"price": 1}), connection=f"c{client}"
            )
            asked = request(target=f"/stock/S{client}", host="inventory.test")
            tape.outbound(first, asked, response(200, {"price": 1}))
    outcome, run, _ = run_of(path, "no-trace", concurrency=4)
    lost = [one for one in by_direction(run)[1] if one.cause and one.cause.how is CauseHow.AMBIGUOUS]
    assert lost
    (reason,) = outcome.reasons
    assert reason.startswith(f"{len(lost)} call")
    assert "--concurrency 1" in reason


@pytest.mark.slow
def test_the_comparison_finds_the_same_as_one_at_a_time(tmp_path: Path) -> None:
    """The capture knows nothing of the shop's own headers, so there is drift; it is the same drift, call by call."""
    found = []
    for concurrency, order in ((1, Order.RECORDED), (8, Order.INDEPENDENT)):
        folder = tmp_path / order
        folder.mkdir()
        path = orders_tape(folder / "c.sqlite")
        outcome, _, _ = run_of(path, concurrency=concurrency, order=order)
        result = compare_captures(path, outcome.run)
        found.append(
            [(group.class_id, group.endpoint, str(group.location), sorted(group.exchanges)) for group in result.groups]
        )
        assert result.ledger.replayed == 3 * CLIENTS
    assert sorted(found[0]) == sorted(found[1])
    assert any(class_id.startswith("outbound.") for class_id, *_ in found[0])
