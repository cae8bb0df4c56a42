"""Moments in time: reading them in the forms APIs write them, and whether two of them stand in the same relation to
the clock of their own run.

A timestamp that differs is only accepted when what it says *about now* is the same on both sides: both fall into their
run, both keep the same distance to it, or both name something that happened before. A time zone lost, a lifetime
changed from an hour to a day, a due date that slipped, are drift, not volatility.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache

from diffing.values import dateforms
from diffing.values.dateforms import Moment as Moment

EARLIEST = 978_307_200.0  # 2001-01-01: smaller epoch numbers are more often counts than moments
LATEST = 4_102_444_800.0  # 2100-01-01
BEFORE = 300.0  # seconds before the first exchange that still belong to a run: services write rows when they start
AFTER = 60.0  # seconds a service's clock may be ahead

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:([Tt _])(\d\d):(\d\d)(?::(\d\d)(?:([.,])(\d{1,9}))?)?"
    r"(?:\s?(Z|z|UTC|[+-]\d\d(?::?\d\d)?))?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(T?)(\d\d)(\d\d)(\d\d)(?:\.?\d{3,6})?(Z?))?")
_HTTP = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?\d\d?[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d(?::\d\d)?"
    r"( GMT| UTC| [A-Z]{3}| [+-]\d{4})?"
)
_CTIME = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}")
_SLASHED = re.compile(r"\d\d?/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}")

_FRACTIONAL = re.compile(r"\d{10}(?:\d{3})?\.(\d{1,9})")
_US = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})(,? )(\d\d?):(\d\d)(:\d\d)?([ \u00a0\u202f]?)([AP]M|[ap]m)")
_DOTTED = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(,? )(\d\d?):(\d\d)(:\d\d)?")
"""For people, so only with a time of day: ``11/20/2026`` alone is also a fraction, a version or a day-first date."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When one side happened, in Unix seconds, as its service's clock showed it."""

    started: float  # the run's first exchange
    now: float  # this exchange's end
    ahead: float = 0.0  # how far the service's clock was ahead of the one that timed its exchanges

    @classmethod
    def of(cls, started: float, now: float, ahead: float = 0.0) -> Clock:
        """From moments that were timed outside the service."""
        return cls(started + ahead, now + ahead, ahead)

    def at(self, timed: float) -> Clock:
        """The same run's clock at another moment that was timed outside."""
        return replace(self, now=timed + self.ahead)

    def holds(self, moment: Moment) -> bool:
        """Whether ``moment`` falls into the run, as seen from this exchange."""
        slack = 0.0 if moment.grain < 3600 else moment.grain
        return self.started - BEFORE - slack <= moment.seconds <= self.now + AFTER + min(slack, 3600 * 24)


LONGEST = 128
"""Characters of a text whose moment is remembered."""


def read(text: str) -> Moment | None:
    """The moment ``text`` names, or None."""
    return _remembered(text) if len(text) <= LONGEST else _read(text)


@lru_cache(maxsize=8192)  # one moment is met again and again: made, read, listed; learnt from and judged
def _remembered(text: str) -> Moment | None:
    return _read(text)


