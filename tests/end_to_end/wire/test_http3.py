"""aioquic's client against hypercorn over HTTP/3, through an inbound listener for HTTPS."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from captures.model import Exchange, header
from tests.end_to_end.wire.certificates import Certificates
from tests.end_to_end.wire.yard import PROGRAMS, Yard, once, tools

pytestmark = pytest.mark.end_to_end

REQUESTS = ("hello", "echo", "nothing", "unchanged")  # hypercorn does not end HEAD and trailers over HTTP/3


@dataclass(frozen=True, slots=True)
class Done:
    """What the client saw, and what is on the tape."""

    direct: dict[str, Any]
    through: dict[str, Any]
    taped: dict[str, Exchange]


def _run(yard: Yard) -> Done:
    python = tools() / "python"
    certificates = Certificates.make(yard.folder)
    server = yard.bench.start(python, PROGRAMS / "hypercorn_server.py", certificates.chain, certificates.key)
    port = server.event("listening")["quic"]
    yard.door("inbound", "--inbound", f"0=https://127.0.0.1:{port}")
    ports = yard.record("--upstream-ca", str(certificates.authority))

    def ask(at: int, way: str, ca: Path) -> Any:
        argv = (python, PROGRAMS / "http3_client.py", "127.0.0.1", at, way, ca)
        return json.loads(yard.bench.start(*argv).finished(60).expect(0).stdout)

    direct = ask(port, "direct", certificates.authority)
    through = ask(ports["inbound"], "inbound", yard.authority)
    taped = {(header(one.request.headers, "x-case") or b"").decode(): one for one in yard.stop()}
    return Done(direct, through, taped)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Done:
    """What became of each request."""
    return once(tmp_path_factory, worker_id, "http3", _run)


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_client_sees_what_it_sees_without_the_recorder(done: Done, request_: str) -> None:
    assert done.through[request_] == done.direct[request_]


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_answer_is_on_the_tape(done: Done, request_: str) -> None:
    seen, exchange = done.through[request_], done.taped[f"inbound-{request_}"]
    assert exchange.failure is None
    assert exchange.request.http_version == "HTTP/3"
    assert exchange.response is not None
    assert exchange.response.body == base64.b64decode(seen["body"])
    head = [[name.decode(), value.decode()] for name, value in exchange.response.headers if name != b"date"]
    assert [[":status", str(exchange.response.status)], *head] == seen["heads"][0]
    trailers = [[name.decode(), value.decode()] for name, value in exchange.response.trailers]
    assert [trailers] * bool(trailers) == seen["heads"][1:]
