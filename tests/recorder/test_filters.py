"""mitmproxy's filter language, read strictly and the same on every version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import flowfilter
from mitmproxy.test import tflow

from captures.errors import UsageError
from recorder.filters import ALONE, NUMBERS, PATTERNS, Filter, compiled, read
from tests.corpus import each

MISTAKES: list[tuple[str, str, int]] = [  # the expression, what is said, where the mark stands
    ("", "it is empty", -1),
    ("  ", "it is empty", 0),
    ("~q ~zz", "~zz is none of the operators", 3),
    ("~tcp", "~tcp is none of the operators", 0),
    ("~", "~ is none of the operators", 0),
    ("~c abc", "~c needs a number", 3),
    ("~c", "~c needs a number", 2),
    ("~u (", "~u needs a regular expression", 3),
    ("~u & ~m GET", "~u needs a regular expression", 3),
    ("(~q", "this parenthesis is never closed", 0),
    ("a ) b", 'a ")" without its "("', 2),
    ("()", "something to look for is missing here", 1),
    ("~m 'POST", "this quote is never closed", 3),
    ("!", "something to look for is missing here", 1),
    ("orders |", "something to look for is missing here", 8),
    ("| orders", "something to look for is missing here", 0),
    ("~d a & & b", "something to look for is missing here", 7),
    ("~u /ord[ers", "this is no regular expression", 7),
    ("~u '/ord[ers'", "this is no regular expression", 8),
]


@each(("expression", "what", "at"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_said_and_its_place_marked(expression: str, what: str, at: int) -> None:
    with pytest.raises(UsageError) as caught:
        read(expression, "--only")
    first, *shown = caught.value.message.split("\n")
    assert first.startswith(f"--only: {what}")
    assert "~u URL" in caught.value.hint or "They are ~a" in caught.value.hint
    if at >= 0:
        assert shown == [f"  {expression}", "  " + " " * at + "^"]


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("orders", ("u",)),
        ("~u orders & !~c 500", ("u", "c")),
        ("!!(~q | ~e) & ~m 'PO ST'", ("q", "e", "m")),
        ('~b "a\\"b" ~t json', ("b", "t")),
        ("a|b", ("u",)),
        ("~u a |~u b", ("u",)),
    ],
)
def test_what_is_read(expression: str, codes: tuple[str, ...]) -> None:
    found = read(expression, "--only")
    assert found.codes == set(codes)
    compiled(found)


PIECES = st.sampled_from(
    [
        *(f"~{one}" for one in (*ALONE, *PATTERNS, *NUMBERS)),
        "(",
        ")",
        "!",
        "&",
        "|",
        "orders",
        "'a b'",
        '"x"',
        "500",
        "a|b",
    ]
)


@given(st.lists(PIECES, max_size=7), st.sampled_from([" ", ""]))
def test_what_is_accepted_here_mitmproxy_accepts(pieces: list[str], glue: str) -> None:
    expression = glue.join(pieces)
    try:
        found = read(expression)
    except UsageError:
        return
    compiled(found)


def test_every_operator_that_is_offered_mitmproxy_has() -> None:
    known = {kind.code for kind in (*flowfilter.filter_unary, *flowfilter.filter_rex, *flowfilter.filter_int)}
    assert {*ALONE, *PATTERNS, *NUMBERS} <= known


def nothing() -> tuple[bytes, bytes]:
    raise AssertionError("no filter asks for bodies")


@each(
    ("only", "exclude", "kept"),
    [
        ("~m get", None, True),  # case does not count, on any version
        ("~m '(?-i:get)'", None, False),
        ("~u /PATH", None, True),
        ("~d ADDRESS", None, True),
        ("~c 200", None, True),
        ("~c 404", None, False),
        (None, "~c 404", True),
        (None, "~hs 'HEADER-RESPONSE: SVALUE'", False),
        ("~m GET", "~u path", False),
    ],
)
def test_what_is_kept(only: str | None, exclude: str | None, kept: bool) -> None:
    assert Filter(only, exclude).keeps(tflow.tflow(resp=True), nothing) is kept


@pytest.mark.parametrize(("only", "kept"), [("~bq asked", True), ("~bs ANSWERED", True), ("~bs asked", False)])
def test_bodies_are_lent_to_the_flow_for_the_while(only: str, kept: bool) -> None:
    flow = tflow.tflow(resp=True)
    assert flow.response is not None
    flow.request.data.content, flow.response.data.content = b"own", None
    assert Filter(only, None).keeps(flow, lambda: (b"asked", b"answered")) is kept
    assert (flow.request.data.content, flow.response.data.content) == (b"own", None)
