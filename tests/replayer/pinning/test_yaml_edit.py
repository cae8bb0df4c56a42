"""A YAML text changed in place: what is not said otherwise stays, to the last blank."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replayer import pin_yaml
from replayer.pinning.yaml_edit import edited
from tests.corpus import each

TEXT = """\
# why this is here
pin: 1
name: "an order"      # in quotes
request:
  line: GET /orders/1

expect:
  status: 200   # fine
  headers: {etag: abc, vary: accept}
  # the body
  json:
    id: 1
    tags:
      - red    # first
      - blue
    items:
      - sku: A
        # of the pallet
        price: 1.10
      - sku: B
        price: 2
    note: |
      two
      lines
    last: x
"""


def plain(text: str) -> Any:
    return pin_yaml.read(text, "t.yaml").plain()


def changed(change: Any) -> str:
    new = plain(TEXT)
    change(new)
    return edited(TEXT, plain(TEXT), new)


def body(value: Any) -> Any:
    return value["expect"]["json"]


@each(
    ("change", "old", "new"),
    [
        (lambda v: v["expect"].update(status=404), "status: 200   # fine", "status: 404   # fine"),
        (lambda v: v.update(name="it's: new"), '"an order"      # in', "'it''s: new'      # in"),
        (lambda v: v["expect"]["headers"].update(etag="x"), "{etag: abc, vary: accept}", "{etag: x, vary: accept}"),
        (lambda v: body(v).update(id="«uuid»"), "id: 1\n", "id: «uuid»\n"),
        (lambda v: body(v).update(id={"a": [1]}), "id: 1\n", "id:\n      a:\n        - 1\n"),
        (lambda v: body(v).update(tags=["red", "green", "blue"]), "- blue", "- green\n      - blue"),
        (lambda v: body(v).update(tags=["pink", "blue"]), "- red ", "- pink "),
        (lambda v: body(v).update(tags=["blue"]), "      - red    # first\n", ""),
        (lambda v: body(v).update(tags=[]), "tags:\n      - red    # first\n      - blue", "tags: []"),
        (lambda v: body(v)["items"][0].update(price=2), "price: 1.10", "price: 2"),
        (lambda v: body(v)["items"].pop(), "      - sku: B\n        price: 2\n", ""),
        (lambda v: body(v)["items"][1].pop("sku"), "- sku: B\n        price", "- price"),
        (lambda v: body(v)["items"].append({"sku": "C"}), "price: 2\n", "price: 2\n      - sku: C\n"),
        (lambda v: body(v).update(note="one"), "note: |\n      two\n      lines", "note: one"),
        (lambda v: body(v).update(note="a\nb\n"), "two\n      lines", "a\n      b"),
        (lambda v: body(v).pop("note"), "    note: |\n      two\n      lines\n", ""),
        (lambda v: body(v).pop("last"), "    last: x\n", ""),
        (lambda v: body(v).update(more=None), "last: x\n", "last: x\n    more: null\n"),
        (lambda v: v["expect"].pop("json"), TEXT[TEXT.index("  json:") :], ""),
        (lambda v: v.pop("request"), "request:\n  line: GET /orders/1\n", ""),
    ],
)  # fmt: skip
def test_only_what_changes_changes(change: Any, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert changed(change) == TEXT.replace(old, new)


def test_a_member_goes_to_its_place() -> None:
    old = plain(TEXT)
    new = {"first": 0, **old, "expect": {"before": True, **old["expect"]}}
    text = edited(TEXT, old, new)
    assert plain(text) == new
    assert "first: 0\npin: 1\n" in text
    assert "  before: true\n  status: 200   # fine\n" in text


values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab:#- \n'«", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from("pqr"), values, min_size=1)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(documents, documents)
def test_the_result_says_what_was_asked(old: Any, new: Any) -> None:
    text = pin_yaml.write(old)
    assert edited(text, old, old) == text
    assert plain(edited(text, old, new)) == new
