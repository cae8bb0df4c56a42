"""The parts that a pull-request comment and a job summary share, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from captures.wording import counted
from diffing.model import ApprovalState, Decision, Group, Level, Result
from diffing.reports.markdown_text import code, details, fenced, size, table
from diffing.reports.since import since
from diffing.reports.surroundings import Surroundings
from diffing.reports.wording import COLUMNS, LEVELS, decision_said, shown_values, title, verdict_sentence, verdict_word

SIGNS = {"clean": "✅", "drift": "❌", "inconclusive": "⚠️"}
LEVEL_SIGNS = {Level.ERROR: "🔴", Level.WARNING: "🟡", Level.INFO: "🔵"}
_PLURALS = {Level.INFO: "info"}
LONGEST_COMMAND = 1_500  # bytes; a longer one is in the other reports
LISTED = 5  # reasons
TABLE_ROOM = 20_000  # bytes of the overview


@dataclass(frozen=True, slots=True)
class Commands:
    """What a person types for a group. Empty ones are left out."""

    accept: str = ""
    ignore: str = ""


def heading(result: Result, around: Surroundings) -> str:
    """Verdict, counts, what changed, what could not be judged: always there, and never more than a few KiB."""
    parts = [f"### {SIGNS.get(result.verdict, '❔')} Retape: {verdict_word(result).lower()}"]
    parts += [counts(result), levels(result)]
    said = [_sentence(result)]
    if around.since is not None:
        changed = since(around.since, result)
        said.append(f"Since the run before: **{changed.sentence}**.")
    if lapsed := _lapsed(result):
        said.append(f"Approvals that do not count here: {lapsed}.")
    where = [f"commit {around.commit[:12]}"] if around.commit else []
    where += [f"[the job]({around.job})"] if around.job else []
    if where:
        said.append(f"Of {' in '.join(where)}.")
    parts.append(" ".join(said))
    if result.reasons:
        parts.append("**Not judged**\n\n" + "\n".join(f"- {code(reason, 200)}" for reason in result.reasons[:LISTED]))
        if len(result.reasons) > LISTED:
            parts.append(f"and {counted(len(result.reasons) - LISTED, 'more reason')}")
    return "\n\n".join(part for part in parts if part)


def _lapsed(result: Result) -> str:
    counts = [(state, sum(use.state is state for use in result.approvals)) for state in ApprovalState]
    return ", ".join(f"{count:,} {state.value}" for state, count in counts if count and state is not ApprovalState.USED)


def _sentence(result: Result) -> str:
    """The verdict's own sentence, where it can hold no captured text."""
    if result.verdict == "inconclusive":
        return f"This run does not show that nothing drifted; exit code {result.exit_code}."
    return f"{verdict_sentence(result)} Exit code {result.exit_code}."


def counts(result: Result) -> str:
    """The ledger as a table."""
    ledger = result.ledger
    names = [("recorded", "recorded"), ("replayed", "replayed"), *COLUMNS]
    return table([words for _, words in names], [[f"{getattr(ledger, name):,}" for name, _ in names]])


def levels(result: Result) -> str:
    """How many groups of which level are open, and how many passed."""
    if not result.groups:
        return ""
    still = [group for group in result.groups if group.open]
    parts = [
        f"{LEVEL_SIGNS[one]} {counted(sum(group.level is one for group in still), one.value, _PLURALS.get(one, ''))}"
        for one in LEVELS
    ]
    passed = [(word, sum(group.decision is word for group in result.groups)) for word in Decision]
    parts += [f"{count:,} {word.value}" for word, count in passed if count]
    moved = sum(group.origin is not None and not group.open and not group.decision for group in result.groups)
    parts += [f"{moved:,} not of this build"] if moved else []
    return "Drift groups: " + " · ".join(parts)


def overview(groups: Sequence[Group], limit: int) -> str:
    """The first ``limit`` groups as a table of one line each."""
    rows: list[list[str]] = []
    room = TABLE_ROOM
    for group in groups[:limit]:
        place = [f"{LEVEL_SIGNS[group.level]} {group.level.value}", code(group.endpoint, 80), code(group.location, 100)]
        row = [*place, _change(group, 40), f"{_spread(group):,}"]
        room -= sum(size(cell) + 3 for cell in row)
        if room < 0:
            break
        rows.append(row)
    return table(["level", "endpoint", "where", "recorded → replayed", "exchanges"], rows) if rows else ""


def section(group: Group, commands: Commands) -> str:
    """One group: what, how often, why it counts, and how to see it again or to let it pass."""
    state = [word.value for word in (group.decision, group.origin) if word]
    facts = [f"{code(group.class_id)} in {counted(_spread(group), 'exchange')}"]
    facts += [f"why: {code(group.evidence, 300)}"] if group.evidence else []
    facts += [f"whose: {code(group.origin_evidence, 300)}"] if group.origin_evidence else []
    facts += [f"follows from group {code(group.because)}"] if group.because else []
    facts.append(f"group {code(group.fingerprint)}" + (f" ({', '.join(state)})" if state else ""))
    lines = [
        f"#### {LEVEL_SIGNS[group.level]} {title(group.class_id)} — {code(group.endpoint, 120)}",
        f"{code(group.location, 200)}: {_change(group, 160)}",
        " · ".join(facts),
    ]
    if decision_said(group):
        lines.append(f"Decided: {code(decision_said(group), 300)}")
    typed = [
        ("# replay just this exchange", group.command),
        ("# or ask by hand", group.curl),
        ("# it is meant: let it pass", commands.accept),
        ("# it varies by itself: a rule that still asserts something", commands.ignore),
    ]
    shown = [
        line for said, command in typed if command and size(command) <= LONGEST_COMMAND for line in (said, command)
    ]
    if shown:
        lines.append(details("Reproduce, accept or ignore", fenced(shown)))
    return "\n\n".join(lines)


def _change(group: Group, limit: int) -> str:
    example = group.examples[0] if group.examples else group
    before, after = shown_values(example, limit)
    return f"{code(before, limit + 40)} → {code(after, limit + 40)}"


def _spread(group: Group) -> int:
    return max(group.spread, len(group.exchanges)) or group.count
