from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from captures.tokens import Kind, is_idish, is_weak_id, kind_of, noun_of, singular
from tests.corpus import each

NOW = 1_780_000_000.0  # 2026-05-28


@each(
    ("text", "kind"),
    [
        ("3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11", Kind.UUID),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", Kind.ULID),
        ("deadbee1", Kind.HEX),
        ("9e107d9d372bb6826bd81d3542a419d6", Kind.HEX),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP", Kind.JWT),
        ("ord_5f3a9c", Kind.PREFIXED),
        ("ORD-2026-000123", Kind.PREFIXED),
        ("pay_8f3k2m9x", Kind.PREFIXED),
        ("1541815603606036480", Kind.DIGITS),
        ("kT9x2LmQ7vBz4nRw8YpD", Kind.OPAQUE),
        ("fa8Jz+3kQ/2mXv9TbW5cRg==", Kind.OPAQUE),
        ("2026-05-28T10:00:00.123Z", Kind.DATETIME),
        ("2026-05-28 10:00:00+02:00", Kind.DATETIME),
        ("Thu, 28 May 2026 10:00:00 GMT", Kind.HTTP_DATE),
        ("1780000001", Kind.EPOCH),
        ("1780000001123", Kind.EPOCH),
    ],
)
def test_generated_values(text: str, kind: Kind) -> None:
    assert kind_of(text, near=NOW) is kind


@each(
    "text",
    [
        "", "0", "1", "17", "true", "active", "checkout", "application", "facade", "decade", "john.smith@example.com",
        "JavaScriptHTTPClient", "application/json", "https://shop.test/orders/17", "/orders/17", "1.2.3", "10.0.0.1",
        "2026-05-28", "1985-04-12T00:00:00Z", "sha-red", "SKU-A", "en-US", "version2", "api_version2", "utf-8",
        "max-age=3600", "gzip, deflate, br", "a sentence with 12345678 in it", "Größe 12345678",
    ],
)  # fmt: skip
def test_plain_data(text: str) -> None:
    assert kind_of(text, near=NOW) is None


@each("name", ["id", "order_id", "orderId", "order-id", "userID", "invoiceNo", "pk", "X-Request-Id"])
def test_names_of_ids(name: str) -> None:
    assert is_idish(name)


@each("name", ["paid", "valid", "quantity", "total", "width", "casino", "monkey", "amount"])
def test_names_that_only_sound_like_it(name: str) -> None:
    assert not is_idish(name)


@each(
    ("name", "noun"),
    [("order_id", "order"), ("orderId", "order"), ("orders", "order"), ("id", ""), ("lineItems", "line_item"),
     ("categories", "category"), ("boxes", "box"), ("status", "status"), ("address", "address")],
)  # fmt: skip
def test_nouns(name: str, noun: str) -> None:
    assert noun_of(name) == noun


def test_weak_ids_are_never_flags_or_short() -> None:
    assert [
        text for text in ("0", "1", "9", "10", "017", "123456789", "1234567890", "1.5", "-12") if is_weak_id(text)
    ] == [
        "10",
        "123456789",
    ]


@given(st.text())
def test_total(text: str) -> None:
    kind_of(text, near=NOW)
    is_idish(text)
    noun_of(text)
    singular(text)
