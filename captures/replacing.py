"""A run that takes the place of an older one, which is only given up once the new one has really begun.

Until then the older run waits beside it (``RUN.older``): a replay that is refused, or whose build does not start, puts
it back as it was.
"""

from __future__ import annotations

from pathlib import Path

from captures.errors import UsageError
from captures.store import Capture

_PARTS = ("", "-wal", "-shm", "-journal")  # all but the first are there where a writer was killed


def check_replaceable(path: Path) -> None:
    """Raises :class:`UsageError` when anything but a run is at ``path``, and what :meth:`Capture.open` raises."""
    if not path.exists():
        return
    with Capture.open(path) as old:
        if any(session.mode != "replay" for session in old.sessions()):
            raise UsageError(f"-o {path} is a recording and will not be replaced.", hint="Write the run elsewhere.")


class Older:
    """The run that was at ``path``, moved aside. To be made by who holds the lock of ``path``."""

    def __init__(self, path: Path) -> None:
        """Raises as :func:`check_replaceable`, and ``OSError`` when it cannot be moved."""
        check_replaceable(path)
        self._path = path
        self._aside = Path(f"{path}.older")
        if not path.exists():
            return
        if self._aside.exists():  # of a replay that was killed before it began: what it left is of no worth
            remove(path)
        else:
            _move(path, self._aside)

    def give_up(self) -> None:
        """The new run has begun."""
        remove(self._aside)

    def put_back(self) -> None:
        """The new run, which is closed, never began."""
        remove(self._path)
        _move(self._aside, self._path)


def remove(path: Path) -> None:
    """Delete the capture at ``path`` and what SQLite keeps beside it, where there is one."""
    for part in _PARTS:
        Path(f"{path}{part}").unlink(missing_ok=True)


def _move(path: Path, to: Path) -> None:
    for part in reversed(_PARTS):  # the file itself last: whoever finds it finds the others
        if Path(f"{path}{part}").exists():
            Path(f"{path}{part}").replace(f"{to}{part}")
