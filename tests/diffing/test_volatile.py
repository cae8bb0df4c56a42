"""Shapes, names and moments: what each value is taken for, and what stays nothing."""

from __future__ import annotations

import pytest

from diffing.values.moments import Clock, read, read_epoch, same_relation
from diffing.values.names import Hint, entity, hint_of
from diffing.values.volatile import shape_of
from tests.corpus import each

SHAPES = [
    ("3f0c5a52-7a35-4f11-9a66-0f8a6f3d1a01", "uuid"),
    ("3F0C5A52-7A35-4F11-9A66-0F8A6F3D1A01", "uuid"),
    ("urn:uuid:3f0c5a52-7a35-4f11-9a66-0f8a6f3d1a01", "uuid"),
    ("01JD3K8Z9QW2M4N6P8R0S2T4V6", "ulid"),
    ("65a1b2c3d4e5f60718293a4b", "objectid"),
    ("d41d8cd98f00b204e9800998ecf8427e", "digest"),
    ("a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", "digest"),
    ("0f8a6f3d1a", "hex"),
    ("ord_8fk2b1x9q0", "prefixed-id"),
    ("prod_100001", "reference"),
    ("ORD-2026-000123", "reference"),
    ("#1042", "reference"),
    ("7H2K9QX", "code"),
    ("8471", "digits"),
    ("aB3dE5gH7jK9mN1pQ3sT5vW7", "token"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "jwt"),
    ("2026-11-20T09:00:00Z", "datetime"),
    ("2026-11-20 09:00:00.123456+02:00", "datetime"),
    ("20261120T090000Z", "datetime"),
    ("2026-11-20", "date"),
    ("11/21/2026 09:19 AM", "datetime"),
    ("1/5/2026, 9:19:07\u202fpm", "datetime"),
    ("21.11.2026 09:19", "datetime"),
    ("Fri, 20 Nov 2026 09:00:00 GMT", "http-date"),
    ("1795165200", "epoch"),
    ("1795165200.25", "epoch"),
    ("{3f0c5a52-7a35-4f11-9a66-0f8a6f3d1a01}", "uuid"),
    ("V1StGXR8_Z5jdHi6B-myT", "nanoid"),
    ("175928847299117063", "snowflake"),
    ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "digest"),
    ("sha256:d41d8cd98f00b204e9800998ecf8427ed41d8cd98f00b204e9800998ecf8427e", "digest"),
    ('W/"5f-abc"', "etag"),
    ("0x7f8a1c2d3e40", "memory-address"),
    ("MDM6UmVmMzY0NDYxNzI3OnJlZnMvaGVhZHMvbWFpbg==", "token"),  # text, not the bytes of a digest
    ("2026-W47-5", "date"),
    ("2026-324", "date"),
    ("Friday, 20-Nov-26 09:00:00 GMT", "http-date"),
    ("20 Nov 2026 09:00:00 +0000", "http-date"),
    ("Fri Nov 20 09:00:00 UTC 2026", "datetime"),
    ("Fri Nov 20 2026 09:00:00 GMT+0000 (Coordinated Universal Time)", "datetime"),
    ("2026-11-20 09:00:00.123456789 +0000 UTC", "datetime"),
]

NOTHING = [
    "",
    "a",
    "internationalizations",
    "user_profile",
    "order-confirmed",
    "2026-13-45",
    "11/21/2026",
    "21.11.2026",
    "21/11/2026 09:19 AM",
    "11/21/2026 13:19 PM",
    "11/21/1926 09:19 AM",
    "32.11.2026 09:19",
    "1.2.3.4",
    "hello world",
    "https://example.org/a/b",
    "ada@example.org",
    "aes256",
    "utf-8",
    "production",
    "sha256",
    "abcdefghijklmnopqrstuvwxyzz",
    "12345678901234567890123456789012",
    "{3f0c5a52-7a35-4f11-9a66-0f8a6f3d1a01",
    "978-3-16-148410-0",
    "+491701234567",
    "12.50",
    "PT15M",
    "2026-W54",
    "2026-999",
]


