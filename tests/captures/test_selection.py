from __future__ import annotations

import time
from pathlib import Path

import pytest

from captures import listing
from captures.errors import UsageError
from captures.model import Direction, Failure, FailureKind
from captures.selection import parse
from captures.store import Capture
from tests.captures.making import capture as made
from tests.captures.making import exchange
from tests.corpus import each

ORDER = exchange(12, method="POST", target=b"/orders/7?x=1", status=503, session=2)
CALL = exchange(13, direction=Direction.OUTBOUND, dependency="payments", target=b"/charges")
FAILED = exchange(14, response=None, failure=Failure(FailureKind.RESET))
ENDPOINT = "POST /orders/{id}"


@each(
    "expression",
    ["", "  ", "id:12", "id:1,10-12,99", "method:post", "method:GET|POST", "path:/orders/*", "path:/*/7", "status:503",
     "status:5xx", "status:500-504", "status:404,5xx", "endpoint:'POST /orders/{id}'", 'endpoint:"POST *"', "host:shop",
     "host:sh?p", "direction:inbound", "session:2", "method:POST path:/orders/* status:5xx", "!status:2xx",
     "!method:GET|PUT", "status:200|path:/orders/*", "status:4xx|5xx", "!dependency:payments", "path:'/orders/7'"],
)  # fmt: skip
def test_matches(expression: str) -> None:
    assert parse(expression).matches(ORDER, ENDPOINT)


@each(
    "expression",
    ["id:11", "id:13-20", "method:GET", "path:/orders", "path:/ORDERS/*", "path:/orders/7?x=1", "status:4xx",
     "status:failed", "endpoint:'GET *'", "dependency:*", "direction:outbound", "!method:POST", "host:other",
     "session:1", "method:POST status:2xx", "path:[!a]orders/7"],
)  # fmt: skip
def test_does_not_match(expression: str) -> None:
    assert not parse(expression).matches(ORDER, ENDPOINT)


def test_dependencies_and_failures() -> None:
    assert parse("dependency:pay*").matches(CALL, "GET /charges")
    assert parse("direction:outbound !id:12").matches(CALL, "GET /charges")
    assert parse("status:failed").matches(FAILED, "GET /")
    assert not parse("status:1xx|2xx|3xx|4xx|5xx").matches(FAILED, "GET /")


@each(
    ("expression", "told"),
    [
        ("methd:GET", "did you mean 'method'"),
        ("zzzzzz:1", "not of the form"),
        ("GET", "not of the form"),
        ("/orders", "not of the form"),
        ("id:x", "no numbers"),
        ("id:", "empty value"),
        ("status:abc", "names no status"),
        ("status:6xx", "names no status"),
        ("direction:up", "no direction"),
        ("endpoint:'GET /", "never closed"),
        ("!", "not of the form"),
    ],
)
def test_refused_with_the_term_that_is_wrong(expression: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        parse(expression)
    assert error.value.hint


def test_many_stars_take_no_time() -> None:
    selection = parse(f"path:{'*a' * 30}b*")
    before = time.process_time()
    assert not selection.matches(exchange(1, target=b"/" + b"a" * 100_000), "GET /")
    assert time.process_time() - before < 20


@pytest.mark.parametrize(
    "expression",
    [
        "id:2", "id:1-2,4", "!id:2", "status:200", "status:4xx,500-599", "!status:200", "status:failed",
        "!status:failed",
        "direction:outbound", "!direction:outbound session:1", "method:GET status:2xx|failed",
        "id:99999999999999999999",
        "!id:99999999999999999999", "session:1|2", "path:/a* status:404", "status:404|200 !id:1",
    ],
)  # fmt: skip
def test_what_sql_narrows_is_what_matches(tmp_path: Path, expression: str) -> None:
    path = made(
        tmp_path / "x.sqlite",
        exchange(1, target=b"/a"),
        exchange(2, status=404, method="POST"),
        exchange(3, direction=Direction.OUTBOUND, status=500),
        exchange(4, response=None, failure=Failure(FailureKind.TIMEOUT)),
        exchange(5, failure=Failure(FailureKind.TRUNCATED)),
    )
    chosen = parse(expression)
    with Capture.open(path) as opened:
        every = [one.id for one in opened.exchanges() if chosen.matches(one, "")]
        narrowed = [one.id for one in opened.exchanges(narrowed=chosen.clauses())]
        assert [one.id for one, _ in listing.chosen(opened, chosen, None, endpoints=False)] == every
        assert set(every) <= set(narrowed)
        if "path" not in expression and "method" not in expression:
            assert every == narrowed or "999" in expression
