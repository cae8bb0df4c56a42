"""Every error Retape raises on purpose, and whose fault each is.

    RetapeError
    ├── UsageError            your command or configuration            exit 2
    │   └── ConfigError       a configuration file                     exit 2
    ├── CaptureError          the capture file                         exit 2
    │   ├── NotACapture       some other file
    │   ├── CorruptCapture    damaged
    │   ├── NewerCapture      written by a newer Retape
    │   └── EmptyCapture      nothing in it to work on                 exit 5
    └── TargetError           the service under test did not start     exit 3

Each message is one sentence that names the thing, followed by the next thing to do. It never holds a captured
value, which may be a secret. Exit codes are given out in one place, :func:`retape.exit_code_of`.
"""

from __future__ import annotations


class RetapeError(Exception):
    """Base of all expected errors. ``str(error)`` is what the user reads; ``hint`` is the next step, if any."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RetapeError):
    """The command line asks for something that cannot be done."""


class ConfigError(UsageError):
    """A configuration or rules file is wrong; the message names file, key and suggestion."""


class CaptureError(RetapeError):
    """A capture file cannot be used as asked."""


class NotACapture(CaptureError):
    """The file exists and is something else."""


class CorruptCapture(CaptureError):
    """The file was a capture and is damaged. Never treated as empty (a known defect of cassette tools)."""


class NewerCapture(CaptureError):
    """The file was written by a newer Retape."""


class EmptyCapture(CaptureError):
    """The capture, or the selection out of it, holds nothing to work on."""


class TargetError(RetapeError):
    """The service under test could not be started or reached.

    ``brief`` is the message for who saw on stderr what the service printed; "" where there is no shorter one.
    """

    def __init__(self, message: str, *, hint: str = "", brief: str = "") -> None:
        super().__init__(message, hint=hint)
        self.brief = brief
