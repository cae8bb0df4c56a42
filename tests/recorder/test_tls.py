"""HTTPS through the forward proxy and through dependency listeners."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from pathlib import Path
from typing import Any

import pytest

from captures.model import FailureKind
from captures.service import free_port
from captures.trust import Authority
from recorder.listeners import LOOPBACK, Listener, Role, Target
from tests.recorder.conftest import Lab, answering, ask, connect, inbound, outbound, read_until, until

pytestmark = pytest.mark.slow  # a real proxy for each

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def trusted(lab: Lab) -> dict[str, Any]:
    """Plan settings that make the proxy trust the laboratory's authority upstream."""
    return {"trusted": str(lab.authority.bundle(lab.folder / "upstream.pem"))}


def tls_origin(lab: Lab, answer: bytes = OK, body: int = 0, name: str = "localhost") -> int:
    return lab.origin(answering(answer, body), ssl=lab.authority.leaf_context(name))


async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a ClientHello as HTTP servers do."""
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


def client(lab: Lab, proxy: int, port: int, *, trust: bool = True) -> http.client.HTTPSConnection:
    context = ssl.create_default_context()
    if trust:
        context.load_verify_locations(lab.authority.certificate_path)
    connection = http.client.HTTPSConnection(LOOPBACK, proxy, context=context, timeout=20)
    connection.set_tunnel("localhost", port)
    return connection


def test_https_through_the_forward_proxy(lab: Lab, trusted: dict[str, Any]) -> None:
    port = tls_origin(lab, body=6)
    with lab.recording(outbound(), dependencies={f"localhost:{port}": "payments"}, **trusted) as proxy:
        connection = client(lab, proxy.port(), port)
        connection.request("POST", "/charges?x=1", body=b"amount", headers={"X-Key": "1"})
        assert connection.getresponse().read() == b"ok"
        connection.close()
    exchange = lab.only()
    request = exchange.request
    assert (request.scheme, request.host, request.port) == ("https", "localhost", port)
    assert (request.method, request.target, request.body) == ("POST", b"/charges?x=1", b"amount")
    assert exchange.dependency == "payments"
    assert exchange.response is not None
    assert exchange.response.body == b"ok"


def test_a_service_that_does_not_trust_us_is_told_once_per_host(lab: Lab, trusted: dict[str, Any]) -> None:
    port = tls_origin(lab)
    with lab.recording(outbound(), **trusted) as proxy:
        for _ in range(2):
            connection = client(lab, proxy.port(), port, trust=False)
            with pytest.raises(ssl.SSLCertVerificationError):
                connection.request("GET", "/")
            connection.close()
        until(lambda: proxy.has("warning"), "the warning")
    assert [event["where"] for event in proxy.events if event["event"] == "warning"] == ["localhost"]
    assert proxy.last("done")["untrusted"] == {"localhost": 2}


def test_a_client_that_comes_by_https_is_not_taken_for_the_service(lab: Lab) -> None:
    told: list[tuple[str, str]] = []
    with lab.recording(inbound(lab.origin(answering(OK)))) as proxy:
        with pytest.raises(ssl.SSLCertVerificationError), connect(proxy.port()) as client:
            ssl.create_default_context().wrap_socket(client, server_hostname="localhost")
        until(lambda: proxy.has("warning"), "the warning")
        told = [(one["what"], one["where"]) for one in proxy.events if one["event"] == "warning"]
        where = f"127.0.0.1:{proxy.port()}"
    assert told == [("unexpected_tls", where)]
    assert proxy.last("done")["untrusted"] == {where: 1}


@pytest.mark.parametrize(
    ("state", "kind", "detail"),
    [
        ("down", FailureKind.CONNECT, "connection refused"),
        ("plain", FailureKind.TLS, "the server does not speak TLS"),
        (
            "stranger",
            FailureKind.TLS,
            "the server's certificate was not accepted: unable to get local issuer certificate",
        ),
        ("misnamed", FailureKind.TLS, "the server's certificate was not accepted"),
    ],
)
def test_a_tls_server_that_cannot_be_reached(
    lab: Lab, trusted: dict[str, Any], tmp_path: Path, state: str, kind: FailureKind, detail: str
) -> None:
    if state == "down":
        port = free_port()
    elif state == "plain":
        port = lab.origin(plain)
    elif state == "stranger":
        port = lab.origin(answering(OK), ssl=Authority.load_or_create(tmp_path / "other").leaf_context("localhost"))
    else:
        port = tls_origin(lab, name="somewhere.else.test")
    with lab.recording(outbound(), **trusted) as proxy:
        connection = client(lab, proxy.port(), port)
        connection.request("POST", "/charges", body=b"amount")
        with pytest.raises((http.client.RemoteDisconnected, ssl.SSLEOFError, ConnectionResetError)):
            connection.getresponse()
        connection.close()
    exchange = lab.only()
    assert exchange.failure is not None
    assert exchange.failure.kind is kind
    assert exchange.failure.detail.startswith(detail)
    assert exchange.response is None
    assert (exchange.request.target, exchange.request.body) == (b"/charges", b"amount")


def test_a_server_we_do_not_trust_is_told_once(lab: Lab, tmp_path: Path) -> None:
    stranger = Authority.load_or_create(tmp_path / "other").leaf_context("localhost")
    port = lab.origin(answering(OK), ssl=stranger)
    listener = Listener(Role.DEPENDENCY, LOOPBACK, 0, Target("https", "localhost", port), "payments")
    with lab.recording(listener) as proxy:
        for _ in range(2):
            assert ask(proxy.port(), b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") == b""
    where = f"localhost:{port}"
    assert [event for event in proxy.events if event["event"] == "warning"] == [
        {"event": "warning", "what": "distrusted", "where": where}
    ]
    assert proxy.last("done")["distrusted"] == {where: 2}


def test_insecure_upstream_accepts_anything(lab: Lab, tmp_path: Path) -> None:
    port = lab.origin(answering(OK), ssl=Authority.load_or_create(tmp_path / "other").leaf_context("other"))
    with lab.recording(outbound(), insecure=True) as proxy:
        connection = client(lab, proxy.port(), port)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ok"
        connection.close()


def test_a_dependency_listener_speaks_plain_http_to_the_service_and_tls_to_the_server(
    lab: Lab, trusted: dict[str, Any]
) -> None:
    port = tls_origin(lab, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    listener = Listener(Role.DEPENDENCY, LOOPBACK, 0, Target("https", "localhost", port), "payments")
    with lab.recording(listener, **trusted) as proxy:
        assert ask(proxy.port(), b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").endswith(b"ok")
    request = lab.only().request
    assert (request.scheme, request.host, request.port) == ("https", "localhost", port)


def test_what_is_not_http_passes_and_is_named(lab: Lab) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data.upper())
            await writer.drain()

    port = lab.origin(handle)
    with lab.recording(outbound()) as proxy, connect(proxy.port()) as raw:
        raw.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (port, port))
        read_until(raw, b"\r\n\r\n")
        raw.sendall(b"\x01\x02hello\n")
        assert read_until(raw, b"HELLO\n") == b"\x01\x02HELLO\n"
    assert lab.exchanges() == []
    assert proxy.last("warning") == {"event": "warning", "what": "opaque", "where": f"127.0.0.1:{port}"}
