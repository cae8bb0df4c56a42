"""Python, TLS, SQLite and the clock of this very machine, and what is said where they are not well."""

from __future__ import annotations

import sqlite3
import ssl
import sys
import time
from pathlib import Path

import pytest

from captures.doctor import machine
from captures.doctor.findings import Outcome


def test_this_machine_is_well(tmp_path: Path) -> None:
    found = [*machine.python(), *machine.tls(), *machine.sqlite(tmp_path), *machine.clock(tmp_path)]
    assert [one.check for one in found] == ["python", "tls", "sqlite", "clock"]
    assert {one.outcome for one in found} == {Outcome.OK}, found
    assert sqlite3.sqlite_version in found[2].says
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    (one,) = machine.python()
    assert (one.outcome, "3.10.1 is too old" in one.says) == (Outcome.PROBLEM, True)


def test_an_old_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 0))
    (one,) = machine.sqlite(tmp_path)
    assert one.outcome is Outcome.PROBLEM


def test_a_machine_without_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a slim container: OpenSSL is pointed at where nothing is."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    (one,) = machine.tls()
    assert (one.outcome, one.command) == (Outcome.WARNING, "apt-get install ca-certificates")


def test_a_tls_of_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl, "HAS_TLSv1_3", False)
    assert [one.outcome for one in machine.tls()] == [Outcome.PROBLEM]


def test_a_clock_from_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 86_400.0)
    (one,) = machine.clock(tmp_path)
    assert (one.outcome, "1970-01-02" in one.says) == (Outcome.PROBLEM, True)


def test_a_clock_that_is_not_that_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 60)
    (one,) = machine.clock(tmp_path)
    assert (one.outcome, "-60.0 s off" in one.says) == (Outcome.WARNING, True)


def test_a_clock_that_is_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/faketime/libfaketimeMT.so.1")
    (one,) = machine.clock(tmp_path)
    assert (one.outcome, "libfaketime" in one.says) == (Outcome.WARNING, True)
