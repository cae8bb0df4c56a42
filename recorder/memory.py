"""Free memory goes back to the system: a recorder runs for days beside the service that it records.

glibc keeps what is free between what is in use, and messages of all sizes that come and go leave more and more of that.
Looking for it takes about a millisecond where it is done often, for all of a process's heaps.
"""

from __future__ import annotations

import ctypes
import threading
from contextlib import suppress

EVERY = 30.0  # seconds


def give_back() -> None:
    """Give back what is free, where the C library can (glibc)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def stay_small(every: float = EVERY) -> None:
    """Do so now and then from now on, on a thread that holds up no other: the interpreter goes on meanwhile."""
    threading.Thread(target=_run, args=(every,), name="memory", daemon=True).start()


def _run(every: float) -> None:
    never = threading.Event()
    while not never.wait(every):
        give_back()
