"""The terminal report: what a person in front of a red build needs, on one screen.

Verdict and ledger, the groups (open ones first, the worst first; two lines each: where, then what changed and why it
counts), what to type about the first of them, what could not be judged. Level and verdict are a sign and a word before
they are a colour. On a terminal lines are broken at its width, commands never, so that they can be copied; in a pipe
nothing is broken or cut.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from captures.store import Capture
from captures.visible import visible
from captures.wording import counted
from diffing.model import Group, Result
from diffing.outcome.reproduce import decision_command, review_command, rules_command, shell_word
from diffing.reports.coverage import Miss, misses
from diffing.reports.text import clip
from diffing.reports.wording import (
    COLUMNS,
    LEVELS,
    decision_said,
    name_of,
    rule_snippet,
    shown_values,
    title,
    verdict_sentence,
    verdict_word,
)

if TYPE_CHECKING:
    from rich.console import Console

    from diffing.reports.layout import Phrase

SHOWN = 8  # groups
LISTED = 4  # rules, reasons, notes
MISSES = 2
LABEL = 11  # cells
PLACE = 400  # characters of a location: a path as deep as a body may go would be a screen of its own
SIGNS = {"clean": "✓", "drift": "✗", "inconclusive": "?", "error": "✗", "warning": "!", "info": "i"}
STYLES = {
    "clean": "bold green",
    "drift": "bold red",
    "inconclusive": "bold yellow",
    "error": "bold red",
    "warning": "bold yellow",
    "info": "bold blue",
}
_OF_REPLAYED = re.compile(r"(?:; )?\bin ([\d,]+) of ([\d,]+) replayed exchanges?")
_PLAIN = str.maketrans({"✓": "ok", "✗": "x", "→": "->", "·": "|", "…": "...", "—": "-"})


def write(
    result: Result,
    stream: TextIO,
    *,
    replayed: Capture | None = None,
    width: int | None = None,
    given: Sequence[str] = (),
) -> None:
    """Print the report to ``stream``; ``given``: the options that commands in it need, too.

    rich decides on colour (NO_COLOR, FORCE_COLOR, TERM, a terminal or not). FORCE_COLOR makes no terminal of a pipe:
    lines are broken at ``width``, at COLUMNS or at the width of a real terminal, and nowhere else.
    """
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the process, with 1: that is our word for drift

    console = Ours(file=stream, width=width, highlight=False, markup=False, emoji=False)
    said = os.environ.get("COLUMNS", "")
    width = width or (int(said) if said.isdecimal() and int(said) else None)  # rich overlooks it on a dumb terminal
    if width is None and _is_terminal(stream):
        width = console.width
    _Printer(console, given, width).report(result, replayed)


def plain(
    result: Result, *, replayed: Capture | None = None, width: int | None = 100, given: Sequence[str] = ()
) -> str:
    """The report as text without colour, for a file: no line is broken, whatever ``width`` is."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(
        file=stream, width=width, highlight=False, markup=False, emoji=False, no_color=True, force_terminal=False
    )
    _Printer(console, given, None).report(result, replayed)
    return stream.getvalue()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


