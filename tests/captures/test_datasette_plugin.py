from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from captures.bodies import BodyReader
from captures.datasette_plugin import prepare_connection, retape_body
from tests.captures.making import capture, exchange


def test_the_function_shows_bodies_in_sql(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.sqlite", exchange(1, body=b"hello " * 100), exchange(2, body=b"\xff"), exchange(3))
    connection = sqlite3.connect(path)
    prepare_connection(connection)
    rows = connection.execute(
        "SELECT retape_body(b.codec, b.data, b.size)"
        " FROM exchange e LEFT JOIN body b ON b.id = e.request_body ORDER BY e.id"
    )
    assert [row[0] for row in rows] == ["hello " * 100, "<1 bytes that are no UTF-8 text>", None]
    connection.close()


def test_damage_is_a_sentence() -> None:
    connection = sqlite3.connect(":memory:")
    bodies = BodyReader(connection)
    assert str(retape_body(bodies, "zstd", b"x", 1)).startswith("<damaged zstd data: ")
    assert retape_body(bodies, "zstd:1", b"x", 1) == "<no such table: dictionary>"
    connection.close()


@pytest.mark.slow
def test_datasette_finds_it() -> None:
    plugins = pytest.importorskip("datasette.plugins", reason="Datasette is not installed")
    assert any(plugin["name"] == "retape" for plugin in plugins.get_plugins())
