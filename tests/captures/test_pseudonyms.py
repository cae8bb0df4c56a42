from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.redacting.hiding import Found, Hiding
from captures.redacting.pseudonyms import fingerprint, is_pseudonym, number_pseudonym, pseudonym
from tests.corpus import each

KEY = b"k" * 32


def token(header: object, payload: object, signature: str = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload)]
    return ".".join((*parts, signature))


def classes(text: str) -> str:
    return re.sub("[A-Z]", "A", re.sub("[a-z]", "a", re.sub("[0-9]", "0", text)))


@each(
    "value",
    ["ghp_16C7e42F292c6912E7710c838347Ae178B4a", "abc.DEF-123_456~ghi/+==", "0042", "9",
     "correct horse battery staple", "550e8400-e29b-41d4-a716-446655440000", "d41d8cd98f00b204e9800998ecf8427e"],
)  # fmt: skip
def test_same_length_and_classes_and_another_value(value: str) -> None:
    changed = pseudonym(KEY, value)
    assert classes(changed) == classes(value)
    assert changed != value
    assert changed == pseudonym(KEY, value)
    assert changed != pseudonym(b"another key" * 3, value) or len(value) == 1


SHORT = [
    "hunter2",
    "A",
    "s:abc.def",
    "PIN-12",
    "3fa9c1",
    "密码",
    "Bob",
    "x",
    "pass word",
    "a1b2c3d4e5f60708",
    "日本語のパス",
]


@pytest.mark.parametrize("value", SHORT)
def test_what_is_short_grows_until_it_is_known_again(value: str) -> None:
    changed = pseudonym(KEY, value)
    assert is_pseudonym(KEY, changed)
    assert not is_pseudonym(KEY, value)
    assert not is_pseudonym(b"another key", changed)
    assert classes(changed)[: len(value)] == classes(value) or not value.isascii()
    assert changed[: len(value)] != value
    assert changed.isupper() == value.isupper()
    assert bool(re.fullmatch("[0-9a-f]+", changed)) is bool(re.fullmatch("[0-9a-f]+", value))


@given(st.text(max_size=30))
def test_redacted_again_it_is_equal(value: str) -> None:
    found, again = Found(), Found()
    once = Hiding(KEY).hide(found, "request.query token", value)
    assert any(map(str.isalpha, value)) <= (Hiding(KEY).hide(again, "request.query token", once) == once)


@given(st.text(max_size=6), st.text(max_size=6))
def test_two_secrets_have_two_pseudonyms(one: str, other: str) -> None:
    if one != other and any(map(str.isalpha, one)) and any(map(str.isalpha, other)):
        assert pseudonym(KEY, one) != pseudonym(KEY, other)


@pytest.mark.parametrize("signature", ["", "sig", "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"])
def test_a_token_redacted_again_is_equal(signature: str) -> None:
    once = pseudonym(KEY, token({"alg": "none"}, {"sub": "bob", "n": "a", "email": "ada@shop.io"}, signature))
    assert Hiding(KEY).hide(Found(), "request.query token", once) == once


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("$2b$12$", "R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"),
        ("$argon2id$v=19$m=65536,t=3,p=4$", "c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG"),
        ("pbkdf2_sha256$720000$", "Kz1vV2q3pQ8rT4sW6uY9xA$" + "Q" * 43 + "="),
    ],
)
def test_a_stored_password_keeps_its_method_and_cost(method: str, rest: str) -> None:
    changed = pseudonym(KEY, method + rest)
    assert changed.startswith(method)
    assert changed.removeprefix(method) != rest
    assert classes(changed) == classes(method + rest)
    assert not set(re.findall(r"[A-Za-z0-9]{6,}", rest)) & set(re.findall(r"[A-Za-z0-9]{6,}", changed[len(method) :]))


def test_uuid_keeps_version_and_variant() -> None:
    changed = pseudonym(KEY, "550e8400-e29b-41d4-a716-446655440000")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}", changed)


