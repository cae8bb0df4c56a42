"""Several proxies on one port and one writing process: all recorded, in order and linked; and when one dies."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from captures.model import CauseHow, Direction
from captures.store import Capture
from captures.wording import counted
from recorder.listeners import Listener
from recorder.session import ProxyDied, record
from recorder.settings import Settings
from recorder.succession import MOST
from recorder.watching.observers import Deaf
from tests.recorder.conftest import Lab, answering, ask, connect, head, inbound, read_all, until
from tests.recorder.running import OK, Recorder, Start, get, gone, traffic

pytestmark = pytest.mark.slow


def processes(recorder: Recorder, module: str) -> list[int]:
    """The children of ``recorder`` that run ``module``."""
    return children(recorder.process.pid, module)


def children(parent: int, module: str) -> list[int]:
    """The children of process ``parent`` that run ``module``."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in found if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]


def tracing(number: int) -> str:
    return f"traceparent: 00-{number:032x}-00f067aa0ba902b7-01"


def test_two_proxies_share_a_port_a_capture_and_the_links(lab: Lab, start: Start) -> None:
    calling: list[int] = []

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await head(reader)
        (trace,) = (line for line in request.split(b"\r\n") if line.startswith(b"traceparent"))
        calls, into = await asyncio.open_connection("127.0.0.1", calling[0])
        into.write(b"GET http://127.0.0.1:%d/call HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % (stock, trace))
        await calls.readuntil(b"ok")
        into.close()
        writer.write(OK)

    stock = lab.origin(answering(OK))
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(service)}", "--outbound", "0", "--workers", "2")
    port = recorder.port("inbound")
    calling.append(recorder.port("outbound"))
    numbers = range(1, 41)
    threads = [threading.Thread(target=ask, args=(port, get(f"/{number}", tracing(number)))) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    code, text = recorder.end()
    assert (code, text) == (0, "")
    exchanges = recorder.exchanges()
    assert recorder.events[-1]["written"] == recorder.events[-1]["seen"] == len(exchanges) == 80
    assert len({one.connection.split("-")[0] for one in exchanges}) == 2, "each process has ids of its own"
    by_id = {one.id: one for one in exchanges}
    started = [by_id[identity].timing.started for identity in sorted(by_id)]
    late = [after - before for before, after in pairwise(started)]
    assert min(late) > -0.05, "ids follow the order of start"
    calls = [one for one in exchanges if one.direction is Direction.OUTBOUND]
    assert len(calls) == 40
    for one in calls:
        assert one.cause.how is CauseHow.TRACE_HEADER
        cause = by_id[one.cause.exchange].request
        assert dict(cause.headers)[b"traceparent"] == dict(one.request.headers)[b"traceparent"]


def test_one_proxy_of_two_dies_and_the_other_goes_on(lab: Lab, start: Start) -> None:
    opened: list[int] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/open" in await head(reader):
            opened.append(1)
            await reader.read()
        writer.write(OK)

    recorder = start(
        "--inbound", f"0=http://127.0.0.1:{lab.origin(silent)}", "--workers", "2", "--metrics", "0"
    )  # fmt: skip
    port = recorder.port("inbound")
    waiting: dict[int, list[socket.socket]] = {pid: [] for pid in processes(recorder, "recorder.proxy")}
    assert len(waiting) == 2
    clients = [connect(port) for _ in range(20)]
    for client in clients:
        client.sendall(get("/open"))
        waiting[owner(client, list(waiting))].append(client)
    first = next(iter(waiting))
    assert all(waiting.values()), "the kernel deals connections out"
    until(lambda: len(opened) == 20, "the requests at the service")
    asked = 0

    def both() -> bool:
        nonlocal asked
        asked += 1
        assert ask(port, get(f"/{asked}")) == OK
        return len({one.connection.split("-")[0] for one in recorder.exchanges()}) == 2

    until(both, "an exchange of each proxy on disk: whatever began before it is known there")
    until(lambda: len(recorder.exchanges()) == asked, "all that was answered on disk")
    os.kill(first, signal.SIGKILL)
    warning = recorder.event("warning")
    assert (warning["what"], warning["where"]) == ("proxy_died", "killed by SIGKILL, 1 of 2 proxies go on")
    still = len(clients) - len(waiting[first])
    numbers = recorder.port("metrics")
    until(
        lambda: b"\nretape_exchanges_open %d\n" % still in ask(numbers, get("/metrics")), "those of the dead are gone"
    )
    for number in range(5):
        assert ask(port, get(f"/after/{number}")) == OK
    for client in clients:
        client.close()
    code, text = recorder.end()
    done = recorder.events[-1]
    assert code == 3
    assert done["dropped"] == len(waiting[first])
    assert "a proxy process died" in text
    assert done["seen"] == done["written"] + done["dropped"] == 20 + asked + 5
    assert len(recorder.exchanges()) == done["written"]


def owner(client: socket.socket, proxies: list[int]) -> int:
    """Which of the processes ``proxies`` has accepted ``client``."""

    def look() -> int | None:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        far = f":{client.getsockname()[1]:04X}"
        links = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(far)}
        return next(
            (pid for pid in proxies if links & {_target(one) for one in Path(f"/proc/{pid}/fd").iterdir()}), None
        )

    return int(until(look, "the owner of the connection"))


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # closed meanwhile
        return ""


