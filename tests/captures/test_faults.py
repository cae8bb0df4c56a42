from __future__ import annotations

import errno
import sqlite3

from captures.errors import CaptureError
from captures.faults import REASONS, fault_of
from tests.corpus import each


def caused(error: Exception) -> CaptureError:
    wrapped = CaptureError("x.sqlite cannot be written.")
    wrapped.__cause__ = error
    return wrapped


def refused(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    error = kind("told by SQLite")
    error.sqlite_errorcode = code
    return error


@each(
    ("error", "reason", "of_file"),
    [
        (refused(sqlite3.SQLITE_FULL), "disk_full", True),
        (refused(sqlite3.SQLITE_BUSY), "locked", True),
        (refused(sqlite3.SQLITE_BUSY_SNAPSHOT), "locked", True),
        (refused(sqlite3.SQLITE_READONLY_DBMOVED), "read_only", True),
        (refused(sqlite3.SQLITE_IOERR_WRITE), "io_error", True),
        (refused(sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError), "file_damaged", True),
        (sqlite3.DatabaseError("the session is not in the file any more"), "file_damaged", True),
        (refused(sqlite3.SQLITE_CONSTRAINT, sqlite3.IntegrityError), "unwritten", False),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full", True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full", True),
        (OSError(errno.EROFS, "Read-only file system"), "read_only", True),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "folder_gone", True),
        (OSError(errno.EIO, "Input/output error"), "io_error", True),
        (caused(PermissionError(errno.EACCES, "Permission denied")), "read_only", True),
        (CaptureError("x.sqlite is something else."), "io_error", True),
        (TypeError("no JSON"), "unwritten", False),
        (OverflowError("too large"), "unwritten", False),
    ],
)
def test_the_reason_is_told_from_the_exception(error: Exception, reason: str, of_file: bool) -> None:
    fault = fault_of(error)
    assert (fault.reason, fault.of_file) == (reason, of_file)
    assert fault.reason in REASONS
    assert fault.sentence
