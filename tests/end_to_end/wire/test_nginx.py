"""curl, nghttp and h2load against nginx, over HTTP/1.0, HTTP/1.1 and HTTP/2, with and without TLS, on every way."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

import pytest

from captures.model import FailureKind
from tests.end_to_end.wire.curl import curl
from tests.end_to_end.wire.nginx import TURN, nginx
from tests.end_to_end.wire.seen import Case, Outcome, settled
from tests.end_to_end.wire.yard import Yard, once, outcomes

pytestmark = pytest.mark.end_to_end

BODY = "a=1&b=2" * 1000
REQUESTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "page": ("text", ()),
    "zipped": ("text", ("-H", "Accept-Encoding: gzip")),
    "head": ("text", ("--head",)),
    "unchanged": ("text", ("-H", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT")),
    "range": ("text", ("--range", "10-19")),
    "ranges": ("text", ("--range", "0-1,5-6")),
    "no-range": ("text", ("--range", "999999-")),
    "large": ("large", ()),
    "missing": ("missing", ()),
    "no-content": ("no-content", ()),
    "moved": ("moved", ()),
    "teapot": ("teapot", ()),
    "trailed": ("trailed", ()),
    "echoed": ("echo", ("--data", BODY)),
    "unsized": ("chunked", ()),  # over HTTP/1.0 its end is the connection's
    "chunked": ("chunked", ("-H", "Transfer-Encoding: chunked", "--data", BODY)),
    "expecting": ("echo", ("-H", "Expect: 100-continue", "--data", BODY)),
    "too-large": ("small", ("--data", BODY)),
    "too-large-to-expect": ("small", ("-H", "Expect: 100-continue", "--data", BODY)),
    "cut-length": ("cut-length", ()),
    "cut-chunked": ("cut-chunked", ()),
}
CUT = ("cut-length", "cut-chunked")
MULTIPART = ("ranges",)  # nginx makes its boundary anew for each answer


@dataclass(frozen=True, slots=True)
class Way:
    """How requests go."""

    door: str
    scheme: str
    options: tuple[str, ...]  # of curl
    some: bool = False  # not every request: that it is this way makes no difference to most


WAYS = {
    "inbound": Way("inbound", "http", ("--http1.1",)),
    "inbound-1.0": Way("inbound", "http", ("--http1.0",), some=True),
    "inbound-tls": Way("inbound-tls", "https", ("--http1.1",), some=True),
    "inbound-tls-1.0": Way("inbound-tls", "https", ("--http1.0",), some=True),
    "inbound-h2": Way("inbound-tls", "https", ("--http2",)),
    "outbound": Way("outbound", "http", ("--http1.1",), some=True),
    "outbound-tls": Way("outbound", "https", ("--http1.1",), some=True),
    "outbound-h2": Way("outbound", "https", ("--http2",)),
    "dependency": Way("dependency", "http", ("--http1.1",), some=True),
}
VERSIONS = {"1.1": "HTTP/1.1", "2": "HTTP/2.0"}
SOME = ("page", "zipped", "head", "unchanged", "large", "echoed", "expecting", "trailed", "unsized", "cut-length")
CASES = {
    case.id: case
    for way, how in WAYS.items()
    for name, (path, options) in REQUESTS.items()
    for case in [Case(name, "curl", way, (*how.options, *options), path)]
    if not how.some or name in SOME
}


@dataclass(frozen=True, slots=True)
class Done:
    """What became of everything."""

    cases: dict[str, Outcome]
    loads: tuple[str, str]  # what h2load says of its requests, without the recorder and through it
    shown: tuple[list[str], list[str]]  # what nghttp received, frame by frame
    taped: int  # exchanges that h2load made


def h2load(port: int) -> str:
    """More requests than nginx answers on one connection; how they ended."""
    argv = ["h2load", "-n", "100", "-c", "2", "-m", "5", f"https://127.0.0.1:{port}/text?by=h2load"]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    (ended,) = re.findall(r"^requests: .* (\d+ succeeded, \d+ failed)", said, re.MULTILINE)
    return str(ended)


def nghttp(port: int) -> list[str]:
    """What it says it received for one request, without times."""
    argv = ["nghttp", "--verbose", "--null-out", f"https://127.0.0.1:{port}/trailed?by=nghttp"]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    return [line for line in re.findall(r"recv (\(stream_id=13\) .*)", said) if " date:" not in line]


def _run(yard: Yard) -> Done:
    server = nginx(yard, yard.origin())
    yard.door("inbound", "--inbound", f"0=http://127.0.0.1:{server.http}")
    yard.door("inbound-tls", "--inbound", f"0=https://127.0.0.1:{server.https}")
    yard.door("outbound", "--outbound", "0")
    yard.door("dependency", "--dependency", f"nginx=http://127.0.0.1:{server.http}")
    ports = yard.record("--upstream-ca", str(server.certificates.authority))
    direct, through = {}, {}
    for case in CASES.values():
        way = WAYS[case.way]
        port = server.https if way.scheme == "https" else server.http
        url = f"{way.scheme}://127.0.0.1:{port}{case.target}"
        host = () if way.door == "dependency" else ("-H", "Host: shop.test")
        direct[case] = curl(yard.folder, url, *host, "--cacert", str(server.certificates.authority), *case.options)
        ours = ("--cacert", str(yard.authority), *case.options)
        if way.door == "outbound":
            proxy = ("--proxy", f"http://127.0.0.1:{ports['outbound']}", "--suppress-connect-headers")
            through[case] = curl(yard.folder, url, *host, *proxy, *ours)
        else:
            url = f"{way.scheme}://127.0.0.1:{ports[way.door]}{case.target}"
            through[case] = curl(yard.folder, url, *host, *ours)
    loads = h2load(server.https), h2load(ports["inbound-tls"])
    shown = nghttp(server.https), nghttp(ports["inbound-tls"])
    exchanges = yard.stop()
    by_h2load = [one for one in exchanges if b"by=h2load" in one.request.target and one.failure is None]
    return Done(outcomes(CASES.values(), direct, through, exchanges), loads, shown, len(by_h2load))


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Done:
    """What became of everything."""
    return once(tmp_path_factory, worker_id, "nginx", _run)


@pytest.fixture
def done(everything: Done) -> dict[str, Outcome]:
    """What became of each case of curl's."""
    return everything.cases


