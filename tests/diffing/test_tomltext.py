from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.errors import ConfigError
from captures.visible import visible
from diffing.rulebook.tomltext import table_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = TEXTS | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.dates()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


@pytest.mark.slow
@given(st.dictionaries(st.text("abc_-1", min_size=1), VALUES))
def test_it_reads_back_as_meant_and_is_seen(entry: dict[str, Any]) -> None:
    text = table_text("rules", entry)
    assert tomllib.loads(text) == {"rules": [entry]}
    assert visible(text, lines=True) == text


def test_it_looks_as_people_write_it() -> None:
    entry = {"id": 'a"b', "values": [404, "x\ny"], "on": True, "since": date(2026, 12, 1), "tolerance": 0.5}
    lines = 'id = "a\\"b"\nvalues = [404, "x\\ny"]\non = true\nsince = 2026-12-01\ntolerance = 0.5\n'
    assert table_text("approvals", entry) == f"[[approvals]]\n{lines}"


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ConfigError, match="half a character"):
        table_text("rules", {"reason": "\ud800"})
