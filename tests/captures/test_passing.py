"""Words in the paths of calls that the caller chose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from captures.model import Cause, CauseHow, Direction, Request
from captures.routes.endpoints import Endpoints
from captures.routes.passing import said_in
from captures.store import Capture
from tests.captures.making import JSON, capture, exchange

FORM = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
WORDS = ("apple", "pear", "plum")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (
            Request("POST", "http", "a", 80, b"/x/y?q=pear&n=1", JSON, b'{"a": [{"b": "apple"}], "c": 1}'),
            "pear 1 apple",
        ),
        (Request("POST", "http", "a", 80, b"/x", FORM, b"name=red+plum&n=2"), "red plum|2"),
        (Request("POST", "http", "a", 80, b"/x", JSON, b"{broken"), ""),
        (Request("GET", "http", "a", 80, b"/apple"), ""),
    ],
)
def test_query_and_body_say_something_and_the_path_does_not(request_: Request, said: str) -> None:
    assert said_in(request_) == frozenset(said.split("|" if "|" in said else None))


def calls(path: Path, asked: list[tuple[str, Any]], *, linked: bool = True) -> set[str]:
    """The endpoints of calls to ``/stock/WORD``, each made for a request with a body."""
    exchanges = []
    for at, (word, body) in enumerate(asked):
        text = json.dumps(body).encode()
        cause = Cause(CauseHow.WINDOW, 2 * at + 1, "") if linked else Cause(CauseHow.AMBIGUOUS, None, "")
        exchanges += [
            exchange(2 * at + 1, method="POST", target=b"/items", headers=JSON, body=text),
            exchange(
                2 * at + 2,
                target=f"/stock/{word}".encode(),
                direction=Direction.OUTBOUND,
                dependency="inventory",
                cause=cause,
            ),
        ]
    with Capture.open(capture(path / "c.sqlite", *exchanges)) as opened:
        endpoints = Endpoints.of(opened)
        return {endpoints.endpoint_of(one) for one in opened.exchanges(direction=Direction.OUTBOUND)}


def test_words_that_each_caller_chose_are_one_endpoint(tmp_path: Path) -> None:
    assert calls(tmp_path, [(word, {"name": word}) for word in WORDS]) == {"GET /stock/{id}"}


@pytest.mark.parametrize(
    "asked",
    [
        [(word, {"name": word}) for word in WORDS[:2]],  # two may be chance
        [(word, {"name": "x"}) for word in WORDS],
        [*((word, {"name": word}) for word in WORDS), ("rules", {}), ("limits", {})],  # some are fixed
    ],
)
def test_words_that_callers_did_not_choose_stay_words(tmp_path: Path, asked: list[tuple[str, Any]]) -> None:
    assert calls(tmp_path, asked) == {f"GET /stock/{word}" for word, _ in asked}


def test_a_call_whose_caller_is_not_known_says_nothing(tmp_path: Path) -> None:
    asked = [(word, {"name": word}) for word in WORDS]
    assert calls(tmp_path, asked, linked=False) == {f"GET /stock/{word}" for word in WORDS}
