"""Whole captures: the shop against itself is clean, against build B shows the seven seeded drifts and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from captures.errors import CaptureError, EmptyCapture, UsageError
from captures.model import Cause, CauseHow, Direction, Exchange, Failure, FailureKind, Request, Response, Timing
from captures.writer import CaptureWriter
from diffing.engine import DiffOptions, compare_captures
from diffing.model import Column, Level, Result
from diffing.rulebook.rules import parse_rules
from tests.diffing.shop import DRIFTS, Tape, play

SEEDED = {
    ("response.body.field-removed", "GET /orders/{id}", "response.body $.customer"),
    ("response.body.type-changed", "GET /products/{id}", "response.body $.stock"),
    ("response.body.value-changed", "POST /orders", "response.body $.total"),
    ("response.status.code", "POST /orders", "response.status"),
    ("response.header.security-lost", "POST /login", "response.header x-frame-options"),
    ("outbound.repeated", "POST /orders", "outbound inventory GET /items/{id}"),
    ("outbound.request.body.value-changed", "POST /orders", "outbound payments POST /charges request.body $.amount"),
}


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    return play(1, tmp_path_factory.mktemp("shop") / "recorded.sqlite")


def seen(result: Result) -> set[tuple[str, str, str]]:
    return {(group.class_id, group.endpoint, group.location) for group in result.groups}


@pytest.mark.parametrize("seed", [2, 3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 10))])
def test_the_same_build_is_clean_whatever_it_makes_anew(tape: Tape, tmp_path: Path, seed: int) -> None:
    run = play(seed, tmp_path / "run.sqlite", source=tape)
    result = compare_captures(tape.path, run.path)
    assert seen(result) == set()
    assert (result.verdict, result.exit_code, result.reasons) == ("clean", 0, ())
    assert result.ledger.recorded == result.ledger.same + result.ledger.same_by_rule == len(tape.inbound)
    assert dict(result.rules)["volatile.timestamp"] > 50


@pytest.mark.parametrize("seed", [2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 6))])
def test_build_b_shows_its_seven_drifts_and_nothing_else(tape: Tape, tmp_path: Path, seed: int) -> None:
    run = play(seed, tmp_path / "run.sqlite", DRIFTS, tape)
    result = compare_captures(tape.path, run.path)
    assert seen(result) == SEEDED
    assert len(result.groups) == 7
    assert (result.verdict, result.exit_code) == ("drift", 1)
    assert all(group.curl.startswith("curl ") and "--only" in group.command for group in result.groups)
    assert [group.level.rank for group in result.groups] == sorted((g.level.rank for g in result.groups), reverse=True)


@pytest.mark.slow
def test_what_rules_let_pass_is_shown_by_examples_and_what_was_taken_for_what(tape: Tape, tmp_path: Path) -> None:
    result = compare_captures(tape.path, play(2, tmp_path / "run.sqlite", DRIFTS, tape).path)
    assert result.rule_examples.keys() <= result.rule_places.keys()
    assert {rule for rule, _, _ in result.rule_examples} == {rule for rule, _, _ in result.rule_places}
    examples = [one for found in result.rule_examples.values() for _, one in found]
    assert all(one.recorded != one.replayed for one in examples if "$" in one.path)
    kept = [judgement for judgement in result.judgements if judgement.accepted]
    assert kept
    assert all(judgement.findings for judgement in kept)


@pytest.mark.parametrize("drift", sorted(DRIFTS))
@pytest.mark.slow
def test_each_drift_alone_is_one_group(tape: Tape, tmp_path: Path, drift: str) -> None:
    run = play(3, tmp_path / "run.sqlite", frozenset({drift}), tape)
    result = compare_captures(tape.path, run.path)
    assert len(result.groups) == 1
    assert seen(result) < SEEDED


@pytest.mark.slow
def test_fingerprints_do_not_depend_on_values(tape: Tape, tmp_path: Path) -> None:
    prints = []
    for seed in (2, 3):
        run = play(seed, tmp_path / f"run{seed}.sqlite", DRIFTS, tape)
        prints.append({group.fingerprint for group in compare_captures(tape.path, run.path).groups})
    assert prints[0] == prints[1]
    assert all(len(name) == 12 for name in prints[0])


@pytest.mark.slow
def test_fingerprints_outlive_the_recording_the_machine_and_the_amount_of_traffic(tape: Tape, tmp_path: Path) -> None:
    """Approvals name groups by them: neither a re-recording nor three times the traffic may make them strangers."""
    run = play(2, tmp_path / "run.sqlite", DRIFTS, tape)
    here = {group.fingerprint for group in compare_captures(tape.path, run.path).groups}
    again = play(11, tmp_path / "again.sqlite")
    rerun = play(12, tmp_path / "rerun.sqlite", DRIFTS, again)
    there = """
