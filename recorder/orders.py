"""What a child process is told by its parent: lines on stdin."""

from __future__ import annotations

import os
from collections.abc import Iterator

STDIN = 0  # its descriptor
PIECE = 65_536


def orders(descriptor: int = STDIN) -> Iterator[bytes]:
    """The lines, without their ends, as they come; a last one that has no end is none.

    They are read past Python's buffer: a thread that still waits there when the interpreter ends is a fatal error.
    """
    begun = b""
    while piece := os.read(descriptor, PIECE):
        *lines, begun = (begun + piece).split(b"\n")
        yield from lines
