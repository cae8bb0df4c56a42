"""Headers with a format of their own: traces, links, cookies of one name."""

from __future__ import annotations

import pytest

from diffing.messages.linkheaders import parse
from diffing.values.traceids import same_form
from tests.corpus import each
from tests.diffing.pairs import JSON, exchange, judge
from tests.diffing.test_headers import headers

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
B3 = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"
AMAZON = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"


@each(
    ("old", "new", "same"),
    [
        (TRACE, "00-5bf92f3577b34da6a3ce929d0e0e4737-11f067aa0ba902b7-01", True),
        (TRACE, "00-5bf92f3577b34da6a3ce929d0e0e4737-11f067aa0ba902b7-00", False),  # no longer sampled
        (TRACE, "01-5bf92f3577b34da6a3ce929d0e0e4737-11f067aa0ba902b7-01", False),
        (TRACE, "5bf92f3577b34da6a3ce929d0e0e4737", False),
        (B3, "90f198ee56343ba864fe8b2a57d3eff7-f457b5a2e4d86bd1-1", True),
        (B3, "90f198ee56343ba864fe8b2a57d3eff7-f457b5a2e4d86bd1-0", False),
        (B3, "64fe8b2a57d3eff7-f457b5a2e4d86bd1-1", False),
        (AMAZON, "Root=1-67891244-bbcdef012345678912345678;Parent=63995c3f42cd8ad8;Sampled=0", True),
        (AMAZON, "Root=1-67891244-bbcdef012345678912345678", False),
        ("3f0c5a527a35", "8d6e6a527a36", True),
        ("3f0c5a52-7a35-4f11-9a66-0f8a6f3d1a01", "8d6e6a52-7a35-7f11-8a66-0f8a6f3d1a02", False),
    ],
)
def test_ids_of_traces(old: str, new: str, same: bool) -> None:
    assert same_form(old, new) is same


LINK = 'Link: <http://127.0.0.1:5000/a?page=2>; rel="next", <http://127.0.0.1:5000/a?page=5>; rel="last"'


@pytest.mark.parametrize(
    ("replayed", "evidence"),
    [
        ('Link: <http://127.0.0.1:6000/a?page=2>; rel="next", <http://127.0.0.1:6000/a?page=5>; rel="last"', None),
        ('Link: <http://127.0.0.1:6000/a?page=5>; rel=last, <http://127.0.0.1:6000/a?page=2>; rel=next', None),
        ('Link: <http://127.0.0.1:6000/a?page=2>; rel="next", <http://127.0.0.1:6000/a?page=6>; rel="last"', 'rel="last" points elsewhere'),  # noqa: E501
        ('Link: <http://127.0.0.1:6000/b?page=2>; rel="next", <http://127.0.0.1:6000/a?page=5>; rel="last"', 'rel="next" points elsewhere'),  # noqa: E501
        ('Link: <http://127.0.0.1:6000/a?page=2>; rel="next"', 'rel="last" is gone'),
        ('Link: <http://127.0.0.1:6000/a?page=2>; rel="prev", <http://127.0.0.1:6000/a?page=5>; rel="last"', 'rel='),
        ("Link: nonsense", ""),
    ],
)  # fmt: skip
def test_relations_of_a_link_header(replayed: str, evidence: str | None) -> None:
    findings = judge(
        exchange("{}", headers=JSON + headers(LINK)), exchange("{}", headers=JSON + headers(replayed), replayed=True)
    ).findings
    if evidence is None:
        assert findings == ()
    else:
        assert [finding.location for finding in findings] == ["response.header link"]
        assert evidence in findings[0].evidence


def test_reading_links() -> None:
    assert parse('<a>; rel="x"; title="a, b", <b>;rel=y') == {
        (("rel", "x"), ("title", "a, b")): ["a"],
        (("rel", "y"),): ["b"],
    }
    assert parse("nonsense") is None
    assert parse("<a>; rel=x nonsense") is None


TWO = "Set-Cookie: s=one; Path=/a; HttpOnly\nSet-Cookie: s=two; Path=/b"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoidXNlciJ9.c2lnbmF0dXJl"
ADMIN = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYWRtaW4ifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("recorded", "replayed", "classes"),
    [
        (TWO, "Set-Cookie: s=two; Path=/b\nSet-Cookie: s=one; Path=/a; HttpOnly", []),
        (TWO, "Set-Cookie: s=one; Path=/a; HttpOnly", ["response.cookie.removed"]),
        (TWO, "Set-Cookie: s=one; Path=/a\nSet-Cookie: s=two; Path=/b", ["response.cookie.security-lost"]),
        (
            TWO,
            "Set-Cookie: s=one; Path=/c; HttpOnly\nSet-Cookie: s=two; Path=/b",
            ["response.cookie.attribute-changed"],
        ),
        (f"Set-Cookie: t={JWT}", f"Set-Cookie: t={ADMIN}", ["response.cookie.value-changed"]),
        (f"Set-Cookie: token={JWT}", f"Set-Cookie: token={ADMIN}", ["response.cookie.value-changed"]),
        (f"Set-Cookie: token={JWT}", f"Set-Cookie: token={JWT}x", []),
    ],
)
def test_cookies(recorded: str, replayed: str, classes: list[str]) -> None:
    findings = judge(
        exchange("{}", headers=JSON + headers(recorded)),
        exchange("{}", headers=JSON + headers(replayed), replayed=True),
    ).findings
    assert [finding.class_id for finding in findings] == classes
