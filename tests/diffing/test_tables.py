from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from diffing.rulebook.tables import spans, without
from diffing.rulebook.tomltext import table_text

WORDS = st.text(st.sampled_from("a[]{}\"'#=\n\\é "), max_size=8)
ENTRIES = st.dictionaries(st.sampled_from(["id", "b-2", "c_3"]), WORDS | st.lists(WORDS, max_size=2) | st.integers())
BETWEEN = st.sampled_from(["", "\n", "\r\n", "# [[rules]]\n", "\n\n# x\n\n", "  \n"])
TABLES = st.lists(st.tuples(BETWEEN, st.sampled_from(["rules", "approvals"]), ENTRIES), max_size=6)


@given(TABLES, BETWEEN, st.sets(st.integers(0, 5)))
def test_each_entry_is_found_and_can_go(
    tables: list[tuple[str, str, dict[str, Any]]], end: str, gone: set[int]
) -> None:
    text = "".join(f"{between}{table_text(name, entry)}" for between, name, entry in tables) + end
    rules = [entry for _, name, entry in tables if name == "rules"]
    found = spans(text, "rules")
    assert [tomllib.loads(text[one.start : one.end]) for one in found] == [{"rules": [entry]} for entry in rules]
    after = without(text, [one for at, one in enumerate(found) if at in gone])
    said = tomllib.loads(after)
    assert said.get("rules", []) == [entry for at, entry in enumerate(rules) if at not in gone]
    assert said.get("approvals", []) == [entry for _, name, entry in tables if name == "approvals"]
    assert after.count("# ") == text.count("# ") - sum(
        text[found[at].start : found[at].end].count("# ") for at in gone if at < len(found)
    )
