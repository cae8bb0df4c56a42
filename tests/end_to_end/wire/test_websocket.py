"""websockets against websockets: every kind of message, cut and compressed, and every kind of end, on every way."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from captures.model import Exchange, Message, header
from tests.end_to_end.wire.certificates import Certificates
from tests.end_to_end.wire.yard import PROGRAMS, Yard, once, tools

pytestmark = pytest.mark.end_to_end

WAYS = ("inbound", "inbound-tls", "outbound", "outbound-tls", "dependency")
CASES = (
    "sizes", "sizes-deflated", "sizes-narrow", "fragments", "fragments-deflated", "large", "large-deflated", "pinging",
    "subprotocol", "closing", "closing-without-code", "abrupt", "half", "told", "told-nothing",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """What the client saw, what the server was told at the end, and what is on the tape."""

    direct: dict[str, Any]
    through: dict[str, Any]
    told: dict[str, Any]
    taped: dict[str, Exchange]
    messages: dict[int, list[Message]]  # by the id of their exchange


def _run(yard: Yard) -> Done:
    python = tools() / "python"
    certificates = Certificates.make(yard.folder)
    server = yard.bench.start(python, PROGRAMS / "websocket_server.py", certificates.chain, certificates.key)
    listening = server.event("listening")
    yard.door("inbound", "--inbound", f"0=http://127.0.0.1:{listening['plain']}")
    yard.door("inbound-tls", "--inbound", f"0=https://127.0.0.1:{listening['tls']}")
    yard.door("outbound", "--outbound", "0")
    yard.door("dependency", "--dependency", f"echo=http://127.0.0.1:{listening['plain']}")
    ports = yard.record("--upstream-ca", str(certificates.authority))
    proxy = f"http://127.0.0.1:{ports['outbound']}"

    def talk(port: int, way: str, ca: Path | str, *more: str) -> Any:
        url = f"{'ws' if ca == '-' else 'wss'}://127.0.0.1:{port}"
        argv = [python, PROGRAMS / "websocket_client.py", url, way, ca, *more]
        return json.loads(yard.bench.start(*argv).finished(120).expect(0).stdout)

    direct, through = {}, {}
    for way in WAYS:
        tls = way.endswith("tls")
        port = listening["tls" if tls else "plain"]
        direct[way] = talk(port, f"direct-{way}", certificates.authority if tls else "-")
        ours: Path | str = yard.authority if tls else "-"
        if way.startswith("outbound"):
            through[way] = talk(port, way, ours, proxy)
        else:
            through[way] = talk(ports[way], way, ours)
    taped = {(header(one.request.headers, "x-case") or b"").decode(): one for one in yard.stop()}
    told = {event["path"].partition("=")[2]: event for event in server.events("closed")}
    return Done(direct, through, told, taped, yard.messages())


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Done:
    """What became of each case."""
    return once(tmp_path_factory, worker_id, "websocket", _run)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", WAYS)
def test_a_socket_is_as_without_the_recorder(done: Done, way: str, case: str) -> None:
    assert done.through[way][case] == done.direct[way][case]


@pytest.mark.parametrize("case", ["told", "told-nothing"])
@pytest.mark.parametrize("way", WAYS)
def test_the_server_is_told_how_its_client_left(done: Done, way: str, case: str) -> None:
    through, direct = done.told[f"{way}-{case}"], done.told[f"direct-{way}-{case}"]
    assert (through["code"], through["reason"]) == (direct["code"], direct["reason"])


@pytest.mark.parametrize("way", WAYS)
def test_every_handshake_is_on_the_tape(done: Done, way: str) -> None:
    for case in CASES:
        response = done.taped[f"{way}-{case}"].response
        assert response is not None
        assert response.status == 101


SAID = ("whole", b"\x00\xff", "cut in three", b"a" * 70_000 + b"b", "x" * 100_000, "")


def length(part: int | str) -> int:
    """Of a part as the client tells it: bytes, or characters of a text."""
    if isinstance(part, int):
        return part
    return len(base64.b64decode(part[4:])) if part.startswith("b64:") else len(part)


@pytest.mark.parametrize("way", WAYS)
def test_every_message_is_on_the_tape(done: Done, way: str) -> None:
    for case in CASES:
        exchange = done.taped[f"{way}-{case}"]
        if "websocket_unread" in exchange.notes:
            continue
        messages = [one for one in done.messages[exchange.id] if one.kind != "close"]
        assert exchange.notes["websocket"] == len(messages)
        assert not exchange.body_truncated
        received = [sum(map(length, message)) for message in done.through[way][case]["messages"]]
        came = [len(one.body.decode() if one.kind == "text" else one.body) for one in messages if not one.from_client]
        assert came[: len(received)] == received, case
        if case.startswith("sizes"):
            sent = [(one.kind, one.body) for one in messages if one.from_client]
            assert sent == [("text", one.encode()) if isinstance(one, str) else ("binary", one) for one in SAID]


@pytest.mark.parametrize("way", WAYS)
def test_the_end_of_a_socket_is_on_the_tape(done: Done, way: str) -> None:
    told = done.taped[f"{way}-told"]
    assert told.notes["websocket_close"] == {"code": 4002, "by": "client"}
    last = done.messages[told.id][-1]
    assert (last.kind, last.from_client, last.body) == ("close", True, b"had enough")
    assert done.taped[f"{way}-told-nothing"].notes["websocket_close"] == {"code": 1006, "by": "client"}
    assert done.taped[f"{way}-pinging"].notes["pings"] >= 1
