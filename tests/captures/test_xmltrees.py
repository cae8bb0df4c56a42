from __future__ import annotations

from typing import Any

import pytest

from captures.formats.elements import converted
from captures.formats.xmltrees import read_xml
from tests.corpus import each


def values(*texts: str) -> list[Any]:
    return [value for value, _ in converted(read_xml(texts))]


@each(
    ("text", "value"),
    [
        ("<a/>", {"a": ""}),
        ("<a></a>", {"a": ""}),
        ("<a> x </a>", {"a": " x "}),
        ("<?xml version='1.0' encoding='UTF-16'?><a>é</a>", {"a": "é"}),
        ("<a><![CDATA[<b>]]></a>", {"a": "<b>"}),
        ("<a>1 &lt; &#50;</a>", {"a": "1 < 2"}),
        ('<a x="1" y="2"/>', {"a": {"@x": "1", "@y": "2"}}),
        ('<a x="1">t</a>', {"a": {"@x": "1", "#text": "t"}}),
        ("<a>\n  <b>1</b>\n  <c>2</c>\n</a>", {"a": {"b": "1", "c": "2"}}),
        ("<a><b>1</b><b>2</b></a>", {"a": {"b": ["1", "2"]}}),
        ("<a>one <b>two</b> three</a>", {"a": {"#text": ["one ", " three"], "b": "two"}}),
        ("<a><!-- c --><?p q?><b/></a>", {"a": {"#comment": " c ", "?p": "q", "b": ""}}),
        ('<a xml:lang="de"/>', {"a": {"@xmlns:xml": "http://www.w3.org/XML/1998/namespace", "@xml:lang": "de"}}),
    ],
)
def test_one_document(text: str, value: Any) -> None:
    assert values(text) == [value]


def test_what_is_repeated_in_one_is_an_array_in_both() -> None:
    assert values("<o><i>1</i></o>", "<o><i>1</i><i>2</i></o>") == [{"o": {"i": ["1"]}}, {"o": {"i": ["1", "2"]}}]


def test_what_has_attributes_in_one_is_an_object_in_both() -> None:
    assert values("<o><i>1</i></o>", '<o><i u="EUR">1</i></o>') == [
        {"o": {"i": {"#text": "1"}}},
        {"o": {"i": {"@u": "EUR", "#text": "1"}}},
    ]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('<s:E xmlns:s="u"><s:B s:x="1"/></s:E>', '<S:E xmlns:S="u"><S:B S:x="1"/></S:E>'),
        ('<s:E xmlns:s="u"><s:B/></s:E>', '<E xmlns="u"><B/></E>'),
        ('<E xmlns="u"><B/></E>', '<a:E xmlns:a="u"><B xmlns="u"/></a:E>'),
        ('<E xmlns="u" a="1" b="2"/>', "<E b='2' a='1' xmlns='u'></E>"),
        ('<E xmlns:unused="u"/>', "<E/>"),
    ],
)
def test_the_same_names_whatever_the_prefix(left: str, right: str) -> None:
    one, other = values(left, right)
    assert one == other


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('<a:E xmlns:a="u"/>', "<E/>"),
        ('<E xmlns="u"><F/></E>', '<E xmlns="u"><F xmlns=""/></E>'),
        ('<a:E xmlns:a="u"><a:F/></a:E>', '<a:E xmlns:a="u"><a:F xmlns:a="v"/></a:E>'),
        ('<E a="1"/>', "<E><a>1</a></E>"),
        ("<E>x</E>", "<E><x/></E>"),
        ("<E><b/>x</E>", "<E><b/>x </E>"),
    ],
)
def test_other_names_are_other_values(left: str, right: str) -> None:
    one, other = values(left, right)
    assert one != other


def test_another_namespace_is_one_difference() -> None:
    assert values('<E xmlns="v1"><F/></E>', '<E xmlns="v2"><F/></E>') == [
        {"E": {"@xmlns": "v1", "F": ""}},
        {"E": {"@xmlns": "v2", "F": ""}},
    ]


def test_the_order_of_elements_is_told_beside_the_value() -> None:
    (one, order), (other, other_order) = converted(read_xml(["<a><b/><c/></a>", "<a><c/><b/></a>"]))
    assert one == other
    assert (order, other_order) == ((("a", "b", "c"),), (("a", "c", "b"),))


@each(
    ("text", "reason"),
    [
        ("<a>", "no well-formed XML: no element found: line 1, column 3"),
        ("<a><b></a>", "mismatched tag: line 1"),
        ("<a/><b/>", "junk after document element"),
        ("", "no element found"),
        ("<a>&nbsp;</a>", "undefined entity"),
        ("<p:a/>", "unbound prefix"),
        ("<a>\ud800</a>", "half surrogates"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "it has a DTD"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "it has a DTD"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_xml([text])


def test_depth_costs_no_stack() -> None:
    (value,) = values("<a>" * 5_000 + "x" + "</a>" * 5_000)
    depth = 0
    while isinstance(value, dict):
        value = value["a"]
        depth += 1
    assert (depth, value) == (5_000, "x")
