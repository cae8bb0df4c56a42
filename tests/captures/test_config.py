"""Configuration files: found, merged, and refused with a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from captures.config import check_keys, load
from captures.errors import ConfigError


def test_no_file_is_an_empty_configuration(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    config = load(tmp_path)
    assert config.files == ()
    assert config.section("redact") == {}
    assert config.rules() == []


def test_rules_of_both_files_are_merged_in_order(tmp_path: Path) -> None:
    (tmp_path / "retape.toml").write_text('[redact]\nheaders = ["x-a"]\n[[rules]]\nid = "one"\nlocation = "$.a"\n')
    (tmp_path / "retape.rules.toml").write_text('[[rules]]\nid = "two"\nlocation = "$.a"\n')
    extra = tmp_path / "more.toml"
    extra.write_text('[[rules]]\nid = "three"\nlocation = "$.a"\n')
    config = load(tmp_path, rules=extra)
    assert [rule["id"] for rule in config.rules()] == ["one", "two", "three"]
    assert config.section("redact") == {"headers": ["x-a"]}


def test_found_from_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "retape.toml").write_text("[replay]\ntimeout = 5\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert load(below).section("replay") == {"timeout": 5}


def test_pyproject_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.retape.redact]\nquery = ["sig"]\n')
    assert load(tmp_path).section("redact") == {"query": ["sig"]}


BAD = [
    ("unknown section", "[redat]\n", 'unknown key "redat". Did you mean "redact"?'),
    (
        "unknown key of another command's table",
        "[record]\ninbond = []\n",
        'unknown key "inbond". Did you mean "inbound"?',
    ),
    ("unknown key of [endpoints]", "[endpoints]\nfoo = 1\n", 'unknown key "foo"'),
    ("not toml", "[[[", "not valid TOML"),
    ("section is no table", "redact = 3\n", "must be a table"),
    ("rules is no list", "rules = 3\n", "[[rules]] tables"),
]


@pytest.mark.parametrize(("text", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_files_are_refused_in_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "retape.toml").write_text(text)

    def read() -> None:
        config = load(tmp_path)
        config.section("redact")
        config.rules()

    with pytest.raises(ConfigError) as caught:
        read()
    assert message in caught.value.message


def test_a_rules_file_holds_rules_only(tmp_path: Path) -> None:
    (tmp_path / "retape.toml").write_text("")
    (tmp_path / "retape.rules.toml").write_text("[redact]\n")
    with pytest.raises(ConfigError, match="unknown key"):
        load(tmp_path)


@pytest.mark.parametrize("argument", ["explicit", "rules"])
def test_a_named_file_must_exist(tmp_path: Path, argument: str) -> None:
    (tmp_path / "retape.toml").write_text("")
    with pytest.raises(ConfigError, match="does not exist"):
        load(tmp_path, **{argument: tmp_path / "missing.toml"})


def test_no_suggestion_where_nothing_is_near() -> None:
    with pytest.raises(ConfigError) as caught:
        check_keys({"zzz": 1}, ("exclude",), "here")
    assert "Did you mean" not in caught.value.message
    assert "exclude" in caught.value.hint


def test_a_rules_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "retape.rules.toml").write_text('\ufeff[[rules]]\nid = "a"\nlocation = "$.a"\n', encoding="utf-8")
    assert load(tmp_path).rules() == [{"id": "a", "location": "$.a"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [("rules = 5", "[[rules]] tables"), ("rules = [1]", "[[rules]] tables"), ("rules = " + "[" * 5000, "nested")],
)
def test_rules_that_are_no_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "retape.rules.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert message in caught.value.message
