"""What keeps a capture from being written, told from the exception: a reason to count by, and a sentence."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from captures.errors import RetapeError

REASONS: Mapping[str, str] = {
    "queue_full": "the queue is full",
    "disk_full": "the disk is full",
    "locked": "another program holds a lock on the file",
    "read_only": "the file or its folder must not be written",
    "folder_gone": "the folder of the capture is gone",
    "io_error": "the system refused to write",
    "file_removed": "the file was removed while it was written",
    "file_damaged": "another program changed the file while it was written",
    "unredacted": "secrets could not be replaced",
    "unwritten": "an exchange holds what no row of the file can",
    "closed": "the writer is closed",
    "proxy_died": "a proxy process died",
    "given_up": "it was asked to end before all was written",
    "writer_died": "the writing process died",
}
"""Every reason an exchange can be dropped for. A closed list: counters and metrics are named by it."""

_ERRNO = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.ENOENT: "folder_gone",
    errno.ENOTDIR: "folder_gone",
}
_SQLITE = {  # primary result codes
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CORRUPT: "file_damaged",
    sqlite3.SQLITE_NOTADB: "file_damaged",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something was not written. ``of_file``: it is the file's, and may end; else it is the exchange's own."""

    reason: str
    sentence: str
    of_file: bool = True


def fault_of(error: Exception) -> Fault:
    """What ``error``, raised while a capture was written, says."""
    if isinstance(error.__cause__, OSError | sqlite3.Error):  # a CaptureError tells what it is raised from
        told = fault_of(error.__cause__)
        return Fault(told.reason, told.sentence)
    if isinstance(error, OSError):
        reason = _ERRNO.get(error.errno or 0, "io_error")
        return Fault(reason, _sentence(reason, error.strerror or str(error)))
    if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
        code = getattr(error, "sqlite_errorcode", None)
        usual = "io_error" if isinstance(error, sqlite3.OperationalError) else "file_damaged"
        reason = usual if code is None else _SQLITE.get(code & 0xFF, usual)
        return Fault(reason, _sentence(reason, str(error)))
    if isinstance(error, RetapeError):
        return Fault("io_error", error.message)
    return Fault("unwritten", str(error) or type(error).__name__, of_file=False)


def _sentence(reason: str, words: str) -> str:
    return f"{REASONS[reason]} ({words})"
