"""The rarer forms of a moment: ISO weeks and ordinal days, and what runtimes print when nobody formats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment read from a value. ``grain`` is how much its form can tell apart, in seconds."""

    kind: str  # "datetime", "date", "http-date", "epoch"
    seconds: float  # Unix seconds; a form without offset is read as UTC
    grain: float
    facets: tuple[object, ...]


DAY = 86_400.0
_WEEK = re.compile(r"(\d{4})(-?)W(\d\d)(?:\2(\d))?")
_ORDINAL = re.compile(r"(\d{4})-(\d{3})")
_GO = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d{1,9})? ([+-]\d{4}) ([A-Z]{3,5})(?: m=[+-]\d+\.\d+)?")
_JAVA = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d) ([A-Z]{3,5}) (\d{4})")
_RUBY = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})")
_SPOKEN = re.compile(r"(\d\d? [A-Z][a-z]{2} \d{4})(?: at |, )(\d\d:\d\d)")
_JAVASCRIPT = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d) GMT([+-]\d{4})(?: \([\w :+-]+\))?"
)


def calendar(text: str) -> Moment | None:
    """``2026-W47``, ``2026-W47-5``, ``2026-325`` (ISO 8601), and Go's ``2026-11-20 09:00:00.1 +0000 UTC``."""
    if len(text) > 20:
        return _go(text)
    if match := _WEEK.fullmatch(text):
        try:
            day = date.fromisocalendar(int(match[1]), int(match[3]), int(match[4] or 1))
        except ValueError:
            return None
        return _day(day, DAY if match[4] else 7 * DAY, ("week", match[2], bool(match[4])))
    if (match := _ORDINAL.fullmatch(text)) and "1990" <= match[1] <= "2100" and 1 <= int(match[2]) <= 366:
        return _day(date(int(match[1]), 1, 1) + timedelta(days=int(match[2]) - 1), DAY, ("ordinal",))
    return None


def of_a_runtime(text: str) -> Moment | None:
    """What Java, Ruby and JavaScript print by themselves: ``Fri Nov 20 09:00:00 UTC 2026``, ``… 09:00:00 +0000 2026``
    (Twitter's form, too), ``… 2026 09:00:00 GMT+0000``.
    """
    try:
        if match := _JAVA.fullmatch(text):
            when = datetime.strptime(f"{match[1]} {match[3]}", "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
            return Moment("datetime", when.timestamp(), 1.0, (("java", match[2]),))
        if match := _SPOKEN.fullmatch(text):
            when = datetime.strptime(f"{match[1]} {match[2]}", "%d %b %Y %H:%M").replace(tzinfo=UTC)
            return Moment("datetime", when.timestamp(), 60.0, (("spoken", " at " in text),))
        if match := _RUBY.fullmatch(text):
            when = datetime.strptime(f"{match[1]} {match[2]} {match[3]}", "%b %d %H:%M:%S %z %Y")
            return Moment("datetime", when.timestamp(), 1.0, (("ruby", match[2]),))
        if match := _JAVASCRIPT.fullmatch(text):
            when = datetime.strptime(f"{match[1]} {match[2]}", "%b %d %Y %H:%M:%S %z")
            return Moment("datetime", when.timestamp(), 1.0, (("javascript", match[2], text.endswith(")")),))
    except ValueError:
        return None
    return None


def _go(text: str) -> Moment | None:
    match = _GO.fullmatch(text)
    if match is None:
        return None
    try:
        when = datetime.strptime(f"{match[1]} {match[3]}", "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    fraction = float(match[2] or 0)
    facets = ("go", match[3], match[4], " m=" in text)  # it leaves out the zeros of a fraction: no facet
    return Moment("datetime", when.timestamp() + fraction, 1e-3 if match[2] else 1.0, (facets,))


def _day(day: date, grain: float, facets: tuple[object, ...]) -> Moment:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Moment("date", midnight.timestamp(), grain, facets)
