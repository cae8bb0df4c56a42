"""A recording that goes on in further files while requests come without pause: nothing is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from captures.model import CauseHow, Direction
from captures.store import Capture
from tests.recorder.conftest import Lab, ask, connect, head, read_all, until
from tests.recorder.running import OK, Recorder, Start, descendants, get, gone, traffic

pytestmark = pytest.mark.slow

TRACE = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\nConnection: close\r\n\r\n"
BODIES: dict[str, bytes] = {}


def answer(path: str) -> bytes:
    """What the service answers: bytes of each path's own that do not compress."""
    return HEAD + BODIES.setdefault(path, os.urandom(20_000))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path = (await head(reader)).split()[1].decode()
    writer.write(answer(path))
    await writer.drain()


def told(recorder: Recorder, name: str) -> list[dict[str, Any]]:
    return [event for event in list(recorder.events) if event["event"] == name]


def in_files(paths: list[str]) -> list[bytes]:
    """The targets of all exchanges in the files, each of which must be whole and say of itself what it holds."""
    targets = []
    for path in paths:
        with Capture.open(path) as capture:
            assert capture.check() == []
            targets += [one.request.target for one in capture.exchanges()]
    return targets


def test_under_load_nothing_is_lost_and_nothing_twice(lab: Lab, start: Start) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(serve)}", "--rotate", "1MB|1h")
    with traffic(recorder.port("inbound"), answer, clients=3) as running:
        until(lambda: len(told(recorder, "next-file")) >= 3, "three further files")
        seen = running.end()
    code, text = recorder.end()
    assert (code, text) == (0, "")
    done = recorder.events[-1]
    assert (done["seen"], done["written"], done["inbound"]) == (seen, seen, seen)
    assert len(done["files"]) >= 4
    assert {event["capture"] for event in told(recorder, "next-file")} <= set(done["files"])
    targets = in_files(done["files"])
    assert len(targets) == len(set(targets)) == seen
    assert {target.decode() for target in targets} == running.answered.keys()
    assert sorted(path.name for path in recorder.capture.parent.glob("cli*")) == sorted(
        Path(path).name for path in done["files"]
    )


def test_only_the_newest_are_kept_also_after_a_restart_and_a_kill(lab: Lab, start: Start) -> None:
    arguments = ("--inbound", f"0=http://127.0.0.1:{lab.origin(serve)}", "--rotate", "1MB", "--keep", "3")
    ids: set[int] = set()
    for number, ending in enumerate([signal.SIGTERM, signal.SIGKILL, signal.SIGINT]):
        recorder = start(*arguments)
        with traffic(recorder.port("inbound"), answer) as running:
            until(lambda: len(told(recorder, "next-file")) >= 3 - number, "further files")  # noqa: B023
            running.end()
        if ending is signal.SIGKILL:
            processes = descendants(recorder.process.pid)
            for pid in (recorder.process.pid, *processes):
                os.kill(pid, ending)
            until(lambda: all(map(gone, processes)), "the end")  # noqa: B023
            recorder.end(None)
        else:
            assert recorder.end(ending)[0] == 0
        files = sorted(recorder.capture.parent.glob("cli*.sqlite"))
        assert len(files) == 3
        assert recorder.capture not in files  # the first of the series was removed like the others
        found = []
        for path in files:
            with Capture.open(path) as capture:
                assert capture.damage() == []
                found += [one.id for one in capture.exchanges()]
        assert len(found) == len(set(found))  # ids go on over files and recordings
        assert not ids or max(found) > max(ids)
        ids = set(found)
    done = recorder.events[-1]
    assert done["removed"]["files"] >= 1
    assert done["removed"]["exchanges"] >= 40
    assert done["seen"] == done["written"] >= done["inbound"]


def test_what_is_open_belongs_to_the_file_it_ends_in(lab: Lab, start: Start) -> None:
    go_on = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await head(reader)).split()[1].decode()
        if path == "/slow":
            await go_on.wait()
            writer.write(OK)
        else:
            writer.write(answer(path))
        await writer.drain()

    origin = lab.origin(slow)
    recorder = start("--inbound", f"0=http://127.0.0.1:{origin}", "--outbound", "0", "--rotate", "1MB")
    port, proxy = recorder.port("inbound"), recorder.port("outbound")
    with connect(port) as client:
        client.sendall(get("/slow", TRACE))
        call = get(f"http://127.0.0.1:{origin}/call", TRACE)
        assert ask(proxy, call).startswith(HEAD)
        with traffic(port, answer) as running:
            until(lambda: told(recorder, "next-file"), "another file")
            running.end()
        lab.call(go_on.set)
        assert read_all(client) == OK
    assert recorder.end() == (0, "")
    files = recorder.events[-1]["files"]
    homes = {}
    for path in files:
        with Capture.open(path) as capture:
            for one in capture.exchanges():
                if one.request.target in (b"/slow", b"/call"):
                    homes[one.request.target] = (path, one)
    assert homes[b"/call"][0] == files[0]
    assert homes[b"/slow"][0] != files[0]
    (_, made), (_, asked) = homes[b"/call"], homes[b"/slow"]
    assert made.direction is Direction.OUTBOUND
    assert (made.cause.how, made.cause.exchange) == (CauseHow.TRACE_HEADER, None)
    assert f"exchange {asked.id} is not in this file" in made.cause.evidence
    assert made.notes["cause_elsewhere"] == asked.id


def test_a_capture_that_was_there_is_left_alone(lab: Lab, start: Start) -> None:
    origin = lab.origin(serve)
    first = start("--inbound", f"0=http://127.0.0.1:{origin}")
    ask(first.port("inbound"), get("/kept"))
    assert first.end()[0] == 0
    kept = first.capture.read_bytes()
    second = start("--inbound", f"0=http://127.0.0.1:{origin}", "--rotate", "6h", "--keep", "1")
    assert second.event("ready")["capture"] != str(first.capture)
    ask(second.port("inbound"), get("/new"))
    assert second.end()[0] == 0
    assert first.capture.read_bytes() == kept
    assert in_files(second.events[-1]["files"]) == [b"/new"]


def test_a_configuration_says_it_as_well(lab: Lab, start: Start) -> None:
    (lab.folder / "retape.toml").write_text('[record]\nkeep = "2"\n')
    code, text = start("--outbound", "0").end(None)
    assert code == 2
    assert "--keep removes files of a recording that rotates" in text
