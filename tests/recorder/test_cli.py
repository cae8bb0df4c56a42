"""``retape record`` as a user runs it: real processes, signals, a service of its own, things that go wrong."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from captures.model import CauseHow, Direction, FailureKind
from captures.service import free_port
from captures.store import Capture
from recorder.listeners import LOOPBACK
from tests.recorder.conftest import Lab, answering, ask, connect, head, read_all, read_until, until
from tests.recorder.running import OK, Start, get, gone

pytestmark = pytest.mark.slow

SERVICE = """
import http.server, os, sys, urllib.request

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/leave":
            self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
            print("leaving", flush=True)
            os._exit(int(sys.argv[2]))
        trace = {"traceparent": self.headers["traceparent"]} if self.headers["traceparent"] else {}
        bodies = b""
        for url in (os.environ.get("STOCK_URL"), os.environ.get("PAY_DIRECT")):
            if url:
                with urllib.request.urlopen(urllib.request.Request(url + self.path, headers=trace)) as answer:
                    bodies += answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(bodies)))
        self.end_headers()
        self.wfile.write(bodies)
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_recording_in_front_of_a_running_service(lab: Lab, start: Start, number: int) -> None:
    port = lab.origin(answering(OK))
    recorder = start("--inbound", f"0=http://127.0.0.1:{port}", "--outbound", "0", "--label", "v1")
    assert ask(recorder.port("inbound"), get("/one", "Authorization: Bearer hush-hush-hush-1")) == OK
    until(lambda: len(recorder.exchanges()) == 1, "the exchange on disk")  # while the recording goes on
    code, text = recorder.end(number)
    assert (code, text) == (0, "")
    done = recorder.events[-1]
    assert (done["event"], done["seen"], done["written"], done["inbound"], done["redacted"]) == ("done", 1, 1, 1, 1)
    with Capture.open(recorder.capture) as capture:
        (session,) = capture.sessions()
        assert capture.check() == []
    assert session.meta["label"] == "v1"
    assert session.meta["versions"]["mitmproxy"]
    assert session.redaction_key
    assert b"hush-hush" not in b"".join(path.read_bytes() for path in recorder.capture.parent.glob("cli.sqlite*"))


def test_a_service_started_and_wired(lab: Lab, start: Start) -> None:
    stock = lab.origin(answering(OK.replace(b"ok", b"st")))
    pay = lab.origin(answering(OK.replace(b"ok", b"pa")))
    recorder = start(
        "--inbound", "0", "--dependency", f"stock=http://127.0.0.1:{stock}/v1@STOCK_URL", "--",
        sys.executable, "-c", SERVICE, "{port}", "0", env={"PAY_DIRECT": f"http://127.0.0.1:{pay}"},
    )  # fmt: skip
    port = recorder.port("inbound")
    assert recorder.port("dependency", "stock")
    assert ask(port, get("/a")).endswith(b"stpa")
    trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert ask(port, get("/b", trace)).endswith(b"stpa")
    code, text = recorder.end()
    assert code == 0, text
    exchanges = recorder.exchanges()
    outbound = [one for one in exchanges if one.direction is Direction.OUTBOUND]
    assert [(one.dependency, one.request.target) for one in outbound] == [
        ("stock", b"/v1/a"), (f"127.0.0.1:{pay}", b"/a"), ("stock", b"/v1/b"), (f"127.0.0.1:{pay}", b"/b"),
    ]  # fmt: skip
    assert [one.cause.how for one in outbound] == [CauseHow.WINDOW] * 2 + [CauseHow.TRACE_HEADER] * 2
    with Capture.open(recorder.capture) as capture:
        meta = capture.sessions()[0].meta
    assert meta["dependencies"] == {"stock": {"url": f"http://127.0.0.1:{stock}/v1", "env": "STOCK_URL"}}
    assert recorder.events[-1]["links"] == {"window": 2, "trace-header": 2}


@pytest.mark.parametrize(("wanted", "code"), [(0, 0), (7, 3)])
def test_the_end_of_the_command_ends_the_recording(start: Start, wanted: int, code: int) -> None:
    recorder = start("--", sys.executable, "-c", SERVICE, "{port}", str(wanted))
    assert ask(recorder.port("inbound"), get("/leave")).startswith(b"HTTP/1.0 200")
    ended, text = recorder.end(None)
    assert ended == code
    assert "leaving" in text  # the command's own output
    assert ("exited with code 7 while it was being recorded" in text) is (wanted == 7)
    assert [one.request.target for one in recorder.exchanges()] == [b"/leave"]


def test_a_command_that_exits_at_once(start: Start) -> None:
    code, text = start("--", sys.executable, "-c", "import sys; sys.exit('no database at {port}')").end(None)
    assert code == 3
    assert "exited with code 1 before it was ready" in text
    assert "no database at" in text


def test_a_command_that_does_not_exist(start: Start) -> None:
    recorder = start("--", "no-such-command-here")
    code, text = recorder.end(None)
    assert not recorder.capture.exists()
    assert code == 2
    assert "There is no command 'no-such-command-here'" in text


