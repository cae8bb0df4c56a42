"""``--rotate`` and ``--keep`` as they are written: bounds of size and time, and of number for the latter."""

from __future__ import annotations

import re
from dataclasses import replace

from captures.errors import UsageError
from captures.quantities import seconds_of, size_of
from captures.rotation import Rotation

SMALLEST = 1_000_000  # bytes: an empty capture has a fifth of it


def parse_rotation(rotate: str | None, keep: str | None) -> Rotation | None:
    """``1GB``, ``6h`` or ``1GB|6h`` (whichever comes first), and ``10``, ``7d``, ``20GB`` or several of these.

    None when neither is given. Raises :class:`UsageError`.
    """
    if not rotate:
        if keep:
            raise UsageError(
                "--keep removes files of a recording that rotates, and this one does not.",
                hint="Say when it goes on in another file, for example --rotate 1GB.",
            )
        return None
    rotation = Rotation()
    for part in _parts(rotate):
        if size := size_of(part):
            if size < SMALLEST:
                raise UsageError(f"--rotate {part}: a capture holds hardly anything then.", hint="Give it 1MB or more.")
            rotation = replace(rotation, size=size)
        elif seconds := seconds_of(part):
            rotation = replace(rotation, seconds=seconds)
        else:
            raise UsageError(f"--rotate {part!r} is no size and no time.", hint="For example 1GB, 6h, or '1GB|6h'.")
    for part in _parts(keep or ""):
        if part.isdecimal() and int(part):
            rotation = replace(rotation, keep_files=int(part))
        elif size := size_of(part):
            rotation = replace(rotation, keep_bytes=size)
        elif seconds := seconds_of(part):
            rotation = replace(rotation, keep_seconds=seconds)
        else:
            raise UsageError(
                f"--keep {part!r} is no number of files, no time and no size.", hint="For example 10, 7d or 20GB."
            )
    for option, text, bounds in (
        ("--rotate", rotate, (rotation.size, rotation.seconds)),
        ("--keep", keep or "", (rotation.keep_files, rotation.keep_bytes, rotation.keep_seconds)),
    ):
        if len(_parts(text)) > sum(bound is not None for bound in bounds):
            raise UsageError(f"{option} {text!r} has two bounds of one kind.", hint="Leave one of them out.")
    return rotation


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split("[|,]", text)] if text else []
