"""httpx and Node against hypercorn: HTTP/1.1 and HTTP/2, in the clear and over TLS, events one by one, on every way."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass
from typing import Any

import pytest

from captures.model import Exchange, FailureKind, Message, header
from tests.end_to_end.processes import clean_environment
from tests.end_to_end.wire.certificates import Certificates
from tests.end_to_end.wire.yard import PROGRAMS, Yard, once, tools

pytestmark = pytest.mark.end_to_end

REQUESTS = (
    "hello", "echo", "streamed", "head", "large", "nothing", "unchanged", "early", "trailing", "broken", "put",
    "options", "events", "silent",
)  # fmt: skip
NODE_REQUESTS = ("hello", "echo", "large", "nothing", "unchanged", "early", "trailing", "broken")
HTTPX = {
    f"httpx{version}-{way}": (version, way)
    for version, ways in {"1": ("inbound", "outbound"), "2": ("inbound-tls", "outbound-tls", "dependency")}.items()
    for way in ways
}
NODE = ("inbound", "inbound-tls")


@dataclass(frozen=True, slots=True)
class Done:
    """What each client saw, and what is on the tape, by the client's own names."""

    direct: dict[str, Any]
    through: dict[str, Any]
    taped: dict[str, Exchange]
    messages: dict[int, list[Message]]  # by the id of their exchange


def _run(yard: Yard) -> Done:
    python = tools() / "python"
    certificates = Certificates.make(yard.folder)
    server = yard.bench.start(python, PROGRAMS / "hypercorn_server.py", certificates.chain, certificates.key)
    listening = server.event("listening")
    yard.door("inbound", "--inbound", f"0=http://127.0.0.1:{listening['plain']}")
    yard.door("inbound-tls", "--inbound", f"0=https://127.0.0.1:{listening['tls']}")
    yard.door("outbound", "--outbound", "0")
    yard.door("dependency", "--dependency", f"app=http://127.0.0.1:{listening['plain']}")
    ports = yard.record("--upstream-ca", str(certificates.authority))
    direct, through = {}, {}

    def urls(way: str) -> tuple[str, str]:
        scheme, port = ("https", listening["tls"]) if way.endswith("tls") else ("http", listening["plain"])
        here = port if way.startswith("outbound") else ports[way]
        return f"{scheme}://127.0.0.1:{port}", f"{scheme}://127.0.0.1:{here}"

    for name, (version, way) in HTTPX.items():
        ca, ours = (certificates.authority, yard.authority) if way.endswith("tls") else ("-", "-")
        proxy = (f"http://127.0.0.1:{ports['outbound']}",) if way.startswith("outbound") else ()
        program = (python, PROGRAMS / "httpx_client.py")
        there, here = urls(way)
        done = yard.bench.start(*program, there, f"direct-{name}", version, ca).finished(120).expect(0)
        direct[name] = json.loads(done.stdout)
        done = yard.bench.start(*program, here, name, version, ours, *proxy).finished(120).expect(0)
        through[name] = json.loads(done.stdout)
    node = shutil.which("node")
    assert node, "node is not installed: sh tests/system_packages.sh"
    for way in NODE:
        there, here = urls(way)
        for url, sights, ca, prefix in (
            (there, direct, certificates.authority, "direct-node"),
            (here, through, yard.authority, "node"),
        ):
            env = {**clean_environment(), "NODE_EXTRA_CA_CERTS": str(ca)}
            argv = (node, PROGRAMS / "node_client.mjs", url, f"{prefix}-{way}")
            sights[f"node-{way}"] = json.loads(yard.bench.start(*argv, env=env).finished(120).expect(0).stdout)
    taped = {(header(one.request.headers, "x-case") or b"").decode(): one for one in yard.stop()}
    return Done(direct, through, taped, yard.messages())


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Done:
    """What became of each request."""
    return once(tmp_path_factory, worker_id, "hypercorn", _run)


def asked(client: str) -> list[str]:
    """What a client of httpx's asks for."""
    return [name for name in REQUESTS if name != "broken" or client.startswith("httpx1")]


@pytest.mark.parametrize(("client", "request_"), [(client, name) for client in HTTPX for name in asked(client)])
def test_httpx_sees_what_it_sees_without_the_recorder(done: Done, client: str, request_: str) -> None:
    assert done.through[client][request_] == done.direct[client][request_]


@pytest.mark.parametrize(
    "request_",
    [
        *(
            f"{how}-{name}"
            for how in ("fetch", "http", "http2")
            for name in NODE_REQUESTS
            if (how, name) != ("http2", "broken")
        ),
        "fetch-events",
    ],
)
@pytest.mark.parametrize("way", NODE)
def test_node_sees_what_it_sees_without_the_recorder(done: Done, way: str, request_: str) -> None:
    assert done.through[f"node-{way}"][request_] == done.direct[f"node-{way}"][request_]


@pytest.mark.parametrize("client", HTTPX)
def test_the_tape_holds_what_httpx_saw(done: Done, client: str) -> None:
    for name in asked(client):
        exchange, seen = done.taped[f"{client}-{name}"], done.through[client][name]
        if name == "silent":
            assert exchange.failure is not None
            assert exchange.failure.kind is FailureKind.ABORTED
            continue
        assert exchange.response is not None
        assert exchange.response.status == seen["status"]
        assert exchange.response.body == base64.b64decode(seen["body"])
        assert exchange.response.reason.decode() == (seen["reason"] if client.startswith("httpx1") else "")
        # Where httpx is not content, the server broke off: hypercorn does so with trailers over HTTP/1.1, too.
        assert (exchange.failure.kind if exchange.failure else None) == (
            FailureKind.TRUNCATED if seen["error"] else None
        )
    assert done.taped[f"{client}-streamed"].request.body == b"one two three"
    assert done.taped[f"{client}-hello"].request.target == b"/hello/%7Ea%2Fb?x=1&x=1&y="


@pytest.mark.parametrize("way", NODE)
def test_the_tape_holds_trailers_and_early_hints(done: Done, way: str) -> None:
    sums = ((b"x-sum", b"13"), (b"x-more", b"1"))
    for how in ("http", "http2"):
        trailing = done.taped[f"node-{way}-{how}-trailing"].response
        assert trailing is not None
        seen = done.through[f"node-{way}"][f"{how}-trailing"]["trailers"]
        assert [[name.decode(), value.decode()] for name, value in trailing.trailers] == seen
    assert trailing.trailers == sums
    early = done.through[f"node-{way}"]["http2-early"]["informational"]
    assert early == [[103, "</style.css>; rel=preload; as=style"]]
    assert done.taped[f"node-{way}-http2-early"].notes["informational"] == [
        [103, ["link", "date", "server", "alt-svc"]]
    ]


@pytest.mark.parametrize("client", [*HTTPX, *(f"node-{way}-fetch" for way in NODE)])
def test_the_tape_holds_each_event(done: Done, client: str) -> None:
    events = [f"id: {at}\nevent: tick\ndata: caf\u00e9 {at}\ndata: more\n\n".encode() for at in range(4)]
    messages = done.messages[done.taped[f"{client}-events"].id]
    assert [one.body for one in messages[:4]] == events
    assert {(one.kind, one.from_client) for one in messages} == {("event", False)}
