"""``[[approvals]]`` entries: read, checked, and made of a drift group.

An approval names a group by its fingerprint, which no value and no count is a part of, so that it outlives a rebase, a
squash and another recording. It never holds a captured value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from captures.config import check_keys
from captures.errors import ConfigError
from captures.model import Session
from captures.settings.judging_keys import APPROVALS
from captures.visible import visible
from diffing.model import RE_RECORDED, Approval, Decision, Group
from diffing.reports.wording import title
from diffing.walk.jsontypes import broad_type

DECISIONS = {decision.value: decision for decision in (Decision.ACCEPTED, Decision.REJECTED)}
LONGEST = 200  # characters of a change
_FINGERPRINT = re.compile(r"[0-9a-f]{12}")


def parse_approvals(entries: Iterable[Mapping[str, Any]], where: str = "approvals") -> tuple[Approval, ...]:
    """The approvals of ``[[approvals]]`` entries. Raises :class:`ConfigError` naming entry, key and what to write."""
    return tuple(_approval(entry, number, where) for number, entry in enumerate(entries, 1))


def _approval(entry: Mapping[str, Any], number: int, where: str) -> Approval:
    here = f'{where} [[approvals]] "{entry.get("fingerprint") or number}"'
    check_keys(entry, APPROVALS.names, here)
    for key in ("change", "reason", "author", "recording"):
        if not isinstance(entry.get(key, ""), str):
            raise ConfigError(f"{here}: {key} must be a string.")
    places = entry.get("places", [])
    if not isinstance(places, list):
        raise ConfigError(f"{here}: places must be a list of fingerprints.")
    for name in (entry.get("fingerprint"), *places):
        if not isinstance(name, str) or not _FINGERPRINT.fullmatch(name):
            raise ConfigError(
                f"{here}: {name!r} is no fingerprint.", hint="It is 12 digits 0-9a-f, as each report shows it."
            )
    decision = DECISIONS.get(str(entry.get("decision")))
    if decision is None:
        ignored = entry.get("decision") == Decision.IGNORED
        raise ConfigError(
            f'{here}: decision must be "accepted" or "rejected".',
            hint="What is ignored has a [[rules]] entry: retape ignore RUN GROUP" if ignored else "",
        )
    until = parse_until(entry.get("until"), here)
    recording = str(entry.get("recording", ""))
    if until is not None and decision is Decision.REJECTED:
        raise ConfigError(f"{here}: until belongs to what is accepted; a rejection stands until it is taken out.")
    if (until == RE_RECORDED) != bool(recording):
        raise ConfigError(
            f'{here}: until = "{RE_RECORDED}" and recording go together.',
            hint=f"retape accept RUN {entry['fingerprint']} --until {RE_RECORDED} writes both.",
        )
    return Approval(
        fingerprint=str(entry["fingerprint"]),
        decision=decision,
        change=str(entry.get("change", "")),
        reason=str(entry.get("reason", "")),
        author=str(entry.get("author", "")),
        created=_day(entry.get("created"), "created", here),
        until=until,
        recording=recording,
        places=tuple(dict.fromkeys(str(name) for name in places)),
    )


def parse_until(value: Any, here: str = "until") -> date | str | None:
    """A date, :data:`RE_RECORDED`, or None. Raises :class:`ConfigError`."""
    if value == RE_RECORDED:
        return RE_RECORDED
    return _day(value, "until", here, f' or "{RE_RECORDED}"')


def _day(value: Any, key: str, here: str, more: str = "") -> date | None:
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ConfigError(f"{here}: {key} = {value} is no date{more}.", hint=f"Write {key} = 2027-01-31") from error


def entry_of(approval: Approval) -> dict[str, Any]:
    """The keys and values of its table, in the order they are written."""
    pairs = {
        "fingerprint": approval.fingerprint,
        "places": list(approval.places),
        "decision": approval.decision.value,
        "change": approval.change,
        "reason": approval.reason,
        "author": approval.author,
        "created": approval.created,
        "until": approval.until,
        "recording": approval.recording,
    }
    return {key: value for key, value in pairs.items() if value not in (None, "", [])}


def approval_of(
    group: Group,
    decision: Decision,
    *,
    reason: str = "",
    author: str = "",
    today: date | None = None,
    until: date | str | None = None,
    recording: str = "",
) -> Approval:
    """The decision about ``group`` with all its parts. ``recording``: kept where it holds until re-recorded."""
    places = dict.fromkeys(part.names[0] for part in group.parts if group.fingerprint not in part.names)
    return Approval(
        fingerprint=group.fingerprint,
        decision=decision,
        change=change_of(group),
        reason=visible(reason, lines=True),
        author=visible(author),
        created=today,
        until=until,
        recording=recording if until == RE_RECORDED else "",
        places=tuple(places),
    )


def change_of(group: Group) -> str:
    """What changed, in one line without a value: ``GET /orders/{id} response.body $.price: number -> string``."""
    if group.class_id.startswith("response.status.") or group.class_id == "response.request-rejected":
        what = f"{group.recorded} -> {group.replayed}"
    elif group.class_id.endswith((".type-changed", ".became-null")):
        what = f"{broad_type(group.recorded)} -> {broad_type(group.replayed)}"
    else:
        what = title(group.class_id).lower()
    others = len(group.parts) - 1
    more = f", and at {others} other place{'' if others == 1 else 's'}" if others > 0 else ""
    line = visible(f"{group.endpoint} {group.location}: {what}{more}")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def recording_of(sessions: Iterable[Session]) -> str:
    """The identity of a recording: when its newest session began. The same for copies, parts and redacted ones of it.

    A recording is a newer one when this text is greater. Cheap: no exchange is looked at.
    """
    known = list(sessions)
    recorded = [session.started for session in known if session.mode != "replay"] or [one.started for one in known]
    if not recorded:
        return ""
    return datetime.fromtimestamp(max(recorded), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
