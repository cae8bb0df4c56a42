from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from captures.model import Direction, Exchange, Request, Response, Timing
from captures.store import Capture
from captures.writer import CaptureWriter
from diffing.reports import chains
from tests.diffing.reports.conftest import Story


def put(writer: CaptureWriter, identity: int, target: str, body: Any, **more: Any) -> None:
    request = Request("POST", "http", "shop.test", 80, target.encode(), (), b"")
    head = ((b"Content-Type", b"application/json"),)
    timing = Timing(identity, identity, identity, identity + 0.1)
    response = Response(200, head, json.dumps(body).encode(), b"OK")
    writer.put(Exchange(identity, Direction.INBOUND, request, timing, response, **more))


def change(where: str, why: str) -> dict[str, Any]:
    return {"changes": [{"where": where, "why": why}]}


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Orders that name the id which the first answer made; one that was not sent."""
    recorded = CaptureWriter(tmp_path / "recorded.sqlite", mode="record", meta={})
    run = CaptureWriter(tmp_path / "run.sqlite", mode="replay", meta={})
    put(recorded, 1, "/login", {"token": "recorded-token-of-old"})
    put(run, 101, "/login", {"token": "minted-token-of-now"}, replay_of=1)
    for number in range(2, 20):
        put(recorded, number, f"/orders/{number}", {})
        put(
            run, 100 + number, "/orders/x", {}, replay_of=number,
            notes=change("header authorization", "chained from exchange 1 $.token"),
        )  # fmt: skip
    put(recorded, 20, "/carts/\x1b", {})
    put(run, 120, "/carts", {}, replay_of=20, notes=change("target", "not changed: a JWT names it"))
    put(recorded, 21, "/carts/1/items", {})
    run.skip(21, "needs the id that exchange 20 (POST /carts) did not make: it answered 500")
    recorded.close()
    run.close({"bindings": [["recorded-token-of-old", "minted-token-of-now"]], "withheld": [[21, 20]]})
    return tmp_path / "recorded.sqlite", tmp_path / "run.sqlite"


def test_a_value_is_followed_from_the_answer_that_made_it_to_those_who_carried_it(pair: tuple[Path, Path]) -> None:
    with Capture.open(pair[0]) as recorded, Capture.open(pair[1]) as run:
        view = chains.view(recorded, run)
    (chain,) = view["chains"]
    assert (chain["source"], chain["line"], chain["place"]) == (1, "POST /login", "$.token")
    assert chain["values"] == ["recorded-t…", "minted-tok…"]
    assert (chain["used"], len(chain["uses"])) == (18, chains.USES)
    assert chain["uses"][0] == [2, "POST /orders/2", "header authorization"]
    assert (view["made"], view["total"], view["requests"], view["cut"]) == (1, 1, 18, False)


def test_a_broken_chain_names_the_source_that_vanished(pair: tuple[Path, Path]) -> None:
    with Capture.open(pair[0]) as recorded, Capture.open(pair[1]) as run:
        view = chains.view(recorded, run)
    ((exchange, line, source, origin, why),) = view["broken"]
    assert (exchange, line, source, origin) == (21, "POST /carts/1/items", 20, "POST /carts/\\x1b")
    assert "did not make" in why
    assert view["kept"] == [[20, "POST /carts/\\x1b", "target", "not changed: a JWT names it"]]


def test_without_the_run_or_without_the_recording_it_says_what_it_can(pair: tuple[Path, Path]) -> None:
    assert chains.view(None, None)["why"]
    with Capture.open(pair[1]) as run:
        (chain,) = chains.view(None, run)["chains"]
    assert (chain["line"], chain["values"]) == ("", None)


def test_changes_that_are_no_chains_make_none(story: Story) -> None:
    view = chains.view(story.recorded, story.replayed)
    assert (view["chains"], view["broken"]) == ([], [])
