"""Values that name the machine, the process or the build behind an answer: addresses, pods, paths, durations.

None of them is accepted by its form: the name of the field (or the words before it in a text) must promise such a
value as well. So ``1.2.3.4`` under ``version`` and ``PT5M`` under ``title`` stay data.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from diffing.values.names import Hint, hint_of, words

_MACHINE = frozenset(
    "ip ipv4 ipv6 addr address host hostname pod node server instance container worker backend replica machine peer "
    "remote upstream fqdn".split()
)
_BUILD = frozenset("build commit revision rev githash gitsha".split())
_PATHS = frozenset("path file filename dir directory folder tmp temp upload location".split())
_POINTERS = frozenset("addr address pointer ptr".split())

_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_IPV6 = re.compile(r"(?=.{2,45}\Z)[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|(?:\d{1,3}\.){3}\d{1,3}):(\d{1,5})")
_POD = re.compile(
    r"([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)-([bcdfghjklmnpqrstvwxz2456789]{8,10})-([bcdfghjklmnpqrstvwxz2456789]{5})"
)
_CONTAINER = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}")
_EC2 = re.compile(r"ip-\d{1,3}(?:-\d{1,3}){3}((?:\.[a-z0-9-]+)*)")
_BUILD_ID = re.compile(r"[0-9a-f]{7,12}|[0-9a-f]{40}|[0-9a-f]{64}")
_TEMP = re.compile(
    r"(?P<root>/tmp/|/var/tmp/|/private/tmp/|/var/folders/|(?:[A-Za-z]:)?\\(?:[\w .~-]+\\)*Temp\\)"
    r"(?P<rest>[^\s\"'<>]+)",
    re.IGNORECASE,
)
_POINTER = re.compile(r"0x[0-9a-f]{6,16}|0x[0-9A-F]{6,16}")
_ISO_DURATION = re.compile(
    r"P(?=\d|T\d)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:[.,]\d+)?S)?)?)"
)
_PLAIN_DURATION = re.compile(
    r"(?:\d+(?:\.\d+)?(?:h|m|s|ms|us|µs|ns)){1,4}|\d+(?:\.\d+)? (?:ms|s|sec|seconds|milliseconds)"
)
_RANDOM = re.compile(r"(?=.*\d)[A-Za-z0-9_]{6,}|tmp[a-z0-9_]{6,}|[0-9a-f-]{32,36}")


@dataclass(frozen=True, slots=True)
class Named:
    """A value that its name and its form together say to be one of these. ``kind``: its rule is ``volatile.<kind>``."""

    kind: str
    facets: tuple[object, ...] = ()


def named(text: str, name: str) -> Named | None:
    """What ``text`` is under ``name``, or None."""
    if not text or len(text) > 1000:
        return None
    parts = words(name)
    if not parts:
        return None
    if hint_of(name) is Hint.MEASURE:
        return duration(text)
    said = set(parts)
    if said & _MACHINE:
        found = _machine(text)
        if found is not None:
            return found
    if said & _BUILD and _BUILD_ID.fullmatch(text) and not text.isalpha() and not text.isdigit():
        return Named("build", (len(text),))
    if said & _PATHS:
        found = temporary(text)
        if found is not None:
            return found
    if said & _POINTERS and _POINTER.fullmatch(text):
        return Named("memory-address", (text.isupper(),))
    return None


def duration(text: str) -> Named | None:
    """How long something took, written as ISO 8601 (``PT0.5S``) or with units (``1.5s``, ``12 ms``)."""
    if _ISO_DURATION.fullmatch(text):
        return Named("duration", ("iso",))
    if _PLAIN_DURATION.fullmatch(text):
        return Named("duration", ("units", " " in text))
    return None


_UNIT = re.compile(r"(\d+(?:\.\d+)?) ?(h|ms|m|sec|seconds|s|milliseconds|us|µs|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "sec": 1.0, "seconds": 1.0, "s": 1.0, "ms": 1e-3, "milliseconds": 1e-3}
_SERVING = frozenset(
    "pod hostname host instance container worker replica backend upstream served fqdn client remote".split()
)


def far(recorded: str, replayed: str) -> str:
    """Why two lengths of time with units are none of one kind of work; "" when they may be."""
    one, other = (
        sum(float(number) * _SECONDS.get(unit, 1e-6) for number, unit in _UNIT.findall(text))
        for text in (recorded, replayed)
    )
    if one and other and max(one, other) >= 1_000 * min(one, other):
        return f"{max(one, other) / min(one, other):.3g} times as long"
    return ""


def is_address(text: str) -> bool:
    """Whether ``text`` is an IP address, with or without a port."""
    return _IPV4.fullmatch(text) is not None or _PORT.fullmatch(text) is not None or _IPV6.fullmatch(text) is not None


def standing(text: str) -> bool:
    """Whether an address is the same on every machine: loopback, or all interfaces."""
    return text.strip("[]").startswith(("127.", "0.", "::"))


def serving(name: str) -> bool:
    """Whether ``name`` is one of the machine that answers, not of one that the answer is about."""
    return not _SERVING.isdisjoint(words(name))


def temporary(text: str) -> Named | None:
    """A path below a directory for temporary files: root, depth, extension and fixed words are its facets."""
    match = _TEMP.fullmatch(text)
    if match is None:
        return None
    parts = re.split(r"[/\\]", match["rest"])
    fixed = tuple("*" if _RANDOM.fullmatch(part.partition(".")[0]) else part for part in parts)
    if "*" not in fixed:
        return None
    return Named("temp-path", (match["root"].lower(), fixed, parts[-1].partition(".")[2]))


def pointer(text: str, before: str) -> Named | None:
    """``0x7f3a…`` in a text, after ``at`` or ``@``."""
    if _POINTER.fullmatch(text) and re.search(r"(?:\bat |@)$", before):
        return Named("memory-address")
    return None


def _machine(text: str) -> Named | None:
    match = _PORT.fullmatch(text)
    if match is not None:
        inner = _address(match[1].strip("[]"))
        return Named("host", ("port", *inner.facets)) if inner is not None else None
    if _IPV4.fullmatch(text) or _IPV6.fullmatch(text):
        return _address(text)
    if pod := _POD.fullmatch(text):
        return Named("host", ("pod", pod[1]))
    if _CONTAINER.fullmatch(text) and not text.isalpha():
        return Named("host", ("container", len(text)))
    if machine := _EC2.fullmatch(text):
        return Named("host", ("ip-name", machine[1]))
    return None


def _address(text: str) -> Named | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    inside = found.is_private or found.is_loopback or found.is_link_local
    return Named("host", (found.version, "internal" if inside else "public"))
