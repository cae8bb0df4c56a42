"""What keeps a group's name, and what gives it another one."""

from __future__ import annotations

from typing import Any

import pytest

from diffing.classes import all_classes, class_of
from diffing.model import ABSENT, Finding
from diffing.outcome.fingerprints import family, fingerprint, shape


def named(class_id: str, one: Any, other: Any, location: str = "response.body $.a", endpoint: str = "GET /a") -> str:
    finding = Finding(class_id, endpoint, location, "$.a", one, other, 7, evidence="whatever")
    return fingerprint(class_id, endpoint, location, shape(finding))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # more samples: a field seen without exception turned out to be optional, a closed set to be open
        (("response.body.field-removed", "x", ABSENT), ("response.body.optional-field-removed", "y", ABSENT)),
        (("response.body.value-changed", "a", "b"), ("response.body.enum-value-added", "c", "d")),
        (("response.body.value-changed", 1, 2), ("response.body.out-of-range", 3, 400)),
        (("response.body.constant-changed", 1, 2), ("response.body.value-changed", 3, 4)),
        (("response.body.array-order", [1], [2]), ("response.body.order-lost", [1, 2], [2, 1])),
        (("response.header.removed", "x", ABSENT), ("response.header.optional-removed", "y", ABSENT)),
        (("response.body.became-null", "x", None), ("response.body.null-changed", "y", None)),
    ],
)
def test_what_only_the_evidence_tells_apart_has_one_name(
    one: tuple[str, Any, Any], other: tuple[str, Any, Any]
) -> None:
    assert named(*one) == named(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("response.body.value-changed", "a", "b"), ("response.body.value-changed", "a", 1)),
        (("response.body.value-changed", "a", "b"), ("outbound.request.body.value-changed", "a", "b")),
        (("response.status.class", 200, 500), ("response.status.class", 200, 503)),
        (("response.request-rejected", 200, 400), ("response.request-rejected", 200, 422)),
        (("response.body.field-removed", "a", ABSENT), ("response.body.secret-exposed", ABSENT, "a")),
        (("response.body.value-changed", "a", "b"), ("response.body.string-form", "a", 1)),
    ],
)
def test_another_change_has_another_name(one: tuple[str, Any, Any], other: tuple[str, Any, Any]) -> None:
    assert named(*one) != named(*other)


def test_the_place_is_part_of_the_name_and_nothing_else_is() -> None:
    here = named("response.body.value-changed", "a", "b")
    assert here == named("response.body.value-changed", "x" * 999, "")
    assert here != named("response.body.value-changed", "a", "b", location="response.body $.b")
    assert here != named("response.body.value-changed", "a", "b", endpoint="GET /b")
    assert here == "966cb253305b", "approvals in other people's repositories name groups by this"


def test_every_family_is_a_class_of_its_own() -> None:
    for drift in all_classes():
        class_of(family(drift.id))
        assert family(family(drift.id)) == family(drift.id)
