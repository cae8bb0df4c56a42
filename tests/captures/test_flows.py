"""Which answer made a value, and which requests bring it back: traced, drawn, and within bounds."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import retape
from captures.flows import drawing
from captures.flows.tracing import Flow, Tracing
from captures.flows.words import BASE64_TEXT, base64_text
from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from captures.writer import CaptureWriter
from tests.corpus import each

NOW = 1_780_000_000.0
ORDER, PAYMENT = "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
SID = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
JSON: Headers = ((b"Content-Type", b"application/json"),)

Step = tuple[str, str, Any, Any]


def exchange(number: int, step: Step, asked: Headers = (), answered: Headers = ()) -> Exchange:
    method, target, sent, shown = step
    body = b"" if sent is None else json.dumps(sent).encode()
    request = Request(method, "http", "shop", 80, target.encode(), (*(JSON if body else ()), *asked), body)
    response = Response(200, (*JSON, *answered), json.dumps(shown).encode())
    return Exchange(number, Direction.INBOUND, request, Timing(NOW + number), response)


def traced(*steps: Step, limit: int = 1000) -> Tracing:
    tracing = Tracing(limit)
    for number, step in enumerate(steps, start=1):
        tracing.add(exchange(number, step))
    return tracing


def told(flows: Sequence[Flow]) -> list[tuple[str, int, list[tuple[int, tuple[str, ...]]]]]:
    return [(flow.key[0][:4], flow.source, [(use.exchange, use.places) for use in flow.uses]) for flow in flows]


SHOPPING: list[Step] = [
    ("GET", "/health", None, {"ok": True, "n": 1}),
    ("POST", "/orders", {"sku": "A", "n": 1}, {"id": ORDER, "state": "active", "n": 1}),
    ("GET", f"/orders/{ORDER}?expand=1", None, {"id": ORDER}),
    ("POST", "/payments", {"order": {"id": ORDER}, "again": ORDER}, {"id": PAYMENT, "order": ORDER}),
    ("GET", f"/payments/{PAYMENT}", None, {}),
    ("GET", "/orders/active", None, {"n": 1}),
]


def test_values_are_followed_from_the_answer_that_made_them() -> None:
    assert told([*traced(*SHOPPING).flows()]) == [
        ("3f0e", 2, [(3, ("path",)), (4, ("json $.order.id", "json $.again"))]),
        ("7c9e", 4, [(5, ("path",))]),
    ]


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        (("GET", f"/x?order={ORDER}", None, {}), ("query order",)),
        (("GET", f"/x?after={base64.b64encode(f'Order:{ORDER}'.encode()).decode()}", None, {}), ("query after",)),
        (("POST", "/x", {"a": [{"b": ORDER}]}, {}), ("json $.a[0].b",)),
    ],
)
def test_places_of_requests(asked: Step, places: tuple[str, ...]) -> None:
    (flow,) = traced(("POST", "/orders", {}, {"id": ORDER}), asked).flows()
    assert flow.uses[0].places == places


def test_cookies_validators_and_numbers() -> None:
    tracing = Tracing()
    tracing.add(exchange(1, ("POST", "/login", {}, {}), answered=((b"Set-Cookie", b"sid=" + SID.encode()),)))
    made: Step = ("POST", "/orders", {}, {"id": 17, "quantity": 42})
    tracing.add(exchange(2, made, answered=((b"ETag", b'"v1"'),)))
    asked: Headers = ((b"Cookie", b"a=1; sid=" + SID.encode()), (b"If-Match", b'"v1"'))
    tracing.add(exchange(3, ("PUT", "/orders/17?page=42", {"order_id": 17}, {}), asked=asked))
    assert [(flow.kind, flow.place, flow.uses[0].places) for flow in tracing.flows()] == [
        ("hex", "cookie sid", ("cookie sid",)),
        ("validator", "header etag", ("header if-match",)),
        ("number of order", "json $.id", ("path", "json $.order_id")),
    ]


def test_what_a_client_said_first_flows_from_nowhere_and_a_digit_is_no_id() -> None:
    tracing = traced(
        ("PUT", f"/orders/{ORDER}", {}, {"id": ORDER}),
        ("GET", f"/orders/{ORDER}", None, {"id": ORDER}),
        ("POST", "/users", {}, {"id": 7}),
        ("GET", "/users/7", None, {}),
    )
    assert list(tracing.flows()) == []


def test_values_that_several_answers_showed_before_the_use_are_ambiguous() -> None:
    shown: Step = ("POST", "/orders", {}, {"id": ORDER})
    use: Step = ("GET", f"/orders/{ORDER}", None, {})
    (flow,) = traced(shown, shown, use, shown).flows()
    assert (flow.source, flow.others, flow.ambiguous) == (1, [2, 4], [2])


def test_around_one_exchange_is_what_it_needs_and_feeds() -> None:
    other = ORDER.replace("3", "4")
    tracing = traced(*SHOPPING, ("POST", "/orders", {}, {"id": other}), ("GET", f"/orders/{other}", None, {}))
    assert [flow.source for flow in tracing.around(5)] == [2, 4]
    assert [flow.source for flow in tracing.around(2)] == [2, 4]
    assert [flow.source for flow in tracing.around(3)] == [2]
    assert [flow.source for flow in tracing.around(8)] == [7]
    assert tracing.around(1) == []


def test_memory_is_bounded_and_what_is_forgotten_is_said() -> None:
    steps: list[Step] = []
    for number in range(50):
        value = f"{number:08x}-8f0b-4f5e-9a56-8c0d9b6d2a11"
        steps += [("POST", "/orders", {}, {"id": value}), ("GET", f"/orders/{value}", None, {})]
    tracing = traced(*steps, limit=10)
    assert tracing.forgotten == 40
    assert len(list(tracing.flows())) == 50, "the uses seen until then are kept"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        for step in [*SHOPPING, ("POST", "/orders", {}, {"id": ORDER}), ("GET", f"/orders/{ORDER}\x1b[2J", None, {})]:
            writer.put(exchange(writer.reserve_id(), step))
    return path


def shown(*arguments: str | int | Path) -> str:
    done = CliRunner().invoke(retape.cli, ["capture", "show", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_drawn_for_people(shop: Path) -> None:
    drawn = shown(shop, "--chains")
    assert drawn.splitlines()[:5] == [
        "     2  POST /orders  200",
        "        3f0e6a52-8… (uuid) at json $.id",
        f"          -> 3      GET /orders/{ORDER}  200  [path]",
        "          -> 4      POST /payments  200  [json $.order.id, json $.again]",
        "     4  POST /payments  200",
    ]
    assert drawn.splitlines()[-1] == "2 values of 8 exchanges flow on."
    assert "\x1b" not in drawn


def test_limits_and_one_exchange(shop: Path) -> None:
    assert "left out: 1 of them" in shown(shop, "--chains", "--limit", 1)
    assert shown(shop, 5, "--chains").splitlines()[-1] == "2 values of 8 exchanges flow on."
    assert shown(shop, 1, "--chains") == "0 values of 8 exchanges flow on.\n"


def test_drawn_for_programs(shop: Path) -> None:
    document = json.loads(shown(shop, "--chains", "--format", "json"))
    assert document["exchanges"] == 8
    assert document["flows"][1] == {
        "source": 4, "request": "POST /payments  200", "value": "7c9e6679-7…", "kind": "uuid", "place": "json $.id",
        "ambiguous_with": [], "used": 1,
        "uses": [{"exchange": 5, "request": f"GET /payments/{PAYMENT}  200", "places": ["path"]}],
    }  # fmt: skip
    assert document["left_out"] == {"flows": 0, "values_forgotten": 0}


def test_values_are_never_shown_whole() -> None:
    for value in (ORDER, SID, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP"):
        assert len(drawing.short(value)) <= 11


@pytest.mark.parametrize(
    "text", ["Order:17", '{"id":"3f0e6a52-8f0b"}', "cursor:v1?a=b&c=d", "user:password", "gid://shop/Order/17"]
)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@each("padded", [True, False])
def test_base64_of_text_is_read_and_written_the_same(text: str, encode: Any, padded: bool) -> None:
    word = encode(text.encode()).decode()
    word = word if padded else word.rstrip("=")
    match = BASE64_TEXT.fullmatch(word)
    assert match is not None
    found = base64_text(word)
    assert found is not None
    assert found.text == text
    assert found.written(text) == word


@pytest.mark.parametrize("word", ["Description", "description_of_it", "3f0e6a52", "AAAAAAAAAAAA", "a" * 64, "SGVsbG8"])
def test_words_are_not_taken_for_it(word: str) -> None:
    assert BASE64_TEXT.fullmatch(word) is None or base64_text(word) is None
