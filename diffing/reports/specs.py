"""What ``--report`` asks for: formats, and where each goes. Nothing is written here.

A format without a path goes to stdout. Where several would, the terminal's keeps it and the others take the file that
is usual for them, so that ``--report terminal,json,junit,html`` is one word. GitHub's summary goes where the job says.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from captures.errors import UsageError
from captures.visible import visible
from diffing.reports.files import refuse_inputs

DEFAULT_HTML = "retape-report.html"
FILES = {
    "terminal": "retape-report.txt",
    "json": "retape-report.json",
    "junit": "retape-junit.xml",
    "html": DEFAULT_HTML,
    "github": "retape-summary.md",
    "gitlab": "gl-code-quality-report.json",
    "markdown": "retape-comment.md",
}
"""Every format, with the file it goes to where stdout is not its own."""
FORMATS = tuple(FILES)
_NO_STREAM = {"html": "The html report is a page, not a stream.", "github": "GitHub takes its summary out of a file."}


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """One ``--report``: a format of :data:`FORMATS`, and where to. ``path`` None is stdout."""

    format: str
    path: Path | None = None
    append: bool = False  # to what stands there: only the summary of a GitHub job


def parse_spec(text: str, environ: Mapping[str, str] | None = None) -> ReportSpec:
    """``json``, ``json=out.json``, ``junit=-`` (stdout). Raises :class:`UsageError` for an unknown format."""
    name, given, where = text.partition("=")
    name = name.strip().lower()
    if name not in FORMATS:
        close = difflib.get_close_matches(name, FORMATS, n=1, cutoff=0.4)
        guess = f" Did you mean {close[0]}?" if close else ""
        raise UsageError(
            f'There is no report format "{visible(name)}".{guess}',
            hint=f"--report takes {', '.join(FORMATS)}, as FORMAT[=PATH].",
        )
    if given and not where:
        raise UsageError(
            f'--report "{text}" names no file after "=".', hint=f"Write --report {name} or --report {name}=PATH."
        )
    if where == "-" and name in _NO_STREAM:
        raise UsageError(_NO_STREAM[name], hint=f"Write --report {name}=PATH.")
    if where and where != "-":
        return ReportSpec(name, Path(where))
    if name == "github":
        job = (os.environ if environ is None else environ).get("GITHUB_STEP_SUMMARY")
        return ReportSpec(name, Path(job or FILES[name]), append=bool(job))
    return ReportSpec(name, Path(FILES[name]) if name == "html" else None)


def parse_specs(
    texts: Sequence[str], inputs: Sequence[Path | None] = (), environ: Mapping[str, str] | None = None
) -> list[ReportSpec]:
    """Every ``--report``, or what is usual here. ``inputs``: the files that the command itself reads and writes.

    Raises :class:`UsageError`, also when two would share a place, or one would replace an input.
    """
    environ = os.environ if environ is None else environ
    words = [word for text in texts for word in split(text)] or usual(environ)
    specs = _apart([parse_spec(word, environ) for word in words], {word for word in words if word.endswith("=-")})
    places = [spec.path for spec in specs]
    for spec in specs:
        if places.count(spec.path) > 1:
            where = visible(str(spec.path)) if spec.path else "stdout"
            raise UsageError(
                f"Two reports would go to {where}.", hint=f"Give one a file of its own: --report {spec.format}=PATH."
            )
    refuse_inputs(places, inputs)
    return specs


def split(text: str) -> Iterable[str]:
    """``terminal,json=a.json,html`` as three. A comma inside a path stays, unless a format's name follows it."""
    found: list[str] = []
    for piece in text.split(","):
        known = piece.partition("=")[0].strip().lower() in FORMATS
        if found and "=" in found[-1] and not known:
            found[-1] += f",{piece}"
        else:
            found.append(piece)
    return found


def usual(environ: Mapping[str, str]) -> list[str]:
    """Without ``--report``: the terminal's, and in a GitHub job its summary as well, where that can be written.

    In a container of the job's own making the variable may be set and its folder be nowhere: no reason to fail.
    """
    summary = environ.get("GITHUB_STEP_SUMMARY") if environ.get("GITHUB_ACTIONS") == "true" else None
    return ["terminal", "github"] if summary and os.access(Path(summary).parent, os.W_OK) else ["terminal"]


def _apart(specs: list[ReportSpec], asked: set[str]) -> list[ReportSpec]:
    """``specs`` with at most one on stdout, as far as nobody asked for it by name (``json=-``)."""
    bare = [spec for spec in specs if spec.path is None and f"{spec.format}=-" not in asked]
    if sum(spec.path is None for spec in specs) < 2 or len({spec.format for spec in bare}) < len(bare):
        return specs
    keeps = {"terminal"} if len(bare) == sum(spec.path is None for spec in specs) else set()
    return [
        replace(spec, path=Path(FILES[spec.format])) if spec in bare and spec.format not in keeps else spec
        for spec in specs
    ]
