"""What the smoke tier of a small shop sends: all of it, a part of it, and what the run says of the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from captures.selection import parse
from captures.store import Capture
from replayer.choosing import Chosen, chosen
from replayer.plan import Order, ReplayPlan, Shard, Tier, TierName
from replayer.tiers import smoke
from tests.replayer.tapes import Tape, request, response

ID = "5e6be7d0-5bf5-49bc-adb4-%012d"
DRIFTED = {"GET /healthz": 1.0}


def order(tape: Tape, number: int) -> None:
    """An order is made (which calls payments) and read, by a client of its own; a stranger is refused."""
    made = ID % number
    first = tape.inbound(request("POST", "/orders", {}), response(201, {"id": made}), connection=f"client {number}")
    charge = request("POST", "/charges", {"order_id": made}, host="payments.test", scheme="https")
    tape.outbound(first, charge, response(200, {"status": "ok"}))
    tape.inbound(request(target=f"/orders/{made}"), response(200, {"id": made}), connection=f"client {number}")
    tape.inbound(request(target="/healthz"), response(200, {"ok": True}), connection=f"probe {number}")
    if number % 4 == 0:
        tape.inbound(request(target="/orders/none"), response(404, {"error": "?"}), connection=f"stranger {number}")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    with Tape(tmp_path / "c.sqlite") as tape:
        for number in range(1, 9):
            order(tape, number)
    return tmp_path / "c.sqlite"


def smoked(shop: Path, tier: Tier | None = None, **options: Any) -> Chosen:
    plan = ReplayPlan(shop.with_name("r.sqlite"), order=Order.SESSION, tier=tier or Tier(TierName.SMOKE), **options)
    with Capture.open(shop) as capture:
        return chosen(capture, capture.sessions(), plan)


def test_the_fewest_that_show_everything(shop: Path) -> None:
    found = smoked(shop)
    assert found.send == [
        17,
        1,
        3,
        4,
    ]  # a refusal (an error), an order that pays (a write), and who needs or asks nothing
    assert found.setup == frozenset()
    assert found.tier is not None
    assert (found.tier["of"], found.tier["sent"], found.tier["left_out"]) == (26, 4, 22)
    assert found.tier["uncovered"] == []
    assert {row["endpoint"]: (row["recorded"], row["sent"]) for row in found.tier["endpoints"]} == {
        "POST /orders": (8, 1), "GET /healthz": (8, 1), "GET /orders/{id}": (8, 1), "GET /orders/none": (2, 1),
    }  # fmt: skip
    assert [note.partition(":")[0] for note in found.notes] == ["Smoke tier", "Left out"]
    assert "--tier full" in found.notes[1]


def test_what_drifted_last_time_comes_first(shop: Path) -> None:
    assert smoked(shop, Tier(TierName.SMOKE, past=DRIFTED)).send[0] == 4
    assert smoked(shop, Tier(TierName.SMOKE, past=DRIFTED, by_risk=False)).send == [1, 3, 4, 17]


def test_a_limit_keeps_what_is_at_most_risk_and_names_the_rest(shop: Path) -> None:
    found = smoked(shop, Tier(TierName.SMOKE, limit=2, past=DRIFTED))
    assert found.tier is not None
    assert (found.tier["sent"], found.tier["covering"]) == (2, 4)
    assert 4 in found.send
    assert sum(found.tier["uncovered_kinds"].values()) == len(found.tier["uncovered"]) > 0
    assert found.notes[1].startswith("Not covered within --limit 2: ")


def test_a_selection_is_covered_and_brings_what_it_needs(shop: Path) -> None:
    found = smoked(shop, only=parse("method:GET path:/orders/5*"))
    assert found.send == [1, 3]
    assert found.setup == frozenset({1})
    assert found.spans == [[3, 3]]
    least = smoked(shop, Tier(TierName.SMOKE, limit=1), only=parse("method:GET path:/orders/5*"))
    assert least.send == [1, 3]  # one that judges nothing would say nothing


def test_shards_judge_each_once_and_send_what_changes(shop: Path) -> None:
    whole = smoked(shop)
    judged: list[int] = []
    for index in (1, 2, 3):
        part = smoked(shop, shard=Shard(index, 3))
        judged += [one for one in part.send if one not in part.setup]
        assert part.tier == whole.tier  # also of one that sends nothing: they are merged
    assert sorted(judged) == sorted(whole.send)


def test_what_was_chosen_is_kept_and_only_ordered_anew(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tier = Tier(TierName.SMOKE, state=tmp_path)
    first = smoked(shop, tier)

    def read_again(*_: object, **__: object) -> object:
        raise AssertionError("the capture was read again")

    monkeypatch.setattr(smoke, "survey", read_again)
    assert smoked(shop, tier) == first
    assert smoked(shop, replace(tier, past=DRIFTED)).send[0] == 4
    with pytest.raises(AssertionError, match="read again"):
        smoked(shop, tier, endpoints=("GET /{anything}",))


def test_what_cannot_be_sent_stands_for_itself_alone(tmp_path: Path) -> None:
    upgrade = request(target="/x", headers=((b"Upgrade", b"websocket"),))
    with Tape(tmp_path / "c.sqlite") as tape:
        tape.inbound(upgrade, response(200, {"a": 1}))
        tape.inbound(request(target="/x"), response(200, {"a": 1}))
        tape.inbound(upgrade, response(200, {"a": 1}))
    found = smoked(tmp_path / "c.sqlite")
    assert sorted(found.send) == [1, 2]  # one of both: a run of it is as inconclusive as one of all
