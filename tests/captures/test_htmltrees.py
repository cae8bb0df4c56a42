from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.elements import converted
from captures.formats.htmltrees import read_html
from tests.corpus import each


def value(text: str) -> Any:
    return converted([read_html(text)])[0][0]


@each(
    ("text", "expected"),
    [
        ("", {}),
        ("plain &amp; simple", {"#text": "plain & simple"}),
        ("<p>a <b>c</b> d</p>", {"p": {"#text": ["a", "d"], "b": "c"}}),
        ("<P CLASS=x>a</P>", {"p": {"@class": "x", "#text": "a"}}),
        ("<p>a<p>b", {"p": ["a", "b"]}),
        ("<ul><li>a<li>b</ul>c", {"ul": {"li": ["a", "b"]}, "#text": "c"}),
        ("<table><tr><td>1<td>2<tr><td>3</table>", {"table": {"tr": [{"td": ["1", "2"]}, {"td": ["3"]}]}}),
        ("<br>a<img src=x>", {"br": "", "#text": "a", "img": {"@src": "x"}}),
        ("<a title='1 > 0' b=\"'\">x</a>", {"a": {"@title": "1 > 0", "@b": "'", "#text": "x"}}),
        ("<input disabled>", {"input": {"@disabled": ""}}),
        ("<!DOCTYPE  html><!-- c --><p>", {"#doctype": "DOCTYPE html", "#comment": " c ", "p": ""}),
        ("<script>if (a<b) { '</p>' }</script>x", {"script": "if (a<b) { '</p>' }", "#text": "x"}),
        ("<pre> a\n b</pre>", {"pre": " a\n b"}),
        ("<p>  a \n b </p>", {"p": "a b"}),
        ("1 < 2 & 3", {"#text": "1 < 2 & 3"}),
        ("</p><p>a</div></p>b", {"p": "a", "#text": "b"}),
        ("<b>never closed", {"b": "never closed"}),
        ("<b", {"#text": "<b"}),
        ("<!-- open", {"#text": "<!-- open"}),
        ('<a "x>y</a>', {"a": {'@"x': "", "#text": "y"}}),
        ("<svg><path d=1 /><g/></svg>", {"svg": {"path": {"@d": "1"}, "g": ""}}),
    ],
)
def test_documents(text: str, expected: Any) -> None:
    assert value(text) == expected


def test_values_of_fields_are_called_by_the_name_of_the_field() -> None:
    form = '<form><input type=hidden name="csrf_token" value="aB3"><input name=q></form><meta name=csrf content=x>'
    assert value(form) == {
        "form": {
            "input": [{"@type": "hidden", "@name": "csrf_token", "@value(csrf_token)": "aB3"}, {"@name": "q"}],
        },
        "meta": {"@name": "csrf", "@content(csrf)": "x"},
    }


@given(st.text(st.sampled_from("<>/!-='\"ab &;p"), max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(value(text), dict)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        '<a b="',
        "<a '",
        "<!--",
        "<!",
        "</",
        "<p>",
        "<script>",
        "</a>",
        "&",
        "<a>",
        "<li>",
        "<b></i>",
        '"<a ">',
    ],
)
def test_hostile_pages_take_linear_time(piece: str) -> None:
    page = piece * (300_000 // len(piece))
    started = time.process_time()
    value(page)
    value(page + ">")
    assert time.process_time() - started < 20  # quadratic would be an hour
