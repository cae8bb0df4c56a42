from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from captures.columns import EXCHANGE
from captures.model import Cause, CauseHow, Direction
from captures.store import Capture
from tests.captures.making import capture, exchange

CAUSE = Cause(CauseHow.WINDOW, 1, "the only one that was open")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    call = {"direction": Direction.OUTBOUND, "cause": CAUSE, "dependency": "tax", "notes": {"matched": "exact"}}
    return capture(tmp_path / "shop.sqlite", exchange(1, target=b"/a"), *(exchange(at, **call) for at in range(2, 40)))


def test_plain_sqlite_shows_an_exchange_in_plain_columns(shop: Path) -> None:
    connection = sqlite3.connect(shop)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute("SELECT * FROM exchange ORDER BY id")]
    kinds = connection.execute("SELECT COUNT(*) FROM kind").fetchone()[0]
    connection.close()
    assert [tuple(row) for row in rows] == [tuple(EXCHANGE)] * 39
    first, last = rows[0], rows[-1]
    assert (first["direction"], first["method"], first["target"], first["status"]) == ("inbound", "GET", "/a", 200)
    assert [first[column] for column in ("started", "request_done", "response_started", "ended")] == [
        100.0, 100.1, 100.2, 100.3,
    ]  # fmt: skip
    assert (first["notes"], first["caused_by"], first["cause_evidence"]) == ("{}", None, None)
    assert (last["notes"], last["caused_by"], last["cause_evidence"]) == ('{"matched": "exact"}', 1, CAUSE.evidence)
    assert kinds == 2


def test_what_a_file_says_its_view_is_does_not_count(shop: Path) -> None:
    """Of a file that somebody else made: each row of it could be computed without end."""
    connection = sqlite3.connect(shop)
    connection.execute("DROP VIEW exchange")
    connection.execute(
        "CREATE VIEW exchange AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
        " SELECT x AS id FROM n WHERE x < 0"
    )
    connection.close()
    with Capture.open(shop) as opened:
        assert opened.count() == len(list(opened.exchanges())) == 39
        assert opened.check() == []


@pytest.mark.parametrize(
    ("sql", "looked_up"),
    [
        ("SELECT id FROM exchange ORDER BY id DESC LIMIT 1", ""),
        ("SELECT target FROM exchange WHERE id = 7", "x USING INTEGER PRIMARY KEY"),
        ("SELECT method FROM exchange WHERE caused_by = 1", "x USING INDEX packed_exchange_caused_by"),
        ("SELECT method FROM exchange WHERE replay_of = 1", "x USING INDEX packed_exchange_replay_of"),
        ("SELECT id FROM exchange WHERE direction = 'outbound' AND status = 200 ORDER BY id", ""),
    ],
)
def test_the_view_costs_no_pass_over_the_capture(shop: Path, sql: str, looked_up: str) -> None:
    with Capture.open(shop) as opened:
        plan = [row["detail"] for row in opened.query(f"EXPLAIN QUERY PLAN {sql}")]
    assert looked_up in plan[0]
    assert not any(word in line for line in plan for word in ("MATERIALIZE", "AUTOMATIC", "TEMP B-TREE", "SCAN k"))
