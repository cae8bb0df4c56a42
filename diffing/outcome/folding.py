"""Differences that only follow from another one in the same exchange, folded into it: a cause is said once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from diffing.classes import class_of
from diffing.model import Finding, Level

_OF_ITS_OWN = frozenset(
    {"response.body.secret-exposed", "response.body.internals-exposed", "response.header.cors-widened"}
)
"""No answer of any status has to give these away."""

_ANOTHER_STATUS = (
    "response.status.class",
    "response.status.code",
    "response.status.error-to-success",
    "response.request-rejected",
)
_FOLLOWS: tuple[tuple[tuple[str, ...], Callable[[Finding], bool], str], ...] = (
    # another status brings another body and other headers with it
    (
        _ANOTHER_STATUS,
        lambda finding: (
            finding.class_id.startswith("response.")
            and not finding.class_id.startswith("response.status.")
            and finding.class_id not in _OF_ITS_OWN
        ),
        "body and headers",
    ),
    # another kind of body brings another media type with it, and the reverse
    (
        ("response.media-type",),
        lambda finding: (
            finding.class_id
            in (
                "response.body.kind-changed",
                "response.body.undecodable",
                "response.body.emptied",
                "response.body.changed",
            )
        ),
        "the body",
    ),
    (
        ("response.body.emptied", "response.body.appeared"),
        lambda finding: finding.location in ("response.header content-type", "response.header content-length"),
        "headers",
    ),
    (
        ("outbound.request.media-type",),
        lambda finding: finding.class_id in ("outbound.request.body.kind-changed", "outbound.request.body.undecodable"),
        "the body",
    ),
)


_UNMADE = frozenset({"outbound.missing", "outbound.fewer"})
_NAMED = 3  # calls no longer made that the failure's evidence names


def fold(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings without those that follow from another one; that one's evidence says how many did."""
    if not findings:
        return ()
    kept = _without_unmade(findings)
    for causes, follows, what in _FOLLOWS:
        cause = next((finding for finding in kept if finding.class_id in causes), None)
        if cause is None:
            continue
        following = [finding for finding in kept if finding is not cause and follows(finding)]
        if not following:
            continue
        some = "1 difference" if len(following) == 1 else f"{len(following)} differences"
        words = f"{some} of {what} come{'s' if len(following) == 1 else ''} with it"
        told = replace(cause, evidence=f"{cause.evidence}; {words}" if cause.evidence else words)
        kept = [told if finding is cause else finding for finding in kept if finding not in following]
    return tuple(kept)


def _without_unmade(findings: Sequence[Finding]) -> list[Finding]:
    """What broke off before it made all its calls is one finding: the failure, which names the calls.

    Not where the calls that it did make drifted, too: those may be why it failed, and are read together.
    """
    failure = next((finding for finding in findings if broke_down(finding)), None)
    calls = [finding for finding in findings if finding.class_id.startswith("outbound.")]
    unmade = [finding for finding in calls if finding.class_id in _UNMADE]
    others = any(finding not in unmade and class_of(finding.class_id).level is not Level.INFO for finding in calls)
    if failure is None or not unmade or others:
        return list(findings)
    names = [finding.location.removeprefix("outbound ") for finding in unmade]
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    words = f"calls that it no longer makes come with it: {', '.join(names[:_NAMED])}{rest}"
    told = replace(failure, evidence=f"{failure.evidence}; {words}" if failure.evidence else words)
    return [told if finding is failure else finding for finding in findings if finding not in unmade]


def hides_headers(finding: Finding) -> bool:
    """Whether the headers of its answer are not told apart: they come with it, or there is no answer."""
    return finding.class_id in _ANOTHER_STATUS or finding.class_id == "response.failed"


def broke_down(finding: Finding) -> bool:
    """Whether the service broke down where it had not: it gave no answer, or one that says so (5xx)."""
    if finding.class_id == "response.failed":
        return True
    return finding.class_id == "response.status.class" and type(finding.replayed) is int and finding.replayed >= 500
