"""The terminal report: what a person in front of a red build needs, on one screen.

Verdict, ledger, groups (worst first, one example each, why it counts, how to see it again), what to do, what could not
be judged. Level and verdict are a sign and a word before they are a colour. On a terminal lines are cut to its width,
commands never; in a pipe nothing is cut.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from captures.store import Capture
from captures.wording import counted
from diffing.model import Decision, Group, Result
from diffing.outcome.reproduce import rules_command, shell_word
from diffing.reports.coverage import Miss, misses
from diffing.reports.text import clip, visible
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


def write(
    result: Result,
    stream: TextIO,
    *,
    replayed: Capture | None = None,
    width: int | None = None,
    given: Sequence[str] = (),
) -> None:
    """Print the report to ``stream``; ``given``: the options that commands in it need, too.

    rich decides on colour (NO_COLOR, FORCE_COLOR, TERM, a terminal or not).
    """
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the process, with 1: that is our word for drift

    console = Ours(file=stream, width=width, highlight=False, markup=False, emoji=False)
    _Printer(console, given, cut=console.is_terminal or width is not None).report(result, replayed)


def plain(result: Result, *, replayed: Capture | None = None, width: int, given: Sequence[str] = ()) -> str:
    """The report without colour, as text for a file."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(
        file=stream, width=width, highlight=False, markup=False, emoji=False, no_color=True, force_terminal=False
    )
    _Printer(console, given, cut=False).report(result, replayed)
    return stream.getvalue()


class _Printer:
    def __init__(self, console: Console, given: Sequence[str], *, cut: bool) -> None:
        self._console = console
        self._given = given
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
        self._items("Note", self._notes(result))

    def _notes(self, result: Result) -> tuple[str, ...]:
        """Without what is said of every replay that starts the build (JSON and the page have it)."""
        meta = result.meta.get("replayed") or {}
        standing = set(meta.get("enforced") or ()) if meta.get("command") else set()
        return tuple(note for note in result.notes if note not in standing)

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
        said = [word.value for word in (group.decision, group.origin) if word]
        decision = f"  ({', '.join(said)})" if said else ""
        self._line(
            (f"{SIGNS[level]} {level:<8} ", STYLES[level]),
            (f"{group.fingerprint}  ", ""),
            (f"{visible(group.endpoint)}  {visible(group.location)}", "bold"),
            (decision, ""),
        )
        example = group.examples[0] if group.examples else group
        before, after = shown_values(example, 48)
        why = [group.class_id, counted(max(group.spread, len(group.exchanges)) or group.count, "exchange")]
        why += [visible(group.evidence)] if group.evidence else []
        self._line(("    ", ""), (before, "red"), (" → ", ""), (after, "green"), ("   " + " · ".join(why), "dim"))
        if group.origin_evidence:
            self._line(("    whose  ", "dim"), (visible(group.origin_evidence), ""), cut=False)
        if group.because:
            self._line(("    follows from  ", "dim"), (group.because, ""))
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
        shows = bool(first.exchanges) and first.class_id != "exchange.extra" and bool(result.replayed_path)
        if shows and result.meta.get("replayed"):
            words = ("retape", "capture", "show", result.replayed_path, str(first.exchanges[0]), "--recorded-id")
            shown = " ".join(shell_word(word) for word in words)
            self._line(
                ("Show it    ", "bold"), (shown, ""), ("   # the answer to that recorded exchange", "dim"), cut=False
            )
        if result.replayed_path and first.exchanges and first.location.startswith("response"):
            example = first.examples[0] if first.examples else None
            path = example.path if example is not None else first.location
            exchange = example.exchange if example is not None else first.exchanges[0]
            self._line(
                ("Why?       ", "bold"),
                (rules_command("explain", result, (str(exchange), path), self._given), ""),
                ("   # both values, the evidence, the rules", "dim"),
                cut=False,
            )
        self._line(("Intended?  ", "bold"), ("Record again with this build: that is then the truth.", ""), cut=False)
        if result.replayed_path and rule_snippet(first):
            self._line(
                ("Volatile?  ", "bold"),
                (rules_command("suggest", result, (first.fingerprint,), self._given), ""),
                ("   # a rule that still asserts something", "dim"),
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
