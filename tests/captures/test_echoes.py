from __future__ import annotations

import json
from typing import Any

from captures.model import Response
from captures.routes.echoes import LARGEST, MOST, answer_of
from tests.captures.making import JSON
from tests.corpus import each


def answer(document: Any, status: int = 200) -> Any:
    return answer_of(("x",), Response(status, JSON, json.dumps(document).encode()))


@each(
    ("document", "word", "named", "spoken_of"),
    [
        ({"slug": "acme"}, "acme", True, True),
        ([{"data": {"shopId": "acme"}}], "acme", True, True),
        ({"tags": ["acme", "x"]}, "acme", True, True),
        ({"name": "Blue Shirt"}, "blue-shirt", True, True),
        ({"name": "Old"}, "old", False, True),
        ({"colour": "acme"}, "acme", False, True),
        ({"acme": "done"}, "acme", False, False),
        ({"paid": "acme"}, "acme", False, True),
        ({"id": 7}, "7", False, False),
        ({"a": {"b": {"c": {"d": {"e": {"id": "acme"}}}}}}, "acme", False, False),
    ],
)
def test_names(document: Any, word: str, *, named: bool, spoken_of: bool) -> None:
    found = answer(document)
    assert (found.names(word), found.speaks_of(word)) == (named, spoken_of)


def test_what_says_nothing() -> None:
    assert answer({"id": "a"}, 404) is None
    assert answer({}) is None
    assert answer("text") is None
    assert answer({"id": "a" * LARGEST}) is None
    assert answer_of(("x",), None) is None
    assert answer_of(("x",), Response(200, JSON, b'{"id":')) is None


def test_a_long_answer_disproves_nothing() -> None:
    assert answer([{"id": "a"}] * 10).whole
    assert not answer([{"id": "a"}] * MOST).whole
