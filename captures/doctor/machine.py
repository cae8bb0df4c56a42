"""Python, TLS, SQLite and the clock: what everything else stands on."""

from __future__ import annotations

import os
import platform
import sqlite3
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from captures.doctor.findings import Finding, fine, problem, warning

PYTHON = (3, 11)
SQLITE = (3, 38, 0)  # JSON functions are always in from here on (sqlite.org/releaselog/3_38_0.html)
EPOCH = 1_764_000_000  # November 2025: Retape is younger, so no clock may show less
SKEW = 2.0  # seconds a file's time may be from ours; some file systems keep no fractions


def python() -> Iterator[Finding]:
    """The interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    bits = "64-bit" if sys.maxsize > 2**32 else "32-bit"
    if sys.version_info[:2] < PYTHON:
        yield problem("python", f"{version} is too old: 3.11 or newer is needed", "python3.12 -m venv .venv")
    elif bits == "32-bit":
        yield warning("python", f"{version} is 32-bit: a large capture may not fit into its memory")
    else:
        yield fine("python", f"{version} ({platform.python_implementation()}, {bits}) at {sys.executable}")


def tls() -> Iterator[Finding]:
    """OpenSSL, and the roots that are trusted by default: a dependency's certificate is checked by them."""
    import certifi

    if not ssl.HAS_TLSv1_2 or not ssl.HAS_TLSv1_3:
        yield problem(
            "tls", f"{ssl.OPENSSL_VERSION} lacks TLS 1.2 or 1.3", "python3 -c 'import ssl; print(ssl.OPENSSL_VERSION)'"
        )
        return
    paths = ssl.get_default_verify_paths()
    where = [path for path in (paths.cafile, paths.capath) if path] or [paths.openssl_cafile]
    roots = ssl.create_default_context().cert_store_stats()["x509_ca"]
    bundled = ssl.create_default_context(cafile=certifi.where()).cert_store_stats()["x509_ca"]
    if not roots and not (paths.capath and any(Path(paths.capath).iterdir())):
        yield warning(
            "tls",
            f"{ssl.OPENSSL_VERSION}; there are no roots of the system's own ({', '.join(where)}),"
            f" so only the {bundled} of certifi count, and a company's CA is not among them",
            "apt-get install ca-certificates",
        )
    else:
        yield fine("tls", f"{ssl.OPENSSL_VERSION}; roots in {' and '.join(where)}, and {bundled} of certifi")


def sqlite(folder: Path) -> Iterator[Finding]:
    """SQLite's version, what it was built with, and whether a write-ahead log works in ``folder``."""
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < SQLITE:
        yield problem(
            "sqlite",
            f"{version} is too old: {'.'.join(map(str, SQLITE))} or newer is needed",
            "apt-get install libsqlite3-0",
        )
        return
    with tempfile.TemporaryDirectory(prefix="doctor-", dir=folder) as work:
        connection = sqlite3.connect(Path(work) / "try.sqlite")
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            options = {row[0] for row in connection.execute("PRAGMA compile_options")}
            connection.execute("CREATE TABLE t (v)")
            connection.execute("INSERT INTO t SELECT value FROM json_each('[1, 2]')")
            connection.commit()
        except sqlite3.Error as error:
            yield problem("sqlite", f"{version} in {folder}: {error}", f"df -hT {folder}")
            return
        finally:
            connection.close()
    if mode != "wal":
        yield problem(
            "sqlite", f"{version} keeps no write-ahead log in {folder} (journal mode {mode})", f"df -hT {folder}"
        )
    elif "THREADSAFE=0" in options:
        yield problem("sqlite", f"{version} is built without threads (THREADSAFE=0)", "apt-get install libsqlite3-0")
    else:
        threads = next((option for option in options if option.startswith("THREADSAFE")), "THREADSAFE=1")
        yield fine("sqlite", f"{version} with a write-ahead log, JSON and {threads}")


def clock(folder: Path) -> Iterator[Finding]:
    """Whether wall clock, monotonic clock and the times of files in ``folder`` go together."""
    wall, steady = time.time(), time.monotonic()
    with tempfile.NamedTemporaryFile(prefix="doctor-", dir=folder) as file:
        file.write(b"x")
        file.flush()
        skew = Path(file.name).stat().st_mtime - time.time()
    time.sleep(0.05)
    walked, passed = time.time() - wall, time.monotonic() - steady
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall))
    faked = "faketime" in os.environ.get("LD_PRELOAD", "")
    if wall < EPOCH:
        yield problem("clock", f"{shown} is before Retape was written", "date -u -s '…' or: timedatectl set-ntp true")
    elif passed <= 0:
        yield problem("clock", "the monotonic clock stands still", "dmesg | grep -i clocksource")
    elif faked:
        yield warning(
            "clock", f"{shown}, which libfaketime says (LD_PRELOAD): records would carry it", "unset LD_PRELOAD"
        )
    elif abs(walked - passed) > 0.5:
        yield warning("clock", f"it jumped by {walked - passed:+.1f} s meanwhile", "timedatectl status")
    elif abs(skew) > SKEW:
        yield warning("clock", f"files in {folder} get times that are {skew:+.1f} s off", f"df -hT {folder}")
    else:
        yield fine("clock", f"{shown}, and files get the same time")
