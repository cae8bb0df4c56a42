"""Which exchanges go on the tape: filters, and calls that follow what caused them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from captures.errors import ConfigError, UsageError
from captures.model import Cause, CauseHow, Direction, Exchange, Request, Response, Timing
from captures.store import Capture
from recorder.choosing import Choice, settled
from recorder.gate import HELD, Gate
from recorder.listeners import LOOPBACK, Listener, Role, Target
from tests.recorder.conftest import Lab, answering, ask, connect, head, inbound, read_all, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def exchange(identity: int, direction: Direction = Direction.INBOUND, body: bytes = b"") -> Exchange:
    request = Request("GET", "http", "shop", 80, b"/", body=body)
    return Exchange(identity, direction, request, Timing(0.0), Response(200))


def call(identity: int, body: bytes = b"") -> Exchange:
    return exchange(identity, Direction.OUTBOUND, body)


class Tape(list[int]):
    """The ids that were put."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    def put(self, one: Exchange) -> bool:
        self.append(one.id)
        self.exchanges.append(one)
        return True


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def gate(tape: Tape) -> Gate:
    gate = Gate(tape.put)
    for request in (1, 2):
        gate.begun(request)
    return gate


def test_a_call_waits_for_its_request_and_is_kept_with_it(gate: Gate, tape: Tape) -> None:
    gate.call(call(3), True, [1])
    assert tape == []
    gate.request(exchange(1), wanted=True)
    assert tape == [1, 3]
    gate.call(call(4), True, [1])  # a late one
    assert tape == [1, 3, 4]
    assert gate.left.total == 0


def test_a_call_is_left_out_with_its_request(gate: Gate, tape: Tape) -> None:
    gate.call(call(3), True, [1])
    gate.request(exchange(1), wanted=False)
    gate.call(call(4), True, [1])
    gate.close()
    assert tape == []
    assert (gate.left.requests, gate.left.calls) == (1, 2)


def test_a_call_of_several_requests_is_left_out_only_with_all_of_them(gate: Gate, tape: Tape) -> None:
    for number in (3, 4):
        gate.call(call(number), True, [1, 2])
    gate.request(exchange(1), wanted=False)
    assert tape == []
    gate.request(exchange(2), wanted=True)
    assert tape == [2, 3, 4]
    gate.begun(5)
    gate.call(call(6), True, [1, 5])
    gate.request(exchange(5), wanted=False)
    assert (tape, gate.left.requests, gate.left.calls) == ([2, 3, 4], 2, 1)


def test_what_no_request_caused_and_what_is_forgotten_is_kept(gate: Gate, tape: Tape) -> None:
    gate.call(call(3), True, [])
    gate.call(call(4), True, [99])
    assert tape == [3, 4]


def test_a_call_has_a_filter_of_its_own(gate: Gate, tape: Tape) -> None:
    gate.call(call(3), False, [1])
    gate.call(call(4), False, [])
    gate.request(exchange(1), wanted=True)
    assert (tape, gate.left.calls) == ([1], 2)


def guess(identity: int, named: int) -> Exchange:
    return replace(call(identity), cause=Cause(CauseHow.VALUE_FLOW, named, "a guess: a value"))


def test_a_guess_never_names_a_request_that_is_left_out(gate: Gate, tape: Tape) -> None:
    gate.call(guess(3, 1), True, [1, 2])
    gate.request(exchange(2), wanted=True)
    assert tape == [2], "whether the one that it names is kept must be known"
    gate.request(exchange(1), wanted=False)
    assert tape == [2, 3]
    cause = tape.exchanges[-1].cause
    assert cause is not None
    assert (cause.how, cause.exchange) == (CauseHow.AMBIGUOUS, None)
    assert cause.evidence == "a guess: a value; that was exchange 1, which was left out"
    gate.begun(5)
    gate.begun(6)
    gate.call(guess(7, 6), True, [5, 6])
    gate.request(exchange(6), wanted=True)
    assert (tape.exchanges[-1].id, tape.exchanges[-1].cause) == (7, guess(7, 6).cause)


@pytest.mark.parametrize("kept", [True, False])
def test_calls_of_a_request_that_is_decided_before_its_end_do_not_wait(gate: Gate, tape: Tape, kept: bool) -> None:
    gate.call(call(3), True, [1])
    gate.settle(1, kept)
    gate.call(call(4), True, [1])
    assert tape == ([3, 4] if kept else [])
    gate.request(exchange(1), wanted=not kept)
    assert tape == ([3, 4, 1] if kept else [])
    assert (gate.left.requests, gate.left.calls) == ((0, 0) if kept else (1, 2))


