"""Whole replays: a capture made by hand, a real service as a process, real sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from captures.errors import EmptyCapture, TargetError, UsageError
from captures.model import Direction, Exchange, FailureKind, Request, Response, header
from captures.selection import parse
from captures.service import free_port
from captures.state import redaction_key
from captures.store import Capture
from replayer.client import Target
from replayer.events import ExchangeDone, Finished, Notice, Passed, Started, StubMiss, TargetDied
from replayer.plan import OnMiss, ReplayPlan, Shard
from replayer.run import replay
from tests.replayer.tapes import NOW, ORDER, SHOP, Tape, bodies, order_tape, request, response, run_of


def of(exchanges: list[Exchange], direction: Direction) -> list[Exchange]:
    return [one for one in exchanges if one.direction is direction]


def meta_of(run: Path) -> dict[str, Any]:
    with Capture.open(run) as capture:
        return dict(capture.sessions()[-1].meta)


@contextmanager
def target(answer: bytes = b"{}", *, keep: list[Any] | None = None) -> Iterator[Target]:
    """A service in this process that answers everything alike."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if keep is not None:
                keep.append((self.raw_requestline, self.headers.items(), self.rfile.read(length)))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_PUT = do_GET  # noqa: N815 - http.server's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Target("http", "127.0.0.1", server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_build_that_is_the_same(tmp_path: Path) -> None:
    outcome, run, events = run_of(order_tape(tmp_path / "c.sqlite"))
    assert (outcome.total, outcome.replayed, outcome.not_replayed, outcome.missed, outcome.reasons) == (2, 2, 0, 0, ())
    posted, got = of(run, Direction.INBOUND)
    calls = of(run, Direction.OUTBOUND)
    new = json.loads(posted.response.body)["id"]  # type: ignore[union-attr]
    assert new != ORDER
    assert (posted.replay_of, got.replay_of) == (1, 5)
    assert got.request.target.decode() == f"/orders/{new}", "the new id went into the next request"
    assert got.response is not None
    assert got.response.status == 200
    assert [change["where"] for change in got.notes["changes"]] == ["target"]
    assert [(one.replay_of, one.notes["matched"], one.dependency) for one in calls] == [
        (2, "exact", "inventory"), (3, "exact", "inventory"), (4, "volatile", "payments"),
    ]  # fmt: skip
    assert {one.cause.exchange for one in calls if one.cause} == {posted.id}
    assert bodies(run)[0]["payment"]["order_id"] == new, "the recorded answer speaks of the new order"
    meta = meta_of(outcome.run)
    assert meta["bindings"] == [[ORDER, new]]
    assert meta["inconclusive"] == []
    assert len(meta["enforced"]) == 2
    assert [type(event) for event in events] == [Started, ExchangeDone, ExchangeDone, Finished]


