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
from recorder.summary import TextObserver, loss_hint


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("the queue is full", "did not keep up"),
        ("database or disk is full", "Make room on the disk"),
        ("disk I/O error", "Make room on the disk"),
        ("exchange 7 could not be redacted (ValueError)", "[redact]"),
        ("unable to open database file", "folder"),
    ],
)
def test_the_hint_fits_the_reason_of_a_loss(reason: str, word: str) -> None:
    assert word in loss_hint(reason)


def test_what_the_capture_does_not_hold_is_told(tmp_path: Path) -> None:
    CaptureWriter(tmp_path / "x.sqlite", mode="record").close()
    settings = Settings(tmp_path / "x.sqlite", ())
    out = io.StringIO()
    counters = MappingProxyType({"refused": 3, "distrusted": {"pay.test:443": 2}})
    TextObserver("ca.crt", out).done(settings, Outcome(counters, None))
    assert "3 requests were not HTTP the proxy could pass on; they are not in the capture.\n" in out.getvalue()
    assert "pay.test:443: 2 connections failed, its certificate is not trusted (--upstream-ca).\n" in out.getvalue()


def test_listeners_without_a_command_say_what_to_do_with_them(tmp_path: Path) -> None:
    listeners = (parse_outbound("0"), parse_dependency("stock=http://shop.test/v2"))
    out = io.StringIO()
    observer = TextObserver("state/ca.crt", out)
    for listener in listeners:
        observer.listening(listener, "127.0.0.1", 4000)
    observer.ready(Settings(tmp_path / "x.sqlite", listeners))
    assert "(STOCK_URL=http://127.0.0.1:4000/v2)" in out.getvalue()
    assert "must trust state/ca.crt" in out.getvalue()
