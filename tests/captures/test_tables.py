from __future__ import annotations

from typing import Any

import pytest

from captures.formats.tables import read_tables
from tests.corpus import each


@each(
    ("text", "kind", "rows"),
    [
        ("id,name\n1,a\n2,b\n", "text/csv", [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]),
        ("id;name\r\n1;a,b\r\n", "text/csv", [{"id": "1", "name": "a,b"}]),
        ("id\tname\n1\t\n", "text/tab-separated-values", [{"id": "1", "name": ""}]),
        ('id,"na\nme"\n1,"a ""b"""\n', "text/csv", [{"id": "1", "na\nme": 'a "b"'}]),
        ("1,2\n3,4\n", "text/csv", [["1", "2"], ["3", "4"]]),
        ("a,a\n1,2\n", "text/csv", [["a", "a"], ["1", "2"]]),
        ("a,\n1,2\n", "text/csv", [["a", ""], ["1", "2"]]),
        ("a,b\n", "text/csv", [["a", "b"]]),
        ("a,b\n1\n", "text/csv", [["a", "b"], ["1"]]),
        ("2026-01,2026-02\nx,y\n", "text/csv", [["2026-01", "2026-02"], ["x", "y"]]),
        ("", "text/csv", []),
    ],
)
def test_tables(text: str, kind: str, rows: Any) -> None:
    assert read_tables([text], kind) == [rows]


def test_numbers_stay_text() -> None:
    assert read_tables(["n\n1.10\n007\n"], "text/csv") == [[{"n": "1.10"}, {"n": "007"}]]


def test_two_tables_are_read_alike() -> None:
    assert read_tables(["a,b\n1,2\n", "a,b\n"], "text/csv") == [[["a", "b"], ["1", "2"]], [["a", "b"]]]


@pytest.mark.parametrize("text", ['a,"b\n', 'a,"b"c\n', 'x,"' + "y" * 200_000 + '"\n'])
def test_broken_quoting_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no table"):
        read_tables([text], "text/csv")