def test_nothing_waits_without_end_nor_beyond_what_memory_is_given(gate: Gate, tape: Tape) -> None:
    big = b"x" * (HELD // 3)
    for number in range(3, 8):
        gate.call(call(number, big), True, [1])
    assert tape == [3, 4, 5], "the oldest are kept without waiting"
    gate.close()
    assert tape == [3, 4, 5, 6, 7]
    gate.call(replace(call(8, big), cause=Cause(CauseHow.TRACE_HEADER, 1, "")), True, [1])
    gate.close()
    gate.request(exchange(1), wanted=False)
    assert tape[-2:] == [8, 1], "a call that is written names a request that is"
    assert gate.left.total == 0


def test_settings() -> None:
    section = {"only": "~m GET", "exclude_calls": "~d telemetry"}
    assert settled(Choice(only="~m POST"), section) == Choice(only="~m POST", exclude_calls="~d telemetry")
    assert Choice.from_json(Choice(exclude="x").to_json()) == Choice(exclude="x")
    assert Choice().everything
    with pytest.raises(UsageError, match=r"^--exclude: .*\n  ~d a & & b\n         \^"):
        settled(Choice(exclude="~d a & & b"), {})
    with pytest.raises(UsageError, match=r"^\[record\] only_calls: "):
        settled(Choice(), {"only_calls": "("})
    with pytest.raises(ConfigError, match="must be a filter expression"):
        settled(Choice(), {"only": 7})


# -- through a real proxy ---------------------------------------------------------------------------------------------


def service(lab: Lab, ports: dict[str, int]) -> int:
    """A service that makes one call for each request, to the path it was asked for, and answers with its status."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await head(reader)).split(b" ")[1]
        out_reader, out_writer = await asyncio.open_connection(LOOPBACK, ports["pay"])
        out_writer.write(b"GET %s HTTP/1.1\r\nHost: pay\r\nConnection: close\r\n\r\n" % path)
        await out_reader.read()
        out_writer.close()
        status = b"500 Oops" if path == b"/broken" else b"200 OK"
        body = b'{"path": "%s"}' % path
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()

    return lab.origin(handle)


@pytest.mark.parametrize(
    ("choice", "kept", "left"),
    [
        (Choice(exclude="~u /healthz"), ["/orders", "/orders", "/broken", "/broken"], (1, 1)),
        (Choice(only="~c 500"), ["/broken", "/broken"], (2, 2)),
        (Choice(only="~bs orders"), ["/orders", "/orders"], (2, 2)),
        (Choice(exclude_calls="~u HEALTHZ"), ["/orders", "/orders", "/healthz", "/broken", "/broken"], (0, 1)),
        (Choice(only="~u nowhere"), [], (3, 3)),
    ],
    ids=["exclude", "only, by the response", "only, by its body", "calls", "nothing"],
)
@pytest.mark.slow
def test_what_is_left_out_passes_untouched_and_is_counted(
    lab: Lab, choice: Choice, kept: list[str], left: tuple[int, int]
) -> None:
    ports: dict[str, int] = {}
    dependency = Listener(Role.DEPENDENCY, LOOPBACK, 0, Target("http", LOOPBACK, lab.origin(answering(OK))), "pay")
    with lab.recording(inbound(service(lab, ports)), dependency, choice=choice) as proxy:
        ports["pay"] = proxy.port(1)
        for path in (b"/orders", b"/healthz", b"/broken"):
            answer = ask(proxy.port(), b"GET %s HTTP/1.1\r\nHost: shop.test\r\n\r\n" % path)
            assert answer.endswith(b'{"path": "%s"}' % path)
    done = proxy.last("done")
    assert (done["left_out"], done["left_out_calls"], done["written"]) == (*left, len(kept))
    if kept:
        assert sorted(one.request.target.decode() for one in lab.exchanges()) == sorted(kept)
    with Capture.open(lab.capture) as capture:
        meta = capture.sessions()[-1].meta
        assert (meta.get("left_out", 0), meta.get("left_out_calls", 0)) == left


@pytest.mark.slow
def test_the_command_line(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "retape", "record", "--inbound", "0=http://127.0.0.1:1", "--for", "100ms"]
    argv += ["-o", str(tmp_path / "c.sqlite")]
    environment = {**os.environ, "RETAPE_STATE_DIR": str(tmp_path)}
    bad = subprocess.run(
        [*argv, "--only", "~u [x"], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert bad.returncode == 2
    assert "~u [x\n     ^" in bad.stderr
    good = [*argv, "--exclude", "~u /healthz", "--format", "json"]
    done = subprocess.run(good, capture_output=True, text=True, cwd=tmp_path, env=environment, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["left_out"] == 0
    with Capture.open(tmp_path / "c.sqlite") as capture:
        assert capture.sessions()[-1].meta["selection"] == {"exclude": "~u /healthz"}


@pytest.mark.slow
@pytest.mark.parametrize(("only", "at_once"), [("~u orders", True), ("~c 200", False)])
def test_a_call_waits_only_where_the_filter_asks_for_the_answer(lab: Lab, only: str, at_once: bool) -> None:
    ports: dict[str, int] = {}
    go_on = threading.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        out_reader, out_writer = await asyncio.open_connection(LOOPBACK, ports["pay"])
        out_writer.write(b"GET /charge HTTP/1.1\r\nHost: pay\r\nConnection: close\r\n\r\n")
        await out_reader.read()
        out_writer.close()
        called.set()
        while not go_on.is_set():
            await asyncio.sleep(0.005)
        writer.write(OK)
        await writer.drain()

    called = threading.Event()
    dependency = Listener(Role.DEPENDENCY, LOOPBACK, 0, Target("http", LOOPBACK, lab.origin(answering(OK))), "pay")
    with lab.recording(inbound(lab.origin(handle)), dependency, choice=Choice(only=only)) as proxy:
        ports["pay"] = proxy.port(1)
        with connect(proxy.port()) as client:
            client.sendall(b"GET /orders HTTP/1.1\r\nHost: shop.test\r\n\r\n")
            until(called.is_set, "the call")
            if at_once:
                until(lambda: [one.direction for one in lab.exchanges()] == [Direction.OUTBOUND], "the call on disk")
            go_on.set()
            assert read_all(client) == OK
    assert {one.direction for one in lab.exchanges()} == {Direction.INBOUND, Direction.OUTBOUND}
