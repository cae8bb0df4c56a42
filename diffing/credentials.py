"""Refused for want of a secret: an answer that says nothing about the build.

Secrets are replaced before a recording is written. A session minted during the replay takes the place of the recorded
one; but a password, or a token minted before the recording began, is only known as its pseudonym, and the build is
right to refuse it. That is no drift, and no proof of the contrary either: the exchange could not be judged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from captures.model import Exchange, Response, header

_REFUSED = frozenset({401, 403})
_REFUSED_INPUT = frozenset({400, 401, 403, 422})
_TYPED_BY_PEOPLE = re.compile(r"pass|pwd|secret|pin\b", re.IGNORECASE)
_LOGIN = re.compile(rb"log[-_]?in|sign[-_]?in|auth|session", re.IGNORECASE)

ADVICE = (
    "record the login together with the calls that use its session, or send a live one with --header, "
    "or keep a test account's secret out of redaction ([redact] keep)"
)


def wanting(recorded: Exchange, replayed: Exchange) -> str | None:
    """Why this pair cannot be judged, as a sentence without values, or None."""
    old, new = recorded.response, replayed.response
    if old is None or new is None or old.status == new.status:
        return None
    redacted = recorded.notes.get("redacted")
    if not isinstance(redacted, Mapping):
        return None
    refused = _refused(old, new)
    fresh = _replaced(replayed.notes.get("changes"))
    missing = sorted(
        place.removeprefix("request.")
        for place in redacted
        if place.startswith("request.")
        and (refused or (new.status in _REFUSED_INPUT and not place.startswith("request.header")))
        and not _is_fresh(place, fresh)
    )
    if not missing:
        return None
    return (
        f"refused with {new.status} because its {', '.join(missing)} stands in the recording as a pseudonym "
        f"and nothing in the replay gave a live one: {ADVICE}"
    )


def _refused(old: Response, new: Response) -> bool:
    if new.status in _REFUSED:
        return True
    turned_away = new.status in (302, 303, 307) and old.status not in (302, 303, 307)
    return turned_away and bool(_LOGIN.search(header(new.headers, "location") or b""))


def _replaced(changes: Any) -> frozenset[str]:
    """Where the replay put a live value: ``header cookie``, ``body``, ``path``, …"""
    entries = changes if isinstance(changes, list) else []
    return frozenset(str(entry.get("where", "")) for entry in entries if isinstance(entry, Mapping))


def _is_fresh(place: str, replaced: frozenset[str]) -> bool:
    part, _, name = place.removeprefix("request.").partition(" ")
    if part == "header":
        return f"header {name}" in replaced
    if _TYPED_BY_PEOPLE.search(name):
        return False  # nobody mints a password
    return part in replaced
