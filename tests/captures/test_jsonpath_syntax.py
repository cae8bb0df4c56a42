"""Which paths are accepted, what each names (checked against another way of reading it), and where a refusal points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from captures.errors import ConfigError
from captures.jsonpaths import Place, compile_path
from tests.corpus import each

DOCUMENT: Any = {
    "a": {"b": 1, "c": [10, 11, {"b": 12}], "b c": "blank", "d-e": "dash", "f": None},
    "items": [
        {"id": 1, "kind": "card", "price": 9.5, "tags": ["x", "y"], "on": True},
        {"id": 2, "kind": "cash", "price": 10, "tags": []},
        {"id": 3, "kind": "card", "price": 20, "nested": {"kind": "card", "price": 1}, "on": False},
        "bare",
        7,
    ],
    "0": "zero",
    "*": "star",
    "é": "accent",
    "☺": "smile",
    "\U0001f600": "astral",
    "it's": "quote",
    'say "hi"': "double",
    "back\\slash": "backslash",
    "tab\t": "tab",
    "$": "dollar",
    "..": "dots",
    "length": 3,
    "where": "word",
    "": "empty",
}


def everything(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    yield place, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield from everything(child, (*place, key))


def under(*start: str | int) -> list[Place]:
    return [place for place, _ in everything(DOCUMENT) if place[: len(start)] == start]


def ending(key: str | int) -> list[Place]:
    return [place for place, _ in everything(DOCUMENT) if place and place[-1] == key and type(place[-1]) is type(key)]


def children(*start: str | int) -> list[Place]:
    return [place for place in under(*start) if len(place) == len(start) + 1]


def items(*numbers: int) -> list[Place]:
    return [("items", number) for number in numbers]


VALID: list[tuple[str, list[Place]]] = [
    ("$", [()]),
    ("$.a", [("a",)]),
    ("$.a.b", [("a", "b")]),
    ("$['a']", [("a",)]),
    ('$["a"]', [("a",)]),
    ("$[ 'a' ]", [("a",)]),
    ("$['a']['b']", [("a", "b")]),
    ("$['a'].b", [("a", "b")]),
    ("$.a['b']", [("a", "b")]),
    ("$.a['b c']", [("a", "b c")]),
    ("$.a['d-e']", [("a", "d-e")]),
    ("$.a.f", [("a", "f")]),
    ("$.nothing", []),
    ("$.a.b.c", []),
    ("$.a[0]", []),
    ("$['0']", [("0",)]),
    ("$[0]", []),
    ("$['*']", [("*",)]),
    ("$.é", [("é",)]),
    ("$['é']", [("é",)]),
    ("$['\\u00e9']", [("é",)]),
    ("$['\\u00E9']", [("é",)]),
    ("$.☺", [("☺",)]),
    ("$['\\u263A']", [("☺",)]),
    ("$['\\ud83d\\ude00']", [("\U0001f600",)]),
    ("$.\U0001f600", [("\U0001f600",)]),
    ("$['it\\'s']", [("it's",)]),
    ('$["it\'s"]', [("it's",)]),
    ("$['say \"hi\"']", [('say "hi"',)]),
    ('$["say \\"hi\\""]', [('say "hi"',)]),
    ("$['back\\\\slash']", [("back\\slash",)]),
    ("$['tab\\t']", [("tab\t",)]),
    ("$['tab\\u0009']", [("tab\t",)]),
    ("$['$']", [("$",)]),
    ("$['..']", [("..",)]),
    ("$['']", [("",)]),
    ("$.length", [("length",)]),
    ("$.where", [("where",)]),
    ("$.items[0]", items(0)),
    ("$.items[ 0 ]", items(0)),
    ("$.items[4]", items(4)),
    ("$.items[99]", []),
    ("$.items[0].id", [("items", 0, "id")]),
    ("$.items['0']", []),
    ("$.*", children()),
    ("$[*]", children()),
    ("$[ * ]", children()),
    ("$.items[*]", children("items")),
    ("$.items.*", children("items")),
    ("$.items[*].id", [("items", number, "id") for number in (0, 1, 2)]),
    ("$.items[*].tags[*]", [("items", 0, "tags", 0), ("items", 0, "tags", 1)]),
    ("$.a.*", children("a")),
    ("$..b", ending("b")),
    ("$..['b']", ending("b")),
    ("$..kind", ending("kind")),
    ("$..[0]", ending(0)),
    ("$..[1]", ending(1)),
    ("$..*", [place for place in under() if place]),
    ("$..[*]", [place for place in under() if place]),
    ("$.items..price", [place for place in ending("price") if place[0] == "items"]),
    ("$..nested..price", [("items", 2, "nested", "price")]),
    ("$.a..b", [("a", "b"), ("a", "c", 2, "b")]),
    ("$..c[2].b", [("a", "c", 2, "b")]),
    ("$.items[1:3]", items(1, 2)),
    ("$.items[ 1 : 3 ]", items(1, 2)),
    ("$.items[:2]", items(0, 1)),
    ("$.items[3:]", items(3, 4)),
    ("$.items[:]", items(0, 1, 2, 3, 4)),
    ("$.items[::]", items(0, 1, 2, 3, 4)),
    ("$.items[::2]", items(0, 2, 4)),
    ("$.items[1::2]", items(1, 3)),
    ("$.items[0:4:3]", items(0, 3)),
    ("$.items[7:9]", []),
    ("$.a[0:2]", []),
    ("$.items[?@.kind == 'card']", items(0, 2)),
    ("$.items[?@.kind=='card']", items(0, 2)),
    ("$.items[?(@.kind == 'card')]", items(0, 2)),
    ('$.items[? @.kind == "card" ]', items(0, 2)),
    ("$.items[?@['kind'] == 'cash'].id", [("items", 1, "id")]),
    ("$.items[?@.kind != 'card']", items(1, 3, 4)),
    ("$.items[?@.price > 9.5]", items(1, 2)),
    ("$.items[?@.price >= 9.5]", items(0, 1, 2)),
    ("$.items[?@.price < 10]", items(0)),
    ("$.items[?@.price <= 10.0]", items(0, 1)),
    ("$.items[?@.price == 1e1]", items(1)),
    ("$.items[?@.price == -1]", []),
    ("$.items[?@.nested]", items(2)),
    ("$.items[?@.nested.kind == 'card'].price", [("items", 2, "price")]),
    ("$.items[?@.tags[0] == 'x']", items(0)),
    ("$.items[?@.on]", items(0, 2)),
    ("$.items[?@.on == true]", items(0)),
    ("$.items[?@.on == false]", items(2)),
    ("$.items[?@.on == null]", []),
    ("$.items[?@.id == '1']", []),
    ("$.items[?@.kind == 'card' && @.price > 10]", items(2)),
    ("$.items[?@ == 7]", items(4)),
    ("$.items[?@ == 'bare']", items(3)),
    ("$.a[?@ == null]", [("a", "f")]),
    ("$..[?@.kind == 'card'].price", [("items", 0, "price"), ("items", 2, "nested", "price"), ("items", 2, "price")]),
]

REFUSED = [  # the path, the column the caret stands at (from 1), a word of the reason
    ("", 1, "starts with $"),
    ("a", 1, "starts with $"),
    ("items[0]", 1, "starts with $"),
    ("@.a", 1, "starts with $"),
    (" $.a", 1, "blanks"),
    ("$.a ", 4, "blank"),
    ("$.a\n", 4, "blank"),
    ("$ .a", 2, "blank"),
    ("$. a", 3, "blank"),
    ("$.a b", 4, "blank"),
    ("$.a .b", 4, "blank"),
    ("$a", 2, "not expected"),
    ("$.", 3, "missing"),
    ("$..", 4, "not for what"),
    ("$.a.", 5, "missing"),
    ("$.a..", 6, "not for what"),
    ("$...a", 4, "too many dots"),
    ("$.a...b", 6, "too many dots"),
    ("$..*.", 6, "missing"),
    ("$.1", 3, "digit"),
    ("$.1a", 3, "digit"),
    ("$.a.0", 5, "digit"),
    ("$.-a", 3, "not expected"),
    ("$.a-b", 4, "['a-b']"),
    ("$.x-request-id", 4, "['x-request-id']"),
    ("$.a:b", 4, "not expected"),
    ("$.a/b", 4, "not expected"),
    ("$.$", 3, "not expected"),
    ("$.'a'", 3, "not expected"),
    ("$.[0]", 3, "no dot"),
    ("$.['a']", 3, "no dot"),
    ("$.a.[0]", 5, "no dot"),
    ("$[a]", 3, "quoted"),
    ("$[]", 3, "empty"),
    ("$[", 3, "not closed"),
    ("$[0", 4, "not closed"),
    ("$[*", 4, "not closed"),
    ("$['a", 3, "quote is not closed"),
    ("$['a'", 6, "not closed"),
    ("$[\"a']", 3, "quote is not closed"),
    ("$[01]", 3, "leading zeros"),
    ("$[-1]", 3, "from the front"),
    ("$[-0]", 3, "-0"),
    ("$[1.0]", 4, "not expected"),
    ("$[1e2]", 4, "not expected"),
    ("$[9007199254740992]", 3, "2^53"),
    ("$[0,1]", 4, "one selector"),
    ("$['a','b']", 6, "one selector"),
    ("$['a',1]", 6, "one selector"),
    ("$[1,5:7]", 4, "one selector"),
    ("$[?@.a,1]", 7, "one selector"),
    ("$[1:-1]", 5, "from the front"),
    ("$[-2:]", 3, "from the front"),
    ("$[::0]", 6, "no items"),
    ("$[3:1]", 6, "no items"),
    ("$[::-1]", 5, "from the front"),
    ("$[1:2:3:4]", 8, "not"),
    ("$[0:01]", 5, "leading zeros"),
    ("$['\\x']", 4, "escape"),
    ("$['\\']", 3, "not closed"),
    ("$['\\u12']", 4, "four"),
    ("$['\\u12G4']", 4, "four"),
    ("$['\\ud800']", 4, "surrogate"),
    ("$['\\udc00\\ud800']", 4, "surrogate"),
    ("$['\\ud800a']", 4, "surrogate"),
    ("$['\\\"']", 4, "escape"),
    ('$["\\\'"]', 4, "escape"),
    ("$['a\nb']", 5, "control"),
    ("$['a\tb']", 5, "control"),
    ("$['\\a']", 4, "escape"),
    ("$['\\0']", 4, "escape"),
    ("$[?length(@.a) > 1]", 4, "functions"),
    ("$.length()", 9, "functions"),
    ("$[?count(@.*) == 1]", 4, "functions"),
    ("$[?!@.a]", 4, "not"),
    ("$[?@.a || @.b]", 8, "or"),
    ("$[?@.a = 1]", 8, "=="),
    ("$[?@.a == ]", 11, "literal is missing"),
    ("$[?@.a == @.b]", 11, "compares with a literal"),
    ("$[?@.a == $.b]", 11, "compares with a literal"),
    ("$[?@.a == 01]", 12, "no number"),
    ("$[?@.a == 1x]", 12, "no number"),
    ("$[?@.a == tru]", 11, "literal"),
    ("$[?@.a == nullx]", 11, "literal"),
    ("$[?@.*]", 5, "one place"),
    ("$[?@..a]", 5, "without .."),
    ("$[?@[?@.a]]", 5, "one place"),
    ("$[?(@.a]", 8, "parenthesis"),
    ("$[?@.a)]", 7, "not expected"),
    ("$[?]", 4, "begins with @"),
    ("$[?@]", 5, "what of the item"),
    ("$[?'a' == @.b]", 4, "begins with @"),
    ("$.a|$.b", 4, "not expected"),
    ("$.a where b", 4, "blank"),
    ("$.`this`", 3, "not expected"),
    ("$.a.`len`", 5, "not expected"),
    ("$.a+1", 4, "not expected"),
    ("$.a;b", 4, "not expected"),
    ("$[\u00a00]", 3, "quoted"),
    ("$.\ud800", 3, "not expected"),
]


@each(("path", "places"), VALID)
def test_an_accepted_path_names_just_these(path: str, places: list[Place]) -> None:
    compiled = compile_path(path)
    found = dict(compiled.find(DOCUMENT))
    assert set(found) == set(places)
    for place, value in everything(DOCUMENT):
        if place in found:
            assert found[place] is value
            assert compiled.matches(place)
        elif "?" not in path:  # by the place alone a filter may hold for any child
            assert not compiled.matches(place)


@each(("path", "column", "reason"), REFUSED)
def test_a_refusal_marks_the_place(path: str, column: int, reason: str) -> None:
    with pytest.raises(ConfigError) as told:
        compile_path(path)
    sentence, shown, caret = told.value.message.splitlines()[-3:]
    assert f"at column {column}:" in sentence
    assert reason in sentence
    assert shown.startswith("    ")
    assert caret == " " * (4 + column - 1) + "^"
    assert told.value.hint


def test_a_caret_stands_under_wide_characters() -> None:
    with pytest.raises(ConfigError) as told:
        compile_path("$.日本 x")
    assert told.value.message.splitlines()[-1] == " " * (4 + 2 + 4) + "^"


def test_there_are_enough() -> None:
    assert len(VALID) + len(REFUSED) >= 120