@pytest.mark.slow
def test_a_call_made_twice_is_answered_again_and_marked(tmp_path: Path) -> None:
    _, run, _ = run_of(order_tape(tmp_path / "c.sqlite"), "n+1")
    stock = [one for one in run if one.dependency == "inventory"]
    assert [(one.replay_of, one.notes["matched"]) for one in stock] == [
        (2, "exact"), (2, "exhausted"), (3, "exact"), (3, "exhausted"),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_changed_amount_is_answered_and_its_difference_noted(tmp_path: Path) -> None:
    outcome, run, _ = run_of(order_tape(tmp_path / "c.sqlite"), "amount")
    (charge,) = [one for one in run if one.dependency == "payments"]
    assert charge.notes["matched"] == "changed"
    amounts = [one for one in charge.notes["differences"] if one["path"] == "request.body $.amount"]
    assert amounts == [{"path": "request.body $.amount", "recorded": 25, "replayed": 26}]
    assert of(run, Direction.INBOUND)[0].response.status == 201  # type: ignore[union-attr]
    assert outcome.missed == 0


@pytest.mark.slow
def test_strict_refuses_the_changed_amount(tmp_path: Path) -> None:
    outcome, run, events = run_of(order_tape(tmp_path / "c.sqlite"), "amount", on_miss=OnMiss.STRICT)
    (charge,) = [one for one in run if one.dependency == "payments"]
    assert charge.replay_of is None
    assert charge.notes["miss"]["nearest"]["exchange"] == 4
    assert charge.response is not None
    assert charge.response.status == 502
    assert header(charge.response.headers, "x-retape-miss") == b"1"
    assert outcome.missed == 1
    assert [event.nearest for event in events if isinstance(event, StubMiss)] == [4]


def test_a_new_call_is_a_miss_that_explains_itself(tmp_path: Path) -> None:
    outcome, run, events = run_of(order_tape(tmp_path / "c.sqlite"), "new-call")
    (call,) = [one for one in run if one.request.host == "fraud.test"]
    assert call.notes["miss"] == json.loads(call.response.body)  # type: ignore[union-attr]
    assert call.notes["miss"]["call"] == "POST http://fraud.test/checks"
    assert call.notes["miss"]["for"] == "recorded exchange 1"
    assert [event.call for event in events if isinstance(event, StubMiss)] == ["POST http://fraud.test/checks"]
    assert outcome.missed == 1


def test_nothing_ever_reaches_the_recorded_address(tmp_path: Path) -> None:
    """A listener at the dependency's own address: not for a hit, a used-up answer, a miss, nor at CONNECT."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        where = f"127.0.0.1:{trap.getsockname()[1]}"
        path = tmp_path / "c.sqlite"
        script = tmp_path / "caller.py"
        script.write_text(CALLER.replace("WHERE", where))
        with Tape(path) as tape:
            for _ in range(2):
                first = tape.inbound(request(), response(200, []))
            tape.outbound(first, _at(request(target="/a"), where), response(200, {}))
        _, run, _ = run_of(path, command=[sys.executable, str(script), "{port}"])
        statuses = [one.response.status for one in of(run, Direction.OUTBOUND) if one.response]
        assert statuses.count(200) >= 2
        assert statuses.count(502) >= 4
        assert any(one.request.scheme == "https" for one in run)
        with pytest.raises(BlockingIOError):
            trap.accept()


CALLER = """
import json, ssl, sys, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
def call(url, data=None):
    try:
        return urllib.request.urlopen(url, data, timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code
class Service(BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        found = [call("http://WHERE/a"), call("http://WHERE/a"), call("http://WHERE/b", b"x"), call("https://WHERE/c")]
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Service).serve_forever()
"""


def _at(asked: Request, where: str) -> Request:
    host, _, port = where.partition(":")
    return replace(asked, host=host, port=int(port))


@pytest.mark.slow
def test_recorded_failures_fail_again(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        first = tape.inbound(request(target="/stock/A"), None, failure=FailureKind.RESET)
        tape.outbound(first, request(target="/stock/A", host="inventory.test"), None, failure=FailureKind.RESET)
    _, run, _ = run_of(path)
    inbound, call = run
    assert call.failure is not None
    assert call.failure.kind is FailureKind.RESET
    assert call.response is None
    assert inbound.response is None or inbound.response.status < 200 or bodies(run)[0] == "RemoteDisconnected"


@pytest.mark.slow
def test_a_call_recorded_after_the_response_is_waited_for_and_laid_to_its_exchange(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        first = tape.inbound(request(target="/later"), response(202, {}))
        tape.outbound(first, request("POST", "/events", {"a": 1}, host="audit.test"), response(200, {}), after=1.0)
        tape.inbound(request(target="/login"), response(200, {}))
    _, run, _ = run_of(path)
    first_in, call, _ = run
    assert call.request.host == "audit.test"
    assert call.cause is not None
    assert call.cause.exchange == first_in.id
    assert call.replay_of == 2


@pytest.mark.slow
def test_a_session_cookie_is_chained_and_never_written(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        tape.inbound(
            request(target="/login"), response(200, {}, headers=((b"Set-Cookie", b"sid=q8Zr2Lk9Xw4Tn6Vb; Path=/"),))
        )
        tape.inbound(
            request(target="/me", headers=((b"Cookie", b"sid=q8Zr2Lk9Xw4Tn6Vb"),)), response(200, {"known": True})
        )
    _, run, _ = run_of(path)
    login, me = run
    assert me.response is not None
    assert me.response.status == 200, "the live session was sent"
    written = header(login.response.headers, "set-cookie")  # type: ignore[union-attr]
    assert written is not None
    assert header(me.request.headers, "cookie") == written.partition(b";")[0], "one pseudonym for one secret"
    ((recorded, replayed),) = meta_of(path.with_name("run.sqlite"))["bindings"]
    assert recorded == "q8Zr2Lk9Xw4Tn6Vb"
    assert written == f"sid={replayed}; Path=/; HttpOnly".encode()


def test_what_the_capture_holds_is_not_redacted_again(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    asked = request(headers=((b"Authorization", b"Bearer kT9x2LmQ7vBz4nRw8YpD"),))
    with Tape(path) as tape:
        tape.inbound(asked, response(200, {}))
    with target() as where:
        _, run, _ = run_of(path, command=(), target=where)
    assert header(run[0].request.headers, "authorization") == b"Bearer kT9x2LmQ7vBz4nRw8YpD"


def test_requests_go_out_as_recorded(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    headers = ((b"hOST", b"staging:1234"), (b"X-b", b"1"), (b"x-A", b"2"), (b"x-a", b"3"))
    with Tape(path) as tape:
        tape.inbound(Request("GET", "http", "staging", 1234, b"/a%2Fb//c?x=1&x&y=%20", headers), response())
    keep: list[Any] = []
    with target(keep=keep) as where:
        run_of(path, command=(), target=where)
    line, got, _ = keep[-1]
    assert line == b"GET /a%2Fb//c?x=1&x&y=%20 HTTP/1.1\r\n"
    assert tuple((name.encode(), value.encode()) for name, value in got) == headers


def test_headers_and_host_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        tape.inbound(request(headers=((b"authorization", b"Bearer old"), (b"Authorization", b"twice"))), response())
    keep: list[Any] = []
    with target(keep=keep) as where:
        given = ((b"Authorization", b"Bearer new-secret-123456"), (b"X-Env", b"test"))
        _, run, _ = run_of(path, command=(), target=where, headers=given, host="target")
    assert keep[-1][1] == [
        ("Host", f"127.0.0.1:{where.port}"), ("authorization", "Bearer new-secret-123456"), ("X-Env", "test"),
    ]  # fmt: skip
    assert {change["where"] for change in run[0].notes["changes"]} == {
        "header authorization",
        "header x-env",
        "header host",
    }
    assert b"new-secret" not in path.with_name("run.sqlite").read_bytes()


SKIPPED = [
    (request(headers=((b"Upgrade", b"websocket"),)), {"answered": Response(101)}, "WebSocket"),
    (
        request("POST", "/", {"a": 1}),
        {"body_truncated": True, "notes": {"request_body_length": 99}},
        "part of its request",
    ),
    (request(), {"protocol": "postgres"}, "protocol"),
    (request(), {"notes": {"unscannable": ["x"]}}, "secrets"),
]


def test_what_cannot_be_replayed_is_written_down_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for asked, more, _ in SKIPPED:
            answered = more.pop("answered", response())
            tape.inbound(asked, answered, **more)
        tape.inbound(request(), response(), body_truncated=True, notes={"response_body_length": 99})
    with target() as where:
        outcome, run, events = run_of(path, command=(), target=where)
    assert (outcome.replayed, outcome.not_replayed, len(run)) == (1, 4, 1)
    with Capture.open(outcome.run) as capture:
        reasons = {one.exchange: one.reason for one in capture.skipped()}
    assert all(words in reasons[number] for number, (_, _, words) in enumerate(SKIPPED, start=1))
    assert len([event for event in events if isinstance(event, Passed)]) == 4


@pytest.mark.slow
def test_the_service_dies(tmp_path: Path) -> None:
    outcome, run, events = run_of(order_tape(tmp_path / "c.sqlite"), "die")
    assert outcome.target_died
    assert outcome.reasons == (f"the target stopped answering after 1 exchange: {sys.executable} exited with code 7",)
    assert [event for event in events if isinstance(event, TargetDied)]
    assert run[0].failure is not None
    with Capture.open(outcome.run) as capture:
        assert [(one.exchange, one.reason) for one in capture.skipped()] == [(5, outcome.reasons[0])]


@pytest.mark.slow
def test_a_target_that_refuses_twice_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for number in range(6):
            tape.inbound(request(target=f"/{number}"), response(), connection=f"c{number}")
    port = free_port()
    died = subprocess.Popen([sys.executable, "-c", ONE_ANSWER, str(port)])
    try:
        outcome, run, _ = run_of(path, command=(), target=Target("http", "127.0.0.1", port))
    finally:
        died.kill()
        died.wait()
    assert [one.failure.kind if one.failure else None for one in run] == [
        None,
        FailureKind.CONNECT,
        FailureKind.CONNECT,
    ]
    assert (outcome.replayed, outcome.not_replayed, outcome.target_died) == (3, 3, True)


ONE_ANSWER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
probe, _ = server.accept()
connection, _ = server.accept()
server.close()
connection.recv(9999)
connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}")
"""


def test_a_target_that_was_never_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.launch.PATIENCE", 0.1)
    where = Target("http", "127.0.0.1", free_port())
    with pytest.raises(TargetError, match=str(where.port)):
        run_of(order_tape(tmp_path / "c.sqlite"), command=(), target=where)


@pytest.mark.slow
def test_a_command_that_exits_at_once_shows_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('boom: no database')"]
    with pytest.raises(TargetError, match="boom: no database"):
        run_of(order_tape(tmp_path / "c.sqlite"), command=command)


def test_calls_of_a_target_somebody_else_started_cannot_be_judged(tmp_path: Path) -> None:
    with target() as where:
        outcome, _, _ = run_of(order_tape(tmp_path / "c.sqlite"), command=(), target=where)
    assert "started by someone else" in outcome.reasons[0]
    assert meta_of(outcome.run)["stubbed"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "holds no inbound exchange"),
        ({"only": parse("path:/nowhere")}, "matches --only"),
        ({"only": parse("path:/nowhere"), "shard": Shard(1, 2)}, "matches --only"),
    ],
)
def test_nothing_to_replay(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        if options:
            tape.inbound(request(), response(), connection="a")
    with pytest.raises(EmptyCapture, match=words):
        run_of(path, command=(), target=Target("http", "127.0.0.1", 1), **options)


def test_a_run_is_not_replayed(tmp_path: Path) -> None:
    with target() as where:
        outcome, _, _ = run_of(order_tape(tmp_path / "c.sqlite"), command=(), target=where)
        plan = ReplayPlan(tmp_path / "again.sqlite", target=where)
        with pytest.raises(UsageError, match="is a run"):
            replay(outcome.run, plan, lambda event: None)


def test_no_build_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no build"):
        replay(order_tape(tmp_path / "c.sqlite"), ReplayPlan(tmp_path / "run.sqlite"), lambda event: None)


@pytest.mark.slow
def test_only_and_shards_say_what_they_left_out(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for number in range(8):
            tape.inbound(request(target=f"/items/{number}"), response(), connection=f"c{number // 2}")
    with target() as where:
        outcome, run, _ = run_of(path, command=(), target=where, only=parse("path:/items/3|/items/5"))
        assert meta_of(outcome.run)["selected"] == len(run) == outcome.total
        seen: list[int | None] = []
        for index in (1, 2, 3):
            path.with_name("run.sqlite").unlink()
            with suppress(EmptyCapture):
                seen += [one.replay_of for one in run_of(path, command=(), target=where, shard=Shard(index, 3))[1]]
    assert sorted(seen, key=lambda one: one or 0) == list(range(1, 9))


def test_a_capture_that_is_still_growing_and_a_foreign_key(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    tape = Tape(path)
    tape.writer.close()
    from captures.writer import CaptureWriter

    tape.writer = CaptureWriter(path, mode="record", redaction_key="0123456789ab")
    tape.inbound(request(), response())
    tape.writer.flush()
    assert redaction_key()
    with target() as where:
        _, _, events = run_of(path, command=(), target=where)
    tape.writer.close()
    notices = " ".join(event.sentence for event in events if isinstance(event, Notice))
    assert "still being recorded" in notices
    assert "another key" in notices


@pytest.mark.slow
def test_dependencies_get_listeners_of_their_own(tmp_path: Path) -> None:
    """A service that ignores proxy variables and takes its dependency's URL from its environment."""
    script = tmp_path / "caller.py"
    script.write_text(
        "import os\nimport urllib.request\n"
        "urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))\n"
        + re.sub(r"found = \[.*\]", 'found = [call(os.environ["PAY_URL"] + "/charges")]', CALLER)
    )
    path = tmp_path / "c.sqlite"
    with Tape(path, dependencies={"pay": {"url": "https://pay.test:8443/v2", "env": "PAY_URL"}}) as tape:
        first = tape.inbound(request(), response(200, [200]))
        asked = replace(request(target="/v2/charges", host="pay.test", scheme="https"), port=8443)
        tape.outbound(first, asked, response(200, {}), notes={"host": "127.0.0.1:1"})
    outcome, run, _ = run_of(path, command=[sys.executable, str(script), "{port}"])
    assert bodies(run)[0] == [200]
    ((before, now),) = meta_of(outcome.run)["handed_over"]
    assert before == "127.0.0.1:1"
    assert now.startswith("127.0.0.1:")
    assert run[1].notes["matched"] == "exact"
    assert header(run[1].request.headers, "host") == b"pay.test:8443"
    assert "pay (PAY_URL)" in meta_of(outcome.run)["enforced"][2]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_in_the_middle_the_run_is_kept(tmp_path: Path, number: int) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for _ in range(500):
            tape.inbound(request(target="/login"), response())
    sent = 0

    def on_event(event: object) -> None:
        nonlocal sent
        if isinstance(event, ExchangeDone):
            sent += 1
            if sent == 3:
                os.kill(os.getpid(), number)

    plan = ReplayPlan(tmp_path / "run.sqlite", command=SHOP, ready_timeout=60)
    outcome = replay(path, plan, on_event)
    assert outcome.interrupted
    assert 3 <= outcome.replayed < 500
    with Capture.open(outcome.run) as capture:
        assert capture.count() + len(capture.skipped()) == 500
        assert capture.sessions()[0].ended is not None
        assert capture.check() == []


@pytest.mark.slow
@pytest.mark.parametrize("recorded", [{"a": 1}, {"a": 2}])
def test_a_call_recorded_between_two_requests_is_waited_for_and_does_not_land_on_the_next(
    tmp_path: Path, recorded: dict[str, int]
) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        tape.inbound(request(target="/later"), response(202, {}))
        asked = request("POST", "/events", recorded, host="audit.test")
        late = tape.outbound(None, asked, response(200, {}), after=0.5)
        tape.inbound(request(target="/login"), response(200, {}), after=0.8)
    _, run, _ = run_of(path)
    first_in, call, second_in = run
    assert call.cause is not None
    assert call.cause.exchange == first_in.id
    assert call.replay_of == late
    assert call.notes["matched"] == ("exact" if recorded == {"a": 1} else "changed")
    assert second_in.timing.started >= call.timing.started


@pytest.mark.slow
def test_start_up_calls_are_answered_before_the_service_is_ready(tmp_path: Path) -> None:
    script = tmp_path / "starter.py"
    script.write_text(
        "import sys, urllib.request\n"
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "flags = urllib.request.urlopen('http://flags.test/all', timeout=60).read()\n"
        "class Service(BaseHTTPRequestHandler):\n"
        "    def log_message(self, *_): pass\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.send_header('Content-Length', str(len(flags))); self.end_headers()\n"
        "        self.wfile.write(flags)\n"
        "HTTPServer(('127.0.0.1', int(sys.argv[1])), Service).serve_forever()\n"
    )
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        tape.outbound(None, request(target="/all", host="flags.test"), response(200, {"new": True}))
        tape.inbound(request(), response(200, {"new": True}))
    _, run, _ = run_of(path, command=[sys.executable, str(script), "{port}"])
    assert bodies(run) == [{"new": True}, {"new": True}]
    assert run[0].cause is not None
    assert run[0].cause.exchange is None


@pytest.mark.slow
def test_times_are_those_of_this_run(tmp_path: Path) -> None:
    before = time.time()
    _, run, _ = run_of(order_tape(tmp_path / "c.sqlite"))
    assert all(before <= one.timing.started <= (one.timing.ended or 0) <= time.time() for one in run)
    assert before > NOW


def test_what_came_before_the_service_listened_is_counted_and_not_judged(tmp_path: Path) -> None:
    from diffing.engine import compare_captures

    with Tape(tmp_path / "c.sqlite", command=["shop"]) as tape:
        for _ in range(2):
            tape.inbound(request(target="/health"), None, failure=FailureKind.CONNECT)
        tape.inbound(request(target="/health"), response(200, {"ok": True}))
    _, run, _ = run_of(tape.path)
    assert [one.replay_of for one in run] == [3]
    result = compare_captures(tape.path, tape.path.with_name("run.sqlite"))
    assert result.ledger.recorded == result.ledger.replayed == 1
    assert "2 requests came before the recorded service listened, and no judgement is passed on them." in result.notes
    assert not result.reasons
