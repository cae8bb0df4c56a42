"""A thousand replays on virtual time, each with its own recording, settings and faults; what must hold in all of them.

A failure names its seed: ``replay(tmp_path, SEED)`` repeats it step by step.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from captures.model import CauseHow, Direction
from captures.store import Capture
from captures.traces import trace_ids
from captures.writer import CaptureWriter
from replayer.events import ExchangeDone, Finished, Passed, TargetDied
from replayer.pacing import Pacing
from replayer.plan import Order
from replayer.precedence import Precedence
from tests.replayer.simulation.recording import Maker, Recording
from tests.replayer.simulation.world import MISSING, World

SEEDS = 1_000
ITEMS = 8
SHARED = 25  # seeds that replay one recording


def recording_of(tmp_path: Path, seed: int) -> Recording:
    return Maker(seed // SHARED).write(tmp_path / f"{seed // SHARED}.sqlite")


def replay(tmp_path: Path, seed: int) -> World:
    """The replay of ``seed``, played to its end."""
    return World(recording_of(tmp_path, seed), seed).play()


@pytest.mark.parametrize("item", range(ITEMS))
@pytest.mark.slow
def test_whatever_happens(tmp_path: Path, item: int) -> None:
    seeds = range(item * SEEDS // ITEMS, (item + 1) * SEEDS // ITEMS)
    recording: Recording | None = None
    made = -1
    for seed in seeds:
        if recording is None or seed // SHARED != made:
            if recording is not None:
                recording.capture.close()
            recording, made = recording_of(tmp_path, seed), seed // SHARED
        try:
            world = World(recording, seed).play()
            for law in LAWS:
                law(world)
        except BaseException as error:
            error.add_note(f"seed {seed}: {world_of(recording, seed)}")
            raise
    if recording is not None:
        recording.capture.close()


def world_of(recording: Recording, seed: int) -> str:
    world = World(recording, seed)
    world.loop.close()
    return f"{world.faults}, concurrency {world.plan.concurrency}, {world.plan.order}, pacing {world.plan.pacing}"


# -- laws ---------------------------------------------------------------------------------------------------------


def every_exchange_ends_in_one_column(world: World) -> None:
    rows = [*world.disk.rows, *world.disk.lost_rows]
    replayed = [row.replay_of for row in rows if row.direction is Direction.INBOUND]
    skipped = [exchange for exchange, _ in world.disk.skipped]
    assert sorted([*replayed, *skipped]) == [one.id for one in world.recording.exchanges]  # type: ignore[type-var]
    assert world.ledger.done == world.ledger.total == len(replayed) + len(skipped)
    assert world.ledger.replayed == len(replayed)
    told = [event for event in world.events if isinstance(event, ExchangeDone)]
    assert [event.recorded for event in told] == replayed
    assert world.disk.dropped == len(world.disk.lost_rows)


def each_has_its_reason(world: World) -> None:
    reasons = dict(world.disk.skipped)
    for one in world.recording.exchanges:
        if not world.recording.facts[one.id].sendable and one.id in reasons:
            assert "WebSocket" in reasons.pop(one.id) or world.interrupted is not None or world.engine.died
    withheld = {exchange for exchange, reason in reasons.items() if reason == MISSING}
    assert withheld <= world.refused
    for exchange in withheld:
        del reasons[exchange]
    if world.interrupted is None and not world.engine.died:
        assert reasons == {}
        assert withheld == {one for one in world.refused if world.recording.facts[one].sendable}
    elif world.interrupted is not None and not world.engine.died:
        assert set(reasons.values()) <= {"the replay was interrupted"}
    assert (world.interrupted is not None) == any("interrupted after" in reason for reason in world.ledger.reasons)
    died = [event.reason for event in world.events if isinstance(event, TargetDied)]
    assert bool(died) == world.engine.died
    assert len(died) <= 1
    assert not world.refused & {recorded for recorded, _, _ in world.build.sent}


def what_comes_before_is_answered_before(world: World) -> None:
    order = world.plan.order if world.plan.concurrency > 1 else Order.RECORDED
    at: dict[tuple[str, int], int] = {}
    for index, step in enumerate(world.log):
        assert step not in at, "once"
        at[step] = index
    for earlier, later in world.recording.must_precede(order):
        if ("sent", later) in at and (("written", earlier) in at or ("sent", earlier) in at):
            assert at["written", earlier] < at["sent", later], f"{later} was sent before {earlier} was answered"
        if ("asked", earlier) in at and ("asked", later) in at:
            assert at["asked", earlier] < at["asked", later], f"{later} had its turn before {earlier}"
    if world.plan.concurrency == 1:
        sent = [recorded for recorded, _, _ in world.build.sent]
        assert sent == sorted(sent), "one at a time means in recorded order"


def never_more_than_so_many_at_once(world: World) -> None:
    assert world.build.most <= world.plan.concurrency


def nothing_goes_out_after_an_interruption(world: World) -> None:
    if world.interrupted is not None:
        assert max((at for _, at, _ in world.build.sent), default=0.0) <= world.interrupted


def nobody_waits_without_need(world: World) -> None:
    """What may go out goes out at once, unless as many as allowed are under way."""
    if not world.faults.none or world.plan.pacing != Pacing() or world.plan.concurrency == 1:
        return
    began = {recorded: at for recorded, at, _ in world.build.sent}
    precedence = Precedence(world.plan.order)  # the whole recording fits the window
    for one in world.recording.exchanges:
        if one.id not in began:
            continue
        ready = max((world.finished[edge.before] for edge in precedence.add(one)), default=world.began)
        moments = [ready, *(at for at in world.finished.values() if ready <= at < began[one.id])]
        for moment in moments if ready < began[one.id] else []:
            busy = sum(began[other] <= moment < world.finished[other] for other in began)
            assert busy == world.plan.concurrency, f"{one.id} could have gone out at {moment}"


def nothing_goes_out_early_and_the_lag_is_the_lag(world: World) -> None:
    pacing = world.plan.pacing
    told = {event.recorded: event.lag for event in world.events if isinstance(event, ExchangeDone)}
    if pacing == Pacing():
        assert set(told.values()) <= {None}
        assert world.engine.lag() is None
        return
    sendable = [one for one in world.recording.exchanges if world.recording.facts[one.id].sendable]
    began = world.began
    late = []
    for index, one in enumerate(sendable):
        since = one.timing.started - sendable[0].timing.started
        due = began + (since / pacing.speed if pacing.speed else index / (pacing.rate or 1))
        for recorded, sent, _ in world.build.sent:
            if recorded == one.id:
                assert sent >= due - 1e-6, f"{one.id} went out early"
                late.append(sent - due)
                if one.id in told:
                    assert told[one.id] == pytest.approx(sent - due, abs=1e-6)
    lag = world.engine.lag()
    if late and not world.refused:
        assert lag is not None
        assert lag["max"] == pytest.approx(max(late), abs=1e-6)
        assert lag["p50"] <= lag["p99"] <= lag["max"]


def calls_belong_to_who_made_them(world: World) -> None:
    facts = {row.id: row for row in (*world.disk.rows, *world.disk.lost_rows)}
    by_recorded = {row.replay_of: row.id for row in facts.values() if row.direction is Direction.INBOUND}
    for call in world.calls:
        row = call.row
        assert row.direction is Direction.OUTBOUND
        assert row.cause is not None
        if call.inbound in by_recorded and (world.plan.concurrency > 1 or row.cause.how is CauseHow.WINDOW):
            assert row.cause.exchange == by_recorded[call.inbound], row.cause.evidence
        if row.replay_of is not None and row.notes["matched"] != "borrowed":
            stub = world.recording.capture.exchange(row.replay_of)
            assert stub.cause is not None
            if world.plan.concurrency > 1:
                assert stub.cause.exchange == call.inbound, "answered from another exchange's pool"


def traces_are_new_and_nobody_else_s(world: World) -> None:
    seen = world.build.traces
    assert len(set(seen)) == len(seen)
    if world.plan.concurrency == 1:
        assert seen == [], "one at a time everything goes out as recorded"
        return
    assert len([trace for trace in seen if trace[0] == "traceparent"]) == len(world.build.sent)
    for row in world.disk.rows:
        if row.direction is Direction.INBOUND and trace_ids(row.request.headers):
            assert {"header traceparent"} <= {change["where"] for change in row.notes["changes"]}


def without_faults_all_is_as_recorded(world: World) -> None:
    if not world.faults.none:
        return
    rows = {row.replay_of: row for row in world.disk.rows if row.direction is Direction.INBOUND}
    for fact in world.recording.facts.values():
        if fact.sendable:
            answered = rows[fact.id].response
            assert answered is not None
            assert answered.status == fact.status, f"exchange {fact.id}"
    assert world.desk.missed == 0
    assert world.ledger.reasons == []


def rows_are_whole(world: World) -> None:
    rows = [*world.disk.rows, *world.disk.lost_rows]
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        json.dumps(dict(row.notes))
        assert (row.response is None) == (row.failure is not None)
        assert row.timing.started <= (row.timing.ended or row.timing.started)
    assert not world.open_now, "the desk thinks that an exchange is still open"
    assert not world.linker._open
    assert not [event for event in world.events if isinstance(event, Finished)]
    passed = [event for event in world.events if isinstance(event, Passed)]
    assert all(event.done <= event.total for event in passed)


LAWS = (
    every_exchange_ends_in_one_column,
    each_has_its_reason,
    what_comes_before_is_answered_before,
    never_more_than_so_many_at_once,
    nothing_goes_out_after_an_interruption,
    nobody_waits_without_need,
    nothing_goes_out_early_and_the_lag_is_the_lag,
    calls_belong_to_who_made_them,
    traces_are_new_and_nobody_else_s,
    without_faults_all_is_as_recorded,
    rows_are_whole,
)


# -- the simulation itself ----------------------------------------------------------------------------------------


def test_one_seed_is_one_story(tmp_path: Path) -> None:
    stories = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        world = replay(tmp_path / folder, 11)
        stories.append((world.log, world.build.sent, [row.id for row in world.disk.rows]))
        world.recording.capture.close()
    assert stories[0] == stories[1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_the_run_file_is_sound(tmp_path: Path, seed: int) -> None:
    """The same rows through the real writer, onto a real disk."""
    world = replay(tmp_path, seed)
    path = tmp_path / "run.sqlite"
    with CaptureWriter(path, mode="replay") as writer:
        for row in world.disk.rows:
            writer.reserve_id()
            assert writer.put(row)
        for exchange, reason in world.disk.skipped:
            writer.skip(exchange, reason)
    world.recording.capture.close()
    with Capture.open(path) as run:
        assert run.check() == []
        assert {row.id: row.notes for row in run.exchanges()} == {row.id: row.notes for row in world.disk.rows}
        assert [(one.exchange, one.reason) for one in run.skipped()] == sorted(world.disk.skipped)
