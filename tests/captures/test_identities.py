"""Which values of a message name one thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.identities import MOST, SCANNED, identities, naming
from tests.corpus import each


@pytest.mark.parametrize(
    "value",
    [
        b"4537c2b3-8b25-45ff-b73e-c149a44ebe3a",
        b"01ARZ3NDEKTSV4RRFFQ69G5FAV",
        b"acc_5f3a9c1b2d7e",
        b"BFEde88QdP-bmgX9XQZDtAW2owTKTlVK",
        b"cb43a92e13450faf",
        b"1234567890123456789",
    ],
)
@each("around", [b'{"id": "%s"}', b"/orders/%s/items?page=1", b"Bearer %s", b"sid=%s; theme=dark"])
def test_ids_and_tokens_name_something_wherever_they_stand(value: bytes, around: bytes) -> None:
    assert naming([around % value]) == {value}


@each(
    "text",
    [
        b"SKU-1001", b"ORD-2026-000123", b"/orders/4711/items", b"application/vnd.shop.v2+json",
        b"2026-11-30T12:56:00Z",
        b"1764500000", b"1764500000123", b"1764500000123456", b"dark-mode-and-more", b"Internationalization",
        b"max-age=31536000", b"deadbeef1",
    ],
)  # fmt: skip
def test_words_dates_and_serial_numbers_name_nothing(text: bytes) -> None:
    assert naming([text]) == frozenset()


def test_where_they_are_looked_for() -> None:
    headers = (
        (b"User-Agent", b"app/4537c2b3-8b25-45ff-b73e-c149a44ebe3a"),
        (b"X-Tenant", b"cb43a92e13450faf"),
    )
    assert identities(b"/a%2Facc_5f3a9c1b2d7e", headers, b"") == {b"acc_5f3a9c1b2d7e", b"cb43a92e13450faf"}
    late = b" " * SCANNED + b"acc_5f3a9c1b2d7e"
    assert identities(b"/", (), late) == frozenset(), "a body is looked through as far as it is scanned"
    packed = ((b"Content-Encoding", b"gzip"),)
    assert identities(b"/", packed, b"acc_5f3a9c1b2d7e") == frozenset()


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_it_is_total(parts: list[bytes]) -> None:
    assert all(any(value in part for part in parts) for value in naming(parts))


def test_it_is_bounded() -> None:
    text = b" ".join(b"acc_%012x9" % number for number in range(2 * MOST))
    assert len(naming([text])) == MOST
