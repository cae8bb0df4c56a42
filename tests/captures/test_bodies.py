from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from captures import schema
from captures.bodies import BodyStore, unpack


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(tmp_path / "x.sqlite")
    schema.create(made)
    return made


def rows(connection: sqlite3.Connection) -> list[tuple[int, str, bytes, int]]:
    return connection.execute("SELECT id, codec, data, size FROM body ORDER BY id").fetchall()


def test_equal_bodies_are_kept_once(connection: sqlite3.Connection) -> None:
    first = BodyStore(connection)
    one, two = first.put(b"a" * 1000), first.put(b"b")
    assert first.put(b"a" * 1000) == one
    assert BodyStore(connection).put(b"b") == two  # another session
    assert [(codec, unpack(codec, data, size)) for _, codec, data, size in rows(connection)] == [
        ("zstd", b"a" * 1000),
        ("raw", b"b"),
    ]


def test_what_does_not_shrink_is_kept_raw(connection: sqlite3.Connection) -> None:
    body = os.urandom(500)
    BodyStore(connection).put(body)
    assert rows(connection) == [(1, "raw", body, 500)]


def test_no_body_is_no_row(connection: sqlite3.Connection) -> None:
    assert BodyStore(connection).put(b"") is None
    assert rows(connection) == []
    assert unpack(None, None, None) == b""


def test_after_a_rollback_ids_are_not_remembered(connection: sqlite3.Connection) -> None:
    store = BodyStore(connection)
    store.put(b"lost")
    connection.rollback()
    store.forget()
    store.put(b"other")
    assert store.put(b"lost") == 2


def test_damage_is_a_value_error(connection: sqlite3.Connection) -> None:
    BodyStore(connection).put(b"a" * 1000)
    ((_, codec, data, size),) = rows(connection)
    for damaged in [(codec, data[:-3], size), (codec, b"", size), (codec, data, size - 1), ("lz4", data, size)]:
        with pytest.raises(ValueError, match=r"damaged|unknown"):
            unpack(*damaged)
