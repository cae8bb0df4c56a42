"""httpbin, recorded under real clients and replayed against a second one: clean, and volatility is by named rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from captures.model import Direction, Exchange, header, header_values
from captures.service import free_port
from captures.store import Capture
from tests.end_to_end import httpbin_traffic
from tests.end_to_end.processes import Bench, read_report

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.slow,
    # mitmproxy pins the brotli that urllib3 would rather see newer.
    pytest.mark.filterwarnings("ignore:Brotli >= 1.2.0 is required"),
]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The capture of one session, and what came back to the bare socket."""

    capture: Path
    sent: int
    inbound: int  # port of the listener
    odd_answer: bytes


def record(bench: Bench, tools: Path) -> Recorded:
    """Record the whole session, then stop that httpbin."""
    port = free_port()
    httpbin = httpbin_traffic.start(bench, tools, port)
    capture = bench.folder / "httpbin.sqlite"
    recording = bench.record(capture, "--inbound", f"0=http://127.0.0.1:{port}")
    sent = httpbin_traffic.drive(recording.inbound)
    odd = httpbin_traffic.drive_odd(recording.ports["inbound"])
    done = recording.stop()
    assert (done["seen"], done["written"], done["dropped"]) == (sent + 1, sent + 1, 0)
    httpbin.terminate()
    return Recorded(capture, sent + 1, recording.ports["inbound"], odd)


def test_recorded_and_replayed_against_a_second_httpbin(bench: Bench, third_party: Path) -> None:
    recorded = record(bench, third_party)
    assert_raw_bytes_are_kept(recorded)

    port = free_port()
    httpbin_traffic.start(bench, third_party, port)
    run, report = bench.folder / "run.sqlite", bench.folder / "report.json"
    bench.run(
        "replay", recorded.capture, "--target", f"http://127.0.0.1:{port}", "-o", run, "--report", f"json={report}"
    ).expect(0)

    result = read_report(report)
    assert (result["verdict"], result["exit_code"], result["reasons"]) == ("clean", 0, [])
    ledger = result["ledger"]
    assert ledger["recorded"] == ledger["replayed"] == recorded.sent
    assert ledger["same"] + ledger["same_by_rule"] == recorded.sent
    assert (ledger["drifted"], ledger["failed"], ledger["not_replayed"]) == (0, 0, 0)
    used = {rule["id"] for rule in result["rules"] if rule["used"]}
    used.discard("builtin.list-order")  # of Allow: a set in httpbin's framework, ordered by chance
    # Date of every answer; Last-Modified of /cache; its ETag (bare and random) and the two UUIDs, bound to new ones.
    assert used == {"builtin.content-coding", "builtin.date", "builtin.validator", "volatile.binding"}, result["rules"]
    assert_requests_are_sent_as_recorded(recorded.capture, run)

    # The control: what httpbin echoes differs by one word, and only that is reported.
    finished = bench.run(
        "replay", recorded.capture, "--target", f"http://127.0.0.1:{port}", "--only", "path:/headers",
        "--header", "Accept-Language: fr", "--report", f"json={report}",
    )  # fmt: skip
    finished.expect(1)
    (group,) = read_report(report)["groups"]
    assert group["class"] == "response.body.value-changed"
    assert group["location"] == "response.body $.headers['Accept-Language']"


def assert_raw_bytes_are_kept(recorded: Recorded) -> None:
    """What no library would have sent or received unchanged is in the capture as it was on the wire."""
    with Capture.open(recorded.capture) as capture:
        exchanges = list(capture.exchanges(direction=Direction.INBOUND))
        assert capture.count(Direction.OUTBOUND) == 0
        assert capture.check() == []
    assert len(exchanges) == recorded.sent

    odd = exchanges[-1]
    host = f"127.0.0.1:{recorded.inbound}".encode()
    assert (odd.request.method, odd.request.http_version) == ("POST", "HTTP/1.1")
    assert odd.request.target == b"/anything/a%2Fb/%7Euser//x?b=2&a=1&a=%31&=&flag"
    assert odd.request.headers == (
        (b"hOsT", host),
        (b"X-Second", b"1"),
        (b"x-first", b"b"),
        (b"X-FIRST", b"a"),
        (b"Accept", b"*/*"),
        (b"Content-Type", b"text/plain; charset=ISO-8859-1"),
        (b"content-LENGTH", b"4"),
        (b"Connection", b"close"),
    )
    assert odd.request.body == b"\xe9t\xe9\n"
    assert odd.response is not None
    head, _, body = recorded.odd_answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")[1:]
    assert odd.response.headers == tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))
    assert odd.response.body == body

    by_target = {one.request.target: one for one in exchanges}
    gzip, brotli, drip = (response_to(by_target, target) for target in (b"/gzip", b"/brotli", b"/stream/5"))
    assert gzip.startswith(b"\x1f\x8b")  # kept as encoded
    assert not brotli.startswith(b"{")
    assert drip.count(b"\n") == 5  # chunks joined
    many = by_target[b"/response-headers?X-Many=1&X-Many=2&X-One=%C3%BC"].response
    assert many is not None
    assert header_values(many.headers, "x-many") == (b"1", b"2")
    (upload,) = [one for one in exchanges if one.request.method == "PUT"]
    assert upload.request.body == httpbin_traffic.BLOB
    pieces = [one for one in exchanges if header(one.request.headers, "transfer-encoding") == b"chunked"]
    assert [one.request.body for one in pieces] == [b'{"sent": "in pieces"}']


def response_to(by_target: dict[bytes, Exchange], target: bytes) -> bytes:
    """The recorded response body of ``target``."""
    response = by_target[target].response
    assert response is not None
    return response.body


def assert_requests_are_sent_as_recorded(recorded: Path, run: Path) -> None:
    """Each request of the run has the recorded target, header names in order and case, and body."""
    with Capture.open(recorded) as first, Capture.open(run) as second:
        answers = {one.replay_of: one for one in second.exchanges(direction=Direction.INBOUND)}
        changed: Counter[bytes] = Counter()
        for before in first.exchanges(direction=Direction.INBOUND):
            after = answers[before.id]
            assert (after.request.method, after.request.target) == (before.request.method, before.request.target)
            assert after.request.body == before.request.body
            assert [name for name, _ in after.request.headers] == [name for name, _ in before.request.headers]
            changed.update(
                name.lower()
                for (name, old), (_, new) in zip(before.request.headers, after.request.headers, strict=True)
                if old != new
            )
    assert set(changed) <= {b"host"}, changed
