from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.visible import in_json, in_toml, inert, visible
from tests.corpus import each


@each(
    ("text", "shown"),
    [
        ("plain é 密 😀", "plain é 密 😀"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("a\x00b", "a\\x00b"),
        ("\x9b1m \x7f", "\\x9b1m \\x7f"),
        ("abc\u202edef\ufeff\ud800", "abc\\u202edef\\ufeff\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\ufff9b\ufffac\ufffb", "a\\ufff9b\\ufffac\\ufffb"),
        ("pass\xadword \u3164 \uffff", "pass\\xadword \\u3164 \\uffff"),
        (
            "👩\u200d💻 ❤\ufe0f\u200d🔥 क्\u200dष 葛\U000e0100",
            "👩\u200d💻 ❤\ufe0f\u200d🔥 क्\u200dष 葛\U000e0100",
        ),
        ("pay\u200dpal é\u200c", "pay\\u200dpal é\\u200c"),
        ("a\ufe0f\u200d🔥", "a\\ufe0f\\u200d🔥"),
        ("😀\ufe00\ufe01\U000e0142", "😀\ufe00\\ufe01\\U000e0142"),  # a message in selectors
    ],
)
def test_what_does_not_show_as_itself_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_may_stay() -> None:
    assert visible("a\n\tb\r\x1b", lines=True) == "a\n\tb\\r\\x1b"


def test_ascii_on_request() -> None:
    assert visible("é→\x1b", ascii_only=True) == "\\xe9\\u2192\\x1b"


@given(st.text(st.characters(codec=None)) | st.text("a1é😀\n\u200c\u200d\ufe0f\U000e0100\U000e0041\u202e\ud800"))
def test_one_line_of_printable_text(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert visible(shown) == shown
    visible(text, ascii_only=True).encode("ascii")


def in_one_line(shown: str) -> bool:
    return visible(shown, lines=True) == shown


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_toml_says_the_same(text: str) -> None:
    import tomlkit

    written = in_toml(tomlkit.dumps({"a": text}))
    assert tomllib.loads(written) == {"a": text}
    assert in_one_line(written)


@given(st.text() | st.text("\U000e0041\x9b\u202e\ud800\ta"))
def test_json_says_the_same(text: str) -> None:
    written = in_json(json.dumps({"a": text}, ensure_ascii=False, indent=1))
    assert json.loads(written) == {"a": text}
    assert in_one_line(written)


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("##[error]x", "#\\x23[error]x"),
        ("a ##[add-mask]b", "a #\\x23[add-mask]b"),
        ("::stop-commands::x", "\\x3a:stop-commands::x"),
        ("a\n  ::error::x", "a\n  \\x3a:error::x"),
        ("a::b", "a::b"),
    ],
)
def test_a_log_line_is_no_command(text: str, harmless: str) -> None:
    assert inert(text) == harmless
