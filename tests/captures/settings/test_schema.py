"""The schema and the loader are of one mind: on the documentation, on good and bad files, on generated ones."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, FormatChecker

from captures.settings.keys import ROOT, RULES_FILE
from captures.settings.schema import schema_text
from captures.settings.tables import Table, Tables
from tests.corpus import each
from tests.regenerate import ROOT as REPOSITORY
from tests.regenerate import SCHEMAS

CHECKERS = {
    id(table): Draft7Validator(json.loads(schema_text(table)), format_checker=FormatChecker())
    for table in (ROOT, RULES_FILE)
}

GOOD = [
    "",
    '[record]\nmax_body = "1MB"\ndrain = "1m30s"\nkeep = 10\nsample = 0.5\ninbound = 8080\noutbound = 8081\n',
    "[record]\nmax_body = 1000000\ndrain = 2\nready_timeout = 0.5\nmax_queue = 1000000\n",
    '[dependencies]\na = "http://a.test"\nb = { url = "http://b.test", env = "B" }\n',
    '[replay]\npacing = "recorded*2.5"\ntimeout = 5\nheaders = ["A: b"]\nstub_latency = 1\n',
    '[replay.auth]\nbasic = "a:b"\n[[replay.auth.as]]\nrecorded = "x: y"\nlogin = { path = "/l", json = [1, {}] }\n',
    '[[rules]]\nlocation = "$.a"\nexpect = "regex:a|b"\nlength = [1, 2]\ntolerance = "1%"\nexpires = 2027-01-01\n',
    '[[rules]]\nlocation = "$.a"\nvalues = [1, "a", true]\nexpires = "2027-01-01"\nmin = -1.5\n',
    '[[approvals]]\nfingerprint = "a3f8c21b9d04"\ndecision = "accepted"\nuntil = "re-recorded"\n',
    '[[approvals]]\nfingerprint = "a3f8c21b9d04"\ndecision = "rejected"\nuntil = 2026-12-31\n'
    'places = ["71be02c9aa10"]\n',
    '[[chain]]\nto = "POST /search json $.filter"\nnever = true\n',
]
BAD = [
    "[recrod]\n",
    "record = 3\n",
    "[record]\nmax_body = true\n",
    '[record]\nmax_body = "lots"\n',
    "[record]\nmax_body = -1\n",
    "[record]\nmax_body = 1.5\n",
    "[record]\nmax_queue = 5\n",
    '[record]\noutbound = ["8081", "8082"]\n',
    "[record]\ninbound = 70000\n",
    '[record]\ninbound = ["8080", 1.5]\n',
    '[record]\ndrain = "5 parsecs"\n',
    "[record]\nready_timeout = 0\n",
    "[record]\nworkers = 65\n",
    "[record]\nworkers = 1.5\n",
    '[record]\nrotate = "1GB|soon"\n',
    "[record]\nkeep = 0\n",
    "[record]\nsample = 0\n",
    "[record]\nsample = 2\n",
    '[record]\non_overload = "wait"\n',
    "[dependencies]\na = 3\n",
    '[dependencies]\na = { env = "A" }\n',
    '[redact]\nheaders = "x"\n',
    '[redact]\nkey = "short"\n',
    '[redact]\ndetectors = ["jtw"]\n',
    "[replay]\nconcurrency = 0\n",
    "[replay]\ntimeout = 0.001\n",
    '[replay]\nhttp_version = "3"\n',
    '[replay]\npacing = "fast"\n',
    '[replay]\nheaders = ["no colon"]\n',
    '[replay.auth]\nlogin = { method = "POST" }\n',
    "[replay.auth]\nheaders = { A = 1 }\n",
    '[[replay.auth.as]]\nheaders = { A = "b" }\n',
    "[replay.auth]\nas = {}\n",
    "[endpoints]\ntemplates = [1]\n",
    "[[chain]]\nnever = 1\n",
    "[chain]\n",
    '[[rules]]\nid = "a"\n',
    '[[rules]]\nlocation = "$.a"\nexpect = "uid"\n',
    '[[rules]]\nlocation = "$.a"\nexpires = 2027-01-01T00:00:00\n',
    '[[rules]]\nlocation = "$.a"\nexpires = "soon"\n',
    '[[rules]]\nlocation = "$.a"\nlength = [1]\n',
    '[[rules]]\nlocation = "$.a"\ntolerance = "some"\n',
    '[[approvals]]\nfingerprint = "A3F8C21B9D04"\ndecision = "accepted"\n',
    '[[approvals]]\nfingerprint = "a3f8c21b9d04"\n',
    '[[approvals]]\nfingerprint = "a3f8c21b9d04"\ndecision = "ignored"\n',
    '[[approvals]]\nfingerprint = "a3f8c21b9d04"\ndecision = "accepted"\nuntil = "later"\n',
]


def as_json(value: Any) -> Any:
    """What an editor hands to its validator: TOML's dates are strings there."""
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def both(data: Any, table: Table = ROOT) -> tuple[bool, bool]:
    """Whether the loader and the schema accept ``data``."""
    return next(table.faults(data), None) is None, CHECKERS[id(table)].is_valid(as_json(data))


