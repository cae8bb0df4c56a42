from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
import zstandard

from captures import schema
from captures.bodies import LATELY, LONGEST_LATELY, BodyReader, BodyStore


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
    unpack = BodyReader(connection).unpack
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
    assert BodyReader(connection).unpack(None, None, None) == b""


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
    for damaged in [
        (codec, data[:-3], size), (codec, b"", size), (codec, data, size - 1), ("lz4", data, size),
        ("zstd:7", data, size), ("zstd:x", data, size), (7, data, size), (-7, data, size),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=r"damaged|unknown|dictionary 7 is not in the file"):
            BodyReader(connection).unpack(*damaged)


def test_a_body_that_comes_again_is_read_once(connection: sqlite3.Connection) -> None:
    reader = BodyReader(connection)
    packed = zstandard.ZstdCompressor().compress(b"a" * 1000)
    first = reader.read(1, "zstd", packed, 1000)
    assert first == b"a" * 1000
    assert reader.read(1, "zstd", packed, 1000) is first
    assert reader.read(2, "raw", b"b", 1) == b"b"
    assert reader.read(None, None, None, None) == b""
    with pytest.raises(ValueError, match="damaged"):
        reader.read(3, "zstd", b"no frame", 1000)


def test_a_reader_keeps_few_bodies_and_no_long_ones(connection: sqlite3.Connection) -> None:
    reader = BodyReader(connection)
    long = os.urandom(LONGEST_LATELY + 1)
    assert reader.read(1, "raw", bytes(long), len(long)) == long
    assert reader.read(1, "raw", b"other", 5) == b"other"
    for identity in range(2, LATELY + 2):
        reader.read(identity, "raw", b"%d" % identity, len(b"%d" % identity))
    assert reader.read(2, "raw", b"read again", 10) == b"read again"


def like(number: int) -> bytes:
    return b'{"id":"ord_%08d","status":"open","lines":[{"sku":"SKU-%d","count":1}],"paid":false}' % (number, number * 7)


def test_bodies_that_are_alike_share_a_dictionary(connection: sqlite3.Connection) -> None:
    store = BodyStore(connection, now=lambda: 5.0)
    for number in range(400):
        assert store.put(like(number)) == number + 1
    connection.commit()
    (made,) = connection.execute("SELECT id, made FROM dictionary").fetchall()
    assert made == (1, 5.0)
    kept = rows(connection)
    assert {codec for _, codec, _, _ in kept[250:]} == {1}
    assert sum(len(data) for _, _, data, _ in kept[250:]) < 0.4 * sum(size for *_, size in kept[250:])
    reader = BodyReader(connection)
    assert [reader.unpack(codec, data, size) for _, codec, data, size in kept] == [like(at) for at in range(400)]
    _, _, data, size = kept[300]
    assert {reader.unpack(codec, data, size) for codec in ("1", "zstd:1")} == {like(300)}  # as older files have it
    later = BodyStore(connection)  # another session goes on with it
    later.put(like(1000))
    assert rows(connection)[-1][1] == 1


def test_a_dictionary_of_a_lost_transaction_is_not_used(connection: sqlite3.Connection) -> None:
    store = BodyStore(connection)
    for number in range(300):
        store.put(like(number))
    connection.rollback()
    store.forget()
    store.put(like(1) * 3)
    assert [(codec, size) for _, codec, _, size in rows(connection)] == [("zstd", len(like(1)) * 3)]


def test_nothing_is_learnt_from_what_is_compressed_already(connection: sqlite3.Connection) -> None:
    store = BodyStore(connection)
    for _ in range(300):
        store.put(os.urandom(200))
    assert connection.execute("SELECT COUNT(*) FROM dictionary").fetchone() == (0,)


def test_a_damaged_dictionary_is_a_value_error(connection: sqlite3.Connection) -> None:
    store = BodyStore(connection)
    for number in range(300):
        store.put(like(number))
    connection.execute("UPDATE dictionary SET data = substr(data, 1, 40)")
    _, codec, data, size = rows(connection)[-1]
    with pytest.raises(ValueError, match="damaged"):
        BodyReader(connection).unpack(codec, data, size)
