"""Reports: one result, several renderings. ``write`` renders one ``--report FMT[=PATH]``.

One file per format; formats that need a library import it when they are asked for.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from captures.errors import UsageError
from captures.store import Capture
from diffing.model import Result
from diffing.reports.files import refuse_inputs, replace
from diffing.reports.text import visible

FORMATS = ("terminal", "json", "junit", "html")
DEFAULT_HTML = "retape-report.html"


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """One ``--report``: a format of :data:`FORMATS`, and where to. ``path`` None is stdout (html: a default file)."""

    format: str
    path: Path | None = None


def parse_spec(text: str) -> ReportSpec:
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
    if where == "-" and name == "html":
        raise UsageError("The html report is a page, not a stream.", hint="Write --report html=PATH.")
    if not where or where == "-":
        return ReportSpec(name, Path(DEFAULT_HTML) if name == "html" else None)
    return ReportSpec(name, Path(where))


def parse_specs(texts: Sequence[str], inputs: Sequence[Path | None] = ()) -> list[ReportSpec]:
    """Every ``--report``, or the terminal's. ``inputs``: the files that the command itself reads and writes.

    Raises :class:`UsageError`, also when two would share a place, or one would replace an input.
    """
    specs = [parse_spec(text) for text in texts or ("terminal",)]
    places = [spec.path for spec in specs]
    for spec in specs:
        if places.count(spec.path) > 1:
            where = visible(str(spec.path)) if spec.path else "stdout"
            raise UsageError(
                f"Two reports would go to {where}.", hint=f"Give one a file of its own: --report {spec.format}=PATH."
            )
    refuse_inputs(places, inputs)
    return specs


def options_given(**paths: Path | None) -> tuple[str, ...]:
    """``--rules FILE --config FILE`` again, where they were given."""
    return tuple(word for name, path in paths.items() if path is not None for word in (f"--{name}", str(path)))


def write(
    result: Result,
    spec: str | ReportSpec,
    recorded: Capture | None,
    replayed: Capture | None,
    *,
    stdout: TextIO | None = None,
    width: int | None = None,
    given: Sequence[str] = (),
) -> Path | None:
    """Render ``result`` as ``spec`` asks; the path written, or None for ``stdout`` (default: the process's own).

    A reader of the process's stdout that went away (``| head``) has what it wanted: no error, and no other verdict.
    ``width``: columns of the terminal report; None takes the terminal's. ``given``: options (``--rules FILE``) that the
    commands printed in it need as well. A file is replaced whole or not at all.
    Raises :class:`UsageError` for an unknown format or a file that cannot be written.
    """
    spec = parse_spec(spec) if isinstance(spec, str) else spec
    stream = stdout if stdout is not None else sys.stdout
    if spec.path is None:
        try:
            _print(spec.format, result, recorded, replayed, stream, width, given)
        except BrokenPipeError:
            if stdout is not None:
                raise
            _into_nothing(stream)
        return None
    if spec.format == "terminal":
        from diffing.reports import terminal

        text = terminal.plain(result, replayed=replayed, width=width or 100, given=given)
    else:
        text = _render(spec.format, result, recorded, replayed)
    replace(spec.path, text)
    return spec.path


def _print(
    name: str,
    result: Result,
    recorded: Capture | None,
    replayed: Capture | None,
    stream: TextIO,
    width: int | None,
    given: Sequence[str],
) -> None:
    if name == "terminal":
        from diffing.reports import terminal

        terminal.write(result, stream, replayed=replayed, width=width, given=given)
    else:
        stream.write(_render(name, result, recorded, replayed))
    stream.flush()


def _into_nothing(stream: TextIO) -> None:
    """What is still to be written when the process ends goes nowhere, instead of failing again."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _render(name: str, result: Result, recorded: Capture | None, replayed: Capture | None) -> str:
    if name == "json":
        from diffing.reports import json_report

        return json_report.render(result)
    if name == "junit":
        from diffing.reports import junit

        return junit.render(result, recorded, replayed)
    from diffing.reports import html

    return html.render(result, recorded, replayed)


__all__ = [
    "DEFAULT_HTML",
    "FORMATS",
    "ReportSpec",
    "options_given",
    "parse_spec",
    "parse_specs",
    "refuse_inputs",
    "write",
]
