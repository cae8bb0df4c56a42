from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captures import schema
from captures.bodies import BodyReader
from captures.heads import HeadReader
from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Request,
    Response,
    Session,
    Timing,
)
from captures.packing import INSERT, Packer
from captures.rows import SELECT, from_row, to_session
from tests.captures.making import exchange

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MOMENTS = st.integers(0, 2**51 - 1).map(lambda at: at / 1e6)  # until the year 2041
TIMES = st.none() | MOMENTS
HEADERS = st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=4).map(tuple)
BODIES = st.binary(max_size=50) | st.binary(min_size=1, max_size=3).map(lambda piece: piece * 100)
NOTES = st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.integers() | st.text(), st.lists), max_size=3)
REQUESTS = st.builds(
    Request, TEXT, st.sampled_from(["http", "https"]), TEXT, st.integers(0, 65535), st.binary(), HEADERS, BODIES,
    HEADERS, TEXT
)  # fmt: skip
RESPONSES = st.builds(Response, st.integers(0, 999), HEADERS, BODIES, st.binary(max_size=9), HEADERS, TEXT)
EXCHANGES = st.builds(
    Exchange,
    id=st.integers(1, 2**62),
    direction=st.sampled_from(Direction),
    request=REQUESTS,
    timing=st.builds(Timing, MOMENTS, TIMES, TIMES, TIMES),
    response=st.none() | RESPONSES,
    failure=st.none() | st.builds(Failure, st.sampled_from(FailureKind), TEXT),
    session=st.just(1),
    dependency=st.none() | TEXT,
    cause=st.none() | st.builds(Cause, st.sampled_from(CauseHow), st.none() | st.integers(1, 2**62), TEXT),
    replay_of=st.none() | st.integers(1, 2**62),
    protocol=TEXT,
    connection=TEXT,
    body_truncated=st.booleans(),
    notes=NOTES,
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    made = sqlite3.connect(tmp_path_factory.mktemp("rows") / "x.sqlite")
    schema.create(made)
    made.row_factory = sqlite3.Row
    made.execute("INSERT INTO session (id, mode, started) VALUES (1, 'record', 0)")
    made.commit()
    return made


@settings(max_examples=50)
@given(one=EXCHANGES)
@pytest.mark.slow
def test_what_is_written_is_read(connection: sqlite3.Connection, one: Exchange) -> None:
    assert round_trip(connection, one) == one


def round_trip(connection: sqlite3.Connection, one: Exchange) -> Exchange:
    connection.execute(INSERT, Packer(connection).row(one))
    try:
        got = connection.execute(f"{SELECT} WHERE e.id = ?", [one.id]).fetchone()
        unpack = BodyReader(connection).unpack
        return from_row(
            got,
            unpack(got["q_codec"], got["q_data"], got["q_size"]),
            unpack(got["p_codec"], got["p_data"], got["p_size"]),
            HeadReader(connection),
        )
    finally:
        connection.rollback()


def test_half_a_character_in_the_notes_is_kept(connection: sqlite3.Connection) -> None:
    one = exchange(notes={"bad \ud800": ["\udfff"], "fine": "é"})
    assert round_trip(connection, one) == one


def test_sessions(connection: sqlite3.Connection) -> None:
    values: dict[str, Any] = {
        "id": 7, "mode": "replay", "started": 1.5, "ended": None, "seen": 5, "written": 3, "dropped": 2, "truncated": 1,
        "redaction_key": "abc", "meta": {"a": [1]},
    }  # fmt: skip
    assert to_session({**values, "meta": '{"a": [1]}'}) == Session(**values)
