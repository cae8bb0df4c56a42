"""grpcio against grpcio: unary calls and both kinds of stream, statuses, metadata and deadlines, on every way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from captures.model import Exchange, FailureKind, Message, header
from tests.end_to_end.wire.certificates import Certificates
from tests.end_to_end.wire.yard import PROGRAMS, Yard, once, tools

pytestmark = pytest.mark.end_to_end

WAYS = ("inbound", "inbound-tls", "outbound", "outbound-tls", "dependency")
CALLS = (
    "Unary", "Fail", "Large", "Slow", "Missing", "FailLate", "Download", "Upload", "RefuseUpload", "Chat", "Cancel",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """What the client saw on each way, and what is on the tape, by ``way-call``."""

    direct: dict[str, Any]
    through: dict[str, Any]
    taped: dict[str, Exchange]
    messages: dict[int, list[Message]]  # by the id of their exchange


def _run(yard: Yard) -> Done:
    python = tools() / "python"
    certificates = Certificates.make(yard.folder)
    listening = yard.bench.start(python, PROGRAMS / "grpc_server.py", certificates.chain, certificates.key).event(
        "listening"
    )
    plain, tls = listening["plain"], listening["tls"]
    yard.door("inbound", "--inbound", f"0=http://127.0.0.1:{plain}")
    yard.door("inbound-tls", "--inbound", f"0=https://127.0.0.1:{tls}")
    yard.door("outbound", "--outbound", "0")
    yard.door("dependency", "--dependency", f"echo=http://127.0.0.1:{plain}")
    ports = yard.record("--upstream-ca", str(certificates.authority))
    proxy = f"http://127.0.0.1:{ports['outbound']}"

    def call(port: int, way: str, ca: Path | str, *more: str) -> Any:
        argv = [python, PROGRAMS / "grpc_client.py", f"127.0.0.1:{port}", way, ca, *more]
        return json.loads(yard.bench.start(*argv).finished(90).expect(0).stdout)

    direct, through = {}, {}
    for way in WAYS:
        ca: Path | str = certificates.authority if way.endswith("tls") else "-"
        port = tls if way.endswith("tls") else plain
        direct[way] = call(port, f"direct-{way}", ca)
        ours: Path | str = yard.authority if way.endswith("tls") else "-"
        if way.startswith("outbound"):
            through[way] = call(port, way, ours, proxy)
        else:
            through[way] = call(ports[way], way, ours)
    taped = {}
    for exchange in yard.stop():
        taped[(header(exchange.request.headers, "x-case") or b"").decode()] = exchange
    return Done(direct, through, taped, yard.messages())


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Done:
    """What became of each call."""
    return once(tmp_path_factory, worker_id, "grpc", _run)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("way", WAYS)
def test_a_call_ends_as_without_the_recorder(done: Done, way: str, call: str) -> None:
    assert done.through[way][call] == done.direct[way][call]


@pytest.mark.parametrize("way", WAYS)
def test_calls_end_as_the_server_meant_them(done: Done, way: str) -> None:
    codes = {call: done.through[way][call]["code"].removeprefix("StatusCode.") for call in CALLS}
    assert codes == {
        "Unary": "OK", "Fail": "NOT_FOUND", "Large": "OK", "Slow": "DEADLINE_EXCEEDED", "Missing": "UNIMPLEMENTED",
        "FailLate": "DATA_LOSS", "Download": "OK", "Upload": "OK", "RefuseUpload": "RESOURCE_EXHAUSTED", "Chat": "OK",
        "Cancel": "CANCELLED",
    }  # fmt: skip


def framed(*messages: bytes) -> bytes:
    """Messages as gRPC frames them: no compression, length, bytes."""
    return b"".join(b"\0" + len(message).to_bytes(4) + message for message in messages)


@pytest.mark.parametrize("way", WAYS)
def test_the_tape_holds_every_call(done: Done, way: str) -> None:
    taped = {call: done.taped[f"{way}-{call}"] for call in CALLS if call != "Cancel"}
    assert {one.request.http_version for one in taped.values()} == {"HTTP/2.0"}
    assert taped["Unary"].request.body == framed(b"hello")
    assert taped["Upload"].request.body == framed(b"a" * 70_000, b"b", b"", b"c")
    assert taped["Chat"].request.body == framed(b"one", b"two", b"three")
    bodies = {call: one.response.body for call, one in taped.items() if one.response is not None}
    assert bodies["Download"] == framed(*[b"%d:x" % number for number in range(20)])
    assert bodies["FailLate"] == framed(b"first", b"second")
    assert bodies["Large"] == framed(bytes(range(250)) * 14_000)
    assert bodies["Chat"] == framed(b"you said one", b"you said two", b"you said three")


@pytest.mark.parametrize("way", WAYS)
def test_the_tape_holds_statuses_and_failures(done: Done, way: str) -> None:
    late = done.taped[f"{way}-FailLate"].response
    assert late is not None
    assert dict(late.trailers)[b"grpc-status"] == b"15"
    unary = done.taped[f"{way}-Unary"].response
    assert unary is not None
    assert unary.trailers[-1] == (b"grpc-status", b"0") or (b"grpc-status", b"0") in unary.trailers
    assert [value for name, value in unary.trailers if name == b"x-trailing"] == [b"two", b"three"]
    failed = done.taped[f"{way}-Fail"].response
    assert failed is not None
    assert (b"grpc-status", b"5") in (*failed.headers, *failed.trailers)
    # Client and server both know the deadline: whose end of the call the proxy hears of first is in nobody's hand.
    slow = done.taped[f"{way}-Slow"]
    if slow.response is None:
        assert slow.failure is not None
        assert slow.failure.kind is FailureKind.ABORTED
    else:
        assert slow.failure is None
        assert (b"grpc-status", b"4") in (*slow.response.headers, *slow.response.trailers)


@pytest.mark.parametrize("way", WAYS)
def test_each_message_is_on_the_tape_in_the_order_it_came(done: Done, way: str) -> None:
    def said(call: str) -> list[tuple[str, bytes]]:
        messages = done.messages[done.taped[f"{way}-{call}"].id]
        assert [one.seq for one in messages] == list(range(1, len(messages) + 1))
        assert [one.at for one in messages] == sorted(one.at for one in messages)
        assert {one.kind for one in messages} <= {"grpc"}
        return [(">" if one.from_client else "<", one.body) for one in messages]

    def asked(*messages: bytes) -> list[tuple[str, bytes]]:
        return [(">", framed(message)) for message in messages]

    def answered(*messages: bytes) -> list[tuple[str, bytes]]:
        return [("<", framed(message)) for message in messages]

    assert said("Unary")[0] == (">", framed(b"hello"))
    assert len(said("Unary")) == 2
    assert said("Fail") == asked(b"hello")
    assert said("Download") == asked(b"x") + answered(*[b"%d:x" % number for number in range(20)])
    assert said("Upload")[:4] == asked(b"a" * 70_000, b"b", b"", b"c")
    assert said("FailLate") == asked(b"") + answered(b"first", b"second")
    words = (b"one", b"two", b"three")
    assert said("Chat") == [one for word in words for one in asked(word) + answered(b"you said " + word)]
