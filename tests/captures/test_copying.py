from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from captures.copying import Copy, copy_chosen
from captures.errors import CaptureError, UsageError
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import JSON, capture, exchange


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two sessions; the first lost something, exchange 2 has messages, exchange 4 is not whole."""
    path = tmp_path / "shop.sqlite"
    capture(path, *(exchange(at, headers=JSON, body=b"x" * at, response_body=b"y" * 200) for at in (1, 2, 3)))
    with CaptureWriter(path, mode="record", redaction_key="abcd", meta={"label": "b"}, now=lambda: 2000.0) as writer:
        writer.put(exchange(4, body_truncated=True))
        writer.put(exchange(5))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE session SET dropped = 3, seen = 6 WHERE id = 1")
    connection.execute("INSERT INTO message VALUES (1, 2, 1, 0, 'text', 100.2, 1), (2, 2, 2, 1, 'text', 100.3, NULL)")
    connection.commit()
    connection.close()
    return path


def test_what_is_chosen_is_there_with_its_session_and_its_messages(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.sqlite"
    with Capture.open(shop) as source:
        before = {one.id: one for one in source.exchanges()}
        assert copy_chosen(source, out, lambda one: one.id in (2, 4), "prune") == 2
    with Capture.open(out) as copy:
        assert list(copy.exchanges()) == [before[2], before[4]]
        assert copy.damage() == []
        assert copy.losses() == ["session 1 dropped 3 of 4 exchanges"]
        first, second = copy.sessions()
        assert (first.started, first.ended, second.started, second.redaction_key) == (1000.0, 1000.0, 2000.0, "abcd")
        assert (second.written, second.truncated, second.meta["label"]) == (1, 1, "b")
        assert second.meta["made_from"] == {"file": "shop.sqlite", "by": "prune", "exchanges": 5}
        rows = copy.query("SELECT m.seq, m.kind, b.size FROM message m LEFT JOIN body b ON b.id = m.body ORDER BY 1")
        assert [tuple(row.values()) for row in rows] == [(1, "text", 1), (2, "text", None)]
    assert out.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.sqlite", "shop.sqlite"]


def test_a_copy_of_a_copy_of_everything_is_the_same(shop: Path, tmp_path: Path) -> None:
    for source, out in (("shop", "one"), ("one", "two")):
        with Capture.open(tmp_path / f"{source}.sqlite") as opened:
            copy_chosen(opened, tmp_path / f"{out}.sqlite", lambda one: True, "prune")
    with Capture.open(shop) as first, Capture.open(tmp_path / "two.sqlite") as last:
        assert list(first.exchanges()) == list(last.exchanges())


def test_a_file_that_is_there_is_refused_and_stays(shop: Path, tmp_path: Path) -> None:
    before = shop.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        Copy(shop)
    assert shop.read_bytes() == before
    with Capture.open(shop) as source:
        copy_chosen(source, shop, lambda one: one.id == 3, "prune", replaces=True)
    with Capture.open(shop) as opened:
        assert [one.id for one in opened.exchanges()] == [3]


def test_an_error_leaves_nothing_behind(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.sqlite"

    def breaks(one: object) -> bool:
        raise KeyboardInterrupt

    with Capture.open(shop) as source, pytest.raises(KeyboardInterrupt):
        copy_chosen(source, out, breaks, "prune")

    def one_id_twice(source: Capture) -> None:
        with Copy(out) as copy:
            session = copy.session(source.sessions()[0], {})
            for _ in range(2):
                copy.put(replace(source.exchange(1), session=session), source)

    with Capture.open(shop) as source, pytest.raises(CaptureError, match="cannot be written"):
        one_id_twice(source)
    assert [path.name for path in tmp_path.iterdir()] == ["shop.sqlite"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be written"):
        Copy(tmp_path / "nowhere" / "out.sqlite")