@pytest.mark.parametrize("rotation", [(), ("--rotate", "1MB")])
def test_another_writing_process_takes_the_place_of_one_that_died(
    lab: Lab, start: Start, rotation: tuple[str, ...]
) -> None:
    held, calls = threading.Event(), []

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await head(reader)).split()[1].decode()
        if path == "/held":
            held.set()
            await asyncio.to_thread(killed.wait)
            out, into = await asyncio.open_connection("127.0.0.1", calls[0])
            into.write(b"GET http://127.0.0.1:%d/call HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % (stock, tracing(1).encode()))
            await out.readuntil(b"ok")
            into.close()
        writer.write(answer(path))

    def answer(path: str) -> bytes:
        return OK.replace(b"2\r\n", b"%d\r\n" % (2 + len(path))) + path.encode()

    killed, stock = threading.Event(), lab.origin(answering(OK))
    recorder = start(
        "--inbound", f"0=http://127.0.0.1:{lab.origin(service)}", "--outbound", "0", "--workers", "2", *rotation
    )  # fmt: skip
    port = recorder.port("inbound")
    calls.append(recorder.port("outbound"))
    waiting = connect(port)
    waiting.sendall(get("/held", tracing(1)))
    assert held.wait(20)
    with traffic(port, answer, clients=3) as running:
        running.more(20)
        (scribe,) = processes(recorder, "recorder.scribe")
        os.kill(scribe, signal.SIGSTOP)  # so that there is something to lose
        running.more(20)
        os.kill(scribe, signal.SIGKILL)
        warning = recorder.event("warning")
        killed.set()
        assert read_all(waiting) == answer("/held")
        running.more(20)
        asked = running.end()
    (other,) = processes(recorder, "recorder.scribe")
    assert other != scribe
    code, text = recorder.end()
    done = recorder.events[-1]
    assert code == 3
    assert done["seen"] == done["written"] + done["dropped"] == asked + 2
    assert done["dropped_by"] == {"writer_died": done["dropped"]}
    assert 0 < done["dropped"] < asked
    lost = counted(done["dropped"], "exchange")
    assert (warning["what"], warning["where"]) == ("writer_died", f"killed by SIGKILL, {lost} lost with it")
    assert f"{done['dropped']} of {done['seen']} exchanges could not be written" in text
    there, told = [], []
    for path in done["files"]:
        with Capture.open(path) as capture:
            assert capture.damage() == []
            assert all(session.ended is not None for session in capture.sessions())
            told += [(session.seen, session.dropped) for session in capture.sessions()]
            there += list(capture.exchanges())
    assert len(there) == done["written"]
    assert [sum(numbers) for numbers in zip(*told, strict=True)] == [done["seen"], done["dropped"]]
    (call,) = (one for one in there if one.direction is Direction.OUTBOUND)
    (cause,) = (one for one in there if one.request.target == b"/held")
    assert (call.cause.exchange, cause.response.body) == (cause.id, b"ok/held"), "what was open is told again"


def test_a_writing_process_that_loses_nothing_when_it_dies(lab: Lab, start: Start) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(answering(OK))}")
    ask(recorder.port("inbound"), get("/before"))
    until(lambda: len(recorder.exchanges()) == 1, "the exchange on disk")
    (scribe,) = processes(recorder, "recorder.scribe")
    os.kill(scribe, signal.SIGKILL)
    assert recorder.event("warning")["where"] == "killed by SIGKILL, 0 exchanges lost with it"
    ask(recorder.port("inbound"), get("/after"))
    assert recorder.end() == (0, "")
    done = recorder.events[-1]
    assert (done["seen"], done["written"], done["files"]) == (2, 2, [str(recorder.capture)])
    with Capture.open(recorder.capture) as capture:
        assert capture.check() == []
        assert [one.request.target for one in capture.exchanges()] == [b"/before", b"/after"]


