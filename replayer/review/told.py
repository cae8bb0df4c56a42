"""What the page is told about a review, as JSON data. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from captures.visible import visible
from captures.wording import counted
from diffing.model import Group, Result
from diffing.reports.wording import decision_said, verdict_sentence, verdict_word
from diffing.review.hiding import Preview

LINES = 400  # shown of what was written
PLACES = 200  # listed of what a rule would hide
PAST = {"accept": "Accepted", "reject": "Rejected", "ignore": "Ignored", "undo": "Undone", "pin": "Pinned"}


def standing(result: Result, shown: Iterable[str]) -> dict[str, Any]:
    """The verdict and the groups' decisions. ``shown``: fingerprints of groups that pages were made with.

    One of them that the result no longer has is accepted by a rule now (``gone``).
    """
    known = {group.fingerprint: group for group in result.groups}
    return {
        "verdict": result.verdict,
        "word": verdict_word(result),
        "sentence": verdict_sentence(result),
        "exit": result.exit_code,
        "ledger": asdict(result.ledger),
        "groups": {
            name: {"decision": group.decision.value if group.decision else None, "said": said_of(group)}
            for name, group in known.items()
            if group.decision is not None or group.reopened
        },
        "gone": sorted(set(shown) - known.keys()),
        "total": len(known),
    }


def previewed(preview: Preview, file: str) -> dict[str, Any]:
    """What rules would be written, and what they would hide besides: other drift first."""
    hides = sorted(preview.hides, key=lambda one: (not one.group, -one.values))
    return {
        "rules": len(preview.drafts),
        "toml": visible(preview.text, lines=True),
        "file": file,
        "also": [
            {
                "endpoint": visible(one.endpoint),
                "location": visible(one.location),
                "values": one.values,
                "exchanges": one.exchanges,
                "why": one.why,
                "group": one.group,
            }
            for one in hides[:PLACES]
        ],
        "also_more": max(0, len(hides) - PLACES),
        "careful": [visible(words) for words in preview.careful],
        "unsaid": [visible(f"{name}: {words}") for name, words in preview.unsaid],
        "left": preview.left,
    }


def said_of(group: Group) -> str:
    """Who decided a group, for how long and why; or why it counts again."""
    said = visible(decision_said(group))
    return said[:1].upper() + said[1:]


def shortened(diff: str) -> str:
    """A unified diff, as far as a person reads it on a page."""
    lines = diff.split("\n")
    more = len(lines) - LINES
    return diff if more <= 0 else "\n".join([*lines[:LINES], f"… {counted(more, 'more line')}: git diff shows them"])


def done(verb: str, count: int, what: str = "group") -> str:
    """``Accepted 3 groups``."""
    return f"{PAST.get(verb, verb.capitalize())} {counted(count, what)}"