@each(("text", "kind"), SHAPES)
def test_shape(text: str, kind: str) -> None:
    shape = shape_of(text)
    assert shape is not None
    assert shape.kind == kind


@each("text", NOTHING)
def test_what_has_no_shape(text: str) -> None:
    assert shape_of(text) is None


def test_facets_tell_formats_of_one_kind_apart() -> None:
    pairs = [
        ("3f0c5a52-7a35-4f11-9a66-0f8a6f3d1a01", "3f0c5a52-7a35-7f11-9a66-0f8a6f3d1a01"),
        ("2026-11-20T09:00:00Z", "2026-11-20T09:00:00+00:00"),
        ("2026-11-20T09:00:00Z", "2026-11-20 09:00:00Z"),
        ("2026-11-20T09:00:00.123Z", "2026-11-20T09:00:00Z"),
        ("ord_8fk2b1x9q0", "ord_8fk2b1"),
        ("11/21/2026 09:19 AM", "11/21/2026 09:19 am"),
        ("11/21/2026 09:19 AM", "21.11.2026 09:19"),
        ("21.11.2026 09:19", "21.11.2026 09:19:00"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2"),
    ]
    for one, other in pairs:
        left, right = shape_of(one), shape_of(other)
        assert left is not None
        assert right is not None
        assert left.facets != right.facets


@each(
    ("name", "hint"),
    [
        ("id", Hint.ID),
        ("orderId", Hint.ID),
        ("order_id", Hint.ID),
        ("userUUID", Hint.ID),
        ("createdAt", Hint.MOMENT),
        ("created_at", Hint.MOMENT),
        ("Last-Modified", Hint.MOMENT),
        ("csrf_token", Hint.TOKEN),
        ("x-api-key", Hint.TOKEN),
        ("order_number", Hint.REFERENCE),
        ("tracking", Hint.REFERENCE),
        ("elapsed_ms", Hint.MEASURE),
        ("responseTime", Hint.MEASURE),
        ("phone_number", None),
        ("error_code", None),
        ("zip_code", None),
        ("idea", None),
        ("candidate", None),
        ("valid", None),
        ("amount", None),
        ("format", None),
    ],
)
def test_what_a_name_promises(name: str, hint: Hint | None) -> None:
    assert hint_of(name) is hint


@pytest.mark.parametrize(
    ("names", "endpoint", "expected"),
    [
        (("id",), "GET /orders/{id}", "order"),
        (("order_id",), "GET /things", "order"),
        (("customer", "id"), "GET /orders/{id}", "customer"),
        (("data", "id"), "GET /orders", "order"),
        (("addresses", "id"), "GET /users", "address"),
    ],
)
def test_whose_integer_id_it_is(names: tuple[str, ...], endpoint: str, expected: str) -> None:
    assert entity(names, endpoint) == expected


THEN, NOW = Clock(1_000_000_000.0, 1_000_000_600.0), Clock(1_500_000_000.0, 1_500_000_010.0)


@each(
    ("old", "new", "happened", "same"),
    [
        (-5, -1, True, True),  # both of their runs
        (-500, -8, True, True),  # a replay is faster
        (3600, 3600, False, True),  # a lifetime of an hour
        (3600, 86_400, False, False),  # … became a day
        (-10, -7200, True, False),  # two hours ago: a time zone
        (-10, 7200, True, False),
        (-90_000, -8, True, True),  # older rows in staging
        (-90_000, -8, False, False),  # … under a name that is a calendar entry
        (-90_000, 90_000, True, False),
    ],
)
def test_relation_to_the_clock(old: float, new: float, happened: bool, same: bool) -> None:
    one, other = read_epoch(THEN.now + old), read_epoch(NOW.now + new)
    assert one is not None
    assert other is not None
    assert (same_relation(one, other, THEN, NOW, happened=happened) is None) == same


@pytest.mark.parametrize("text", ["2026-02-30T00:00:00Z", "9999-99-99", "Xyz, 20 Nov 2026 09:00:00 GMT", "12345678"])
def test_what_is_no_moment(text: str) -> None:
    assert read(text) is None
