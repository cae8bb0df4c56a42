"""Places that move and get no rule all the same, because a rule there would hide more than the movement. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from captures.jsonpaths import normalised
from diffing.classes import class_of
from diffing.model import Finding, Kind
from diffing.rulebook import builtins

SHARE = 0.75
"""From this share of its members on, and from :data:`LEAST` on, an object is unstable as a whole."""

LEAST = 3

DEEPEST = 100
"""Steps of a path."""

UNSTABLE = (
    "{moving} of the {count} fields of this object move: what is unstable is the object as a whole, such as rows that "
    "change places or another row being picked. Find out what chooses it; fields that are meant to move take one rule "
    "each, by hand"
)

_BY_CHANGE: tuple[tuple[str, tuple[str, ...]], ...] = (
    # why not, and the last words of the classes it is said of; the first that fits is said
    (
        "ids break the bijection: one id stands for several others in one run. That is a defect of the service or of "
        "the recording, not noise",
        ("identity",),
    ),
    (
        "the status flaps: a rule would hide a build that fails. Look for what the answer depends on",
        ("status.class", "status.code", "status.error-to-success", "request-rejected", "error-shape"),
    ),
    ("the build answers in some runs and fails in others", ("failed", "recovered", "failed-differently")),
    ("what protects the client comes and goes", ("security-lost", "security-changed", "attribute-changed")),
    (
        "two values lose the relation that they have in the recording: a defect rather than noise",
        ("relation-broken",),
    ),
    ("the tag stays while the body moves: caches keep what is outdated, in this build already", ("validator-kept",)),
    ("the kind of body flaps", ("kind-changed", "undecodable", "emptied", "appeared", "media-type", "charset-changed")),
    ("how the body is packed flaps", ("content-encoding", "media-type-parameter", "duplicate-keys", "invalid-literal")),
    ("its type flaps: clients break on that, in any build", ("type-changed",)),
    (
        "null and a value take turns: no matcher says that without letting every null pass",
        ("became-null", "null-changed", "null-left-out"),
    ),
    ("fields change their names or places", ("field-renamed", "field-moved")),
    (
        "items come and go: a rule for that would accept an empty array. Look for the state that makes them",
        ("array-item-removed", "array-item-added", "array-multiplicity", "array-emptied"),
    ),
    ("entries of a map come and go", ("map-key-removed", "map-key-added")),
)


def refusal(location: str, classes: Mapping[str, int], findings: Sequence[Finding]) -> str | None:
    """Why the place gets no rule whatever its values are; None when its values decide."""
    changes = {name.partition(".")[2] for name in classes}
    for reason, endings in _BY_CHANGE:
        if any(change == ending or change.endswith(f".{ending}") for change in changes for ending in endings):
            evidence = next((finding.evidence for finding in findings if finding.class_id.endswith("identity")), "")
            return f"{reason} ({evidence})" if evidence and endings == ("identity",) else reason
    if too_deep(location):
        return "it lies too deep in the document for a path that people can review"
    name = location.rpartition(" ")[2].lower()
    if location.startswith("response.header ") and name in builtins.SECURITY:
        return "a header that protects the client must not take a rule"
    if any(class_of(one).kind is Kind.SECURITY for one in classes):
        return "it is a matter of security: look at it, do not rule it away"
    if location == "response.reason":
        return "the reason phrase flaps: no client reads it, and no rule is needed below --fail-on info"
    if location.startswith("response.trailer "):
        return "rules do not reach trailers"
    whole = location.endswith(("body", "body $"))
    if whole and not any(change.endswith("array-order") for change in changes):
        return "it is the whole body: a rule there would hide everything in it. Write one for the part that moves"
    return None


def too_deep(location: str) -> bool:
    """Whether the path has more steps than are read."""
    return location.count(".") + location.count("[") > DEEPEST


def unstable(
    members: Mapping[tuple[str, str], Iterable[str]], covered: Container[tuple[str, str]]
) -> Iterator[tuple[str, str, tuple[str, ...], int]]:
    """(endpoint, the object's location, the moving places in it, its number of fields) of objects that move as a whole.

    ``members``: for each place that moves and that no rule covers, all fields of the object it stands in. What is
    ``covered`` is meant to move and counts for nothing.
    """
    by_parent: dict[tuple[str, str], list[str]] = {}
    fields: dict[tuple[str, str], set[str]] = {}
    for (endpoint, location), names in members.items():
        parent = parent_of(location)
        if parent is not None:
            by_parent.setdefault((endpoint, parent), []).append(location)
            part, _, path = parent.partition("$")
            child = {name: f"{part}${path}{normalised((name,))[1:]}" for name in names}
            fields.setdefault((endpoint, parent), set()).update(
                name for name in names if (endpoint, child[name]) not in covered
            )
    for (endpoint, parent), moving in sorted(by_parent.items()):
        count = len(fields[endpoint, parent])
        if len(moving) >= LEAST and len(moving) >= SHARE * count:
            yield endpoint, parent, tuple(moving), count


def parent_of(location: str) -> str | None:
    """The location of the object that the place is a member of; None when it is no member."""
    part, dollar, path = location.partition("$")
    if not dollar or not path or path.endswith("[*]"):
        return None
    cut = path.rfind("['") if path.endswith("']") else path.rfind(".")
    return f"{part}${path[:cut]}" if cut >= 0 else None
