"""What a name says of a value, and which values no word is like."""

from __future__ import annotations

import pytest

from captures.telling import CODE, CSRF, TOKEN, fits, is_in_groups, is_unlike_words, told_by
from tests.corpus import each


@pytest.mark.parametrize(
    ("noun", "names"),
    [
        (
            CSRF,
            "csrf_token X-CSRF-Token csrfmiddlewaretoken _csrf authenticity_token __RequestVerificationToken _wpnonce",
        ),
        (TOKEN, "token access_token accessToken refresh-token id_token jwt api_key X-Auth-Token sid"),
        (CODE, "code otp verification_code couponCode coupon invite_codes voucher"),
        ("", "token_type status_code country_code errorCode barcode id name page tokens_used session key zip"),
    ],
)
def test_names_that_tell(noun: str, names: str) -> None:
    assert {name: told_by(name) for name in names.split()} == dict.fromkeys(names.split(), noun)


@pytest.mark.parametrize(
    ("noun", "value", "does"),
    [
        (CODE, "0182", True), (CODE, "QWERTZ", True), (CODE, "not_found", False), (CODE, "12", False),
        (TOKEN, "abcdefgh", True), (TOKEN, "two words", False), (CSRF, "abc", False),
    ],
)  # fmt: skip
def test_values_that_may_be_meant(noun: str, value: str, does: bool) -> None:
    assert fits(noun, value) is does


@pytest.mark.parametrize("text", ["k3Xq9Lm2", "aXbQzWpR", "1-a9f8e7d6", "4GVDXH", "_a1b2C3d"])
def test_what_no_word_is_like(text: str) -> None:
    assert is_unlike_words(text)


@each(
    "text",
    ["active", "Springfield", "camelCase", "BlueShirt", "us-east-1", "v1beta1", "1920x1080", "2026-05-28", "19.99",
     "1.2.3", "100ms", "tier2", "SKU-1234", "EUR", "two words", "abc"],
)  # fmt: skip
def test_what_words_are_like(text: str) -> None:
    assert not is_unlike_words(text)


@pytest.mark.parametrize(
    ("text", "does"), [("QWER-TZUI", True), ("AB2D-EF3H-XXXX", True), ("NOT-FOUND", False), ("QWER", False)]
)
def test_keys_in_groups(text: str, does: bool) -> None:
    assert is_in_groups(text) is does