@pytest.mark.parametrize("option", ["inbound", "outbound"])
def test_a_port_that_is_taken(start: Start, option: str) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        value = f"{port}=http://127.0.0.1:9" if option == "inbound" else str(port)
        recorder = start(f"--{option}", value)
        code, text = recorder.end(None)
    assert code == 2
    assert text.splitlines()[0] == f"retape: --{option}: port {port} on 127.0.0.1 is taken by another program."
    assert not recorder.capture.exists()


@pytest.mark.parametrize("port", [0, 9])
def test_an_address_that_is_not_ours(start: Start, port: int) -> None:
    recorder = start("--inbound", f"192.0.2.1:{port}=http://127.0.0.1:1")
    code, text = recorder.end(None)
    assert code == 2
    assert "--inbound cannot listen on 192.0.2.1" in text
    assert "cannot assign requested address" in text
    assert not recorder.capture.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to record"),
        (["--inbound", "nonsense"], "'nonsense' is not a port"),
        (["--outbound", "0", "-o", "/proc/nowhere/x.sqlite"], "cannot be made"),
    ],
)
def test_a_command_line_that_cannot_be(start: Start, arguments: list[str], words: str) -> None:
    code, text = start(*arguments).end(None)
    assert code == 2
    assert words in text
    assert "hint: " in text


def test_a_file_that_is_no_capture(start: Start, tmp_path: Path) -> None:
    (tmp_path / "cli.sqlite").write_text("notes to self, nothing more " * 9)
    code, text = start("--outbound", "0").end(None)
    assert code == 2
    assert "is not a Retape capture" in text


def test_a_capture_that_is_being_recorded(lab: Lab, start: Start) -> None:
    first = start("--outbound", "0")
    first.event("ready")
    code, text = start("--outbound", "0").end(None)
    assert code == 2
    assert "is being written by another retape process" in text
    assert first.end()[0] == 0


def test_interrupted_before_it_was_ready(start: Start) -> None:
    recorder = start("--inbound", "0", "--", sys.executable, "-c", "import time; time.sleep(60)")
    until(lambda: any(event["event"] == "listening" for event in recorder.events), "the listener")
    code, text = recorder.end()
    assert code == 130
    assert "interrupted" in text


def test_for_a_while(start: Start) -> None:
    code, _ = start("--outbound", "0", "--for", "300ms").end(None)
    assert code == 0


def test_what_is_open_when_the_recording_ends_may_finish(lab: Lab, start: Start) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        arrived.set()
        await go_on.wait()
        writer.write(OK)
        await writer.drain()

    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(handle)}")
    with connect(recorder.port("inbound")) as client:
        client.sendall(get("/slow"))
        until(arrived.is_set)
        recorder.process.send_signal(signal.SIGINT)
        recorder.event("stopping")
        lab.call(go_on.set)
        assert read_all(client) == OK
    assert recorder.end(None)[0] == 0
    (exchange,) = recorder.exchanges()
    assert exchange.failure is None


def test_a_second_interrupt_does_not_wait(lab: Lab, start: Start) -> None:
    arrived = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        arrived.set()
        await reader.read()

    (lab.folder / "retape.toml").write_text("[record]\ndrain = 50\n")
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(handle)}")
    with connect(recorder.port("inbound")) as client:
        client.sendall(get("/never"))
        until(arrived.is_set)
        recorder.process.send_signal(signal.SIGINT)
        recorder.event("stopping")
        assert recorder.end()[0] == 0
    (exchange,) = recorder.exchanges()
    assert exchange.failure.kind is FailureKind.ABORTED


def test_a_full_disk_stops_no_traffic_and_is_told(lab: Lab, start: Start) -> None:
    body = os.urandom(500_000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\nConnection: close\r\n\r\n" + body
    limit = 2_000_000  # bytes any one file may have: the kernel's way of a small disk

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answer[:-8] + os.urandom(8))
        await writer.drain()

    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(handle)}", preexec_fn=small_disk)
    port = recorder.port("inbound")
    for number in range(10):
        assert len(ask(port, get(f"/{number}"))) == len(answer)
    code, text = recorder.end()
    assert code == 3
    done = recorder.events[-1]
    assert done["seen"] == 10
    assert done["dropped"] > 0
    assert done["written"] + done["dropped"] == 10
    assert f"{done['dropped']} of 10 exchanges could not be written" in text
    with Capture.open(recorder.capture) as capture:
        assert capture.count() == done["written"]


def test_a_proxy_that_dies(lab: Lab, start: Start) -> None:
    port = lab.origin(answering(OK))
    recorder = start(
        "--inbound", f"0=http://127.0.0.1:{port}", "--", sys.executable, "-c", "import time; time.sleep(600)"
    )
    ask(recorder.port("inbound"), get("/kept"))
    until(lambda: len(recorder.exchanges()) == 1, "the exchange on disk")
    children = Path(f"/proc/{recorder.process.pid}/task/{recorder.process.pid}/children").read_text().split()
    os.kill(recorder.proxy_pid(), signal.SIGKILL)
    code, text = recorder.end(None)
    assert code == 4
    assert text.splitlines()[0].startswith("retape: The recording proxy died")
    until(lambda: all(gone(int(pid)) for pid in children), "the end of the command")
    assert [one.request.target for one in recorder.exchanges()] == [b"/kept"]


