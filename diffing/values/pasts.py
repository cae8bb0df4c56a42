"""Two moments that both lie before their runs: what may not stand for any other past.

Rows are older in staging than in a fresh build, so one past may stand for another. Not where the place stays in the
rest of the run, not shifted by whole quarter-hours (a time zone lost), and not a zero date or a midnight put for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffing.values import signals
from diffing.values.dateforms import Moment

if TYPE_CHECKING:
    from diffing.contract.profile import Node
    from diffing.place import Place

QUARTER = 900.0  # seconds: all offsets of time zones are multiples of it
DAY = 86_400.0
ZERO = DAY * 366  # seconds after 1970 up to which a date is more likely none at all


def complaint(before: Moment, after: Moment, node: Node | None, place: Place) -> str:
    """Why ``after`` cannot stand for ``before``; "" when it may. Both keep their form, and neither is in its run."""
    if after.seconds < ZERO <= before.seconds:
        return "the new value is a zero date"
    if abs((place.then.now - before.seconds) - (place.now.now - after.seconds)) <= max(5.0, 2 * before.grain):
        return ""  # told from the time of the request
    if before.kind != "date" and before.grain < 60:
        if after.seconds % DAY == 0 and before.seconds % DAY:
            return "the new value lost its time of day"
        shift = abs(after.seconds - before.seconds)
        if before.seconds % QUARTER and min(shift % QUARTER, QUARTER - shift % QUARTER) < 1e-6:
            return f"shifted by just {shift / 3600:g} h, as by a time zone"
    return signals.against(node, certain=False, weak=True)
