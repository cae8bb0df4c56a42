"""What was learnt, as text for a terminal and a rules file at once (TOML, everything but the proposals in comments), as
JSON, and as drafts of rules.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from captures.visible import visible
from diffing.learning.lessons import Lessons, Proposal, Statement
from diffing.rulebook.rulesfile import RuleDraft, written

AUTHOR = "retape learn"
REASON = "moves by itself between replays of one build"
REASON_ALONE = "moves by itself between answers to the same request"
WIDTH = 116

_LISTS = (
    ("refused", "Moves, and gets no rule"),
    ("undecided", "Too little to say"),
    ("constant", "Differs from the recording alike in all runs: not volatile, so no rule"),
    ("calls", "Outbound calls that come and go: look at them, no rule was made"),
    ("covered", "Moves, and today's rules accept it"),
)


def drafts(lessons: Lessons, *, created: date, expires: date | None = None) -> list[RuleDraft]:
    """The proposals as rules to be written."""
    reason = REASON if lessons.runs else REASON_ALONE
    return [_draft(proposal, reason, created, expires) for proposal in lessons.proposals]


def _draft(proposal: Proposal, reason: str, created: date, expires: date | None) -> RuleDraft:
    return RuleDraft(
        endpoint=proposal.endpoint,
        location=proposal.location.removeprefix("response.body ") if "$" in proposal.location else proposal.location,
        expect=proposal.expect,
        params=proposal.params,
        reason=reason,
        author=AUTHOR,
        evidence=proposal.evidence,
        expires=expires,
        created=created,
    )


def as_toml(lessons: Lessons, *, created: date, expires: date | None = None) -> str:
    """The proposals as ``[[rules]]``; all else as comments around them."""
    out = [_comment(_headline(lessons))]
    drift = drift_sentence(lessons)
    if drift:
        out.append(_comment(drift))
    out.extend(written(draft).rstrip("\n") for draft in drafts(lessons, created=created, expires=expires))
    for name, title in _LISTS:
        statements: Sequence[Statement] = getattr(lessons, name)
        if statements:
            out.append("\n".join((_comment(f"{title}:"), *(_comment(_line(one), "  ") for one in statements))))
    if lessons.unjudged:
        out.append("\n".join((_comment("Not judged:"), *(_comment(reason, "  ") for reason in lessons.unjudged))))
    return "\n\n".join(out) + "\n"


def as_json(
    lessons: Lessons, *, created: date, expires: date | None = None, interrupted: bool = False
) -> dict[str, Any]:
    """The same for programs. ``rule`` of a proposal is its ``[[rules]]`` entry."""
    rules = drafts(lessons, created=created, expires=expires)
    return {
        "schema": 1,
        "runs": lessons.runs,
        "requests": lessons.subjects,
        "comparisons": lessons.samples,
        "interrupted": interrupted,
        "proposals": [
            {
                "endpoint": proposal.endpoint,
                "location": proposal.location,
                "expect": proposal.expect,
                "moved": proposal.moved,
                "samples": proposal.samples,
                "p": proposal.p,
                "evidence": proposal.evidence,
                "rule": _plain(draft.entry()),
            }
            for proposal, draft in zip(lessons.proposals, rules, strict=True)
        ],
        **{
            name: [
                {"endpoint": one.endpoint, "location": one.location, "reason": one.sentence}
                for one in getattr(lessons, name)
            ]
            for name, _ in _LISTS
        },
        "unjudged": list(lessons.unjudged),
        "drift": drift_sentence(lessons) or None,
    }


def drift_sentence(lessons: Lessons) -> str:
    """What the recorded build does otherwise than its own capture says, in one sentence; empty when nothing."""
    count = len(lessons.constant)
    if not count:
        return ""
    places = "1 place" if count == 1 else f"{count} places"
    runs = "both runs" if lessons.runs == 2 else f"all {lessons.runs} runs"
    return (
        f"The build drifts against its own capture in {places}, in {runs} in the same way: that is not volatility "
        "(constant difference). Is this the build that was recorded, with the state it was recorded with?"
    )


def _headline(lessons: Lessons) -> str:
    what = f"{lessons.runs} run{'' if lessons.runs == 1 else 's'} of one build" if lessons.runs else "the capture alone"
    count = len(lessons.proposals)
    asked = f"{lessons.subjects:,} request{'' if lessons.subjects == 1 else 's'}"
    head = f"Learnt from {what}: {asked}, {lessons.samples:,} comparisons. "
    if not count:
        return f"{head}No rule is proposed."
    return f"{head}{count} rule{' is' if count == 1 else 's are'} proposed: review each before you keep it."


def _line(statement: Statement) -> str:
    return f"{statement.endpoint}  {statement.location}: {statement.sentence}"


def _comment(text: str, indent: str = "") -> str:
    lines = textwrap.wrap(
        visible(text), WIDTH, initial_indent=f"# {indent}", subsequent_indent=f"# {indent}{'  ' if indent else ''}",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(lines)


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in entry.items()}