@each("text", GOOD)
def test_good_files(text: str) -> None:
    assert both(tomllib.loads(text)) == (True, True)


@each("text", BAD)
def test_bad_files(text: str) -> None:
    assert both(tomllib.loads(text)) == (False, False)


def test_the_rules_file_holds_rules_and_approvals_only() -> None:
    assert both({"rules": [{"location": "$.a"}], "approvals": []}, RULES_FILE) == (True, True)
    assert both({"redact": {}}, RULES_FILE) == (False, False)


def test_the_documentation_is_valid() -> None:
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        assert both(tomllib.loads(text)) == (True, True)


def test_the_file_that_init_writes_is_valid_with_every_line_on_and_off() -> None:
    text = (REPOSITORY / "captures" / "setup" / "files" / "retape.toml").read_text(encoding="utf-8")
    assert text.startswith("#:schema .retape/retape.schema.json\n")
    assert both(tomllib.loads(text)) == (True, True)
    on = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    assert on != text
    assert both(tomllib.loads(on)) == (True, True)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_schemas_in_the_package_are_the_tables(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    assert path.read_text(encoding="utf-8") == schema_text(SCHEMAS[path]), "run: make docs"


def test_the_schema_knows_every_key_and_says_what_it_means() -> None:
    def walk(table: Table, schema: dict[str, Any]) -> int:
        properties = schema["properties"]
        assert list(properties) == list(table.names)
        count = len(table.keys)
        for key in table.keys:
            assert properties[key.name]["description"] == f"{key.meaning}."
            if isinstance(key.kind, Table):
                count += walk(key.kind, properties[key.name])
            elif isinstance(key.kind, Tables):
                count += walk(key.kind.table, properties[key.name]["items"])
        return count

    assert walk(ROOT, json.loads(schema_text())) > 90


VALUES = st.one_of(
    st.booleans(),
    st.integers(-10, 70_000),
    st.floats(-10, 10**7, allow_nan=False),
    st.text(max_size=6),
    st.sampled_from(
        ["64MiB", "2 GB", "30s", "1h30m", "8080", "127.0.0.1:1", "10%", "1/10", "none", "recorded", "a: b", "/login",
         "drop", "info", "auto", "jwt", "uuid", "regex:x", "accepted", "re-recorded", "2026-12-31", "2026-13-31",
         "a3f8c21b9d04", "POST", "64MiB\n", "/a b", "sixteen letters and more"]
    ),
    st.dates(),
)  # fmt: skip
ANY = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)


def tables(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    """Tables with some of the known keys, most of whose values are of the right sort, and now and then another key."""

    def values(kind: Any) -> st.SearchStrategy[Any]:
        if isinstance(kind, Table):
            return st.one_of(tables(kind), ANY)
        if isinstance(kind, Tables):
            return st.one_of(st.lists(tables(kind.table), max_size=2), ANY)
        return ANY

    known = {key.name: values(key.kind) for key in table.keys}
    some = st.lists(st.sampled_from(table.names), max_size=4, unique=True)
    return some.flatmap(lambda names: st.fixed_dictionaries({name: known[name] for name in names}))


@pytest.mark.slow
@given(tables(ROOT))
def test_schema_and_loader_agree(data: dict[str, Any]) -> None:
    loader, schema = both(data)
    assert loader == schema


@pytest.mark.slow
@given(st.data())
def test_schema_and_loader_agree_on_each_key(data: st.DataObject) -> None:
    table = data.draw(st.sampled_from([key.kind for key in ROOT.keys if isinstance(key.kind, Table)]))
    key = data.draw(st.sampled_from(table.keys))
    loader, schema = both({table.name: {key.name: data.draw(ANY)}})
    assert loader == schema
