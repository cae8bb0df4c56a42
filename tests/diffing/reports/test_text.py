from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffing.reports.text import clip, clip_pair, listed, shared, size_text, visible

ANY_TEXT = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain é 日本 👩‍💻", "plain é 日本 👩‍💻"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\x00b\x7fc\x9b", "a\\x00b\\x7fc\\x9b"),
        ("two\nlines\r\n\tand", "two\\nlines\\r\\n\\tand"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2028\u2029\ufeff\ud800", "\\u2028\\u2029\\ufeff\\ud800"),
    ],
)
def test_what_would_act_is_seen_instead(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_lines_and_ascii_on_request() -> None:
    assert visible("a\n\tb\x1b", lines=True) == "a\n\tb\\x1b"
    assert visible("é→\x1b", ascii_only=True) == "\\xe9\\u2192\\x1b"


@given(ANY_TEXT)
def test_visible_text_can_be_encoded_and_is_one_line(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1
    assert visible(shown) == shown
    visible(text, ascii_only=True).encode("ascii")


@given(ANY_TEXT, ANY_TEXT, st.integers(8, 40))
def test_a_cut_never_hides_a_difference(left: str, right: str, limit: int) -> None:
    one, other = clip_pair(left, right, limit)
    assert (one == other) == (left == right)


def test_small_words() -> None:
    assert clip("abcdef", 3) == "abc… (6 characters)"
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert (size_text(812), size_text(65_000), size_text(3 << 20)) == ("812 B", "63.5 KiB", "3.0 MiB")


@given(st.text("ab", max_size=20), st.text("ab", max_size=20), st.text("ab", max_size=20))
def test_what_both_begin_with(both: str, left: str, right: str) -> None:
    one, other = both + left, both + right
    pairs = zip(one, other, strict=False)
    first = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    assert shared(one, other) == shared(other, one) == first