def _read(text: str) -> Moment | None:
    if text[:4].isdigit():
        return _iso(text) or _compact(text) or dateforms.calendar(text)
    if ":" not in text or " " not in text or (len(text) > 40 and text[3:4] != " "):
        return None  # every form below has both
    if text[:1].isdigit() and (local := _for_people(text)):
        return local
    if _HTTP.fullmatch(text):
        try:
            when = parsedate_to_datetime(text)
        except (ValueError, IndexError, TypeError):
            return None
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        style = re.sub(r"\d+", "0", re.sub(r"[A-Z][a-z]+(?=[ ,-])", "Aaa", text))
        return Moment("http-date", aware.timestamp(), 1.0, (style,))
    if (found := dateforms.of_a_runtime(text)) is not None:
        return found
    for pattern, form in ((_CTIME, "%a %b %d %H:%M:%S %Y"), (_SLASHED, "%d/%b/%Y:%H:%M:%S %z")):
        if pattern.fullmatch(text):
            try:
                when = datetime.strptime(text, form)  # noqa: DTZ007 - the offset, where there is one, is in the form
            except ValueError:
                return None
            return Moment("datetime", (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp(), 1.0, (form,))
    return None


def read_epoch(number: float) -> Moment | None:
    """The moment of a bare number in seconds, milliseconds, microseconds or nanoseconds, or None."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        seconds = number / scale
        if EARLIEST <= seconds <= LATEST:
            return Moment("epoch", seconds, 1 / scale if unit != "s" else 1.0, (unit,))
    return None


def read_epoch_text(text: str) -> Moment | None:
    """The same for a string of digits (``1795165200.25``, too), or a compact date like ``20260131``."""
    if not (text.isascii() and text.isdigit()):
        match = _FRACTIONAL.fullmatch(text)
        moment = read_epoch(float(text)) if match is not None else None
        # Zeros at the end are left out by some, so digits only say roughly how fine the clock is.
        return replace(moment, facets=(*moment.facets, -(-len(match[1]) // 3))) if moment and match else None
    if len(text) in (10, 13, 16, 19):
        return read_epoch(float(text))
    return _compact(text) if len(text) in (8, 14, 17, 20) else None


def same_relation(recorded: Moment, replayed: Moment, then: Clock, now: Clock, *, happened: bool) -> str | None:
    """None when both moments say the same about the time of their run, else one sentence why not.

    ``happened``: the name promises something that came about by itself (``created_at``), so any past may stand for
    any past: rows are older in staging than in a fresh build.
    """
    before, after = then.holds(recorded), now.holds(replayed)
    if before and after:
        quarters = round((replayed.seconds - now.now) / 900)
        fresh = abs(recorded.seconds - then.now) <= 2 and max(recorded.grain, replayed.grain) <= 1
        if (
            fresh
            and quarters
            and abs(replayed.seconds - now.now - 900 * quarters) <= 2
            and recorded.grain == replayed.grain
        ):
            return (
                f"the recorded time is that of its exchange, the replayed one {_distance(replayed.seconds - now.now)}"
            )
        return None
    old, new = recorded.seconds - then.now, replayed.seconds - now.now
    grain = max(recorded.grain, replayed.grain)
    if grain <= 1 and _set_now(old, then) and abs(new - old) > 30:
        # However long the run, what was set by this very answer has its whole time before it.
        return f"the recorded time is {_distance(old)} its exchange, the replayed one {_distance(new)}"
    slack = max(5.0, 2 * grain) + max(0.0, then.now - then.started) + max(0.0, now.now - now.started)
    if not before and abs(old - new) <= slack:
        return None
    if before:
        return f"the recorded time falls into its run, the replayed one is {_distance(new)} it"
    if happened and old < 0 and new <= AFTER + grain:
        return None
    return f"the recorded time is {_distance(old)} its exchange, the replayed one {_distance(new)}"


def as_far(recorded: Moment, replayed: Moment, then: Clock, now: Clock) -> bool:
    """Whether both are as far from their exchanges, up to the time the runs had taken: a month that has just begun.

    For numbers that nothing calls moments the distance is all that speaks, so an hour is the most it may vary.
    """
    slack = 5.0 + 2 * recorded.grain + max(0.0, then.now - then.started) + max(0.0, now.now - now.started)
    return abs((recorded.seconds - then.now) - (replayed.seconds - now.now)) <= min(slack, 3600.0)


def _set_now(distance: float, clock: Clock) -> bool:
    """Whether a time is ahead of its exchange by whole five minutes: a lifetime that has just begun."""
    if distance < 60 or clock.now - clock.started <= 30:
        return False
    rest = (distance + 1) % 300
    return rest <= 2.5


def _distance(seconds: float) -> str:
    return f"{timedelta(seconds=round(abs(seconds)))} {'before' if seconds < 0 else 'after'}"


def _iso(text: str) -> Moment | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, separator, hour, minute, second, point, fraction, offset = match.groups()
    try:
        when = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
            int((fraction or "0").ljust(6, "0")[:6]),
            tzinfo=_zone(offset),
        )
        seconds = when.timestamp()
    except (ValueError, OverflowError):
        return None
    if separator is None:
        return Moment("date", seconds, 86_400.0, ("date",))
    style = "" if not offset else offset if offset.isalpha() else _style(offset)
    facets = (separator, second is not None, point or "", len(fraction or ""), style)
    grain = 10.0 ** -len(fraction or "") if second else 60.0
    return Moment("datetime", seconds, grain, facets)


def _style(offset: str) -> str:
    """An offset's form: its sign and width, and whether it is zero. Another zone of the same kind may be its summer."""
    zero = not offset.strip("+-0:")
    return re.sub(r"\d", "0" if zero else "1", offset)


def _for_people(text: str) -> Moment | None:
    """``11/21/2026 09:19 AM`` (month first, as the twelve-hour clock has it) and ``21.11.2026 09:19``.

    Zeros that pad are no facet: most values do not show whether there would be one.
    """
    if match := _US.fullmatch(text):
        month, day, year, gap, hour, minute, second, space, half = match.groups()
        if not 1 <= int(hour) <= 12:
            return None
        hours = int(hour) % 12 + (12 if half in ("PM", "pm") else 0)
        facets: tuple[object, ...] = ("month/day", gap, bool(second), space, half.isupper())
    elif match := _DOTTED.fullmatch(text):
        day, month, year, gap, hour, minute, second = match.groups()
        hours = int(hour)
        facets = ("day.month", gap, bool(second))
    else:
        return None
    try:
        when = datetime(int(year), int(month), int(day), hours, int(minute), int((second or ":0")[1:]), tzinfo=UTC)
    except ValueError:
        return None
    seconds = when.timestamp()
    if not EARLIEST <= seconds <= LATEST:
        return None
    # One facet, so that no rule about the fractions of ISO 8601 is applied to it.
    return Moment("datetime", seconds, 1.0 if second else 60.0, (facets,))


def _zone(offset: str | None) -> timezone:
    if not offset or offset.isalpha():
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]))
    return timezone(-span if offset[0] == "-" else span)


def _compact(text: str) -> Moment | None:
    match = _COMPACT.fullmatch(text)
    if match is None or not "1990" <= match[1] <= "2100":
        return None
    try:
        when = datetime(
            int(match[1]),
            int(match[2]),
            int(match[3]),
            int(match[5] or 0),
            int(match[6] or 0),
            int(match[7] or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    if match[5] is None:
        return Moment("date", when.timestamp(), 86_400.0, ("compact",))
    return Moment("datetime", when.timestamp(), 1.0, ("compact", len(text), match[4], match[8]))
