"""JSON through YAML and back: nothing lost, nothing made, every complaint with its line."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from captures.errors import ConfigError
from captures.formats.jsontext import Number
from diffing.walk.flatten import same
from replayer import pin_yaml

numbers = st.integers() | st.from_regex(
    r"-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
).map(lambda text: int(text) if text.lstrip("-").isdigit() else Number(text))
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    "yes no on off null ~ true 1e5 1_000 0x1F 012 12:30:45 2026-11-21 .5 +1 -0 = <<".split()
    + "- ? : # & * ! | > % @ ` {} [] «uuid»".split()
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(values)
@pytest.mark.slow
def test_any_json_comes_back(value: Any) -> None:
    text = pin_yaml.write({"json": value})
    assert same(pin_yaml.read(text, "x").plain()["json"], value)


@settings(max_examples=100, deadline=None)
@given(values)
@pytest.mark.slow
def test_strings_mean_the_same_to_other_yaml_readers(value: Any) -> None:
    def strings(item: Any) -> Any:
        if isinstance(item, dict):
            return {str(key): strings(child) for key, child in item.items()}
        if isinstance(item, list):
            return [strings(child) for child in item]
        return item if isinstance(item, str) else None

    shown = strings(value)
    assert yaml.safe_load(pin_yaml.write({"json": shown}))["json"] == shown


@pytest.mark.parametrize("loader", [yaml.BaseLoader, getattr(yaml, "CBaseLoader", yaml.BaseLoader)])
def test_both_parsers_see_the_same(loader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pin_yaml, "_loader", lambda: loader)
    text = 'a: 1.10\nb: "1.10"\nc: yes\nd: 2026-11-21\ne: |\n  two\n  lines\nf: ~\ng: 1e5\nh: -0\n'
    assert pin_yaml.read(text, "x").plain() == {
        "a": Number("1.10"), "b": "1.10", "c": "yes", "d": "2026-11-21", "e": "two\nlines\n", "f": None,
        "g": Number("1e5"), "h": 0,
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\na: 2\n", "p.yaml:2: the key 'a' stands here twice."),
        ("a: &x 1\nb: *x\n", "anchors and aliases"),
        ("a: !!python/object:os.system 1\n", "p.yaml:1: the tag"),
        ("a: [1\n", "not valid YAML"),
        ("a: \x07\n", "not valid YAML"),
        ("", "the file is empty"),
        ("? [a]\n: 1\n", "a key must be a word"),
        ("a: " + "[" * 500 + "]" * 500, "nested"),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        pin_yaml.read(text, "p.yaml")
    assert complaint in str(caught.value)


def test_long_texts_are_blocks_and_lines_are_not_folded() -> None:
    text = pin_yaml.write({"text": "one\ntwo " + "x" * 300 + "\n"})
    assert text == "text: |\n  one\n  two " + "x" * 300 + "\n"


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError):
        pin_yaml.write({"a": "\ud800"})


@pytest.mark.parametrize("text", ["a\u202eb", "x\\\u2066\n y", "\u200b: x", "tag \U000e0041", {"\u202ekey": "\u200f"}])
def test_what_a_reader_of_the_file_would_not_see_is_an_escape(text: Any) -> None:
    written = pin_yaml.write({"json": text})
    assert written.isascii()
    assert pin_yaml.read(written, "x").plain()["json"] == yaml.safe_load(written)["json"] == text
