"""Forms that a rule can ask for."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from diffing.rulebook.forms import is_opaque


@given(st.text(st.sampled_from("ab \t\n\r\x0b\x1c\x85\xa0\u2003\u200b\u3000\U0001f600"), max_size=6))
@example("")
@example("a ")
def test_a_token_has_no_blank_anywhere(text: str) -> None:
    assert is_opaque(text) == (text != "" and not any(character.isspace() for character in text))
