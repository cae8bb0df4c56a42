"""``retape review`` as a process: what it prints, when it refuses, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, build_opener

import pytest
from click.testing import CliRunner

from captures.errors import CaptureError, UsageError
from replayer.review.cli import review as command
from replayer.review.serving import summary
from replayer.review.sitting import Sitting
from tests.replayer.review.conftest import Review

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60.0


@contextmanager
def started(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "retape", "review", "run.sqlite", "--recorded", "shop.sqlite", *options]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background, and inherited then
    try:
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        limit = threading.Timer(2 * PATIENCE, process.kill)
        limit.start()
        try:
            yield process
        finally:
            limit.cancel()
            process.kill()


@pytest.mark.slow
@pytest.mark.end_to_end
@pytest.mark.parametrize(("how", "host"), [(signal.SIGINT, "127.0.0.1"), (signal.SIGTERM, "0.0.0.0")])
def test_it_prints_the_address_and_ends_cleanly(folder: Path, how: signal.Signals, host: str) -> None:
    with started(folder, "--host", host) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        parts = urlsplit(address)
        assert parts.hostname == "127.0.0.1"
        assert len(parse_qs(parts.query)["token"][0]) * 6 >= 128
        with build_opener(ProxyHandler({})).open(address, timeout=PATIENCE) as answer:
            assert "HttpOnly" in answer.headers["Set-Cookie"]
        process.send_signal(how)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "")
    assert "nothing was changed" in err
    assert ("0.0.0.0 is not loopback" in err) is (host == "0.0.0.0")
    assert "Traceback" not in err
    assert "token" not in err


@pytest.mark.slow
def test_the_end_says_what_was_changed_and_how_it_stands(review: Review) -> None:
    sitting: Sitting = review.sitting
    assert summary(sitting) == ["nothing was changed."]
    one, two = (group.fingerprint for group in review.groups[:2])
    sitting.accept([one], "x", "dana", "")
    sitting.reject([two], "x", "dana")
    first, *changes, sentence = summary(sitting)
    assert first == "2 changes made:"
    assert changes == ["  Accepted 1 group: retape.rules.toml", "  Rejected 1 group: retape.rules.toml"]
    assert sentence == sitting.sentence


def test_nothing_is_reviewed_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, ["my run.sqlite"], standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert "retape review 'my run.sqlite'" in result.exception.hint
    assert "retape accept 'my run.sqlite' GROUP" in result.exception.hint
    assert not list(tmp_path.rglob("*.toml"))


def test_a_run_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, ["nothing.sqlite"], standalone_mode=False)
    assert isinstance(result.exception, CaptureError | UsageError)
    assert "nothing.sqlite" in str(result.exception)
