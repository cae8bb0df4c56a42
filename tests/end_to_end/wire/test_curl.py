"""curl against a raw HTTP/1 server: what arrives through the recorder is what the server sent, and is on the tape."""

from __future__ import annotations

from dataclasses import replace

import pytest

from captures.model import FailureKind
from tests.end_to_end.wire.curl import curl
from tests.end_to_end.wire.origin import ANSWERS, BROKEN
from tests.end_to_end.wire.seen import Case, Outcome, settled, written
from tests.end_to_end.wire.yard import Yard, once, outcomes

pytestmark = pytest.mark.end_to_end

HOST = ("-H", "Host: shop.test")
BODY = "a=1&b=2" * 1000
SPECIAL = {
    "head-length": ("--head",),
    "head-chunked": ("--head",),
    "head-neither": ("--head",),
    "early-refusal": ("--data", BODY),
}
UPLOADS = {
    "echo": ("--data", "a=1&b=2"),
    "unchunked": ("-H", "Transfer-Encoding: chunked", "--data", BODY),
    "expect-granted": ("-H", "Expect: 100-continue", "--data", BODY),
    "expect-refused": ("-H", "Expect: 100-continue", "--data", BODY, "--expect100-timeout", "10"),
    "expect-final": ("-H", "Expect: 100-continue", "--data", BODY, "--expect100-timeout", "10"),
    "expect-ignored": ("-H", "Expect: 100-continue", "--data", BODY, "--expect100-timeout", "0.1"),
}


def _cases() -> list[Case]:
    cases = [Case(name, "curl", "inbound", SPECIAL.get(name, ())) for name in [*ANSWERS, *BROKEN]]
    cases += [Case(name, "curl", "inbound", options) for name, options in UPLOADS.items()]
    cases += [Case("echo", "curl-1.0", "inbound", ("--http1.0", "--data", "a=1"))]
    cases += [Case(name, "curl-1.0", "inbound", ("--http1.0",)) for name in ("plain", "until-close-1.0", "close")]
    cases += [
        Case(name, "curl", way, UPLOADS.get(name, ()))
        for way in ("outbound", "dependency")
        for name in ("plain", "echo", "trailers", "early-hints", "until-close-1.0", "cut-length", "expect-granted")
    ]
    return cases


CASES = {case.id: case for case in _cases()}

OTHERWISE = {"cut-head": "a head that breaks off is no answer, and is not passed on"}
"""What is not as it would be without the recorder, and why."""


def _run(yard: Yard) -> dict[str, Outcome]:
    port = yard.origin()
    yard.door("inbound", "--inbound", f"0=http://127.0.0.1:{port}")
    yard.door("outbound", "--outbound", "0")
    yard.door("dependency", "--dependency", f"origin=http://127.0.0.1:{port}")
    ports = yard.record()
    direct, through = {}, {}
    for case in CASES.values():
        host = () if case.way == "dependency" else HOST
        here = f"http://127.0.0.1:{port}{case.target}"
        direct[case] = curl(yard.folder, here, *host, *case.options)
        if case.way == "outbound":
            proxy = ("--proxy", f"http://127.0.0.1:{ports['outbound']}", "-H", "Proxy-Connection:")
            through[case] = curl(yard.folder, here, *host, *case.options, *proxy)
        else:
            through[case] = curl(yard.folder, f"http://127.0.0.1:{ports[case.way]}{case.target}", *host, *case.options)
    return outcomes(CASES.values(), direct, through, yard.stop())


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Outcome]:
    """What became of each case."""
    return once(tmp_path_factory, worker_id, "curl", _run)


@pytest.mark.parametrize("case", CASES)
def test_curl_gets_what_the_server_sent(done: dict[str, Outcome], case: str) -> None:
    direct, through = done[case].direct.settled(), done[case].through.settled()
    if CASES[case].name in OTHERWISE:
        assert through.status == 0
        assert through.error
    else:
        assert through == direct


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if case.name not in BROKEN])
def test_the_answer_is_on_the_tape(done: dict[str, Outcome], case: str) -> None:
    direct, taped = done[case].direct, done[case].taped()
    assert done[case].exchange.failure is None
    assert (taped.status, taped.reason, taped.body) == (direct.status, direct.reason, direct.body)
    assert written(taped.headers) == written(direct.headers)
    assert settled(taped.trailers) == settled(direct.trailers)


def test_informational_responses_are_noted(done: dict[str, Outcome]) -> None:
    early = [[102, []], [103, ["Link"]], [103, ["Link"]]]
    assert done["curl-inbound-early-hints"].exchange.notes["informational"] == early
    assert done["curl-outbound-expect-granted"].exchange.notes["informational"] == [[100, ["X-Early"]]]


BREAKS = {
    "nothing": FailureKind.RESET,
    "reset": FailureKind.RESET,
    "cut-head": FailureKind.PROTOCOL,
}


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if case.name in BROKEN])
def test_a_broken_answer_is_a_failure_with_what_came(done: dict[str, Outcome], case: str) -> None:
    name = CASES[case].name
    exchange = done[case].exchange
    assert exchange.failure is not None
    assert exchange.failure.kind is BREAKS.get(name, FailureKind.TRUNCATED)
    if name not in BREAKS:
        assert replace(done[case].taped(), headers=()).body == done[case].direct.body
