from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captures import heads, recurring, schema
from captures.heads import ALIKE, HeadReader, HeadStore, dump_headers, load_headers
from captures.model import Headers
from captures.store import Capture
from tests.captures.making import capture, exchange

HEADERS = st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=40)), max_size=4).map(tuple)


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(tmp_path / "x.sqlite")
    schema.create(made)
    return made


def agent(number: int, cookie: bytes = b"theme=dark; session=0123456789abcdef") -> Headers:
    return ((b"Host", b"shop"), (b"X-Serial", b"%032x" % number), (b"Cookie", cookie), (b"Host", b"\xff\x01"))


@given(HEADERS)
def test_headers_keep_order_case_duplicates_and_every_byte(headers: Headers) -> None:
    assert load_headers(dump_headers(headers)) == headers


@pytest.mark.parametrize("text", [None, "", "[]"])
def test_no_headers(text: str | None) -> None:
    assert load_headers(text) == ()


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(st.tuples(HEADERS, st.integers(1, 3)), max_size=30), st.integers(0, 3))
def test_whatever_is_put_is_read(lists: list[tuple[Headers, int]], again: int) -> None:
    connection = sqlite3.connect(":memory:")
    schema.create(connection)
    store = HeadStore(connection)
    kept = []
    for headers, times in lists:
        for turn in range(times):
            varied = (*headers, (b"x", b"%040d" % (turn % (again + 1))), (b"y", b"%d" % len(kept)))
            kept.append((varied, store.put(varied)))
    reader = HeadReader(connection)
    assert [reader.read(*row) for _, row in kept] == [headers for headers, _ in kept]
    assert [reader.text(*row) for _, row in kept] == [dump_headers(headers) for headers, _ in kept]
    connection.close()


def test_lines_that_vary_leave_the_head(connection: sqlite3.Connection) -> None:
    store = HeadStore(connection)
    rows = [store.put(agent(number)) for number in range(200)]
    assert len({head for head, _ in rows}) == ALIKE + 1
    assert rows[-1][1] == f'["{199:032x}"]'
    reader = HeadReader(connection)
    assert [reader.read(*row) for row in rows] == [agent(number) for number in range(200)]


