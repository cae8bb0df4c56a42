from __future__ import annotations

from typing import Any

from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from diffing.learning.repetition import Answer
from diffing.learning.sightings import Sight, Viewer
from tests.corpus import each

JSON: Headers = ((b"Content-Type", b"application/json"),)
BODY = b'{"a": 1, "rows": [{"x": 1}, {"x": 2, "y": null}, {}], "m": {"2026-01-01": {"x": 5}}}'


def answer() -> Answer:
    at = Timing(1.0, 1.0, 1.0, 1.0)
    asked = Request("GET", "http", "x", 80, b"/a", ())
    headers: Headers = (*JSON, (b"X-Shard", b"s1"), (b"X-Shard", b"s2"), (b"Set-Cookie", b"sid=abc; Path=/"))
    call = Request("POST", "http", "bank", 80, b"/charges?q=1&q=2&r=", JSON, b'{"n": 7}')
    return Answer(
        Exchange(1, Direction.INBOUND, asked, at, response=Response(200, headers, BODY)),
        tuple(Exchange(number, Direction.OUTBOUND, call, at) for number in (2, 3)),
    )


@each(
    ("location", "values", "absent", "seen"),
    [
        ("response.body $.a", (1,), 0, True),
        ("response.body $.b", (), 1, True),
        ("response.body $.rows[*].x", (1, 2), 1, True),
        ("response.body $.rows[*].y", (None,), 2, True),
        ("response.body $.none[*].y", (), 0, False),
        ("response.body $.m[*].x", (5,), 0, True),
        ("response.body $.rows[*]", ({"x": 1}, {"x": 2, "y": None}, {}), 0, True),
        ("response.header x-shard", ("s1, s2",), 0, True),
        ("response.header x-other", (), 1, True),
        ("response.cookie sid", ("abc",), 0, True),
        ("response.cookie other", (), 1, True),
        ("response.status", (), 0, True),
        ("outbound bank POST /charges request.body $.n", (7, 7), 0, True),
        ("outbound bank POST /charges request.query q", ("1, 2", "1, 2"), 0, True),
        ("outbound bank POST /charges request.query z", (), 2, True),
        ("outbound bank POST /charges request.target", ("/charges", "/charges"), 0, True),
        ("outbound bank GET /rates request.body $.n", (), 0, False),
        ("outbound bank GET /rates", (), 0, True),
    ],
)
def test_sight(location: str, values: tuple[Any, ...], absent: int, seen: bool) -> None:
    sight = Viewer(answer(), lambda _: "bank POST /charges").sight(location)
    assert (sight.values, sight.absent, sight.seen) == (values, absent, seen)


def test_the_fields_beside_a_place() -> None:
    sight = Viewer(answer(), lambda _: "").sight("response.body $.rows[*].x")
    assert sight.members == {"x", "y"}


def test_an_answer_that_is_no_structure_has_no_room() -> None:
    failed = Answer(
        Exchange(1, Direction.INBOUND, Request("GET", "http", "x", 80, b"/", ()), Timing(1.0, 1.0, 1.0, 1.0))
    )
    assert Viewer(failed, lambda _: "").sight("response.body $.a") == Sight(seen=False)
