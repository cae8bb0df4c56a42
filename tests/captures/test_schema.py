from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from captures import schema
from captures.digest import digest
from captures.model import FailureKind
from captures.routes.endpoints import Endpoints, counted
from captures.store import Capture, identify
from captures.writer import CaptureWriter
from tests.captures.making import JSON, exchange

OLD = Path(__file__).with_name("version1.sql")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file that Retape wrote in version 1."""
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(OLD.read_text(encoding="utf-8"))
    connection.close()
    assert identify(path) == 1
    return path


def read(path: Path) -> tuple[object, ...]:
    with Capture.open(path) as opened:
        assert opened.check() == []
        endpoints = Endpoints.of(opened)
        return (
            list(opened.exchanges(session=1)),
            sorted(one.endpoint for one in counted(opened, endpoints)),
            [row for row in opened.query("SELECT * FROM headers ORDER BY 1, 2, 3") if row["exchange"] < 5],
            [row for row in opened.query("SELECT * FROM traffic ORDER BY id") if row["id"] < 5],
        )


def test_a_file_of_version_1_is_read_as_it_is(old: Path) -> None:
    before = old.read_bytes()
    exchanges, endpoints, headers, traffic = read(old)
    assert [one.id for one in exchanges] == [1, 2, 3, 4]  # type: ignore[attr-defined]
    first, call, lost, _ = exchanges  # type: ignore[misc]
    assert first.request.headers == ((b"Host", b"shop"), (b"Accept", b"\xff"), (b"Accept", b"*/*"))
    assert first.response.headers == (*JSON, (b"X-Request-Id", b"7f3a"))
    assert first.response.body.startswith(b'{"id":17,"note":"fine fine')
    assert (call.cause.exchange, call.dependency) == (1, "tax")
    assert lost.failure.kind is FailureKind.TIMEOUT
    assert endpoints == ["GET /orders/{id}", "GET /orders/{id}", "POST /orders"]
    assert len(headers) == 18  # type: ignore[arg-type]
    assert traffic[0]["response_type"] == "application/json"  # type: ignore[index]
    assert old.read_bytes() == before


def test_a_writer_brings_it_to_the_present_version(old: Path, tmp_path: Path) -> None:
    kept = Path(shutil.copy(old, tmp_path / "kept.sqlite"))
    more = [exchange(at, target=b"/orders/%d" % at, headers=JSON, response_headers=JSON) for at in (5, 6)]
    with CaptureWriter(old, mode="record") as writer:
        assert writer.reserve_id() == 5
        for one in more:
            writer.put(one)
        assert writer.flush()
        with Capture.open(old) as opened:  # whose first page still says version 1
            assert [one.request.headers for one in opened.exchanges(session=2)] == [JSON, JSON]
    assert identify(old) == schema.VERSION
    assert read(old)[0] == read(kept)[0]
    assert read(old)[2:] == read(kept)[2:]
    with Capture.open(old) as opened:
        assert [one.request.headers for one in opened.exchanges()][-2:] == [JSON, JSON]


def test_the_digest_of_the_same_traffic_is_the_same_in_both_versions(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    with Capture.open(old) as opened, CaptureWriter(new, mode="record", now=lambda: 1000.0) as writer:
        for one in opened.exchanges():
            writer.put(one)
    with Capture.open(old) as before, Capture.open(new) as after:
        assert digest(before) == digest(after)


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
        connection.close()
        return columns, views

    assert shape(old) == shape(new)


def test_a_migration_that_fails_leaves_the_file_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(connection: sqlite3.Connection) -> None:
        schema.MIGRATIONS[-1](connection)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(schema, "MIGRATIONS", {1: half, -1: schema.MIGRATIONS[1]})
    connection = sqlite3.connect(old)
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection, 1)
    connection.close()
    monkeypatch.undo()
    assert identify(old) == 1
    assert len(read(old)[0]) == 4  # type: ignore[arg-type]
