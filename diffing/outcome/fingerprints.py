"""What names a drift group from run to run: a fingerprint over what changed and where, never over values or counts.

It has to be the same for another capture of the same service, a re-recording, a shard, another machine. The exact class
of a difference depends on evidence (a field that two hundred samples have is required, one that two lack is optional),
and more traffic brings other evidence: so the fingerprint takes the *family* of the class. The idea of carrying an
approval by such a hash is oasdiff's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from diffing.model import ABSENT, Finding
from diffing.rulebook.matchers import broad_type

_VALUE = "value-changed"
_FAMILIES = {
    "optional-field-removed": "field-removed",
    "enum-value-added": _VALUE,
    "constant-changed": _VALUE,
    "out-of-range": _VALUE,
    "number-widened": _VALUE,
    "number-unsafe": _VALUE,
    "null-changed": "became-null",
    "order-lost": "array-order",
    "array-emptied": "array-item-removed",
    "optional-removed": "removed",
    "n-plus-one": "repeated",
    "retried": "repeated",
}
EVERYWHERE = "(every endpoint)"
_LESSER = {"null-left-out": "field-removed", "number-form": _VALUE, "string-form": _VALUE}
INTO: Mapping[str, str] = {
    "outbound.extra": "outbound.repeated",
    "outbound.fewer": "outbound.missing",
    **{
        f"{side}.{lesser}": f"{side}.{change}"
        for side in ("response.body", "outbound.request.body")
        for lesser, change in _LESSER.items()
    },
}
"""Family -> the family of the same place that it is folded into: one cause shows in two ways.

An approval of the second covers the first, and never the other way round: who accepted that nulls are left out, or that
1.0 is written as 1, has not seen the field go or the number change.
"""

_TYPED = ("type-changed", _VALUE, "rule-broken")
_FAILURES = ("response.failed", "response.recovered", "response.failed-differently")


def family(class_id: str) -> str:
    """The class that stands for all those which evidence alone tells apart."""
    side, _, change = class_id.rpartition(".")
    return f"{side}.{_FAMILIES.get(change, change)}"


def shape(finding: Finding) -> str:
    """What sort of change it is, without its values; statuses are part of the shape."""
    if finding.class_id.startswith("response.status.") or finding.class_id == "response.request-rejected":
        return f"{finding.recorded}->{finding.replayed}"
    same = family(finding.class_id)
    if INTO.get(same, same).rpartition(".")[2] in _TYPED:
        return f"{_type(finding.recorded)}->{_type(finding.replayed)}"
    if (
        same.endswith((".null-left-out", ".became-null"))
        and finding.replayed is not ABSENT
        and (finding.recorded is None or finding.recorded is ABSENT)
    ):
        return "came"  # the opposite of what the family is called after
    if finding.class_id in _FAILURES:
        return str(finding.replayed)
    return ""


def fingerprint(class_id: str, endpoint: str, location: str, change: str) -> str:
    """12 hex digits naming the group of ``class_id`` (any of its family) with the shape ``change``."""
    text = "\x1f".join((family(class_id), endpoint, location, change))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def names(class_id: str, endpoint: str, location: str, change: str) -> tuple[str, ...]:
    """Its fingerprint, then those of the groups that it may be folded into in another run (``outcome.grouping``)."""
    found = [fingerprint(class_id, endpoint, location, change)]
    into = INTO.get(family(class_id))
    if into:
        found.append(fingerprint(into, endpoint, location, change))
    wide = wide_location(location)
    if wide and endpoint != EVERYWHERE:
        found.append(fingerprint(class_id, EVERYWHERE, wide, change))
    return tuple(found)


def wide_location(location: str) -> str:
    """The same header at every endpoint, or in every call; empty for what is no header."""
    if location.startswith("response.header "):
        return location
    call, found, name = location.partition(" request.header ")
    return f"outbound * request.header {name}" if found and call.startswith("outbound ") else ""


def _type(value: object) -> str:
    return "absent" if value is ABSENT else broad_type(value)
