from __future__ import annotations

import math
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.jsontext import Literal, Number
from captures.formats.messagepack import read_messagepack
from tests.corpus import each

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab#"), inner, max_size=4),
    max_leaves=15,
)


@given(PLAIN)
def test_json_like_values_come_back(value: Any) -> None:
    assert repr(read_messagepack(msgpack.packb(value))) == repr(value)


@given(st.floats())
def test_fractions_keep_every_digit(value: float) -> None:
    read = read_messagepack(msgpack.packb(value))
    assert isinstance(read, Number)
    assert float(read) == value or (math.isnan(value) and read == Literal("NaN"))


@each(
    ("value", "expected"),
    [
        (1.0, Number("1.0")),
        (b"\x00\xff", {"#bytes": "00ff"}),
        (msgpack.ExtType(5, b"x"), {"#ext": 5, "#bytes": "78"}),
        (msgpack.Timestamp(1_700_000_000, 5_000), {"#timestamp": "2023-11-14T22:13:20.000005Z"}),
        (msgpack.Timestamp(2**60, 0), {"#timestamp": f"{2**60}.000000000"}),
        ({1: "a"}, {"#pairs": [[1, "a"]]}),
        ({b"k": 1}, {"#pairs": [[{"#bytes": "6b"}, 1]]}),
        ({True: 1, "True": 2}, {"#pairs": [[True, 1], ["True", 2]]}),
        ([[1.5], {"a": b""}], [[Number("1.5")], {"a": {"#bytes": ""}}]),
    ],
)
def test_what_json_has_no_form_for_is_visible(value: Any, expected: Any) -> None:
    assert repr(read_messagepack(msgpack.packb(value))) == repr(expected)


def test_raw_bytes() -> None:
    assert read_messagepack(b"\xa1\xff") == "\udcff"  # a text that is no UTF-8
    assert read_messagepack(b"\x82\xa1a\x01\xa1a\x02") == {"#pairs": [["a", 1], ["a", 2]]}
    assert read_messagepack(b"\x81\x81\x01\x02\x03") == {"#pairs": [[{"#pairs": [[1, 2]]}, 3]]}
    assert read_messagepack(b"\x01\x02") == {"#stream": [1, 2]}


REFUSED = {
    "cut off": b"\x92\x01",
    "never used": b"\xc1",
    "array bomb": b"\xdd\xff\xff\xff\xff",
    "map bomb": b"\xdf\xff\xff\xff\xff",
    "bytes bomb": b"\xc6\xff\xff\xff\xff",
    "deep": b"\x91" * 5_000,
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="MessagePack"):
        read_messagepack(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_messagepack(data)
    except ValueError as error:
        assert "MessagePack" in str(error)  # noqa: PT017 - either outcome is right
