from __future__ import annotations

import json

from captures.model import Direction, Exchange, Request, Timing
from replayer.misses import MAX_SHOWN, differences, distance, explain, nearest
from tests.replayer.tapes import NOW, request

BASE = request("POST", "/api/v2/payments", {"amount": 100, "currency": "EUR", "reference": "inv-1"}, host="pay.test")


def recorded(identity: int, asked: Request) -> Exchange:
    return Exchange(identity, Direction.OUTBOUND, asked, Timing(NOW))


def test_the_same_body_under_a_renamed_path_beats_another_body_one_letter_away() -> None:
    """WireMock weighs the path alone and names the wrong one."""
    renamed = recorded(
        1, request("POST", "/api/v2/charges", {"amount": 100, "currency": "EUR", "reference": "inv-1"}, host="pay.test")
    )
    typo = recorded(2, request("POST", "/api/v2/payment", {"name": "x", "age": 1, "city": "y"}, host="pay.test"))
    assert nearest(BASE, [typo, renamed]) is renamed


def test_nothing_is_nearer_than_the_same() -> None:
    assert distance(BASE, BASE) == 0
    for other in (
        request("PUT", "/api/v2/payments", {"amount": 100}, host="pay.test"),
        request("POST", "/api/v2/payments?x", {"amount": 100}, host="pay.test"),
        request("POST", "/api/v2/payments", None, host="pay.test"),
        request("POST", "/api/v2/payments", {"amount": 100}, host="other.test"),
    ):
        assert distance(BASE, other) > 0


def test_differences_name_the_places() -> None:
    call = request(
        "POST", "/api/v2/payments?dry=1", {"amount": "100", "reference": "inv-1", "tip": [1]}, host="pay.test"
    )
    assert differences(BASE, call) == [
        {"path": "request.query dry", "recorded": None, "replayed": "1"},
        {"path": "request.body $.amount", "recorded": 100, "replayed": "100"},
        {"path": "request.body $.currency", "recorded": "EUR", "replayed": None},
        {"path": "request.body $.tip", "recorded": None, "replayed": "list of 1"},
    ]


def test_an_explanation_is_json_and_short() -> None:
    call = request("POST", "/api/v2/payments", {"amount": 100, "text": "x" * 9999}, host="pay.test")
    told = explain(call, recorded(7, BASE), used=True, cause="recorded exchange 3")
    assert told["nearest"] == {
        "exchange": 7, "request": "POST http://pay.test/api/v2/payments", "score": 0.82, "served": True,
    }  # fmt: skip
    assert told["call"] == "POST http://pay.test/api/v2/payments"
    assert all(len(str(entry["replayed"])) <= MAX_SHOWN + 1 for entry in told["differences"])
    assert len(json.dumps(told)) < 2_000


def test_hints() -> None:
    def hint(call: Request) -> str:
        return str(explain(call, recorded(7, BASE), used=False, cause="")["hint"])

    assert "another server" in hint(request("POST", "/api/v2/payments", host="x.test"))
    assert "path differs" in hint(request("POST", "/api/v3/payments", host="pay.test"))
    assert "retape capture show CAPTURE 7" in hint(request("POST", "/api/v2/payments", {"amount": 1}, host="pay.test"))
    assert "Nothing was recorded" in str(explain(BASE, None, used=False, cause="")["hint"])
