"""Credentials of calls, what a call passes on of its caller, and the order of calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from captures.model import Exchange, Timing
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Judgement
from tests.corpus import each
from tests.diffing.pairs import JSON, exchange
from tests.diffing.test_outbound import call, classes, compare

KEY, OTHER = "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_9xB17KmQwsVFceplR5ybn2gh"


def with_header(name: str, value: str) -> Exchange:
    return call(headers=(*JSON, (name.encode(), value.encode())))


def judged(name: str, old: Sequence[str], new: Sequence[str]) -> Judgement:
    return compare([with_header(name, value) for value in old], [with_header(name, value) for value in new])


@each(
    ("name", "old", "new", "expected"),
    [
        ("Authorization", "Bearer x8f3kQ92jLmZpT4w", "Bearer y9g4lR83kMnApU5x", []),
        ("Authorization", "Bearer x8f3kQ92jLmZpT4w", "Bearer undefined", ["request.authorization-lost"]),
        ("Authorization", "Bearer x8f3kQ92jLmZpT4w", "Bearer ", ["request.authorization-lost"]),
        ("Authorization", "Basic YTpzZWNyZXQ=", "Bearer x8f3kQ92jLmZpT4w", ["request.header-changed"]),
        ("Authorization", "Basic YTpzZWNyZXQ=", "Basic YjpzZWNyZXQ=", ["request.identity"]),
        ("X-Api-Key", KEY, OTHER, []),
        ("X-Api-Key", KEY, KEY.replace("live", "test"), ["request.header-changed"]),
        ("X-Api-Key", KEY, KEY[:20], ["request.header-changed"]),
        ("Cookie", "sid=abc; region=eu", "sid=abc", ["request.header-changed"]),
        ("Cookie", "tenant=acme", "tenant=beta", ["request.header-changed"]),
        ("Cookie", "sid=x8f3kQ92jLmZpT4w", "sid=y9g4lR83kMnApU5x", []),
    ],
)
def test_a_credential(name: str, old: str, new: str, expected: list[str]) -> None:
    judgement = judged(name, [old], [new])
    assert classes(judgement) == expected
    said = repr(judgement.findings)
    assert "x8f3kQ92jLmZpT4w" not in said
    assert OTHER not in said


def test_a_credential_is_renamed_everywhere_or_nowhere() -> None:
    assert classes(judged("X-Api-Key", [KEY, KEY, KEY], [OTHER, OTHER, OTHER])) == []
    assert classes(judged("X-Api-Key", [KEY, KEY, KEY], [KEY, KEY, OTHER])) == ["request.identity"]
    assert "request.identity" in classes(judged("X-Api-Key", [KEY, OTHER], [OTHER, KEY]))


def test_keys_do_not_become_one() -> None:
    first, second, third = (f"{at}b6f1a52-7c1d-4e57-9a70-3f1d2b8c9e01" for at in (0, 1, 2))
    assert classes(judged("Idempotency-Key", [first], [third])) == []
    assert "request.identity" in classes(judged("Idempotency-Key", [first, second], [third, third]))
    assert "request.identity" in classes(judged("Idempotency-Key", [first, first], [second, third]))


@pytest.mark.parametrize(
    ("name", "sent", "ours", "resent", "theirs", "drifts"),
    [
        ("X-Request-Id", "a1b2c3d4e5f60718", "a1b2c3d4e5f60718", "b1b2c3d4e5f60719", "b1b2c3d4e5f60719", False),
        ("X-Request-Id", "a1b2c3d4e5f60718", "a1b2c3d4e5f60718", "a1b2c3d4e5f60718", "b1b2c3d4e5f60719", True),
        (
            "Authorization",
            "Bearer user-AAAA1111",
            "Bearer user-AAAA1111",
            "Bearer user-AAAA1111",
            "Bearer root-1",
            True,
        ),
        ("X-User-Id", "1001", "1001", "1001", "1002", True),
    ],
)
def test_what_the_caller_sent_is_passed_on(
    name: str, sent: str, ours: str, resent: str, theirs: str, *, drifts: bool
) -> None:
    old = exchange("{}", sent_headers=((name.encode(), sent.encode()),))
    new = exchange("{}", replayed=True, sent_headers=((name.encode(), resent.encode()),))
    calls = (replace(with_header(name, ours), id=10),), (replace(with_header(name, theirs), id=110),)
    context = Context()
    learn_recorded(old, context)
    learn_pair(old, new, context, *calls)
    assert bool(compare_exchange(old, new, context, *calls).findings) is drifts


def timed(first: tuple[str, float], second: tuple[str, float], lasting: float = 0.1) -> list[Exchange]:
    return [replace(call(target=name), timing=Timing(at, at, at, at + lasting)) for name, at in (first, second)]


def test_writes_in_another_order() -> None:
    recorded = timed(("/reserve", 1.0), ("/charges", 2.0))
    assert classes(compare(recorded, timed(("/charges", 1.0), ("/reserve", 2.0)))) == ["reordered"]
    assert classes(compare(recorded, timed(("/reserve", 1.0), ("/charges", 2.0)))) == []
    assert classes(compare(recorded, timed(("/charges", 1.0), ("/reserve", 1.05)))) == []  # at once: any order
    at_once = timed(("/reserve", 1.0), ("/charges", 1.05))
    assert classes(compare(at_once, timed(("/charges", 1.0), ("/reserve", 2.0)))) == []