import sys
from pathlib import Path
from diffing.engine import compare_captures
print(*(group.fingerprint for group in compare_captures(Path(sys.argv[1]), Path(sys.argv[2])).groups))
"""
    command = [sys.executable, "-c", there, str(again.path), str(rerun.path)]
    said = subprocess.run(
        command,
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert set(said.stdout.split()) == here
    part = compare_captures(tape.path, run.path, DiffOptions(only="id:1-9"))
    assert {group.fingerprint for group in part.groups} <= here
    assert part.groups


@pytest.mark.slow
def test_two_captures_that_know_nothing_of_each_other(tape: Tape, tmp_path: Path) -> None:
    other = play(5, tmp_path / "other.sqlite")
    result = compare_captures(tape.path, other.path)
    assert seen(result) == set()
    assert result.exit_code == 0


def test_a_capture_against_itself_is_the_same(tape: Tape) -> None:
    result = compare_captures(tape.path, tape.path)
    assert result.ledger.same == result.ledger.recorded
    assert (result.exit_code, result.rules) == (0, ())


@pytest.mark.slow
def test_only_narrows_the_ledger(tape: Tape, tmp_path: Path) -> None:
    run = play(2, tmp_path / "run.sqlite", DRIFTS, tape)
    result = compare_captures(tape.path, run.path, DiffOptions(only="path:/products/*"))
    assert {group.endpoint for group in result.groups} == {"GET /products/{id}"}
    assert result.ledger.recorded == 24
    with pytest.raises(EmptyCapture, match="matches the selection"):
        compare_captures(tape.path, run.path, DiffOptions(only="path:/nowhere"))


@pytest.mark.slow
def test_a_rule_stands_in_place_of_equality(tape: Tape, tmp_path: Path) -> None:
    run = play(2, tmp_path / "run.sqlite", frozenset({"rounding"}), tape)
    rule = {
        "id": "round",
        "endpoint": "POST /orders",
        "location": "$.total",
        "tolerance": 0.06,
        "expires": "2027-01-01",
    }
    result = compare_captures(tape.path, run.path, DiffOptions(rules=parse_rules([rule])))
    assert result.exit_code == 0
    assert dict(result.rules)["round"] > 0
    strict = compare_captures(tape.path, run.path, DiffOptions(rules=parse_rules([{**rule, "tolerance": 0.0001}])))
    assert [group.class_id for group in strict.groups] == ["response.body.rule-broken"]
    expired = DiffOptions(rules=parse_rules([{**rule, "expires": "2020-01-01"}]))
    result = compare_captures(tape.path, run.path, expired)
    assert result.exit_code == 1
    assert any("expired" in note for note in result.notes)


# -- made by hand --------------------------------------------------------------------------------------------------


def exchange(target: str = "/x", status: int = 200, body: bytes = b"{}", at: float = 1000.0) -> Exchange:
    return Exchange(
        id=0,
        direction=Direction.INBOUND,
        request=Request("GET", "http", "shop", 80, target.encode()),
        response=Response(status, ((b"Content-Type", b"application/json"),), body),
        timing=Timing(at, at, at, at),
    )


def write(path: Path, exchanges: list[Exchange], *, run: bool, skipped: dict[int, str] | None = None) -> Path:
    with CaptureWriter(path, mode="replay" if run else "record", now=lambda: 1000.0) as writer:
        for number, one in enumerate(exchanges, 1):
            identity = writer.reserve_id()
            writer.put(replace(one, id=identity, replay_of=(one.replay_of or number) if run else None))
        for number, reason in (skipped or {}).items():
            writer.skip(number, reason)
    return path


def down(kind: FailureKind) -> Callable[[Exchange], Exchange]:
    return lambda one: replace(one, response=None, failure=Failure(kind))


def test_what_was_not_replayed_is_never_clean(tmp_path: Path) -> None:
    recorded = write(tmp_path / "a", [exchange(), exchange()], run=False)
    replayed = write(tmp_path / "b", [exchange()], run=True, skipped={2: "it asked for a WebSocket"})
    result = compare_captures(recorded, replayed)
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert any("WebSocket" in reason for reason in result.reasons)
    assert (result.ledger.recorded, result.ledger.replayed, result.ledger.not_replayed) == (2, 1, 1)


def test_a_target_that_is_down_is_inconclusive_and_one_that_breaks_a_request_has_drifted(tmp_path: Path) -> None:
    recorded = write(tmp_path / "a", [exchange(), exchange()], run=False)
    gone = write(tmp_path / "b", [down(FailureKind.RESET)(exchange()), down(FailureKind.CONNECT)(exchange())], run=True)
    result = compare_captures(recorded, gone)
    assert (result.verdict, result.exit_code, result.ledger.failed) == ("inconclusive", 3, 2)
    broken = write(tmp_path / "c", [down(FailureKind.RESET)(exchange()), exchange()], run=True)
    result = compare_captures(recorded, broken)
    assert (result.verdict, [group.class_id for group in result.groups]) == ("drift", ["response.failed"])
    assert (result.ledger.same, result.ledger.failed) == (1, 1)


def test_drift_outranks_inconclusive_and_the_reasons_stay(tmp_path: Path) -> None:
    recorded = write(tmp_path / "a", [exchange(), exchange()], run=False)
    replayed = write(tmp_path / "b", [exchange(status=500)], run=True, skipped={2: "no"})
    result = compare_captures(recorded, replayed)
    assert (result.verdict, result.exit_code) == ("drift", 1)
    assert result.reasons


def test_fail_on_moves_the_line(tmp_path: Path) -> None:
    recorded = write(tmp_path / "a", [exchange()], run=False)
    replayed = write(tmp_path / "b", [exchange(body=b'{"new": 1}')], run=True)
    for level, code in ((Level.ERROR, 0), (Level.WARNING, 0), (Level.INFO, 1)):
        result = compare_captures(recorded, replayed, DiffOptions(fail_on=level))
        assert (result.exit_code, result.groups[0].class_id) == (code, "response.body.field-added")
    assert result.ledger.drifted == 1


def test_a_budget_that_runs_out_is_never_clean(tmp_path: Path) -> None:
    body = b"[" + b",".join(b'{"a": %d}' % at for at in range(500)) + b"]"
    recorded = write(tmp_path / "a", [exchange(body=body)], run=False)
    replayed = write(tmp_path / "b", [exchange(body=body.replace(b"499", b"498"))], run=True)
    result = compare_captures(recorded, replayed, DiffOptions(budget=50))
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert result.judgements[0].column is Column.FAILED


def test_missing_and_extra_exchanges_of_two_recordings(tmp_path: Path) -> None:
    recorded = write(tmp_path / "a", [exchange("/a"), exchange("/b")], run=False)
    other = write(tmp_path / "b", [exchange("/a"), exchange("/c")], run=False)
    result = compare_captures(recorded, other)
    assert {group.class_id for group in result.groups} == {"exchange.missing", "exchange.extra"}
    assert result.exit_code == 1


def test_an_empty_recording_is_nothing_to_replay(tmp_path: Path) -> None:
    recorded = write(tmp_path / "a", [], run=False)
    with pytest.raises(EmptyCapture):
        compare_captures(recorded, write(tmp_path / "b", [], run=True))
    with pytest.raises(CaptureError, match="does not exist"):
        compare_captures(tmp_path / "none", recorded)


def test_a_header_lost_everywhere_is_one_group(tmp_path: Path) -> None:
    def with_header(one: Exchange) -> Exchange:
        assert one.response
        return replace(one, response=replace(one.response, headers=(*one.response.headers, (b"X-Frame-Options", b"D"))))

    plain = [exchange(f"/{name}/x") for name in "abcd"]
    recorded = write(tmp_path / "a", [with_header(one) for one in plain], run=False)
    result = compare_captures(recorded, write(tmp_path / "b", plain, run=True))
    assert [(g.class_id, g.endpoint, g.count) for g in result.groups] == [
        ("response.header.security-lost", "(every endpoint)", 4)
    ]


@pytest.mark.parametrize(("then", "now"), [(None, 1), (1, None), (None, None), (1, 1)])
def test_a_call_whose_cause_is_unclear_on_one_side_is_no_drift(
    tmp_path: Path, then: int | None, now: int | None
) -> None:
    def call(cause: int | None, replay_of: int | None) -> Exchange:
        how = CauseHow.WINDOW if cause else CauseHow.AMBIGUOUS
        one = exchange("/stock")
        return replace(
            one, direction=Direction.OUTBOUND, dependency="inventory", cause=Cause(how, cause, ""), replay_of=replay_of
        )

    recorded = write(tmp_path / "a", [exchange(), call(then, None)], run=False)
    replayed = write(tmp_path / "b", [exchange(), call(now, 2)], run=True)
    result = compare_captures(recorded, replayed)
    assert result.groups == ()
    assert result.exit_code == 0


def one_exchange(path: Path, *, started: float, replays: dict[str, object] | None = None, setup: bool = False) -> Path:
    """A capture of one GET, or a run of it when ``replays`` is its session's meta."""
    mode = "record" if replays is None else "replay"
    with CaptureWriter(path, mode=mode, meta=replays, now=lambda: started) as writer:
        for number in (1, 2):
            writer.put(
                Exchange(
                    writer.reserve_id(),
                    Direction.INBOUND,
                    Request("GET", "http", "shop", 80, f"/things/{number}".encode()),
                    Timing(started),
                    Response(200),
                    replay_of=None if replays is None else number,
                    notes={"setup": True} if setup and number == 1 else {},
                )
            )
    return path


def test_what_was_sent_for_the_others_sake_is_not_judged(tmp_path: Path) -> None:
    recorded = one_exchange(tmp_path / "c.sqlite", started=1.0)
    run = one_exchange(tmp_path / "r.sqlite", started=2.0, replays={"only": "id:2"}, setup=True)
    result = compare_captures(recorded, run)
    assert (result.ledger.recorded, result.ledger.same) == (1, 1)


def test_a_run_of_another_capture_is_refused(tmp_path: Path) -> None:
    recorded = one_exchange(tmp_path / "c.sqlite", started=1.0)
    one_exchange(tmp_path / "other.sqlite", started=7.0)
    run = one_exchange(
        tmp_path / "r.sqlite", started=9.0, replays={"source": "other.sqlite", "source_sessions": [[1, 7.0]]}
    )
    with pytest.raises(UsageError, match="another capture") as caught:
        compare_captures(recorded, run)
    assert "other.sqlite" in caught.value.hint
