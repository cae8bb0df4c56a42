from __future__ import annotations

import json
import re
import time

import pytest

from captures.errors import ConfigError
from captures.redacting.detectors import Detectors, may_be_id
from captures.redacting.secret_names import DETECTORS, RedactionPolicy, looks_random
from tests.captures.test_known_tokens import EXAMPLES, PEM
from tests.corpus import each

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJlLWJ5dGVz"
FINDINGS = [
    ("jwt", JWT, JWT),
    ("bearer", "Bearer abc123def456", "abc123def456"),
    ("url-password", "postgres://app:s3cretpw@db/x", "s3cretpw"),
    ("email", "Ada <ada@shop.io>", "ada@shop.io"),
    ("email", "/users/ada%40shop.io/x", "ada@shop.io"),
    ("card", "paid with 4539 5787 6362 1486", "4539 5787 6362 1486"),
    ("iban", "to DE12500105170648489890", "DE12500105170648489890"),
    ("phone", "call +49 30 1234567", "+49 30 1234567"),
    ("private-key", PEM, PEM),
    *(("token", token, token) for token in EXAMPLES),
]


@each(("detector", "text", "secret"), FINDINGS)
def test_each_finds_its_own_and_is_switched_off_alone(detector: str, text: str, secret: str) -> None:
    seen: list[tuple[str, str]] = []

    def hide(kind: str, value: str) -> str:
        seen.append((kind, value))
        return value

    everything = Detectors()
    assert everything.may_find(text.encode())
    assert everything.replaced(text, hide) == text
    assert (detector, secret) in seen
    seen.clear()
    Detectors(set(DETECTORS) - {detector}).replaced(text, hide)
    assert detector not in {kind for kind, _ in seen}
    assert not Detectors(()).may_find(text.encode())


@pytest.mark.parametrize(
    "text",
    ["", "hello", json.dumps({"id": 1, "items": [{"sku": f"sku-{n}", "price": n * 1.1} for n in range(24)]}),
     json.dumps({"at": 1700000000000, "id": "0190b3a1-7f6e-7cc3-9f5c-2f1f4b3c2d1e", "s": "2024-01-31T10:00:00+02:00"}),
     "the quick brown fox " * 30],
)  # fmt: skip
def test_a_first_look_passes_over_what_holds_nothing(text: str) -> None:
    assert not Detectors().may_find(text.encode())


def test_patterns_of_the_user() -> None:
    detectors = Detectors((), [re.compile(r"ACME-\d{6}"), re.compile(r"pin (\d{4})")])
    assert detectors.replaced("ACME-123456, pin 1234", lambda kind, value: f"<{kind}:{len(value)}>") == (
        "<pattern 1:11>, pin <pattern 2:4>"
    )


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"patterns": ["("]}, "no regular expression"),
        ({"patterns": ["a*"]}, "empty text"),
        ({"detectors": ["emial"]}, 'Did you mean "email"'),
        ({"paths": ["/x/y"]}, "marks no segment"),
        ({"paths": "x"}, "list of strings"),
    ],
)
def test_a_wrong_setting_is_told(section: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        RedactionPolicy.from_config(section)


@each(
    ("name", "expected"),
    [("order_id", True), ("orderId", True), ("id", True), ("timestamp", True), ("paid", False), ("number", False),
     ("cardNumber", False), ("", False)],
)  # fmt: skip
def test_names_of_ids(name: str, expected: bool) -> None:
    assert may_be_id(name) is expected


def test_randomness() -> None:
    assert looks_random("q8Zt4LmPx0VbN3rTyW7s")
    assert looks_random("9f86d081884c7d659a2feaa0c55ad015")
    for plain in ("correct-horse-battery-staple", "aaaaaaaaaaaaaaaaaaaa1", "2024-01-31T00:00:00", "short1", "x" * 30):
        assert not looks_random(plain)


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ["@", "a@", "a@a.", "a@a.io ", "+1", "+1 ", "4", "4 ", "45395787 ", "DE12", "DE12 ", "sk-", "ghp_", "eyJ", "eyJ.",
     "-----BEGIN PRIVATE KEY-----", "://", "://a:", "%40", "a%40a.io", "Bearer ", "AA00", "4539578763621486 ", "xox"],
)  # fmt: skip
def test_time_grows_with_the_length_alone(unit: str) -> None:
    detectors = Detectors()

    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        started = time.process_time()
        if detectors.may_find(text.encode()):
            detectors.replaced(text, lambda _, value: value)
        return time.process_time() - started

    seconds(1_000)
    assert min(seconds(160_000) for _ in range(2)) < 0.2 + 30 * max(min(seconds(20_000) for _ in range(3)), 0.003)
