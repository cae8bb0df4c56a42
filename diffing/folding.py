"""Differences that only follow from another one in the same exchange, folded into it: a cause is said once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from diffing.model import Finding

_FOLLOWS: tuple[tuple[tuple[str, ...], Callable[[Finding], bool], str], ...] = (
    # another status brings another body and other headers with it
    (
        ("response.status.class", "response.status.code", "response.status.error-to-success"),
        lambda finding: (
            finding.class_id.startswith("response.") and not finding.class_id.startswith("response.status.")
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


def fold(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings without those that follow from another one; that one's evidence says how many did."""
    kept = list(findings)
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
