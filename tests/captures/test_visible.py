from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 密 😀", "plain é 密 😀"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r", "a\\x0ab\\x09c\\x0d"),
        ("\x9b1m \x7f", "\\x9b1m \\x7f"),
        ("abc\u202edef\ufeff\ud800", "abc\\u202edef\\ufeff\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_does_not_show_as_itself_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_may_stay() -> None:
    assert visible("a\n\tb\r\x1b", lines=True) == "a\n\tb\\x0d\\x1b"


@given(st.text())
def test_one_line_of_printable_text(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