def test_a_parent_that_dies_takes_the_proxy_along_and_loses_nothing(lab: Lab, start: Start) -> None:
    port = lab.origin(answering(OK))
    recorder = start("--inbound", f"0=http://127.0.0.1:{port}")
    ask(recorder.port("inbound"), get("/kept"))
    proxy = recorder.proxy_pid()
    recorder.process.kill()
    until(lambda: gone(proxy), "the end of the proxy")
    with Capture.open(recorder.capture) as capture:
        assert capture.check() == []
        assert capture.sessions()[0].ended is not None
        assert capture.count() == 1


def test_a_parent_that_dies_takes_the_command_and_its_files_along(start: Start, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    recorder = start("--", sys.executable, "-c", SERVICE, "{port}", "0", env={"TMPDIR": str(tmp_path / "tmp")})
    ask(recorder.port("inbound"), get("/kept"))
    children = Path(f"/proc/{recorder.process.pid}/task/{recorder.process.pid}/children").read_text().split()
    assert len(children) == 4, (
        "the proxy, the writing process, the command, and the guard that ends it when we are killed"
    )
    assert list((tmp_path / "tmp").glob("retape-*"))
    recorder.process.kill()
    until(lambda: all(gone(int(pid)) for pid in children), "the end of the proxy and of the command")
    assert not list((tmp_path / "tmp").glob("retape-*"))
    assert [one.request.target for one in recorder.exchanges()] == [b"/kept"]


def test_a_proxy_that_is_asked_to_stop(lab: Lab, start: Start) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(answering(OK))}")
    ask(recorder.port("inbound"), get("/kept"))
    os.kill(recorder.proxy_pid(), signal.SIGTERM)
    assert recorder.end(None) == (0, "")
    assert recorder.events[-1]["written"] == 1


def test_a_capture_that_is_deleted_while_it_is_recorded(lab: Lab, start: Start) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(answering(OK))}")
    ask(recorder.port("inbound"), get("/lost"))
    until(lambda: len(recorder.exchanges()) == 1, "the exchange on disk")
    recorder.capture.unlink()
    code, text = recorder.end()
    assert code == 3
    assert "vanished while it was being recorded: all it held is lost (1 exchange of this session)." in text


def test_the_text_a_person_sees(lab: Lab, tmp_path: Path) -> None:
    port = lab.origin(answering(OK))
    capture = tmp_path / "shop.sqlite"
    listen = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "retape", "record", "--inbound", f"{listen}=http://127.0.0.1:{port}", "-o", capture],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RETAPE_STATE_DIR": str(tmp_path)},
    )
    assert process.stderr is not None
    assert process.stdout is not None
    first = [process.stderr.readline(), process.stderr.readline()]
    assert f"inbound     http://127.0.0.1:{listen}  ->  http://127.0.0.1:{port}" in first[0]
    assert first[1] == f"Recording into {capture}. Stop with Ctrl-C.\n"
    assert ask(listen, get("/", "Cookie: sid=abcdefgh")) == OK
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == ""
    assert rest.splitlines() == [
        "Stopping: interrupted.",
        "1 exchange recorded, 0 outbound calls to 0 dependencies.",
        "1 place redacted before the write.",
        f"Next: retape replay {capture} -- CMD",
    ]


def test_sockets_and_streams_pass_a_real_process(lab: Lab, start: Start) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await reader.read()

    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(handle)}")
    with connect(recorder.port("inbound")) as client:
        client.sendall(get("/events"))
        read_until(client, b"data: 1\n\n")
    until(lambda: len(recorder.exchanges()) == 1, "the exchange on disk")
    assert recorder.end()[0] == 0
    (exchange,) = recorder.exchanges()
    assert exchange.response.body == b"data: 1\n\n"
    assert exchange.failure.kind is FailureKind.ABORTED  # the client hung up on a stream without end


def test_as_many_connections_as_the_system_allows(lab: Lab, start: Start) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few, clients = 64, 60  # two connections each
    recorder = start(
        "--inbound", f"0=http://127.0.0.1:{lab.origin(answering(OK))}",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard)),
    )  # fmt: skip
    port = recorder.port("inbound")
    with ExitStack() as stack:
        open_ones = [stack.enter_context(connect(port)) for _ in range(clients)]
        for one in open_ones:
            one.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n")  # nobody is answered yet
        for one in open_ones:
            one.sendall(b"\r\n")
        assert [read_until(one, b"ok") for one in open_ones] == [OK] * clients
    assert recorder.end()[0] == 0
    assert [one.failure for one in recorder.exchanges()] == [None] * clients