def test_lines_that_always_vary_do_so_from_the_start(connection: sqlite3.Connection) -> None:
    store = HeadStore(connection)
    lists = [((b"Host", b"shop"), (b"X-REQUEST-ID", b"%d" % at), (b"Date", b"%029d" % (at // 3))) for at in range(9)]
    rows = [store.put(headers) for headers in lists]
    assert [head for head, _ in rows] == [1] * 9
    assert rows[5] == (1, '["5",2]')
    assert [HeadReader(connection).read(*row) for row in rows] == lists


def test_another_session_goes_on_with_the_heads_there_are(connection: sqlite3.Connection) -> None:
    store = HeadStore(connection)
    for number in range(200):
        store.put(agent(number))
    connection.commit()
    before = connection.execute("SELECT COUNT(*) FROM head").fetchone()
    assert HeadStore(connection).put(agent(7)) == (ALIKE + 1, f'["{7:032x}"]')
    assert connection.execute("SELECT COUNT(*) FROM head").fetchone() == before


def test_a_long_value_that_comes_again_is_kept_once(connection: sqlite3.Connection) -> None:
    store = HeadStore(connection)
    for number in range(400):
        store.put(agent(number, b"session=%064d" % (number % 40)))
    _, text = store.put(agent(5, b"session=%064d" % 3))
    assert text.startswith(f'["{5:032x}",')
    assert len(text) < 45
    assert HeadReader(connection).read(ALIKE * 2 + 1, text) == agent(5, b"session=%064d" % 3)


def test_what_sql_looks_into_stays_spelled(connection: sqlite3.Connection) -> None:
    store = HeadStore(connection)
    rows = [
        store.put(((b"Content-Type", b"multipart/form-data; boundary=%032x" % (number % 50)),)) for number in range(200)
    ]
    assert rows[-1][1] == f'["multipart/form-data; boundary={49:032x}"]'


def test_many_lists_that_are_used_again_stay_heads(connection: sqlite3.Connection) -> None:
    store = HeadStore(connection)
    for number in range(4000):
        store.put(((b"X-Tag", b"%032x" % (number // 400)),))
    for number in range(4000):
        head, text = store.put(((b"X-Tag", b"%032x" % (number % 20)),))
    assert (head, text) == (20, "")


def test_after_a_rollback_heads_are_written_again(connection: sqlite3.Connection) -> None:
    store = HeadStore(connection)
    lost = store.put(agent(1))
    connection.rollback()
    store.forget()
    again = store.put(agent(2))
    assert HeadReader(connection).read(*again) == agent(2)
    assert lost[0] == again[0]


def test_the_writer_forgets_the_shapes_of_long_ago(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "SHAPES", 3)
    monkeypatch.setattr(recurring, "LATELY", 3)
    monkeypatch.setattr(heads, "KEPT", 2)
    store = HeadStore(connection)
    lists = [
        ((b"n%d" % (number % 7), b"a" * 30 + b"%d" % number), (b"b", b"%030d" % (number % 9))) for number in range(500)
    ]
    rows = [store.put(headers) for headers in lists]
    reader = HeadReader(connection)
    assert [reader.read(*row) for row in rows] == lists


def test_lines_that_heads_have_in_common_are_kept_once(connection: sqlite3.Connection) -> None:
    policy = b"default-src 'none'; " * 20
    lists = [
        ((b"Date", b"%d" % n), (b"X-Policy", policy), (b"Content-Type", b"a/json"), (b"n%d" % n, b"x"))
        for n in range(50)
    ]
    for turn in range(2):  # another session goes on with them
        store = HeadStore(connection)
        for headers in lists[turn::2]:
            row = store.put(headers)
            assert HeadReader(connection).read(*row) == headers
    assert connection.execute("SELECT COUNT(*) FROM head").fetchone() == (50,)
    shared = "SELECT COUNT(*), MAX(line) FROM head_line WHERE line LIKE '%default-src%'"
    assert connection.execute(shared).fetchone() == (1, f'["X-Policy","{policy.decode()}"]')
    spelled = "SELECT COUNT(*) FROM head WHERE lines LIKE '%content-type\",\"a/json%'"
    assert connection.execute(spelled).fetchone() == (50,)  # where SQL looks for it
    assert sum(len(text) for (text,) in connection.execute("SELECT lines FROM head")) < 50 * 80 + 2 * len(policy)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM head", "head 17 is not in the file"),
        ("UPDATE head SET lines = '[99]'", "head_line 99 is not in the file"),
        ("UPDATE head SET lines = '[\"a\"]'", "no list of names and values"),
        ("UPDATE head_line SET line = '[5'", "no list of names and values"),
        ("UPDATE head_line SET line = '5'", "no list of names and values"),
        ("UPDATE head SET lines = '[[\"a\", -1]]'", "no list of names and values"),
        ("UPDATE head SET lines = '[[\"a\", 9]]'", "no list of names and values"),
        ("UPDATE exchange SET request_headers = '[99]'", "head_value 99 is not in the file"),
        ("UPDATE exchange SET request_headers = '[[1]]'", "no list of names and values"),
        ("UPDATE exchange SET request_headers = '{}'", "no list of names and values"),
        ("UPDATE exchange SET request_headers = ''", "no list of names and values"),
    ],
)
def test_damage_is_a_value_error(connection: sqlite3.Connection, statement: str, told: str) -> None:
    connection.execute("CREATE TEMP TABLE exchange (request_head, request_headers)")
    store = HeadStore(connection)
    for number in range(100):
        row = store.put(agent(number))
    connection.execute("INSERT INTO exchange VALUES (?, ?)", row)
    connection.execute(statement)
    with pytest.raises(ValueError, match=told):
        HeadReader(connection).read(*connection.execute("SELECT * FROM temp.exchange").fetchone())


def test_plain_sqlite_shows_them_whole(tmp_path: Path) -> None:
    path = capture(
        tmp_path / "x.sqlite",
        *(
            exchange(
                number,
                headers=agent(number, b"session=%064d" % (number % 40)),
                response_headers=((b"Content-Type", b"text/plain; n=%d" % number), (b"Server", b"x")),
            )
            for number in range(1, 301)
        ),
        exchange(301),
    )
    with Capture.open(path) as opened:
        shown: dict[tuple[int, str], list[tuple[str, str]]] = {}
        for row in opened.query("SELECT * FROM headers ORDER BY exchange, side, position"):
            shown.setdefault((row["exchange"], row["side"]), []).append((row["name"], row["value"]))
        for one in opened.exchanges():
            assert one.response is not None
            for side, headers in (("request", one.request.headers), ("response", one.response.headers)):
                assert shown.get((one.id, side), []) == [
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers
                ]
        types = [row["response_type"] for row in opened.query("SELECT response_type FROM traffic ORDER BY id")]
    assert types == [*(f"text/plain; n={number}" for number in range(1, 301)), None]
