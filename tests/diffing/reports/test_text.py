from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diffing.reports.text import clip, clip_pair, listed, shared, size_text

ANY_TEXT = st.text(st.characters(codec=None))


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
