"""libfaketime: found, mended where it is spoilt, refused where it does not reach."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from captures.errors import UsageError
from replayer import faketime
from replayer.faketime import (
    GO_MARK,
    HIDDEN,
    LIBRARY,
    SPOILT,
    complaint,
    deaf,
    find_library,
    mended,
    required_library,
    tidy,
    variables,
    working,
)

INSTALLED = find_library()
needs_library = pytest.mark.skipif(INSTALLED is None, reason="libfaketime is not installed")


def elf(*segments: int, more: bytes = b"") -> bytes:
    """A 64-bit ELF file with program headers of these types."""
    head = bytearray(64)
    head[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<HH", head, 54, 56, len(segments))
    return bytes(head) + b"".join(struct.pack("<I52x", one) for one in segments) + more


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (elf(6, 3, 1), None),
        (elf(1, 1), "linked statically"),
        (elf(6, 3, more=bytes(16) + GO_MARK), "a Go program"),
        (elf(6, 3, more=b"x" + GO_MARK), None),  # 64 + 2 * 56 + 1: only a program that knows the mark
        (b"#!/bin/sh\n", None),
        (b"", None),
        (b"\x7fELF\x02\x01", None),
    ],
    ids=["dynamic", "static", "go", "names go", "script", "empty", "cut off"],
)
def test_programs_that_no_preloaded_library_reaches(tmp_path: Path, content: bytes, what: str | None) -> None:
    program = tmp_path / "program"
    program.write_bytes(content)
    assert deaf(program) == what


def test_our_own_interpreter_is_reached() -> None:
    assert deaf(Path(sys.executable)) is None
    assert deaf(Path("/no/such/program")) is None


def test_it_is_found_where_it_was_installed(tmp_path: Path) -> None:
    assert find_library((f"{tmp_path}/*/faketime",)) is None
    place = tmp_path / "aarch64-linux-gnu" / "faketime"
    place.mkdir(parents=True)
    (place / LIBRARY).write_bytes(b"")
    assert find_library((f"{tmp_path}/none", f"{tmp_path}/*/faketime")) == place / LIBRARY


def test_what_a_command_gets() -> None:
    library = Path("/lib/faketime/it.so")
    given = {"LD_PRELOAD": "/lib/other.so", "FAKETIME_SHARED": "/sem /shm", "FAKETIME": "-1d", "HOME": "/"}
    result = variables(library, -86_400, given)
    assert result["LD_PRELOAD"] == "/lib/faketime/it.so:/lib/other.so"
    assert result["FAKETIME"] == "-86400"
    assert "FAKETIME_SHARED" not in result
    assert result["HOME"] == "/"
    assert variables(library, 60, {})["FAKETIME"] == "+60"


@pytest.mark.parametrize("content", [b"", b"\x7fELF and no more"], ids=["empty", "cut off"])
def test_a_library_that_does_nothing_is_refused(tmp_path: Path, content: bytes) -> None:
    """The dynamic linker passes over what it cannot load, and the program would see the real time."""
    library = tmp_path / "it.so"
    library.write_bytes(content)
    with pytest.raises(UsageError, match="does not work here"):
        working(library, tmp_path)


def test_without_it_the_option_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(faketime, "find_library", lambda: None)
    with pytest.raises(UsageError, match="needs libfaketime, which is not installed") as caught:
        required_library(["python"], None, tmp_path)
    assert "apt-get install faketime" in str(caught.value.hint)


def test_a_build_that_is_not_ours_to_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another's cannot be set"):
        required_library([], None, tmp_path)


def test_a_static_command_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_bytes(elf(1, 1))
    program.chmod(0o755)
    monkeypatch.setattr(faketime, "find_library", lambda: Path("/lib/it.so"))
    with pytest.raises(UsageError, match="does not reach server: it is linked statically"):
        required_library(["server"], str(tmp_path), tmp_path)


def test_nothing_to_mend_is_no_copy(tmp_path: Path) -> None:
    library = tmp_path / "it.so"
    library.write_bytes(elf(1))
    assert mended(library, tmp_path / "keep") is None
    assert not (tmp_path / "keep").exists()


@needs_library
@pytest.mark.slow
def test_a_mended_copy_lets_programs_sleep_and_changes_one_name_only(tmp_path: Path) -> None:
    assert INSTALLED is not None
    copy = mended(INSTALLED, tmp_path)
    assert copy is not None
    assert complaint(copy) is None
    before, after = INSTALLED.read_bytes(), copy.read_bytes()
    assert len(before) == len(after)
    changed = [index for index, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert len(changed) == 1
    assert before[changed[0] - len(SPOILT) + 2 :].startswith(SPOILT)
    assert after[changed[0] - len(SPOILT) + 2 :].startswith(HIDDEN)
    assert mended(INSTALLED, tmp_path) == copy


@needs_library
@pytest.mark.slow
def test_sleeping_and_waiting_under_what_is_used(tmp_path: Path) -> None:
    """The wall clock is shifted; timeouts last as long as ever, and times of files are real."""
    assert INSTALLED is not None
    code = (
        "import os, subprocess, sys, threading, time\n"
        "began, real = time.monotonic(), os.stat(sys.argv[1]).st_mtime\n"
        "time.sleep(0.1); threading.Event().wait(0.1)\n"
        "assert 0.2 <= time.monotonic() - began < 5\n"
        "assert abs(real - 86400 * 100 - time.time()) < 30, time.time()\n"
    )
    fresh = tmp_path / "file"
    fresh.write_text("")
    env = variables(working(INSTALLED, tmp_path), -86_400 * 100, {"PATH": "/usr/bin:/bin"})
    seen = subprocess.run([sys.executable, "-c", code, str(fresh)], env=env, capture_output=True, text=True, timeout=60)
    assert seen.returncode == 0, seen.stderr


def test_what_a_killed_process_leaves_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "shm"
    folder.mkdir()
    for name in ("faketime_shm_41", "sem.faketime_sem_41", "faketime_shm_42"):
        (folder / name).write_bytes(b"")
    tidy(41, folder)
    tidy(43, folder)
    assert [path.name for path in folder.iterdir()] == ["faketime_shm_42"]