def test_a_writing_process_that_dies_again_and_again_ends_the_recording(lab: Lab, start: Start) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(answering(OK))}")
    port, everybody = recorder.port("inbound"), set(processes(recorder, "recorder.proxy"))
    for number in range(MOST + 1):
        ask(port, get(f"/{number}"))
        until(lambda number=number: len(recorder.exchanges()) == number + 1, "the exchange on disk")
        (scribe,) = processes(recorder, "recorder.scribe")
        everybody.add(scribe)
        if number == MOST:
            os.kill(scribe, signal.SIGSTOP)
            ask(port, get("/lost"))
        os.kill(scribe, signal.SIGKILL)
        until(lambda scribe=scribe: processes(recorder, "recorder.scribe") != [scribe], "what comes of it")
    code, text = recorder.end(None)
    assert code == 4
    first, hint = text.splitlines()[:2]
    assert first == "retape: The writing process died: killed by SIGKILL."
    assert hint == (
        f"hint: What it had written until then is in {recorder.capture}. Look for who killed it, which the kernel does"
        " where memory is short, and record again. 1 exchange lost with it."
    )
    assert all(gone(pid) for pid in everybody)
    with Capture.open(recorder.capture) as capture:
        assert capture.check() == ["session 4 dropped 1 of 2 exchanges"]
        assert capture.count() == 4


def test_what_was_lost_before_is_not_lost_with_the_proxy(lab: Lab, start: Start) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(answering(OK))}")
    port, (scribe,) = recorder.port("inbound"), processes(recorder, "recorder.scribe")
    ask(port, get("/kept"))
    until(lambda: len(recorder.exchanges()) == 1, "the exchange on disk")
    with traffic(port, lambda _: OK, clients=3) as running:
        os.kill(scribe, signal.SIGSTOP)
        running.more(20)
        os.kill(scribe, signal.SIGKILL)
        assert not recorder.event("warning")["where"].startswith("killed by SIGKILL, 0 exchanges")
        running.end()
    ask(port, get("/last"))
    until(lambda: any(one.request.target == b"/last" for one in recorder.exchanges()), "the last exchange on disk")
    os.kill(recorder.proxy_pid(), signal.SIGKILL)
    code, text = recorder.end(None)
    assert code == 4
    assert text.splitlines() == [
        "retape: The recording proxy died: killed by SIGKILL.",
        f"hint: What it had recorded until then is in {recorder.capture}.",
    ]


