"""On which line each key of a TOML file stands."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.settings.faults import Path
from captures.settings.lines import line_at, lines_of
from tests.corpus import each

TEXT = '''# a comment
[record]

drain = 5  # "[not a table]"
label = """
[nor = this
"""
inbound = [
  "8080",
]

[replay.auth]
headers = { A = "b" }
[[replay.auth.as]]
recorded = "x: y"
[[replay.auth.as]]
login.path = "/l"
[[rules]]
id = "one"

[[rules]]
id = "two"
'''

CASES: list[tuple[Path, int]] = [
    (("record",), 2),
    (("record", "drain"), 4),
    (("record", "label"), 5),
    (("record", "inbound"), 8),
    (("replay",), 12),
    (("replay", "auth", "headers", "A"), 13),
    (("replay", "auth", "as", 0, "recorded"), 15),
    (("replay", "auth", "as", 1), 16),
    (("replay", "auth", "as", 1, "login", "path"), 17),
    (("rules", 0, "id"), 19),
    (("rules", 1), 21),
    (("rules", 1, "id"), 22),
]


@each(("at", "line"), CASES)
def test_line(at: Path, line: int) -> None:
    assert lines_of(TEXT)[at] == line


def test_below_a_table_of_another_file() -> None:
    text = '[project]\nname = "x"\n[tool.retape.record]\ndrain = 5\n[tool.other]\nrecord = 1\n'
    assert lines_of(text, ("tool", "retape")) == {("record",): 3, ("record", "drain"): 4}


def test_what_has_no_line_is_said_with_what_is_around_it() -> None:
    assert line_at(lines_of(TEXT), ("record", "inbound", 0)) == 8
    assert line_at(lines_of(TEXT), ("rules", 1, "location")) == 21
    assert line_at({}, ("record",)) is None


@pytest.mark.slow
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text(max_size=8), min_size=1, max_size=5))
def test_whatever_a_text_holds_the_key_stands_where_it_begins(values: dict[str, str]) -> None:
    import tomlkit

    document = tomlkit.document()
    for name, value in values.items():
        document.add(name, tomlkit.string(value.replace("\r", ""), multiline="\n" in value))
    text = tomlkit.dumps(document)
    tomllib.loads(text)
    written = text.split("\n")
    for name, number in lines_of(text).items():
        assert written[number - 1].startswith(f"{name[0]} = ")
