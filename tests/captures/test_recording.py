"""Which recording it is: copies are one, and what was recorded further is another."""

from __future__ import annotations

import shutil
from pathlib import Path

from captures.recording import identity_of
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import capture, exchange


def identity(path: Path) -> str:
    with Capture.open(path) as opened:
        return identity_of(opened)


def test_a_copy_is_the_same_recording_and_a_longer_one_is_not(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.sqlite", exchange(1))
    first = identity(path)
    shutil.copy(path, tmp_path / "b.sqlite")
    assert identity(tmp_path / "b.sqlite") == first
    with CaptureWriter(tmp_path / "b.sqlite", mode="record") as writer:
        writer.put(exchange(2))
    assert identity(tmp_path / "b.sqlite") != first
    assert identity(capture(tmp_path / "c.sqlite", exchange(1), exchange(2))) != first
