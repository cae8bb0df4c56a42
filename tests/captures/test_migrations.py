from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

import retape
from captures import migrations, schema
from captures.copying import copy_chosen
from captures.digest import digest
from captures.errors import CorruptCapture
from captures.migrations import MIGRATIONS, migrate
from captures.model import Exchange, FailureKind, Timing
from captures.packing import microseconds
from captures.routes.endpoints import Endpoints, counted
from captures.store import Capture, identify
from captures.writer import CaptureWriter
from tests.captures.making import JSON, exchange

HERE = Path(__file__).parent


def made(version: int, folder: Path) -> Path:
    """A file that Retape wrote in ``version``."""
    path = folder / f"old{version}.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript((HERE / f"version{version}.sql").read_text(encoding="utf-8"))
    connection.close()
    assert identify(path) == version
    return path


@pytest.fixture(params=[1, 2])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return made(request.param, tmp_path)


def to_the_microsecond(one: Exchange) -> Exchange:
    at = one.timing
    moments = (at.started, at.request_done, at.response_started, at.ended)
    return replace(one, timing=Timing(*(None if time is None else microseconds(time) / 1e6 for time in moments)))  # type: ignore[arg-type]


def exchanges(path: Path, session: int = 1) -> list[Exchange]:
    with Capture.open(path) as opened:
        assert opened.check() == []
        return [to_the_microsecond(one) for one in opened.exchanges(session=session)]


def shown(path: Path) -> tuple[object, ...]:
    """What is told of the file's first session."""
    with Capture.open(path) as opened:
        known = Endpoints.of(opened)
        only = "SELECT id FROM exchange WHERE session = 1"
        return (
            sorted(one.endpoint for one in counted(opened, known)),
            list(opened.query(f"SELECT * FROM headers WHERE exchange IN ({only}) ORDER BY 1, 2, 3")),
            list(opened.query(f"SELECT * FROM traffic WHERE id IN ({only}) ORDER BY id")),
            list(opened.query("SELECT * FROM outbound_calls ORDER BY id")),
            [list(opened.messages(one.id)) for one in opened.exchanges()],
        )


def test_a_file_of_version_1_is_read_as_it_is(tmp_path: Path) -> None:
    old = made(1, tmp_path)
    before = old.read_bytes()
    first, call, lost, _ = exchanges(old)
    assert first.request.headers == ((b"Host", b"shop"), (b"Accept", b"\xff"), (b"Accept", b"*/*"))
    assert first.response is not None
    assert first.response.headers == (*JSON, (b"X-Request-Id", b"7f3a"))
    assert first.response.body.startswith(b'{"id":17,"note":"fine fine')
    assert call.cause is not None
    assert (call.cause.exchange, call.dependency) == (1, "tax")
    assert lost.failure is not None
    assert lost.failure.kind is FailureKind.TIMEOUT
    endpoints, headers, traffic, calls, _ = shown(old)
    assert endpoints == ["GET /orders/{id}", "GET /orders/{id}", "POST /orders"]
    assert len(headers) == 18  # type: ignore[arg-type]
    assert traffic[0]["response_type"] == "application/json"  # type: ignore[index]
    assert [row["caused_by_request"] for row in calls] == ["POST /orders"]  # type: ignore[attr-defined]
    assert old.read_bytes() == before


def test_a_file_of_version_2_is_read_as_it_is(tmp_path: Path) -> None:
    old = made(2, tmp_path)
    before = old.read_bytes()
    found = {one.id: one for one in exchanges(old)}
    assert list(found) == [1, 2, 3, 4, 5, 300, 305, 306]
    first, call, lost, part, packed = (found[number] for number in (1, 2, 3, 4, 300))
    assert first.request.headers[1:3] == ((b"Accept", b"\xff"), (b"Accept", b"*/*"))
    assert first.notes == {"redacted": {"request.header authorization": 1}}
    assert first.timing == Timing(1790000000.123457, 1790000000.124457, 1790000000.135802, 1790000000.143457)
    assert call.cause is not None
    assert call.cause.evidence == "the only inbound exchange open when the call began"
    assert (call.request.host, call.dependency) == ("tax.test", "tax")
    assert lost.failure is not None
    assert lost.failure.detail == "no answer in 30 s"
    assert part.response is not None
    assert (part.response.trailers, part.body_truncated, part.notes["€"]) == (((b"X-Sum", b"1"),), True, 1)
    assert packed.response is not None
    assert packed.response.body.startswith(b'{"id":"ord_00000300"')  # with the file's dictionary
    assert shown(old)[-1][-1][0].body == b"data: 1\n\n"  # type: ignore[index]
    assert old.read_bytes() == before


