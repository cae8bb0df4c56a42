"""What was lost of a recording, as the sentence and the hint that a person gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from captures.faults import REASONS

_ROOM = "Make room on the disk and record again; the traffic itself was not affected."
_FOLDER = "Check that the capture's folder is there and can be written, and record again."
_FILE = (
    "Leave the file to the recorder until it has stopped; read a copy, or let --rotate make files that are complete."
)
HINTS: Mapping[str, str] = {
    "queue_full": "The disk did not keep up: write to a faster one with -o, or record less traffic at a time.",
    "disk_full": _ROOM,
    "io_error": _ROOM,
    "locked": "Close the other program, or let it read only, and record again.",
    "read_only": _FOLDER,
    "folder_gone": _FOLDER,
    "file_removed": _FILE,
    "file_damaged": _FILE,
    "unredacted": "Check the [redact] section of retape.toml; what cannot be redacted is not written.",
    "unwritten": "Please report it: such an exchange should not be.",
    "closed": "The recording had ended already.",
    "given_up": "Wait until everything is written: the first Ctrl-C is enough.",
    "writer_died": "Look for who killed it (the kernel does where memory is short); what came later is kept.",
    "proxy_died": "Look for who killed it (the kernel does where memory is short); what others had open is kept.",
}
"""What to do about exchanges that were dropped, by reason."""


def loss(counters: Mapping[str, Any], capture: str) -> tuple[str, str] | None:
    """The sentence on what ``counters`` (of the proxy process) say is lost, and a hint; None where nothing is."""
    dropped = counters.get("dropped", 0)
    if not dropped:
        return None
    counted = (counters.get("dropped_by") or {}).items()
    reasons = sorted(((reason, number) for reason, number in counted if number), key=lambda reason: -reason[1])
    why = str(counters.get("error") or "unknown reason")
    if len(reasons) > 1:
        why = ", ".join(f"{number} because {REASONS.get(reason, reason)}" for reason, number in reasons)
    what = f"{dropped} of {counters.get('seen', dropped)} exchanges"
    gone = {"file_removed", "file_damaged"}.issuperset(reason for reason, _ in reasons) and reasons
    lost = "are lost, which were written to" if gone else "could not be written to"
    return f"{what} {lost} {capture}: {why}.", HINTS.get(reasons[0][0] if reasons else "", _FOLDER)
