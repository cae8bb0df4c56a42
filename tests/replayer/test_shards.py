"""Shards replayed each against a build of its own, merged, and judged as the whole replay would have been."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import retape
from captures.model import Request, Response
from tests.replayer.tapes import SHOP, Tape, request, response

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETAPE_STATE_DIR", str(tmp_path / "state"))


def order(tape: Tape, connection: str, number: int) -> None:
    """An order, its calls, and two looks at it, on one connection."""
    name = f"0f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a{number:02d}"
    asked = request("POST", "/orders", {"items": [{"sku": "A", "quantity": number}]})
    first = tape.inbound(asked, response(201, {"id": name, "total": 10 * number}), connection=connection)
    stock = request(target="/stock/A", host="inventory.test")
    tape.outbound(first, stock, response(200, {"price": 10}))
    charge: Request = request(
        "POST", "/charges", {"order_id": name, "amount": 10 * number}, host="payments.test", scheme="https"
    )
    answer: Response = response(200, {"id": "pay_8f3k2m9x", "order_id": name})
    tape.outbound(first, charge, answer)
    for _ in range(2):
        seen = response(200, {"id": name, "total": 10 * number})
        tape.inbound(request(target=f"/orders/{name}"), seen, connection=connection)


@pytest.fixture
def tape() -> str:
    with Tape(Path("c.sqlite")) as tape:
        for number in range(1, 9):
            order(tape, f"client {number}", number)
    return "c.sqlite"


def groups(path: str) -> dict[str, str]:
    report = json.loads(Path(path).read_text())
    return {group["fingerprint"]: f"{group['class']} {group['location']}" for group in report["groups"]}


@pytest.mark.parametrize("mode", [[], ["amount"]])
def test_merged_shards_say_what_the_whole_says(tape: str, mode: list[str]) -> None:
    retape.run(["replay", tape, "-o", "whole.sqlite", "-q", "--report", "json=whole.json", "--", *SHOP, *mode])
    runs = [f"shard{number}.sqlite" for number in (1, 2, 3)]
    for number, run in enumerate(runs, 1):
        words = ["replay", tape, "-o", run, "-q", "--shard", f"{number}/3", "--report", "json=part.json"]
        retape.run([*words, "--", *SHOP, *mode])
    assert retape.run(["capture", "merge", *runs, "-o", "merged.sqlite"]) == 0
    code = retape.run(["diff", tape, "merged.sqlite", "--report", "json=merged.json"])
    whole, merged = (json.loads(Path(f"{name}.json").read_text()) for name in ("whole", "merged"))
    assert groups("merged.json") == groups("whole.json")
    assert (code, merged["verdict"]) == (whole["exit_code"], whole["verdict"])
    assert {key: merged["ledger"][key] for key in ("recorded", "replayed", "not_replayed")} == {
        "recorded": 24,
        "replayed": 24,
        "not_replayed": 0,
    }


def test_shards_of_another_capture_or_configuration_are_refused(tape: str, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["replay", tape, "-q", "--report", "json=part.json"]
    retape.run([*words, "-o", "one.sqlite", "--shard", "1/2", "--", *SHOP])
    Path("retape.toml").write_text(
        '[[rules]]\nid = "x"\nlocation = "response.body $.total"\nexpect = "number"\nreason = "y"\n'
    )
    retape.run([*words, "-o", "two.sqlite", "--shard", "2/2", "--", *SHOP])
    Path("retape.toml").unlink()
    capfd.readouterr()
    assert retape.run(["capture", "merge", "one.sqlite", "two.sqlite", "-o", "merged.sqlite"]) == 2
    assert "was replayed from other rules or another configuration than" in capfd.readouterr().err
    with Tape(Path("other.sqlite")) as other:
        for number in range(1, 9):
            order(other, f"client {number}", number + 1)
    retape.run(
        ["replay", "other.sqlite", "-q", "-o", "two.sqlite", "--shard", "2/2", "--report", "json=p", "--", *SHOP]
    )
    assert retape.run(["capture", "merge", "one.sqlite", "two.sqlite", "-o", "merged.sqlite"]) == 2
    assert "was replayed from another capture than" in capfd.readouterr().err
