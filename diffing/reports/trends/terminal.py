"""The trend in a terminal: a row for each run, a line for each measure, then what needs somebody.

Level and verdict are a sign and a word before they are a colour. On a terminal lines are cut to its width, in a pipe
nothing is cut; where the terminal has no UTF-8 everything is ASCII, sparklines too.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from captures.visible import visible
from diffing.history.trend import RANKED, GroupTrend, Trend
from diffing.reports.trends import words
from diffing.reports.trends.sparkline import sparkline

if TYPE_CHECKING:
    from rich.console import Console

Part = tuple[str, str]  # text, rich style

SIGNS = {"clean": "✓", "drift": "✗", "inconclusive": "?", "error": "✗", "warning": "!", "info": "i"}
STYLES = {
    "clean": "green", "drift": "bold red", "inconclusive": "bold yellow",
    "error": "bold red", "warning": "bold yellow", "info": "bold blue",
}  # fmt: skip
_PLAIN = str.maketrans({"✓": "ok", "✗": "x", "·": "|", "…": "..."})


def write(trend: Trend, stream: TextIO, *, width: int | None = None) -> None:
    """Print ``trend``; rich decides on colour (NO_COLOR, FORCE_COLOR, TERM, a terminal or not)."""
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the process, with 1: that is our word for drift

    console = Ours(file=stream, width=width, highlight=False, markup=False, emoji=False)
    _Printer(console, cut=console.is_terminal or width is not None).trend(trend)


def plain(trend: Trend, *, width: int = 120) -> str:
    """The same without colour, as text for a file."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False, no_color=True)
    _Printer(console, cut=False).trend(trend)
    return stream.getvalue()


class _Printer:
    def __init__(self, console: Console, *, cut: bool) -> None:
        self._console = console
        self._cut = cut
        self._ascii = not console.encoding.startswith("utf")

    def trend(self, trend: Trend) -> None:
        """Everything, top to bottom."""
        if not trend.entries:
            self._line((words.EMPTY, "bold"), ("  Make one: ", ""), (words.EMPTY_HINT, ""))
            return
        self._line((words.head(trend), "bold"))
        self._line()
        self._runs(trend)
        self._line()
        for one in words.measures(trend):
            self._line(
                (f"{one.name:<10}", "bold"),
                (sparkline(one.series, ascii_only=self._ascii, least=one.least), "cyan"),
                (f"  {one.said}", ""),
            )
        self._endpoints(trend)
        self._groups("Open longest", trend.open)
        self._groups("Moves by itself", trend.unsteady, unsteady=True)
        following = words.advice(trend)
        if following:
            self._line()
            wide = max(len(said) for said, _ in following)
            for said, command in following:
                self._line((f"{said:<{wide}}  ", "bold"), (command, ""), cut=False)

    def _runs(self, trend: Trend) -> None:
        rows = [words.cells(trend, at) for at in range(len(trend.entries))]
        rows = [(*row[:4], f"{SIGNS.get(entry.verdict, '?')} {row[4]}", *row[5:])
                for row, entry in zip(rows, trend.entries, strict=True)]  # fmt: skip
        # A recording or a build that is the same in every run needs no column.
        shown = [at for at in range(len(words.HEADS)) if at not in (1, 2) or len({row[at] for row in rows}) > 1]
        widths = {at: max(len(self._fit(words.HEADS[at])), *(len(self._fit(row[at])) for row in rows)) for at in shown}
        self._line(*((self._padded(words.HEADS[at], at, widths[at]), "dim") for at in shown))
        for row, entry in zip(rows, trend.entries, strict=True):
            self._line(
                *(
                    (self._padded(row[at], at, widths[at]), STYLES.get(entry.verdict, "") if at == 4 else "")
                    for at in shown
                )
            )

    def _padded(self, text: str, at: int, width: int) -> str:
        fitted = self._fit(text)
        return f"{fitted:>{width}}  " if at in words.NUMBERS else f"{fitted:<{width}}  "

    def _endpoints(self, trend: Trend) -> None:
        shown = trend.endpoints[:RANKED]
        if not shown:
            return
        self._line()
        self._line(("Endpoints that drift most", "bold"))
        wide = max(len(self._fit(visible(one.endpoint))) for one in shown)
        said = max(len(words.endpoint_said(one)) for one in shown)
        for one in shown:
            self._line(
                (f"  {self._fit(visible(one.endpoint)):<{wide}}  ", ""),
                (sparkline(one.groups, ascii_only=self._ascii), "cyan"),
                (f"  {words.endpoint_said(one):<{said}}", ""),
                (f"  answers in {words.times_said(one)}", "dim"),
            )
        rest = len(trend.endpoints) - len(shown)
        if rest:
            self._line((f"  + {rest} more", "dim"))

    def _groups(self, title: str, groups: Sequence[GroupTrend], *, unsteady: bool = False) -> None:
        if not groups:
            return
        self._line()
        self._line((title, "bold"))
        for one in groups[:RANKED]:
            group = one.group
            self._line(
                (f"{SIGNS.get(group.level, '?')} {group.level:<8}", STYLES.get(group.level, "")),
                (f"{group.fingerprint}  ", ""),
                (f"{visible(group.endpoint)}  {visible(group.location)}", ""),
                (f"  {visible(group.class_id)}", "dim"),
            )
            said = words.why_unsteady(one) if unsteady else words.group_said(one)
            self._line(("            ", ""), (said, "dim"))
        if len(groups) > RANKED:
            self._line((f"  + {len(groups) - RANKED} more", "dim"))

    def _fit(self, text: str) -> str:
        return visible(text.translate(_PLAIN), ascii_only=True) if self._ascii else text

    def _line(self, *parts: Part, cut: bool = True) -> None:
        """One line. Text objects only: captured text is never read as rich markup."""
        from rich.text import Text

        line = Text()
        for text, style in parts:
            line.append(self._fit(text), style=style)
        if self._cut and cut:
            line.truncate(self._console.width, overflow="crop" if self._ascii else "ellipsis")
        line.rstrip()
        self._console.print(line, soft_wrap=True)
