from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.redacting import personal_data as data

KEY = b"k" * 32
PAN = "4539578763621486"
IBAN = "DE12500105170648489890"


def found(spans: list[tuple[int, int]], text: str) -> list[str]:
    return [text[slice(*span)] for span in spans]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("write to ada.l+x@mail.shop.io, or bob@x.de.", ["ada.l+x@mail.shop.io", "bob@x.de"]),
        ("<mailto:ada@shop.io?subject=x>", ["ada@shop.io"]),
        (r"seen\nada@shop.io\u003ebob@x.de", ["ada@shop.io", "bob@x.de"]),
        ("ada@example.com ada@shop.test root@localhost x@host.invalid", []),  # nobody's
        ("logo@2x.png git@github.com:a/b user@host @decorator a@b lib@1.2.3", []),
        ("postgres://ada@db.internal.io/x https://ada:pw@shop.io/", []),  # users of URLs
        ("https://shop.io/?to=ada@shop.io", ["ada@shop.io"]),
    ],
)
def test_addresses(text: str, addresses: list[str]) -> None:
    assert found(data.addresses(text), text) == addresses


def test_an_address_stays_one_and_follows_its_case() -> None:
    new = data.address_pseudonym(KEY, "Ada@shop.io")
    assert new is not None
    assert re.fullmatch(r"[A-Z][a-z]{2}@[a-z]{6}\.[a-z]{6}\.example\.com", new)
    assert data.address_pseudonym(KEY, "ADA@SHOP.io") == re.sub("^[A-Za-z]*", lambda m: m[0].upper(), new)
    assert data.is_address_pseudonym(KEY, new)
    assert not data.is_address_pseudonym(b"another", new)
    assert not data.is_address_pseudonym(KEY, "ada@shop.example.com")
    assert data.addresses(new) == []


@pytest.mark.parametrize(
    "number", [PAN, "5425233430109903", "374245455400126", "6011000991300009", "3566000020000410", "36227206271667"]
)
def test_cards(number: str) -> None:
    assert data.card(number)
    new = data.card_pseudonym(KEY, number)
    assert new is not None
    assert len(new) == len(number)
    assert data.luhn(new) == 0
    assert data.is_card_pseudonym(new)
    assert not data.card(new)
    assert data.card_pseudonym(KEY, f"{number[:4]} {number[4:]}") == f"{new[:4]} {new[4:]}"


@pytest.mark.parametrize(
    "number", ["4539578763621487", "1234567812345670", "4111111111111111", "79927398713", "6304000000000000", "0" * 16]
)
def test_what_is_no_card_of_anybody(number: str) -> None:
    assert not data.card(number)


@pytest.mark.parametrize(
    ("text", "count"), [(f"a {PAN}.", 1), (f"x{PAN}", 0), (f"0.{PAN}", 0), ("4539 5787 6362 1486", 1)]
)
def test_where_card_numbers_stand(text: str, count: int) -> None:
    assert len(data.CARD.findall(text)) == count


def test_ibans() -> None:
    text = f"{IBAN} GB33BUKB20201555555555 DE89 3704 0044 0532 0130 00 IS DE13500105170648489890 AA12 3456"
    spans = data.ibans(text)
    assert found(spans, text) == [IBAN, "GB33BUKB20201555555555", "DE89 3704 0044 0532 0130 00"]
    for one in found(spans, text):
        new = data.iban_pseudonym(KEY, one)
        assert new is not None
        assert re.sub("[A-Z]", "A", re.sub("[0-9]", "0", new)) == re.sub("[A-Z]", "A", re.sub("[0-9]", "0", one))
        assert new[:2] == one[:2]
        assert data.is_iban_pseudonym(new)
        assert data.ibans(new) == []
        assert data.iban_pseudonym(KEY, one.replace(" ", "")) == new.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("call +49 30 1234567 or +1 (212) 867-5309!", ["+49 30 1234567", "+1 (212) 867-5309"]),
        ("+33612345678", ["+33612345678"]),
        ("1+12345678 a=+12345678901 +0123456789 2024-01-01T00:00:00+01:00 ab+1234567890", []),
    ],
)
def test_phone_numbers(text: str, numbers: list[str]) -> None:
    assert [match[0] for match in data.PHONE.finditer(text)] == numbers


@pytest.mark.parametrize("number", ["+49301234567", "+1 212-867-5309", "(212) 867-5309", "030/1234567", "12128675309"])
def test_a_phone_number_becomes_one_of_fiction(number: str) -> None:
    new = data.phone_pseudonym(KEY, number)
    assert new is not None
    assert data.is_phone_pseudonym(new)
    assert not data.is_phone_pseudonym(number)
    assert data.phone_pseudonym(KEY, number.replace(" ", "")) is not None
    assert new.startswith("+") is number.startswith("+")


@given(st.from_regex(r"[a-z0-9._+-]{1,20}@[a-z]{1,12}\.(io|de|com)", fullmatch=True))
def test_a_pseudonym_is_no_finding(address: str) -> None:
    new = data.address_pseudonym(KEY, address)
    assert new is not None
    assert data.addresses(f"<{new}>") == []
    assert new != address
