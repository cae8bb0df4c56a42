"""Two signals, always: what speaks for a value is kept, and a shape alone never does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from diffing.contract.profile import Profile
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Finding
from diffing.place import Accepted, Place
from diffing.rulebook.rules import RuleBook
from diffing.values.identity import Identity
from diffing.values.moments import Clock
from diffing.values.movement import REMEMBERED, Movement, Moves
from diffing.values.scalars import judge
from tests.corpus import each
from tests.diffing.pairs import NOW, THEN, exchange

OLD, NEW = "3f0c5a52-7a35-4f11-9a66-0f8a6f3d1a01", "8d6e6a52-7a35-4f11-8a66-0f8a6f3d1a02"


def place(movements: dict[tuple[str, str], Movement] | None = None) -> Place:
    then, now = Clock(THEN, THEN + 1), Clock(NOW, NOW + 1)
    return Place(
        "GET /things", "GET /things 200", 1, then, now, Identity(), Profile(), RuleBook(), movements=movements or {}
    )


def compared(
    recorded: str, replayed: str, *samples: str, movements: dict[tuple[str, str], Movement] | None = None
) -> tuple[Finding, ...]:
    context = Context(movements=movements or {})
    one, other = exchange(recorded), exchange(replayed, replayed=True)
    for at, body in enumerate((recorded, *samples)):
        learn_recorded(replace(exchange(body), id=at), context)
    learn_pair(one, other, context)
    return compare_exchange(one, other, context).findings


def changed(recorded: str, replayed: str, name: str = "colour") -> tuple[str, str]:
    return json.dumps({name: recorded}), json.dumps({name: replayed})


def test_every_recogniser_of_the_corpus_has_a_case_where_its_form_alone_is_no_reason() -> None:
    cases = json.loads((Path(__file__).parent / "cases" / "volatile_recognisers.json").read_text(encoding="utf-8"))
    rules = {rule for case in cases for rule in case.get("rules", ())} - {"volatile.timestamp"}
    alone = [case for case in cases if case["name"].endswith("its form alone is no reason")]
    assert all([finding[0] for finding in case["findings"]] == ["value-changed"] for case in alone)
    named = {case["name"]: case["rules"][0] for case in cases if "rules" in case}
    assert {named[case["name"].partition(": its form")[0]] for case in alone} == rules


@each(
    ("name", "recorded", "replayed", "why"),
    [
        ("id", OLD, NEW, "uuid v4; named id"),
        ("created_at", "2026-11-20T09:00:00Z", "2026-11-21T12:00:00Z", "datetime; named created_at"),
        ("x", "2026-11-20T09:00:00Z", "2026-11-21T12:00:00Z", "datetime; in the time of its run"),
        ("id", "ord_a1b2c3d4e5", "ord_z9y8x7w6v5", "prefixed-id ord_; named id"),
        ("hostname", "api-7d9f8b6c5d-x2x4z", "api-6c5d4b7f8d-b4kxz", "host; named hostname"),
        ("x", int(THEN), int(NOW), "epoch s; in the time of its run"),
        ("elapsed", 3, 4, "number; named elapsed"),
        (
            "x",
            "01M7W2Y7M0QW2M4N6P8R0S2T4V",
            "01M7YZMHG0QX3N5P7Q9S1T3V5W",
            "ulid; made in its run, as the id itself says",
        ),
    ],
)
def test_why_it_was_accepted(name: str, recorded: object, replayed: object, why: str) -> None:
    outcome = judge(recorded, replayed, (name,), None, place())
    assert isinstance(outcome, Accepted)
    assert outcome.why == why


def test_answers_to_the_same_recorded_request_that_differ() -> None:
    one, other = changed(OLD, NEW)
    assert [finding.class_id for finding in compared(one, other)] == ["response.body.value-changed"]
    assert compared(one, other, changed("71aa5a52-1111-4f11-9a66-0f8a6f3d1bbb", "")[0]) == ()
    # A value without a form stays a difference: a price may move, too.
    one, other = changed("red", "blue")
    assert [finding.path for finding in compared(one, other, changed("green", "")[0])] == ["$.colour"]


def test_what_is_remembered_of_equal_requests_is_bounded() -> None:
    moves = Moves()
    for request in range(100):
        moves.note(request, 1)
    moves.note(99, 1)
    moves.note(99, 2)
    moves.note(0, 2)  # forgotten
    assert (len(moves.last), moves.moved, moves.stayed) == (REMEMBERED, 1, 1)


def test_the_recorded_builds_own_replays_outweigh_a_name() -> None:
    at = "GET /things 200", "response.body $.colour"
    one, other = changed(OLD, NEW)
    assert compared(one, other, movements={at: Movement(3, 40)}) == ()
    assert [finding.path for finding in compared(one, other, movements={at: Movement(0, 40)})] == ["$.colour"]
    one, other = changed("red", "blue")
    assert [finding.path for finding in compared(one, other, movements={at: Movement(40, 40)})] == ["$.colour"]
    at = "GET /things 200", "response.body $.id"
    one, other = changed(OLD, NEW, "id")
    assert compared(one, other, movements={at: Movement(0, 9)}) == ()  # too few to know
    (finding,) = compared(one, other, movements={at: Movement(0, 40)})
    assert finding.evidence.startswith("it differed in 0/40 replays of the recorded build: it does not move by itself")


def test_movement_in_the_trace() -> None:
    at = "GET /things 200", "response.body $.id"
    outcome = judge(OLD, NEW, ("id",), None, place({at: Movement(40, 40)}), ("id",))
    assert isinstance(outcome, Accepted)
    assert outcome.why == "uuid v4; named id; it differed in 40/40 replays of the recorded build"
