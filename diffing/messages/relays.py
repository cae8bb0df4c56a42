"""Headers of what stands before a service, or of a protocol around it: their random parts may vary, the rest may not.

CDNs name the machine that answered (Via, X-Served-By) and how long it took (X-Timer); Report-To carries a token;
a Digest challenge has a new nonce every time (RFC 7616, 3.3); a file name may bear the date of the day.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from diffing.place import Accepted, Drift, Outcome, Place
from diffing.values import moments
from diffing.values.generated import is_nothing, looks_generated
from diffing.values.moments import Clock
from diffing.values.variations import about_as_long

_ACCEPTED = Accepted(("builtin.relay",), "only what names a machine or a moment differs")
_VIA_HOST = re.compile(r"\b[0-9a-f]{32}(?=\.cloudfront\.net)|\b(?:cache|varnish|edge)-?[a-z0-9-]+|(?<=vegur-)[0-9a-f]+")
_SERVERS = re.compile(r"cache-[a-z0-9]+(?:-[A-Za-z0-9]+)*")
_TIMER = re.compile(r"S[0-9]{10}\.[0-9]+,VS[0-9]+,VE[0-9]+")
_REPORT = re.compile(r"(?<=[?&]s=)[A-Za-z0-9%_.+/=-]+")
_CHALLENGE = re.compile(r'\b(nonce|opaque)="([^"]*)"')
_DAY = re.compile(
    r"(?<![0-9])(20[0-9]{2})([-_.]?)([01][0-9])\2([0-3][0-9])(?:([-_T]?)([0-2][0-9])[-_:h]?([0-5][0-9])"
    r"[-_:m]?([0-5][0-9])?Z?)?(?![0-9])"
)
_CREATED = frozenset({201, 202})
_ONE_ID = re.compile(r"[0-9]{1,19}|[0-9a-fA-F-]{8,64}|[A-Za-z0-9_-]{6,64}")


def judge_relay(name: str, recorded: str, replayed: str, place: Place) -> Outcome | None:
    """Judge two unequal values of header ``name``; None: it is none of these."""
    blank: Callable[[str], str]
    if name in ("via", "x-cache-key"):
        blank = lambda value: _VIA_HOST.sub("*", value)  # noqa: E731
    elif name == "x-served-by":
        blank = lambda value: _SERVERS.sub("*", value)  # noqa: E731
    elif name == "x-timer":
        blank = lambda value: _TIMER.sub("*", value)  # noqa: E731
    elif name in ("report-to", "nel", "reporting-endpoints"):
        blank = lambda value: _REPORT.sub("*", value)  # noqa: E731
    elif name == "x-cache-hits":
        blank = lambda value: re.sub(r"[0-9]+", "*", value)  # noqa: E731
    elif name in ("www-authenticate", "proxy-authenticate"):
        return _challenge(recorded, replayed)
    elif name == "content-disposition":
        return _filename(recorded, replayed, place)
    else:
        return None
    one = blank(recorded)
    return _ACCEPTED if "*" in one and one == blank(replayed) else None


def judge_location(
    recorded: str, replayed: str, place: Place, bodies: tuple[bytes, bytes], method: str
) -> Outcome | None:
    """Judge where a response leads, when nothing else in the run says so. None: it is judged like any other URL.

    An object that was made under a new number is found there, and its number may stand nowhere else; the code of
    OAuth is made for one use (RFC 6749, 4.1.2).
    """
    old, new = urlsplit(recorded), urlsplit(replayed)
    if (old.scheme, old.netloc) != (new.scheme, new.netloc) and old.netloc.rpartition(":")[0] != (
        new.netloc.rpartition(":")[0]
    ):
        return None
    if (coded := _codes(old.query, new.query)) and old.path == new.path and old.fragment == new.fragment:
        return Accepted(("volatile.token",), f"an authorization's {coded}, made for one use")
    status = int(place.scope.rpartition(" ")[2]) if place.scope.rpartition(" ")[2].isdigit() else 0
    if (
        status not in _CREATED
        or method not in ("POST", "PUT")
        or (old.query, old.fragment) != (new.query, new.fragment)
    ):
        return None
    before, after = old.path.split("/"), new.path.split("/")
    if len(before) != len(after):
        return None
    changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    if len(changed) != 1 or changed[0][0] != next((part for part in reversed(before) if part), ""):
        return None
    one, other = changed[0]
    if one.isdigit() != other.isdigit() or not _ONE_ID.fullmatch(one) or not _ONE_ID.fullmatch(other):
        return None
    if one.isdigit() and int(one) > 0 and int(other) > 0:
        told = [
            re.search(rb"(?<![0-9])%s(?![0-9])" % number.encode(), body)
            for number, body in zip((one, other), bodies, strict=True)
        ]
        numbers = re.search(rb'"(?:[a-z]+_)?id"\s*:\s*"?[0-9]', bodies[1])
        if bool(told[0]) == bool(told[1]) and (told[0] or not numbers):
            return Accepted(("volatile.integer-id",), "the number of what this request made")
    return None


def _codes(old: str, new: str) -> str:
    """The name of the only parameter that differs, when it is a code or a state made for one use; "" otherwise."""
    left, right = (parse_qsl(side, keep_blank_values=True) for side in (old, new))
    if not left or [name for name, _ in left] != [name for name, _ in right]:
        return ""
    changed = [(name, one, other) for (name, one), (_, other) in zip(left, right, strict=True) if one != other]
    if not changed or any(name not in ("code", "ticket", "code_challenge") for name, _, _ in changed):
        return ""
    fits = all(
        about_as_long(one, other) and looks_generated(one) and looks_generated(other) for _, one, other in changed
    )
    return changed[0][0] if fits else ""


def _challenge(recorded: str, replayed: str) -> Outcome | None:
    old, new = dict(_CHALLENGE.findall(recorded)), dict(_CHALLENGE.findall(replayed))
    if not old or _CHALLENGE.sub(r"\1", recorded) != _CHALLENGE.sub(r"\1", replayed):
        return None
    for name, value in old.items():
        if is_nothing(new.get(name, "")) or not about_as_long(value, new[name]):
            return Drift("format-changed", f"its {name} is formed differently")
    return Accepted(("volatile.token",), "nonce and opaque of a challenge; the rest as recorded")


def _filename(recorded: str, replayed: str, place: Place) -> Outcome | None:
    old, new = _DAY.findall(recorded), _DAY.findall(replayed)
    if not old or len(old) != len(new) or _DAY.sub("*", recorded) != _DAY.sub("*", replayed):
        return None
    for one, other in zip(_days(recorded, place.then), _days(replayed, place.now), strict=True):
        if one != other or one is None:
            return None
    return Accepted(("volatile.timestamp",), "the day of its run in a file's name")


def _days(text: str, clock: Clock) -> list[int | None]:
    """How many days before the exchange each date in ``text`` is; None: the text holds no such day."""
    found: list[int | None] = []
    for match in _DAY.finditer(text):
        day = moments.read(f"{match[1]}-{match[3]}-{match[4]}")
        found.append(None if day is None else int(clock.now // 86_400 - day.seconds // 86_400))
    return found