def test_hash_stays_hexadecimal() -> None:
    assert re.fullmatch(r"[0-9a-f]{40}", pseudonym(KEY, "da39a3ee5e6b4b0d3255bfef95601890afd80709"))
    assert re.fullmatch(r"[0-9A-F]{32}", pseudonym(KEY, "D41D8CD98F00B204E9800998ECF8427E"))


@pytest.mark.parametrize("value", ["4111111111111111", "4111 1111 1111 1111", "378282246310005", "6011-1111-1111-1117"])
def test_card_number_keeps_a_right_check_digit(value: str) -> None:
    changed = pseudonym(KEY, value)
    digits = [int(character) for character in reversed(changed) if character.isdigit()]
    total = sum(digit if index % 2 == 0 else sum(divmod(digit * 2, 10)) for index, digit in enumerate(digits))
    assert total % 10 == 0
    assert classes(changed) == classes(value)
    assert changed != value


def test_email_stays_one_that_reaches_nobody() -> None:
    changed = pseudonym(KEY, "Alice.Doe@mail.shop.io")
    assert re.fullmatch(r"[A-Z][a-z]{4}\.[A-Z][a-z]{2}@[a-z]{6}\.example\.com", changed)
    assert pseudonym(KEY, "alice.doe@MAIL.shop.io") == changed.lower()  # a service may fold case


def test_jwt_keeps_three_decodable_parts() -> None:
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": "alice", "iat": 1516239022, "iss": "https://id", "roles": ["admin"], "email": "a@b.org", "x": None}
    value = token(header, claims)
    changed = pseudonym(KEY, value)
    parts = [json.loads(base64.urlsafe_b64decode(part + "===")) for part in changed.split(".")[:2]]
    assert parts[0] == header
    assert list(parts[1]) == list(claims)
    assert (parts[1]["iat"], parts[1]["iss"], parts[1]["x"]) == (1516239022, "https://id", None)
    assert parts[1]["sub"] == pseudonym(KEY, "alice")
    assert parts[1]["roles"] == [pseudonym(KEY, "admin")]
    assert parts[1]["email"] == pseudonym(KEY, "a@b.org")
    assert len(changed.split(".")[2]) == 43
    assert changed.split(".")[2] != value.split(".")[2]


def test_what_only_looks_like_a_jwt_is_shaped() -> None:
    value = "eyJub3.no-json.here"
    assert classes(pseudonym(KEY, value)) == classes(value)


def test_letters_of_other_scripts_stay_in_their_script() -> None:
    changed = pseudonym(KEY, "pässwörd-密码-Ж")
    assert len(changed.encode()) == len("pässwörd-密码-Ж".encode()) + 7  # letters, that it may be known again
    assert changed[1] != "a"
    assert not changed[1].isascii()


@pytest.mark.parametrize(("value", "same"), [("", True), ("***", True), ("--", True), ("!@#$%", False)])
def test_values_without_letters_and_digits(value: str, same: bool) -> None:
    assert (pseudonym(KEY, value) == value) is same
    assert len(pseudonym(KEY, value)) == len(value)


@given(st.text(max_size=40))
def test_any_text_has_a_stable_pseudonym(value: str) -> None:
    assert pseudonym(KEY, value) == pseudonym(KEY, value)


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False).map(str))
def test_numbers_stay_numbers(value: int | str) -> None:
    literal = json.dumps(value) if isinstance(value, int) else json.dumps(float(value))
    changed = number_pseudonym(KEY, literal)
    assert json.loads(changed) is not None
    assert len(changed) == len(literal)
    assert changed.startswith("-") == literal.startswith("-")


def test_a_number_and_its_digits_as_a_string_are_one_secret() -> None:
    for value in ("4111111111111111", "12345678", "7", "1000000000"):
        assert number_pseudonym(KEY, value) == pseudonym(KEY, value)


def test_fingerprint_tells_keys_apart_and_nothing_else() -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", fingerprint(KEY))
    assert fingerprint(KEY) != fingerprint(KEY + b"x")
