"""Refused for want of a secret: an answer that says nothing about the build.

Secrets are replaced before a recording is written. A session minted during the replay takes the place of the recorded
one; but a password, or a token minted before the recording began, is only known as its pseudonym, and the build is
right to refuse it. That is no drift, and no proof of the contrary either: the exchange could not be judged.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from captures.formats.codings import content_decoded
from captures.model import Exchange, Request, Response, header, lower_name

_REFUSED = frozenset({401, 403})
_REFUSED_INPUT = frozenset({400, 401, 403, 422})
_UNKNOWN = frozenset({404, 410})
_ADDRESS = re.compile(rb"(?:@|%40)((?:[a-z]{6}\.)?[a-z]{6}\.example\.com)", re.IGNORECASE)
"""That of a person, as redaction writes it: what stands behind the sign tells one from another."""
_OF_PEOPLE = re.compile(r" \(email\)$")
_BY = re.compile(r" \([a-z -]+\)$")
_CALLED = re.compile(r"[A-Za-z_][\w-]*$")
_TYPED_BY_PEOPLE = re.compile(r"pass|pwd|secret|pin\b", re.IGNORECASE)
_PASSWORD = re.compile(rb"<input\b[^>]{0,500}\btype\s*=\s*[\"']?password", re.IGNORECASE)
_LOGIN = re.compile(rb"log[-_]?in|sign[-_]?in|auth|session", re.IGNORECASE)

_WORD = re.compile(rb"[A-Za-z0-9_.~+/-]{8,}")
SCANNED = 65_536
"""Bytes of a body looked through for secrets that were handed out."""

TYPED = (
    'record again with [redact] keep = ["{name}"], where these are test accounts, or let [replay.auth] or --header '
    "bring a token"
)
"""A password is on no page and in no answer: recording more of the traffic brings none."""
UNNAMED = (
    'record again with [redact] detectors = [...] that leave out "email", where these are test accounts, or record the '
    "request that makes the account as well"
)
"""The path names the person, and there is no name to keep."""
ADVICE = (
    "record the login together with the calls that use its session, or send a live one with --header, "
    "or keep a test account's secret out of redaction ([redact] keep)"
)


@dataclass(slots=True)
class HandedOut:
    """Which pseudonyms the recorded build itself had handed out, and when: the login was recorded, too."""

    limit: int = 100_000  # oldest forgotten first
    _people: OrderedDict[int, int] = field(default_factory=OrderedDict)  # hash of an address -> who wrote it first
    _made: OrderedDict[int, int] = field(default_factory=OrderedDict)  # hash of a word -> exchange; 0: a client's own

    def learn(self, recorded: Exchange) -> None:
        """The next recorded exchange."""
        if recorded.request.method not in ("GET", "HEAD"):
            for address in _addresses(recorded.request):
                self._people.setdefault(hash(address), recorded.id)
            while len(self._people) > self.limit:
                self._people.popitem(last=False)
        redacted = recorded.notes.get("redacted")
        if not isinstance(redacted, Mapping):
            return
        for word in _words(recorded.request):
            self._made.setdefault(hash(word), 0)
        if recorded.response is not None and any(str(place).startswith("response.") for place in redacted):
            for word in _words(recorded.response):
                self._made.setdefault(hash(word), recorded.id)
        while len(self._made) > self.limit:
            self._made.popitem(last=False)

    def before(self, recorded: Exchange, place: str) -> bool:
        """Whether what ``recorded`` sends at ``place`` was handed out before: the replay could have had it as well."""
        part, _, name = place.removeprefix("request.").partition(" ")
        if part == "header":
            said = [value for key, value in recorded.request.headers if lower_name(key) == name.lower()]
            words = {word for value in said for word in _cut(value)}
        elif _TYPED_BY_PEOPLE.search(name):
            return False  # nobody mints a password
        else:
            words = set(_words(recorded.request))
        return any(0 < self._made.get(hash(word), 0) < recorded.id for word in words)

    def knows_people(self, recorded: Exchange) -> bool:
        """Whether each person that ``recorded`` asks for was written before it: the replay made them, too."""
        wrote = [self._people.get(hash(address)) for address in _addresses(recorded.request)]
        return all(first is not None and first < recorded.id for first in wrote)


def _addresses(request: Request) -> set[bytes]:
    return {one.lower() for one in _ADDRESS.findall(request.target) + _ADDRESS.findall(request.body[:SCANNED])}


def _words(message: Request | Response) -> Iterator[bytes]:
    """What may be a secret in a message: long words of its headers, target and body."""
    for _, value in message.headers:
        yield from _cut(value)
    if isinstance(message, Request):
        yield from _cut(message.target)
    yield from _cut(message.body[:SCANNED])


def _cut(text: bytes) -> list[bytes]:
    return _WORD.findall(text)


def wanting(recorded: Exchange, replayed: Exchange, handed_out: HandedOut | None = None) -> str | None:
    """Why this pair cannot be judged, as a sentence without values, or None.

    ``handed_out``: what answers of the recording made: where that is missing, the build or its source is at fault.
    """
    old, new = recorded.response, replayed.response
    if old is None or new is None or old.status == new.status:
        return None
    redacted = recorded.notes.get("redacted")
    if not isinstance(redacted, Mapping):
        return None
    refused, again = _refused(old, new), asked_again(recorded, new)
    unknown = new.status in _UNKNOWN and handed_out is not None and not handed_out.knows_people(recorded)
    fresh = _replaced(replayed.notes.get("changes"))
    missing = sorted(
        place.removeprefix("request.")
        for place in redacted
        if place.startswith("request.")
        and (
            refused
            or (unknown and _OF_PEOPLE.search(place))
            or (new.status in _REFUSED_INPUT and not place.startswith("request.header"))
            or (again and not place.startswith("request.header") and _TYPED_BY_PEOPLE.search(place))
        )
        and not _is_fresh(place, fresh)
        and not (handed_out is not None and handed_out.before(recorded, place))
    )
    if not missing:
        return None
    called = [_CALLED.search(_BY.sub("", place).partition(" ")[2]) for place in missing]
    names = [name[0] if name else "" for name in called]
    typed = all(
        _TYPED_BY_PEOPLE.search(name) or _OF_PEOPLE.search(place) for name, place in zip(names, missing, strict=True)
    )
    advice = TYPED.format(name='", "'.join(dict.fromkeys(names))) if typed else ADVICE
    if typed and "" in names:
        advice = UNNAMED
    if unknown and not refused:
        how = f"not found ({new.status})"
    else:
        how = "asked for the password again" if again else f"refused with {new.status}"
    return (
        f"{how} because its {', '.join(missing)} stands in the recording as a pseudonym "
        f"and nothing in the replay gave a live one: {advice}"
    )


def asked_again(recorded: Exchange, new: Response | None) -> bool:
    """Whether a log-in that went on to another page when it was recorded shows a field for a password now."""
    old = recorded.response
    if old is None or old.status not in (302, 303) or new is None or new.status != 200:
        return False
    if recorded.request.method != "POST" or not _LOGIN.search(recorded.request.target):
        return False  # a form that was filled in otherwise: a sign-up
    try:
        body = content_decoded(new.body, new.headers)
    except ValueError:
        return False
    return bool(_PASSWORD.search(body[:SCANNED]))


def _refused(old: Response, new: Response) -> bool:
    if new.status in _REFUSED:
        return True
    turned_away = new.status in (302, 303, 307) and old.status not in (302, 303, 307)
    return turned_away and bool(_LOGIN.search(header(new.headers, "location") or b""))


def _replaced(changes: Any) -> frozenset[str]:
    """Where the replay put a live value: ``header cookie``, ``body``, ``path``, …"""
    entries = changes if isinstance(changes, list) else []
    return frozenset(
        str(entry.get("where", ""))
        for entry in entries
        if isinstance(entry, Mapping) and not str(entry.get("why", "")).startswith("not ")  # not changed, not signed
    )


def _is_fresh(place: str, replaced: frozenset[str]) -> bool:
    part, _, name = place.removeprefix("request.").partition(" ")
    if part == "header":
        return f"header {name}" in replaced
    if _TYPED_BY_PEOPLE.search(name):
        return False  # nobody mints a password
    return part in replaced