def test_a_writer_brings_it_to_the_present_version(old: Path, tmp_path: Path) -> None:
    kept = Path(shutil.copy(old, tmp_path / "kept.sqlite"))
    before = exchanges(kept)
    first = before[-1].id + 1
    more = [
        exchange(at, target=b"/orders/%d" % at, headers=JSON, response_headers=JSON, notes={"n": at})
        for at in (first, first + 1)
    ]
    with Capture.open(old) as opened, CaptureWriter(old, mode="record") as writer:
        assert len(list(opened.exchanges())) == len(before)  # who reads meanwhile sees the same
        assert writer.reserve_id() == first
        for one in more:
            writer.put(one)
        assert writer.flush()
        with Capture.open(old) as another:  # the first page still says the old version
            assert [one.request.headers for one in another.exchanges(session=2)] == [JSON, JSON]
    assert identify(old) == schema.VERSION
    assert exchanges(old) == before
    told = shown(old)
    assert told[1:4] == shown(kept)[1:4]
    assert exchanges(old, session=2) == [replace(one, session=2) for one in more]


def test_it_is_judged_as_what_it_became(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The recording as it is, a copy that was migrated, and one that was written anew: nothing differs."""
    migrated = Path(shutil.copy(old, tmp_path / "migrated.sqlite"))
    CaptureWriter(migrated, mode="record").close()
    anew = tmp_path / "anew.sqlite"
    with Capture.open(old) as opened:
        copy_chosen(opened, anew, lambda one: True, "prune")
    for other in (migrated, anew):
        assert exchanges(other) == exchanges(old)
        report = tmp_path / "report.json"
        retape.run(["diff", str(old), str(other), "--report", f"json={report}", "--fail-on", "info"])
        told = report.read_text(encoding="utf-8")
        assert '"groups": []' in told
        assert '"drifted": 0' in told


def test_the_digest_of_the_same_traffic_is_the_same_in_all_versions(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    with Capture.open(old) as opened:
        before = digest(opened)
        copy_chosen(opened, new, lambda one: True, "prune")
    CaptureWriter(old, mode="record").close()
    for path in (old, new):
        with Capture.open(path) as after:
            assert digest(after) == before


def test_what_was_made_by_migrating_is_what_is_made_anew(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    for path in (old, new):
        CaptureWriter(path, mode="record").close()

    def shape(path: Path) -> tuple[object, ...]:
        connection = sqlite3.connect(path)
        names = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type != 'index' ORDER BY 1")
        ]
        columns = {name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")} for name in names}
        views = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'view'"))
        packed = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE tbl_name IN ('packed_exchange', 'kind', 'phrase', 'message')"
            " ORDER BY 1"
        ).fetchall()
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
        return columns, views, packed

    assert shape(old) == shape(new)


def test_bodies_of_an_older_file_are_found_again(tmp_path: Path) -> None:
    """Known by all of their SHA-256 there, and by its first half now."""
    old = made(2, tmp_path)
    with Capture.open(old) as opened:
        (known,) = [one.response.body for one in opened.exchanges(ids=[300]) if one.response]
        bodies = next(opened.rows("SELECT COUNT(*) FROM body"))
    with CaptureWriter(old, mode="record") as writer:
        writer.put(exchange(writer.reserve_id(), response_body=known))
    with Capture.open(old) as opened:
        assert next(opened.rows("SELECT COUNT(*) FROM body")) == bodies
        assert opened.check() == []


@pytest.mark.parametrize("step", [1, 2])
def test_a_migration_that_fails_leaves_the_file_as_it_was(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = made(step, tmp_path)
    before = exchanges(old)

    def half(connection: sqlite3.Connection) -> None:
        MIGRATIONS[step](connection)
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "MIGRATIONS", {**MIGRATIONS, step: half})
        connection = sqlite3.connect(old)
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, step)
        connection.close()
    assert identify(old) == step
    assert exchanges(old) == before


def test_a_view_in_place_of_an_older_file_s_table_is_damage(tmp_path: Path) -> None:
    """Of a file that somebody else made: each row of it could be computed without end."""
    old = made(2, tmp_path)
    connection = sqlite3.connect(old)
    connection.execute("ALTER TABLE exchange RENAME TO elsewhere")
    connection.execute("CREATE VIEW exchange AS SELECT * FROM elsewhere")
    connection.commit()
    connection.close()
    with pytest.raises(CorruptCapture, match="exchange is no table"):
        Capture.open(old)
