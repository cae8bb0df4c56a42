"""The words of the summary."""

from __future__ import annotations

import io
from pathlib import Path
from types import MappingProxyType

import pytest

from captures.writer import CaptureWriter
from recorder.listeners import parse_dependency, parse_outbound
from recorder.session import Outcome
from recorder.settings import Settings
from recorder.summary import TextObserver
from tests.captures.making import exchange
from tests.replayer.tapes import Tape, request, response


def test_what_the_capture_does_not_hold_is_told(tmp_path: Path) -> None:
    CaptureWriter(tmp_path / "x.sqlite", mode="record").close()
    settings = Settings(tmp_path / "x.sqlite", ())
    out = io.StringIO()
    counters = MappingProxyType({"refused": 3, "distrusted": {"pay.test:443": 2}})
    TextObserver("ca.crt", out).done(settings, Outcome(counters, None))
    assert "3 requests were not HTTP the proxy could pass on; they are not in the capture.\n" in out.getvalue()
    assert "pay.test:443: 2 connections failed, its certificate is not trusted (--upstream-ca).\n" in out.getvalue()


def test_files_that_were_taken_away_are_told(tmp_path: Path) -> None:
    CaptureWriter(tmp_path / "c.sqlite", mode="record").close()
    out = io.StringIO()
    files = [(str(tmp_path / name), 1) for name in ("a.sqlite", "b.sqlite", "c.sqlite")]
    TextObserver("ca.crt", out).done(
        Settings(tmp_path / "a.sqlite", ()), Outcome(MappingProxyType({"files": files}), None)
    )
    assert (
        "In 3 files, a.sqlite to c.sqlite.\n2 of them are not there any more; what they hold is not in these numbers.\n"
    ) in out.getvalue()


def test_requests_that_were_lost_did_reach_a_listener(tmp_path: Path) -> None:
    CaptureWriter(tmp_path / "x.sqlite", mode="record").close()
    out = io.StringIO()
    TextObserver("ca.crt", out).done(
        Settings(tmp_path / "x.sqlite", ()), Outcome(MappingProxyType({"dropped": 2}), None)
    )
    assert "no request reached" not in out.getvalue()


def test_a_body_that_did_not_come_is_not_called_too_large(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "x.sqlite", mode="record") as writer:
        writer.put(exchange(1, body_truncated=True, notes={"early_response": True}))
        writer.put(exchange(2, body_truncated=True))
    out = io.StringIO()
    TextObserver("ca.crt", out).done(Settings(tmp_path / "x.sqlite", ()), Outcome(MappingProxyType({}), None))
    assert "1 body too large to keep whole.\n" in out.getvalue()
    assert "1 request answered before all of the body had come: what came until then is kept.\n" in out.getvalue()


@pytest.mark.parametrize("called", [False, True])
def test_a_command_that_made_no_call_may_ignore_the_proxy(tmp_path: Path, called: bool) -> None:
    with Tape(tmp_path / "x.sqlite") as tape:
        first = tape.inbound(request(), response())
        if called:
            tape.outbound(first, request(host="pay.test"), response())
    out = io.StringIO()
    settings = Settings(tmp_path / "x.sqlite", (parse_outbound("0"),), command=("node", "app.js"))
    TextObserver("ca.crt", out).done(settings, Outcome(MappingProxyType({}), None))
    assert ("Node.js reads it from 22.21 on" in out.getvalue()) is not called


def test_listeners_without_a_command_say_what_to_do_with_them(tmp_path: Path) -> None:
    listeners = (parse_outbound("0"), parse_dependency("stock=http://shop.test/v2"))
    out = io.StringIO()
    observer = TextObserver("state/ca.crt", out)
    for listener in listeners:
        observer.listening(listener, "127.0.0.1", 4000)
    observer.ready(Settings(tmp_path / "x.sqlite", listeners))
    assert "(STOCK_URL=http://127.0.0.1:4000/v2)" in out.getvalue()
    assert "must trust state/ca.crt" in out.getvalue()
