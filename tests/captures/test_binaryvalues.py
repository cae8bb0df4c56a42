from __future__ import annotations

import pytest

from captures.formats.binaryvalues import SHOWN, bytes_value, described


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", {"#bytes": ""}),
        (b"\x00\xff", {"#bytes": "00ff"}),
        (bytes(SHOWN), {"#bytes": "00" * SHOWN}),
        (bytes(SHOWN + 1), {"#bytes": described(bytes(SHOWN + 1))}),
    ],
)
def test_small_bytes_are_shown_and_large_ones_described(data: bytes, value: object) -> None:
    assert bytes_value(data) == value


def test_a_description_is_of_size_and_content() -> None:
    assert described(b"") == (
        "0 bytes (SHA-256) e3b0 c442 98fc 1c14 9afb f4c8 996f b924 27ae 41e4 649b 934c a495 991b 7852 b855"
    )
    assert described(b"a") != described(b"b")
