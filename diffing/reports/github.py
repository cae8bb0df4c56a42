"""What a GitHub job shows: a summary, annotations, and values for later steps. Three texts; nothing is written here.

Limits and syntax: a step's summary over 1 MiB is refused whole; ten annotations a level and step are shown and the rest
dropped without a word; ``%``, CR and LF are escaped in a command's message, ``:`` and ``,`` in its properties as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from captures.visible import inert, visible
from captures.wording import counted
from diffing.model import Decision, Group, Level, Result
from diffing.reports.asked import commands_of
from diffing.reports.markdown_text import within
from diffing.reports.sections import heading, overview, section
from diffing.reports.surroundings import Surroundings
from diffing.reports.text import clip
from diffing.reports.wording import LEVELS, shown_values, title, verdict_sentence

SUMMARY_LIMIT = 1024 * 1024 - 4096
ANNOTATIONS = 10
IN_TABLE = 100
LITTLE = 64 * 1024  # bytes: less room than that is none
LONGEST = 1_000  # characters of a message
FILE = "retape.rules.toml"  # where an answer to the drift is written
_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}


def summary(
    result: Result, around: Surroundings | None = None, given: Sequence[str] = (), limit: int = SUMMARY_LIMIT
) -> str:
    """The job's summary as Markdown, at most ``limit`` bytes, cut at a section's end; it ends in a line feed."""
    around = around or Surroundings()
    if limit < LITTLE:
        return f"\nRetape: {result.verdict}. This summary has no room left for more: see the report.\n"
    head = "\n\n".join(filter(None, [heading(result, around), overview(result.groups, IN_TABLE)]))
    shown = (section(group, commands_of(result, group, given)) for group in result.groups)
    return within(
        limit,
        head,
        shown,
        len(result.groups),
        lambda rest: f"{counted(rest, 'more group')} did not fit into this summary: see the report.",
    )


def workflow_commands(result: Result) -> list[str]:
    """Workflow commands, one a line, the worst first; the last says how many more there are."""
    still = [group for group in result.groups if group.open]
    first = [_inconclusive(result)] if result.verdict == "inconclusive" else []
    room = ANNOTATIONS - len(first)
    if len(still) <= room:
        return first + [_annotation(group) for group in still]
    more = len(still) - room + 1
    word = _COMMANDS[max((group.level for group in still), key=lambda level: level.rank)]
    last = _command(word, f"Retape: +{more:,} more", f"+{more:,} more drift groups: see the report.")
    return [*first, *(_annotation(group) for group in still[: room - 1]), last]


def _inconclusive(result: Result) -> str:
    return _command("error", "Retape: inconclusive", verdict_sentence(result))


def outputs(result: Result) -> str:
    """``name=value`` lines for ``$GITHUB_OUTPUT``: words and numbers of ours only."""
    still = [group for group in result.groups if group.open]
    values: dict[str, object] = {"verdict": result.verdict, "exit-code": result.exit_code, "groups": len(still)}
    values |= {f"{level.value}s": sum(group.level is level for group in still) for level in LEVELS}
    values |= {word.value: sum(group.decision is word for group in result.groups) for word in Decision}
    ledger = result.ledger
    values |= {"recorded": ledger.recorded, "replayed": ledger.replayed, "drifted": ledger.drifted}
    values |= {"failed": ledger.failed, "not-replayed": ledger.not_replayed}
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _annotation(group: Group) -> str:
    example = group.examples[0] if group.examples else group
    before, after = shown_values(example, 120)
    where = f"{group.location}: {before} → {after}"
    spread = counted(max(group.spread, len(group.exchanges)) or group.count, "exchange")
    message = f"{where}. {spread}; {group.evidence}" if group.evidence else f"{where}. {spread}"
    heading = f"{title(group.class_id)}: {group.endpoint}"
    return _command(_COMMANDS[group.level], heading, f"{message} [{group.fingerprint}]")


def _command(word: str, heading: str, message: str) -> str:
    said = _message(clip(visible(message), LONGEST))
    return f"::{word} file={FILE},line=1,title={_property(clip(visible(heading), 200))}::{said}"


def _message(text: str) -> str:
    return inert(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
