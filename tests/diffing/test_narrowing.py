from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from typing import Any

import pytest
import tomlkit

from captures.formats import jsontext
from diffing.learning.narrowing import Narrow, Refused, Values, narrowest, pattern_of, widened
from tests.corpus import each

UUIDS = [f"{n:08x}-5c1e-4b{n:02x}-8d0e-{n * 7:012x}" for n in range(17, 29)]
TOKENS = ["#a3f2c1", "#00ffee", "#7b1d09", "#c4c4c4", "#1a2b3c", "#9f8e7d"]


def seen(*answers: list[Any]) -> Values:
    """``answers[0]`` is what the recording holds, then one list per run."""
    values = Values()
    for number, answer in enumerate(answers):
        for value in answer:
            values.add(number, value)
    return values


@each(
    ("answers", "expect", "params"),
    [
        ([UUIDS[:4], UUIDS[4:8], UUIDS[8:]], "uuid", {"format": "v4"}),
        ([[UUIDS[0]], [UUIDS[1].replace("-4b", "-1b")]], "uuid", {}),
        ([["2026-01-01T10:00:00Z"], ["2026-01-02T11:30:00Z"]], "timestamp", {"format": "rfc3339 s Z"}),
        ([["2026-01-01T10:00:00.120Z"], ["2026-01-02T11:30:00.000Z"]], "timestamp", {"format": "rfc3339 ms Z"}),
        ([["Sat, 21 Nov 2026 10:00:00 GMT"], ["Sun, 22 Nov 2026 10:00:00 GMT"]], "timestamp", {"format": "http"}),
        ([["2026-01-01"], ["2026-01-02"]], "date", {}),
        ([[True, False], [False, False]], "boolean", {}),
        (
            [["calm", "busy"] * 3, ["busy", "closing"] * 3, ["calm", "closing"] * 3],
            "one-of",
            {"values": ["busy", "calm", "closing"]},
        ),
        ([[1, 2, 3] * 3, [3, 2, 1] * 3], "one-of", {"values": [1, 2, 3]}),
        ([TOKENS[:3], TOKENS[3:]], "regex:#[0-9a-f]{6}", {}),
        ([[3, 90, 44], [12, 71, 55], [8, 33, 64]], "integer", {"min": 0, "max": 180}),
        ([[0.5, 0.25], [0.75, 0.6], [0.31, 0.44]], "number", {"min": 0.0, "max": 1.3}),
        ([[-5, 80], [40, 7], [22, 61]], "integer", {"min": -90, "max": 170}),
        ([[1], [4], [9], [16]], "integer", {}),  # grows from run to run
        ([[1, 2, 3], [1, 2, 3], [4, 5, 6], [7, 8, 9]], "integer", {}),  # runs of one process
        ([[1, 2, 3], [1, 2, 3], [4, 5, 1], [7, 8, 9]], "integer", {"min": 0, "max": 16}),
        ([[1_790_000_000], [1_790_000_500], [1_790_001_000], [1_790_001_500]], "timestamp", {"format": "epoch s"}),
        ([["to be or not", "that is"], ["the question", "whether"]], "string", {}),
        ([["ab+c/d==", "Zz9"], ["q-_x~1", "AAb"]], "opaque", {}),
    ],
)
def test_narrowest(answers: list[list[Any]], expect: str, params: dict[str, Any]) -> None:
    found = narrowest(seen(*answers))
    assert isinstance(found, Narrow), found
    assert (found.expect, dict(found.params)) == (expect, params)


@pytest.mark.parametrize(
    ("answers", "words", "later"),
    [
        ([[1], ["1"]], "type flaps", False),
        ([[None], ["paid"]], "null and a value", False),
        ([[{"a": 1}], [{"a": 2}]], "whole object", False),
        ([[[1]], [[2]]], "whole array", False),
        ([], "no value", False),
        ([["calm"] * 4 + ["busy"], ["calm"] * 4, ["calm", "closing"]], "unseen", True),  # two words seen but once
        ([["calm"] * 9, ["busy"] * 9, ["calm"] * 9], "unseen", True),  # one draw per process, however many answers
    ],
)
def test_refused(answers: list[list[Any]], words: str, later: bool) -> None:
    found = narrowest(seen(*answers))
    assert isinstance(found, Refused), found
    assert words in found.reason
    assert found.later is later


def number(text: str) -> Any:
    """As it is read from a body, lossless."""
    return jsontext.parse(text)[0]


@pytest.mark.parametrize(
    ("texts", "expect", "params"),
    [
        (["0.10", "0.9", "0.5", "0.73"], "number", {"min": 0.0, "max": 1.7}),
        (["0.5", "1.5"] * 9, "one-of", {"values": [0.5, 1.5]}),
        (["0.50", "1.5"] * 9, "number", {"min": 0.0, "max": 3.0}),  # 0.50 would be read back as 0.5
        (["1e400", "3e400", "2e399"], "number", {}),
        (["9007199254740993", "9007199254740995", "9007199254740999"], "integer", {}),
    ],
)
def test_lossless_numbers(texts: list[str], expect: str, params: dict[str, Any]) -> None:
    found = narrowest(seen([number(text) for text in texts]))
    assert isinstance(found, Narrow), found
    assert (found.expect, dict(found.params)) == (expect, params)
    assert tomllib.loads(tomlkit.dumps({"params": dict(found.params)}))["params"] == params


@each(
    ("texts", "pattern"),
    [
        (["ord_8fk2m1", "ord_b71x0c", "ord_9z9k2e"], "ord_[0-9a-z]{6}"),
        (["A17", "A9", "A230", "A4", "A55"], "A[0-9]+"),
        (["AB", "AC", "AD"], "[A-Z]{2}"),  # three texts may begin with the same letter by chance
        (["took 12 ms", "took 7 ms", "took 103 ms"], "took [0-9]+ ms"),
        (["1.25", "13.50", "0.75"], r"[0-9]+\.[0-9]{2}"),
        (["(1)", "(22)", "(3)"], r"\([0-9]+\)"),
        (["beef", "cafe", "f00d"], "[0-9a-f]{4}"),
        (["bee", "caf", "f0d"], "[0-9a-z]{3}"),  # nine characters may lack g to z by chance
        (["a-b", "a_b", "a.b"], None),
        (["one two", "three"], None),
        (["café", "thé", "lait"], None),
        (["x" * 201, "y" * 201], None),
    ],
)
def test_pattern(texts: list[str], pattern: str | None) -> None:
    found = pattern_of(texts)
    assert found == pattern
    if found is not None:
        assert all(re.fullmatch(found, text) for text in texts)


@pytest.mark.parametrize(
    ("low", "high", "draws", "whole", "expected"),
    [
        ("3", "90", 9, True, (0, 180)),
        ("3", "90", 400, True, (0, 120)),
        ("0.2", "0.9", 40, False, (0.0, 1.1)),
        ("-3", "-1", 400, True, (-4, 0)),
        ("7", "7", 4, True, (7, 7)),
    ],
)
def test_widened(low: str, high: str, draws: int, whole: bool, expected: tuple[Any, Any]) -> None:
    below, above = widened(Decimal(low), Decimal(high), draws, whole=whole)
    assert (below, above) == expected
    assert type(below) is (int if whole else float)


def test_more_values_than_are_remembered_are_no_closed_set() -> None:
    values = seen(list(range(3_000)) * 2)
    assert values.overflow
    found = narrowest(values)
    assert isinstance(found, Narrow)
    assert found.expect == "integer"
