from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from captures.checking import MOST, damaged_exchanges
from captures.cli import capture as group
from captures.store import Capture
from tests.captures.making import JSON, capture, exchange


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return capture(tmp_path / "x.sqlite", *(exchange(at, headers=JSON, response_headers=JSON) for at in range(1, 41)))


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(statement)
    connection.commit()
    connection.close()


def test_a_sound_capture(shop: Path) -> None:
    counted: list[int] = []
    with Capture.open(shop) as opened:
        assert list(damaged_exchanges(opened, counted.append)) == []
    assert counted == list(range(1, 41))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE packed_exchange SET request_headers = '[5' WHERE id = 7",
            "exchange 7: the headers of a message are no list",
        ),
        ("UPDATE packed_exchange SET started = 'x' WHERE id = 7", "exchange 7: exchange.started is not a number"),
        ("UPDATE packed_exchange SET notes = '[' WHERE id = 7", "exchange 7: exchange.notes is not JSON"),
        (
            "CREATE TEMP TABLE one AS SELECT * FROM kind LIMIT 1; UPDATE one SET id = 99, direction = 'up';"
            "INSERT INTO kind SELECT * FROM one; UPDATE packed_exchange SET kind = 99 WHERE id = 7",
            "exchange 7: a row of exchange has a direction",
        ),
    ],
)
def test_a_row_that_is_none_is_named(shop: Path, statement: str, told: str) -> None:
    change(shop, statement)
    with Capture.open(shop) as opened:
        (complaint,) = damaged_exchanges(opened)
    assert complaint.startswith(told)
    done = CliRunner().invoke(group, ["verify", str(shop), "--format", "json"], standalone_mode=False)
    assert done.return_value == 2
    assert json.loads(done.stdout)["damage"] == [complaint]


def test_many_are_counted(shop: Path) -> None:
    change(shop, "UPDATE head SET lines = '{'")
    with Capture.open(shop) as opened:
        complaints = list(damaged_exchanges(opened))
    assert len(complaints) == MOST + 1
    assert complaints[-1] == "20 more exchanges cannot be read"
