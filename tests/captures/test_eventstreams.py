from __future__ import annotations

from typing import Any

import pytest

from captures.formats.eventstreams import read_events, read_json_lines
from captures.formats.jsontext import Literal, Number, Reading
from tests.corpus import each


@each(
    ("text", "value"),
    [
        ("", []),
        ("data: a\n\n", [{"data": "a"}]),
        ("data:a\r\ndata: b\r\n\r\n", [{"data": "a\nb"}]),
        ("event: x\nid: 7\nretry: 10\ndata:  a\n\n", [{"event": "x", "id": "7", "retry": "10", "data": " a"}]),
        (": keep-alive\n\n\ndata: a\n\n: bye\n", [{"data": "a"}]),
        ("data\n\n", [{"data": ""}]),
        ("odd: 1\nodd: 2\n\n", [{"odd": ["1", "2"]}]),
        ('data: {"n": 1.0}\n\ndata: [DONE]\n\n', [{"data": {"n": Number("1.0")}}, {"data": "[DONE]"}]),
        ('data: {"a":\ndata: 1}\n\n', [{"data": {"a": 1}}]),
        ("data: 12\n\n", [{"data": "12"}]),
        ("data: a\n\ndata: b\n", [{"data": "a"}, {"data": "b", "#incomplete": True}]),
        ("data: a\rdata: b", [{"data": "a\nb", "#incomplete": True}]),
    ],
)
def test_events(text: str, value: Any) -> None:
    assert read_events(text, 100).value == value


def test_what_is_odd_in_the_data_is_told_with_its_place() -> None:
    text = 'data: 1\n\ndata: {"a": 1, "a": NaN}\n\n'
    assert read_events(text, 100) == Reading(
        [{"data": "1"}, {"data": {"a": Literal("NaN")}}], ("$[1].data.a",), ("NaN at $[1].data.a",)
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ('\n{"a": 1}\r\n\r\n2\n', [{"a": 1}, 2]),
        ('\x1e{"a":\n 1}\n\x1e[]\n', [{"a": 1}, []]),
        ("", []),
    ],
)
def test_json_lines_and_sequences(text: str, value: Any) -> None:
    assert read_json_lines(text, 100).value == value


def test_repeated_keys_of_a_line_are_told() -> None:
    assert read_json_lines('{}\n{"a": 1, "a": 2}', 100).duplicates == ("$[1].a",)


def test_a_line_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        read_json_lines("{}\n{", 100)
