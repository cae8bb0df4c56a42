"""Matchers in plain words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.jsontext import Number
from replayer import pin_notation
from replayer.pin_notation import KINDS, Slot
from tests.corpus import each


@given(st.text())
def test_escaping_is_undone_by_parsing(text: str) -> None:
    escaped = pin_notation.escape(text)
    assert pin_notation.parse(escaped) == (text,)
    assert pin_notation.unescape(escaped) == text
    assert not pin_notation.has_slot(escaped)


@given(st.text(), st.text())
def test_a_slot_between_any_literals_is_found(before: str, after: str) -> None:
    text = f"{pin_notation.escape(before)}«uuid as order_id»{pin_notation.escape(after)}"
    assert [part for part in pin_notation.parse(text) if isinstance(part, Slot)] == [Slot("uuid", "order_id")]
    assert "".join(part for part in pin_notation.parse(text) if isinstance(part, str)) == before + after


@each(
    ("text", "slot"),
    [
        ("«uuid»", Slot("uuid")),
        ("«uuid as order»", Slot("uuid", "order")),
        ("«timestamp iso8601»", Slot("timestamp iso8601")),
        ("«the order_id»", Slot("", "order_id")),
        (r"«regex /ORD-\d+/»", Slot("regex", "", r"ORD-\d+")),
        (r"«regex /a as b/ as c»", Slot("regex", "c", "a as b")),
        ("x«uuid»", None),
        ("«uuid»«uuid»", None),
        ("««uuid»", None),
    ],
)
def test_whole_slots(text: str, slot: Slot | None) -> None:
    assert pin_notation.whole(text) == slot
    if slot is not None:
        assert str(slot) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("«uiid»", "Did you mean «uuid»?"),
        ("a « b", "has no closing »"),
        ("«regex /(/»", "is not a regular expression"),
        ("«regex /(a+)+/»", "may keep it busy for ever"),
        ("«»", "there is no matcher"),
    ],
)
def test_bad_slots_say_what_to_write(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        pin_notation.parse(text)
    assert complaint in str(caught.value)


@each(
    ("kind", "good", "bad"),
    [
        ("uuid", "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11", "3f0e6a52"),
        ("timestamp iso8601", "2026-11-21T07:50:12.123Z", "2026-11-21T07:50:12"),
        ("timestamp iso8601 without zone", "2026-11-21 07:50:12", "2026-11-21T07:50:12Z"),
        ("timestamp http", "Sat, 21 Nov 2026 07:50:12 GMT", "2026-11-21"),
        ("timestamp unix", 1795247412, "1795247412"),
        ("timestamp unix ms", 1795247412123, 1795247412),
        ("integer", 17, Number("17.0")),
        ("integer", -1, True),
        ("number", Number("1.5e3"), "1.5"),
        ("digits", "017", 17),
        ("string", "", None),
        ("any", None, None),
        ("jwt", "aa.bb.cc", "aa bb"),
        ("ulid", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav"),
        ("date iso8601", "2026-11-21", "21.11.2026"),
        ("hex", "00ff", "0xff"),
        ("token", "a-b_c.d~e+f/g=", "a b"),
    ],
)
def test_kinds(kind: str, good: Any, bad: Any) -> None:
    assert Slot(kind).holds(good)
    if kind != "any":
        assert not Slot(kind).holds(bad)
        assert not Slot(kind).holds([good])


def test_every_kind_holds_its_own_sample() -> None:
    for name, kind in KINDS.items():
        value: Any = int(kind.sample) if kind.type == "number" else kind.sample
        assert Slot(name).holds(value), name
        assert kind.meaning


def test_a_string_of_very_many_matchers_is_refused() -> None:
    """They would be tried in more ways than there is time for."""
    assert len(pin_notation.parse("«uuid»" * 24)) == 24
    assert len(pin_notation.parse("«uuid»\n" * 100)) == 200  # a line each
    with pytest.raises(ValueError, match="more than 24 matchers in one line"):
        pin_notation.parse("«uuid»" * 25)