def test_nghttp_receives_what_nginx_sent(everything: Done) -> None:
    direct, through = everything.shown
    assert through == direct
    assert "(stream_id=13) x-sum: 5" in direct


def test_requests_end_as_without_the_recorder_when_nginx_ends_connections(everything: Done) -> None:
    """h2load does not ask again: what nginx answers before each GOAWAY arrives, and nothing is cut off."""
    direct, through = everything.loads
    assert through == direct
    assert f"{2 * TURN} succeeded" in direct
    assert everything.taped == 2 * TURN


@pytest.mark.parametrize("case", CASES)
def test_curl_gets_what_nginx_sent(done: dict[str, Outcome], case: str) -> None:
    direct, through = done[case].direct.settled(), done[case].through.settled()
    if CASES[case].name in MULTIPART:
        assert (through.status, len(through.body)) == (direct.status, len(direct.body))
    else:
        assert through == direct
    assert through.version == ("2" if CASES[case].way.endswith("h2") else "1.1")


@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_on_the_tape(done: dict[str, Outcome], case: str) -> None:
    direct, through, exchange = done[case].direct, done[case].through, done[case].exchange
    cut = CASES[case].name in CUT
    assert (exchange.failure.kind if exchange.failure else None) == (FailureKind.TRUNCATED if cut else None)
    taped = done[case].taped()
    assert (taped.status, taped.reason, taped.body) == (direct.status, direct.reason, through.body)
    assert settled(taped.headers) == settled(through.headers)
    if CASES[case].name == "trailed" and "1.0" not in CASES[case].way:  # which curl 7.88 does not show
        assert taped.trailers == ((b"x-sum" if through.version == "2" else b"X-Sum", b"5"),)
    else:
        assert settled(taped.trailers) == settled(direct.trailers)
    spoken = "HTTP/1.0" if "1.0" in CASES[case].way else VERSIONS[direct.version]
    assert exchange.request.http_version == spoken