def test_a_second_interrupt_gives_up_what_is_left_to_write(lab: Lab, start: Start) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(answering(OK, 200_000))}", "--workers", "2")
    port, number = recorder.port("inbound"), 40
    (scribe,) = processes(recorder, "recorder.scribe")
    os.kill(scribe, signal.SIGSTOP)  # so that much is left
    body = random.Random(1).randbytes(100_000).hex().encode()
    for _ in range(number):
        assert ask(port, get("/", "Content-Type: text/plain", f"Content-Length: {len(body)}") + body) == OK
    recorder.process.send_signal(signal.SIGINT)
    assert recorder.event("writing")["left"] == number
    recorder.process.send_signal(signal.SIGINT)
    os.kill(scribe, signal.SIGCONT)
    code, text = recorder.end(None)
    done = recorder.events[-1]
    assert code == 3
    assert done["seen"] == done["written"] + done["dropped"] == number
    assert done["dropped_by"] == {"given_up": done["dropped"]}
    assert "it was asked to end before all was written" in text
    with Capture.open(recorder.capture) as capture:
        assert capture.check() == [f"session 1 dropped {done['dropped']} of {number} exchanges"]


def test_it_is_the_writing_process_that_is_named_when_it_hangs(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(Deaf):
        def ready(self, settings: Settings) -> None:
            (scribe,) = children(os.getpid(), "recorder.scribe")
            os.kill(scribe, signal.SIGSTOP)
            assert ask(self.port, get("/")) == OK

        def listening(self, listener: Listener, host: str, port: int) -> None:
            self.port = port

    monkeypatch.setenv("RETAPE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("recorder.session.STOP_TIMEOUT", 2.0)
    monkeypatch.setattr("recorder.crew.STOP_TIMEOUT", 1.0)
    settings = Settings(tmp_path / "x.sqlite", (inbound(lab.origin(answering(OK))),), duration=0.1)
    with pytest.raises(ProxyDied, match="The writing process made no progress for 2 s") as failed:
        record(settings, Hanging())
    assert failed.value.hint == "1 exchange lost with it."
    with Capture.open(settings.capture) as capture:
        assert capture.check() == ["session 1 dropped 1 of 1 exchanges"]


def test_what_a_lone_proxy_had_begun_is_named_when_it_dies(lab: Lab, start: Start) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/open" in await head(reader):
            reached.set()
            await reader.read()
        writer.write(OK)

    reached = threading.Event()
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(silent)}")
    with connect(recorder.port("inbound")) as client:
        client.sendall(get("/open"))
        assert reached.wait(20)
        ask(recorder.port("inbound"), get("/kept"))
        until(lambda: len(recorder.exchanges()) == 1, "what came later on disk")
        os.kill(recorder.proxy_pid(), signal.SIGKILL)
        code, text = recorder.end(None)
    assert code == 4
    assert text.startswith("retape: The recording proxy died: killed by SIGKILL.")
    assert "Exchanges it had begun and could not finish: 1." in text
    with Capture.open(recorder.capture) as capture:
        session = capture.sessions()[-1]
    assert (session.seen, session.written, session.dropped) == (2, 1, 1)
    assert session.ended is not None


def test_all_end_when_the_parent_dies_and_nothing_is_lost(lab: Lab, start: Start) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(answering(OK))}", "--workers", "2")
    port = recorder.port("inbound")
    for number in range(8):
        assert ask(port, get(f"/{number}")) == OK
    everybody = [*processes(recorder, "recorder.proxy"), *processes(recorder, "recorder.scribe")]
    assert len(everybody) == 3
    recorder.process.kill()
    until(lambda: all(gone(pid) for pid in everybody), "the end of all processes")
    with Capture.open(recorder.capture) as capture:
        assert capture.check() == []
        assert capture.sessions()[0].ended is not None
        assert capture.count() == 8


def test_one_of_two_that_is_asked_to_stop_ends_the_recording(lab: Lab, start: Start) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(answering(OK))}", "--workers", "2")
    ask(recorder.port("inbound"), get("/kept"))
    os.kill(processes(recorder, "recorder.proxy")[1], signal.SIGTERM)
    assert recorder.end(None) == (0, "")
    assert recorder.events[-1]["written"] == 1


def test_a_port_is_not_shared_with_another_program(lab: Lab, start: Start) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        recorder = start("--inbound", f"{taken}=http://127.0.0.1:{lab.origin(answering(OK))}", "--workers", "2")
        code, text = recorder.end(None)
    assert code == 2
    assert f"port {taken} on 127.0.0.1 is taken by another program" in text
    assert not recorder.capture.exists()
