from __future__ import annotations

import pytest

from diffing.learning.refusing import parent_of, refusal, unstable
from tests.corpus import each


@each(
    ("location", "class_id", "words"),
    [
        ("response.body $.x", "response.identity", "bijection"),
        ("response.status", "response.status.class", "status flaps"),
        ("response.body $.x", "response.body.type-changed", "type flaps"),
        ("response.body $.x", "response.body.null-changed", "null and a value"),
        ("response.body $.x[*]", "response.body.array-item-added", "items come and go"),
        ("response.body $", "response.body.value-changed", "whole body"),
        ("response.body", "response.body.binary-changed", "whole body"),
        ("response.cookie sid", "response.cookie.security-lost", "protects"),
        ("response.header content-security-policy", "response.header.changed", "protects"),
        ("response.header content-type", "response.media-type", "kind of body"),
        ("response.header etag", "response.header.validator-kept", "tag stays"),
        ("response.body $.error", "response.body.internals-exposed", "security"),
        ("response.body $.x", "response.body.value-changed", None),
        ("response.body $", "response.body.array-order", None),
        ("response.header x-shard", "response.header.changed", None),
        ("outbound a POST /b request.body $.x", "outbound.request.body.value-changed", None),
        ("outbound a POST /b request.body $.x", "outbound.request.identity", "bijection"),
    ],
)
def test_refusal(location: str, class_id: str, words: str | None) -> None:
    reason = refusal(location, {class_id: 3}, ())
    assert (reason is None) if words is None else (reason is not None and words in reason)


@pytest.mark.parametrize(
    ("location", "parent"),
    [
        ("response.body $.a", "response.body $"),
        ("response.body $.items[*].price", "response.body $.items[*]"),
        ("response.body $.a['b.c']", "response.body $.a"),
        ("response.body $.items[*]", None),
        ("response.body $", None),
        ("response.header x", None),
    ],
)
def test_parent_of(location: str, parent: str | None) -> None:
    assert parent_of(location) == parent


def test_what_lies_too_deep() -> None:
    reason = refusal("response.body $" + ".a" * 101, {"response.body.value-changed": 1}, ())
    assert reason is not None
    assert "too deep" in reason
    assert refusal("response.body $" + ".a" * 50, {"response.body.value-changed": 1}, ()) is None


@pytest.mark.parametrize(
    ("moving", "members", "covered", "whole"),
    [
        ("abc", "abc", "", True),
        ("abc", "abcd", "", True),
        ("abc", "abcde", "", False),
        ("ab", "ab", "", False),  # two fields are no object that moves as a whole
        ("abc", "abcde", "de", True),  # what is meant to move counts for nothing
        ("ab", "abcd", "cd", False),
    ],
)
def test_unstable(moving: str, members: str, covered: str, whole: bool) -> None:
    places = {("GET /a", f"response.body $.row.{name}"): set(members) for name in moving}
    known = {("GET /a", f"response.body $.row.{name}") for name in covered}
    found = list(unstable(places, known))
    assert [one[:2] for one in found] == ([("GET /a", "response.body $.row")] if whole else [])
