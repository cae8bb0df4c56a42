"""What the browser is started with: good once, and for nobody but who runs the review.

The address on a command line can be read by every user of a machine (``ps``), so the token is never there. A ticket is
of no use a second time; and where the system tells whose connection it is, not to another user even before.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from pathlib import Path

from replayer.review.guard import Head, same

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
ROOT = 0


class Ticket:
    """One; many threads may ask."""

    def __init__(self) -> None:
        self.text = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._good = True

    def fits(self, head: Head) -> bool:
        """Whether a request may come in by it."""
        asked = head.method == "GET" and head.path == "/" and same(head.query("ticket"), self.text)
        return self._good and asked and all(owner in (ROOT, os.getuid()) for owner in head.owners)

    def taken(self, head: Head) -> bool:
        """As :meth:`fits`, and no longer after that."""
        with self._lock:
            fits = self.fits(head)
            self._good = self._good and not fits
            return fits


def owners_of(connection: socket.socket) -> frozenset[int]:
    """The users who may be at the other end, which is on this machine; none where the system does not tell."""
    try:
        ports = (connection.getpeername()[1], connection.getsockname()[1])
    except OSError:
        return frozenset()
    found: set[int] = set()
    for table in _TABLES:
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for words in map(str.split, lines):
            if tuple(int(address.rpartition(":")[2], 16) for address in words[1:3]) == ports:
                found.add(int(words[7]))
    return frozenset(found)
