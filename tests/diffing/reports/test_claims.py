from __future__ import annotations

from captures.jsonpaths import Place
from diffing.model import Finding
from diffing.reports.claims import Claims
from tests.corpus import each


def claims(*places: tuple[str, str], ruled: bool = True) -> Claims:
    findings = [Finding("c", "e", location, path, 1, 2, 1) for location, path in places]
    return Claims.of(findings, side="response", ruled=ruled)


@each(
    ("path", "place", "accepted"),
    [
        ("$.a", ("a",), False),
        ("$.a", ("b",), True),
        ("$.a", ("a", 0, "x"), False),  # under what is claimed
        ("$.a[0].x", ("a",), False),  # over it
        ("$.items[2].price", ("items", 1, "price"), True),
        ("$.items[*].price", ("items", 1, "price"), False),
        ("$['a b']", ("a b",), False),
        ("$", ("anything",), False),
        ("", ("anything",), False),
        ("not [a path", ("anything",), False),
        ("$ ??", ("anything",), False),
    ],
)
def test_an_unclaimed_difference_is_a_rules(path: str, place: Place, accepted: bool) -> None:
    assert claims(("response.body", path)).body_accepted(place, place) is accepted


def test_without_rules_nothing_was_accepted() -> None:
    bare = claims(ruled=False)
    assert not bare.body_accepted(("a",), ("a",))
    assert not bare.header_accepted("Date")


def test_headers_and_cookies() -> None:
    some = claims(("response.header x-a", ""), ("response.cookie sid", ""))
    assert not some.header_accepted("X-A")
    assert not some.header_accepted("Set-Cookie")
    assert some.header_accepted("Date")
    assert claims(("response.header x-a", "")).header_accepted("Set-Cookie")


def test_another_order_claims_nothing_of_the_items() -> None:
    finding = Finding("response.body.array-order", "e", "response.body $.items", "$.items", [], [], 1)
    assert Claims.of([finding], side="response", ruled=True).body_accepted(("items", 0, "id"), ("items", 1, "id"))


def test_only_the_asked_side_counts() -> None:
    finding = Finding("c", "e", "outbound pay POST /c request.body $.a", "$.a", 1, 2, 1)
    assert Claims.of([finding], side="request", ruled=True).body == (("a",),)
    assert Claims.of([finding], side="response", ruled=True).body == ()
