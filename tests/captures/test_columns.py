"""Files that another program changed: every reader says that the file is damaged, and where."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import retape
from captures.columns import EXCHANGE, SESSION, check_meta, check_types, json_object
from captures.errors import CorruptCapture
from captures.routes.endpoints import Endpoints
from captures.store import Capture
from tests.captures.making import JSON, capture, exchange
from tests.corpus import each


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    answer = {"response_headers": JSON, "response_body": b'{"id": 7}'}
    return capture(tmp_path / "shop.sqlite", exchange(1, target=b"/a/7", body=b"sent", **answer), exchange(2, **answer))


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def read(path: Path) -> None:
    with Capture.open(path) as opened:
        opened.sessions()
        list(opened.exchanges())
        opened.skipped()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE kind SET status = 'x'", "exchange.status is not a whole number"),
        ("UPDATE kind SET status = 1e308", "exchange.status is not a whole number"),
        ("UPDATE kind SET status = -1", "exchange.status is no HTTP status"),
        ("UPDATE packed_exchange SET replay_of = 'x'", "exchange.replay_of is not a whole number"),
        ("UPDATE packed_exchange SET caused_by = x'ff'", "exchange.caused_by is not a whole number"),
        ("UPDATE packed_exchange SET started = 'x'", "exchange.started is not a number"),
        ("UPDATE packed_exchange SET started = 9e999", "a time that no clock shows"),
        ("UPDATE packed_exchange SET ended = 1e308", "a time that no clock shows"),
        ("UPDATE kind SET direction = 'sideways'", "a direction, a cause or a failure that there is not"),
        ("UPDATE kind SET failure = 'boredom'", "a direction, a cause or a failure that there is not"),
        ("UPDATE packed_exchange SET target = x'ff00'", "exchange.target is not text"),
        ("UPDATE kind SET reason = '€'", "exchange.reason holds characters that are no bytes"),
        ("UPDATE packed_exchange SET request_headers = '[[1, 2]]'", "no list of names and values"),
        ("UPDATE packed_exchange SET response_headers = '{}5'", "no list of names and values"),
        ("UPDATE packed_exchange SET notes = '[]'", "exchange.notes is not a JSON object"),
        ("UPDATE packed_exchange SET notes = '{'", "exchange.notes is not JSON"),
        ("UPDATE packed_exchange SET notes = 99", "exchange.notes is not text"),
        ("UPDATE packed_exchange SET cause_evidence = 99", "exchange.cause_evidence is not text"),
        ("UPDATE packed_exchange SET kind = 99", "exchange.direction is empty"),
        ("UPDATE packed_exchange SET session = 99", "exchange.started is empty"),
        ("UPDATE session SET started = 'x'", "session.started is not a number"),
        ("UPDATE session SET written = 'x'", "session.written is not a whole number"),
        ("UPDATE session SET meta = '[]'", "session.meta is not a JSON object"),
        ("UPDATE session SET meta = 5", "session.meta is not a JSON object"),
        ("UPDATE session SET meta = '{\"bindings\": [5]}'", "session.meta names no pairs under bindings"),
        ("INSERT INTO skipped VALUES (1, 'x', 'reason')", "a row of skipped names no exchange"),
        ("UPDATE body SET size = size + 1", "damaged body"),
        ("UPDATE body SET data = 5", "something that is no body"),
        ("DELETE FROM body WHERE size = 4", "a body of exchange 1 is not in the file"),
        ("DELETE FROM body WHERE size > 4", "a body of exchange 1 is not in the file"),
    ],
)  # fmt: skip
def test_what_no_recording_holds_is_damage(shop: Path, statement: str, told: str) -> None:
    change(shop, statement)
    with pytest.raises(CorruptCapture) as error:
        read(shop)
    assert error.value.message.startswith(f"{shop} is damaged: ")
    assert told in error.value.message


def test_templates_are_not_learnt_from_a_target_that_is_no_text(shop: Path) -> None:
    change(shop, "UPDATE packed_exchange SET target = x'ff00'")
    with Capture.open(shop) as opened, pytest.raises(CorruptCapture, match=r"exchange\.target holds"):
        Endpoints.of(opened, ())


def test_a_diff_of_a_capture_without_its_bodies_is_not_clean(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = shop.parent / "other.sqlite"
    other.write_bytes(shop.read_bytes())
    for path in (shop, other):
        change(path, "DELETE FROM body")
    assert retape.run(["diff", str(shop), str(other)]) == 2
    assert "is not in the file" in capsys.readouterr().err


def test_a_type_is_named_with_its_column() -> None:
    types = [{"a whole number": int, "a number": float, "text": str}[form] for form, _ in EXCHANGE.values()]
    check_types("exchange", tuple(types))
    for at, (column, (_, optional)) in enumerate(EXCHANGE.items()):
        without = (*types[:at], type(None), *types[at + 1 :])
        if optional:
            check_types("exchange", without)
            continue
        with pytest.raises(ValueError, match=rf"exchange\.{column} is empty"):
            check_types("exchange", without)
    with pytest.raises(ValueError, match=r"session\.mode is not text"):
        check_types("session", tuple(bytes if column == "mode" else int for column in SESSION))


@each(
    "meta",
    [
        {"inconclusive": 5}, {"command": "python app.py"}, {"bindings": [["a"]]}, {"bindings": [[1, "a"]]},
        {"source_sessions": [[[1], 2]]}, {"clock": "x"}, {"shards": {"a": {"started": 1}}}, {"shards": {"1": {}}},
        {"shards": {"1": {"started": 1, "bindings": [5]}}}, {"dependencies": [5]}, {"withheld": [1]},
        {"named_bindings": [["1", "2", "id"]]}, {"named_bindings": [["1", 2, "id", "order"]]}, {"spans": [[1]]},
        {"spans": [[1, "x"]]}, {"spans": {"1": 2}}, {"options": ["--isolate"]}, {"last_id": "7"},
        {"withheld": [[[], 1]]}, {"handed_over": [["127.0.0.1:1"]]}, {"handed_over": [["127.0.0.1:1", 2]]},
        {"shards": {"1": {"started": 1, "named_bindings": [5]}}}, {"shards": {"1": {"started": 1, "bindings": 5}}},
    ],
)  # fmt: skip
def test_what_a_session_says_has_a_form(meta: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"session\.meta"):
        check_meta(meta)


def test_what_a_session_may_say() -> None:
    check_meta({})
    check_meta({"clock": -3.5, "shards": {"1": {"started": 5.0, "bindings": [["a", "b"]]}}, "bindings": [["a", "b"]]})
    check_meta(
        {"named_bindings": [["1", "2", "id", "order"]], "spans": [[1, 5]], "options": [["--isolate"]], "last_id": 5}
    )
    check_meta({"spans": [], "last_id": None, "named_bindings": []})
    check_meta(
        {
            "dependencies": {"tax": {"url": "http://tax", "env": "TAX"}},
            "handed_over": [["a:1", "a:2"]],
            "withheld": [[3, 1]],
        }
    )


def test_a_text_nested_without_end_is_no_object() -> None:
    with pytest.raises(ValueError, match=r"exchange\.notes is not JSON"):
        json_object("exchange.notes", "[" * 100_000)
