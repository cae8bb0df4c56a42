"""The terminal report: what a person in front of a red build needs, on one screen.

Verdict, ledger, groups (worst first, one example each, why it counts, how to see it again), what to do, what could not
be judged. Level and verdict are a sign and a word before they are a colour. On a terminal lines are cut to its width,
commands never; in a pipe nothing is cut.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TextIO

from captures.store import Capture
from diffing.model import Decision, Group, Result
from diffing.reports.coverage import Miss, misses
from diffing.reports.text import clip, counted, visible
from diffing.reports.wording import (
    COLUMNS,
    LEVELS,
    WORDS,
    name_of,
    rule_snippet,
    shown_values,
    verdict_sentence,
)

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 10  # groups
LISTED = 5  # rules, reasons, notes
SIGNS = {"clean": "✓", "drift": "✗", "inconclusive": "?", "error": "✗", "warning": "!", "info": "i"}
STYLES = {
    "clean": "bold green",
    "drift": "bold red",
    "inconclusive": "bold yellow",
    "error": "bold red",
    "warning": "bold yellow",
    "info": "bold blue",
}
_PLAIN = str.maketrans({"✓": "ok", "✗": "x", "→": "->", "·": "|", "…": "...", "—": "-"})

Part = tuple[str, str]  # text, rich style


def write(result: Result, stream: TextIO, *, replayed: Capture | None = None, width: int | None = None) -> None:
    """Print the report to ``stream``; rich decides on colour (NO_COLOR, FORCE_COLOR, TERM, a terminal or not)."""
    from rich.console import Console

    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    _Printer(console, cut=console.is_terminal or width is not None).report(result, replayed)


def plain(result: Result, *, replayed: Capture | None = None, width: int) -> str:
    """The report without colour, as text for a file."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(
        file=stream, width=width, highlight=False, markup=False, emoji=False, no_color=True, force_terminal=False
    )
    _Printer(console, cut=False).report(result, replayed)
    return stream.getvalue()


class _Printer:
    def __init__(self, console: Console, *, cut: bool) -> None:
        self._console = console
        self._cut = cut
        self._ascii = not console.encoding.startswith("utf")

    def report(self, result: Result, replayed: Capture | None) -> None:
        """Everything, top to bottom."""
        self._head(result)
        for group in result.groups[:SHOWN]:
            self._group(group)
        self._more(result.groups[SHOWN:])
        self._next(result)
        self._items("Not judged", result.reasons)
        used = [f"{name} {count:,}" for name, count in result.rules]
        if used:
            self._line(("Rules   ", "dim"), (self._joined(used), ""))
        self._stubs(result, *misses(replayed))
        self._items("Note", result.notes)

    def _head(self, result: Result) -> None:
        style = STYLES.get(result.verdict, "bold")
        word = WORDS.get(result.verdict, result.verdict).upper()
        self._line(
            (f"{SIGNS.get(result.verdict, '?')} {word}", style),
            (f"  {verdict_sentence(result)}", ""),
            (f"  exit {result.exit_code}", "dim"),
            cut=False,
        )
        ledger = result.ledger
        counts = [f"{getattr(ledger, name):,} {words}" for name, words in COLUMNS if getattr(ledger, name)]
        total = f"{ledger.recorded:,} recorded, {ledger.replayed:,} replayed"
        self._line(("  " + " · ".join([total, *counts]), ""))
        paths = [name_of(path) for path in (result.recorded_path, result.replayed_path) if path]
        if paths:
            self._line(("  " + " → ".join(paths), "dim"))
        self._line()

    def _group(self, group: Group) -> None:
        level = group.level.value
        decision = f"  ({group.decision.value})" if group.decision else ""
        self._line(
            (f"{SIGNS[level]} {level:<8} ", STYLES[level]),
            (f"{group.fingerprint}  ", ""),
            (f"{visible(group.endpoint)}  {visible(group.location)}", "bold"),
            (decision, ""),
        )
        example = group.examples[0] if group.examples else group
        before, after = shown_values(example, 48)
        why = [group.class_id, counted(len(group.exchanges) or group.count, "exchange")]
        why += [visible(group.evidence)] if group.evidence else []
        self._line(("    ", ""), (before, "red"), (" → ", ""), (after, "green"), ("   " + " · ".join(why), "dim"))
        if group.command:
            self._line(("    again  ", "dim"), (visible(group.command), ""), cut=False)
        if group.curl:
            self._line(("    curl   ", "dim"), (visible(group.curl), ""), cut=False)

    def _more(self, rest: tuple[Group, ...]) -> None:
        if rest:
            levels = [(level.value, sum(group.level is level for group in rest)) for level in LEVELS]
            words = ", ".join(f"{count} {name}" for name, count in levels if count)
            self._line((f"+ {len(rest)} more ({words}): see --report html=FILE or --report json", "bold"))

    def _next(self, result: Result) -> None:
        undecided = [group for group in result.groups if group.decision in (None, Decision.REJECTED)]
        if not undecided:
            return
        first = undecided[0]
        self._line()
        rule = "; ".join(rule_snippet(first).splitlines()[1:-1])
        self._line(("Intended?  ", "bold"), ("Record again with this build: that is then the truth.", ""), cut=False)
        if rule:
            self._line(
                ("Volatile?  ", "bold"),
                ("A rule in retape.rules.toml, under [[rules]]: ", ""),
                (rule, "dim"),
                cut=False,
            )

    def _items(self, label: str, items: tuple[str, ...]) -> None:
        for item in items[:LISTED]:
            self._line((f"{label}  ", "dim"), (visible(item), ""), cut=False)
        if len(items) > LISTED:
            self._line((f"{label}  + {len(items) - LISTED} more", "dim"))

    def _stubs(self, result: Result, found: tuple[Miss, ...], total: int) -> None:
        stubs = result.stubs
        if stubs.served or stubs.missed or stubs.unused:
            words = f"{stubs.served:,} served · {stubs.missed:,} missed · {stubs.unused:,} unused"
            self._line(("Stubs   ", "dim"), (words, "yellow" if stubs.missed else ""))
        for miss in found[:3]:
            why = "; ".join(f"{what} {text}".strip() for what, text in miss.explanation)
            self._line(("  miss  ", "yellow"), (f"{miss.to} {miss.line}", ""), (f"  {clip(why, 300)}", "dim"))
        if total > 3 and found:
            self._line((f"  + {total - 3} more misses", "dim"))

    def _joined(self, words: list[str]) -> str:
        more = f" · + {len(words) - LISTED} more" if len(words) > LISTED else ""
        return " · ".join(visible(word) for word in words[:LISTED]) + more

    def _line(self, *parts: Part, cut: bool = True) -> None:
        """One line. Text objects only: captured text is never read as rich markup."""
        from rich.text import Text

        line = Text()
        for text, style in parts:
            if self._ascii:
                text = visible(text.translate(_PLAIN), ascii_only=True)
            line.append(text, style=style)
        if self._cut and cut:
            line.truncate(self._console.width, overflow="crop" if self._ascii else "ellipsis")
        line.rstrip()
        self._console.print(line, soft_wrap=True)
