"""What was accepted outside of JSON bodies says where and why, too."""

from __future__ import annotations

from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Acceptance
from tests.diffing.pairs import exchange


def accepted(old: dict[str, str], new: dict[str, str], bodies: tuple[str, str] = ("", "")) -> list[Acceptance]:
    one, other = (
        exchange(
            body, replayed=bool(at), headers=tuple((name.encode(), value.encode()) for name, value in side.items())
        )
        for at, (side, body) in enumerate(zip((old, new), bodies, strict=True))
    )
    context = Context(trace=True)
    learn_recorded(one, context)
    learn_pair(one, other, context)
    judgement = compare_exchange(one, other, context)
    assert judgement.findings == ()
    assert sum(judgement.rules.values()) == sum(judgement.places.values())
    return list(judgement.accepted)


def test_a_header() -> None:
    limit = {"X-RateLimit-Limit": "60"}
    one, other = accepted(
        {**limit, "X-RateLimit-Remaining": "58", "X-Order-Id": "ord_8fk2b1xk9q01"},
        {**limit, "X-RateLimit-Remaining": "3", "X-Order-Id": "ord_zz91kk22ab34"},
    )
    assert (one.rules, one.location, one.recorded) == (
        ("volatile.prefixed-id",),
        "response.header x-order-id",
        "ord_8fk2b1xk9q01",
    )
    assert one.why == "prefixed-id ord_; named x-order-id"
    assert (other.rules, other.why) == (("builtin.rate-limit",), "at most 60, as recorded")


def test_a_cookie() -> None:
    (one,) = accepted(
        {"Set-Cookie": "sid=aB3dE6gH9jK2mN5pQ8sT1vW4; Secure"}, {"Set-Cookie": "sid=xC4eF7hJ1kL3nP6qR9tV2wX5; Secure"}
    )
    assert (one.location, one.rules, one.why) == ("response.cookie sid", ("volatile.token",), "token; named sid")


def test_a_line_of_text() -> None:
    plain = {"Content-Type": "text/plain"}
    bodies = ("hello\norder_id=ord_8fk2b1xk9q01\n", "hello\norder_id=ord_zz91kk22ab34\n")
    (one,) = accepted(plain, plain, bodies)
    assert (one.location, one.path, one.rules) == ("response.body", "line 2", ("volatile.prefixed-id",))
    assert one.why == "prefixed-id ord_; named order_id"