class _Printer:
    def __init__(self, console: Console, given: Sequence[str], width: int | None) -> None:
        self._console = console
        self._given = given
        self._width = width
        self._ascii = not console.encoding.lower().startswith("utf")

    def report(self, result: Result, replayed: Capture | None) -> None:
        """Everything, top to bottom."""
        self._head(result)
        groups = sorted(result.groups, key=lambda group: not group.open)  # stable: the worst first stays
        if groups:
            self._line()
        for group in groups[:SHOWN]:
            self._group(group)
        self._more(groups[SHOWN:], result)
        self._next(result, groups)
        self._rest(result, replayed)

    def _head(self, result: Result) -> None:
        from diffing.reports.layout import Phrase, joined

        style = STYLES.get(result.verdict, "bold")
        word = verdict_word(result).upper()
        self._phrases(
            Phrase(f"{SIGNS.get(result.verdict, '?')} {word}", style),
            Phrase(verdict_sentence(result), "bold"),
            Phrase(f"exit {result.exit_code}", "dim"),
        )
        ledger = result.ledger
        counts = [f"{getattr(ledger, name):,} {words}" for name, words in COLUMNS if getattr(ledger, name)]
        total = f"{ledger.recorded:,} recorded, {ledger.replayed:,} replayed"
        self._phrases(Phrase("  ", gap=""), *joined([total, *counts]))
        paths = [name_of(path) for path in (result.recorded_path, result.replayed_path) if path]
        levels = [counted(sum(g.open and g.level is one for g in result.groups), one.value) for one in LEVELS]
        words = [" → ".join(paths), *(text for text in levels if not text.startswith("0 "))]
        self._phrases(Phrase("  ", gap=""), *joined([word.replace("infos", "info") for word in words], "dim"))

    def _group(self, group: Group) -> None:
        from diffing.reports.layout import Phrase, joined

        level = group.level.value
        said = [word.value for word in (group.decision, group.origin) if word]
        self._phrases(
            Phrase(f"{SIGNS['clean' if group.passed else level]} {level:<7}", "dim" if group.passed else STYLES[level]),
            Phrase(group.fingerprint),
            Phrase(visible(group.endpoint), "bold"),
            Phrase(clip(visible(group.location), PLACE), "bold"),
            Phrase(f"({', '.join(said)})" if said else ""),
        )
        example = group.examples[0] if group.examples else group
        before, after = shown_values(example, 48)
        spread, evidence = _spread(group)
        shown = f", as in {_shown_by(group)}" if group.exchanges else ""
        why = [visible(decision_said(group)), title(group.class_id).lower(), spread + shown, visible(evidence)]
        why += [visible(group.origin_evidence), f"follows from {group.because}" if group.because else ""]
        self._phrases(
            Phrase("    ", gap=""),
            Phrase(before, "red", ""),
            Phrase("→", "", " "),
            Phrase(after, "green", " "),
            *joined([text for text in why if text], "dim"),
        )

    def _more(self, rest: Sequence[Group], result: Result) -> None:
        from diffing.reports.layout import Phrase

        if not rest:
            return
        levels = [(level.value, sum(group.level is level for group in rest)) for level in LEVELS]
        words = ", ".join(f"{count:,} {name}" for name, count in levels if count)
        self._phrases(
            Phrase(f"+ {len(rest):,} more ({words}):", "bold"), Phrase("--report html shows all", "bold", " ")
        )

    def _next(self, result: Result, groups: Sequence[Group]) -> None:
        """What a person types about the first open group; for another one its id stands in the commands."""

        first = next((group for group in groups if group.open), None)
        if first is None:
            return
        self._line()
        if first.command:
            others = any(group.open and group is not first for group in groups)
            said = f"# of {first.fingerprint}; the others alike, with their ids" if others else ""
            self._command("Again", first.command, said)
        if first.curl:
            self._command("By hand", first.curl)
        shows = bool(first.exchanges) and first.class_id != "exchange.extra" and bool(result.replayed_path)
        if shows and result.meta.get("replayed"):
            words = ("retape", "capture", "show", result.replayed_path, str(_shown_by(first)), "--recorded-id")
            self._command("Show it", " ".join(shell_word(word) for word in words))
        if result.replayed_path and first.exchanges and first.location.startswith("response"):
            example = first.examples[0] if first.examples else None
            path = example.path if example is not None else first.location
            self._command("Why?", rules_command("explain", result, (str(_shown_by(first)), path), self._given))
        if not result.replayed_path:
            return
        meant = decision_command("accept", result, first.fingerprint, self._given)
        self._command("Meant?", meant, "# it is the new truth; --reason says why")
        if rule_snippet(first):
            volatile = decision_command("ignore", result, first.fingerprint, self._given)
            self._command("Volatile?", volatile, "# a rule that still asserts something")
        self._command("All of it", review_command(result, self._given), "# in a browser, decisions too")

    def _rest(self, result: Result, replayed: Capture | None) -> None:
        from diffing.reports.layout import Phrase, joined

        if result.reasons or result.rules or self._notes(result) or result.stubs.missed or result.stubs.served:
            self._line()
        self._items("Not judged", result.reasons)
        used = [f"{name} {count:,}" for name, count in result.rules]
        if used:
            more = [f"+ {len(used) - LISTED} more"] if len(used) > LISTED else []
            names = [visible(word) for word in used[:LISTED]]
            self._phrases(Phrase("Rules".ljust(LABEL), "dim"), *_after_label(joined([*names, *more])), indent=LABEL)
        self._stubs(result, *misses(replayed))
        self._items("Note", self._notes(result))

    def _notes(self, result: Result) -> tuple[str, ...]:
        """Without what is said of every replay that starts the build (JSON and the page have it)."""
        meta = result.meta.get("replayed") or {}
        standing = set(meta.get("enforced") or ()) if meta.get("command") else set()
        return tuple(note for note in result.notes if note not in standing)

    def _items(self, label: str, items: Sequence[str]) -> None:
        from diffing.reports.layout import Phrase

        for item in items[:LISTED]:
            self._phrases(Phrase(label.ljust(LABEL), "dim"), Phrase(visible(item), "", ""), indent=LABEL)
        if len(items) > LISTED:
            self._line((label.ljust(LABEL), "dim"), (f"+ {len(items) - LISTED} more", ""))

    def _stubs(self, result: Result, found: Sequence[Miss], total: int) -> None:
        from diffing.reports.layout import Phrase, joined

        stubs = result.stubs
        if stubs.served or stubs.missed or stubs.unused:
            words = [f"{stubs.served:,} served", f"{stubs.missed:,} missed", f"{stubs.unused:,} unused"]
            style = "yellow" if stubs.missed else ""
            self._phrases(Phrase("Stubs".ljust(LABEL), "dim"), *_after_label(joined(words, style)), indent=LABEL)
        for miss in found[:MISSES]:
            why = "; ".join(f"{what} {text}".strip() for what, text in miss.explanation[:2])
            self._phrases(
                Phrase("  miss".ljust(LABEL), "yellow"),
                Phrase(f"{miss.to} {miss.line}", "", ""),
                Phrase(clip(why, 160), "dim"),
                indent=LABEL,
            )
        if total > MISSES and found:
            self._line(("  miss".ljust(LABEL), "yellow"), (f"+ {total - MISSES:,} more", ""))

    def _command(self, label: str, command: str, said: str = "") -> None:
        """On one line, however long: what is copied from a terminal must run."""
        self._line((label.ljust(LABEL), "bold"), (visible(command), ""), (f"   {said}" if said else "", "dim"))

    def _phrases(self, *phrases: Phrase, indent: int = 4) -> None:
        from diffing.reports.layout import laid_out

        more = "..." if self._ascii else "…"
        shown = [type(one)(self._fit(one.text), one.style, self._fit(one.gap)) for one in phrases]
        for line in laid_out(shown, self._width, indent, more):
            self._line(*line)

    def _fit(self, text: str) -> str:
        return visible(text.translate(_PLAIN), ascii_only=True) if self._ascii else text

    def _line(self, *parts: tuple[str, str]) -> None:
        """One line. Text objects only: captured text is never read as rich markup."""
        from rich.text import Text

        line = Text()
        for text, style in parts:
            line.append(self._fit(text), style=style)
        line.rstrip()
        self._console.print(line, soft_wrap=True)


def _shown_by(group: Group) -> int:
    """The exchange that the values shown are of. Of one change at several endpoints the first may be another's."""
    shown = group.examples[0].exchange if group.examples else group.exchanges[0]
    return shown if shown in group.exchanges else group.exchanges[0]


def _spread(group: Group) -> tuple[str, str]:
    """How many exchanges show it, and the evidence without what that says again: ``45 of 57 exchanges``."""
    said = _OF_REPLAYED.search(group.evidence)
    if said is None:
        return counted(max(group.spread, len(group.exchanges)) or group.count, "exchange"), group.evidence
    return f"{said[1]} of {said[2]} exchanges", group.evidence.replace(said[0], "").lstrip("; ")


def _after_label(phrases: Iterable[Phrase]) -> list[Phrase]:
    """The first of them directly after its label."""
    first, *rest = phrases
    return [type(first)(first.text, first.style, ""), *rest]
