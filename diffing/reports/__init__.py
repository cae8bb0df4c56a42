"""Reports: one result, several renderings. ``write`` renders one ``--report FMT[=PATH]``.

One file per format; formats that need a library import it when they are asked for.
"""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from captures.errors import UsageError
from captures.store import Capture
from diffing.model import Result
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


def parse_specs(texts: Sequence[str]) -> list[ReportSpec]:
    """Every ``--report``, or the terminal's. Raises :class:`UsageError`, also when two would share a place."""
    specs = [parse_spec(text) for text in texts or ("terminal",)]
    places = [spec.path for spec in specs]
    for spec in specs:
        if places.count(spec.path) > 1:
            where = visible(str(spec.path)) if spec.path else "stdout"
            raise UsageError(
                f"Two reports would go to {where}.", hint=f"Give one a file of its own: --report {spec.format}=PATH."
            )
    return specs


def write(
    result: Result,
    spec: str | ReportSpec,
    recorded: Capture | None,
    replayed: Capture | None,
    *,
    stdout: TextIO | None = None,
    width: int | None = None,
) -> Path | None:
    """Render ``result`` as ``spec`` asks; the path written, or None for ``stdout`` (default: the process's own).

    ``width``: columns of the terminal report; None takes the terminal's. A file is replaced whole or not at all.
    Raises :class:`UsageError` for an unknown format or a file that cannot be written.
    """
    spec = parse_spec(spec) if isinstance(spec, str) else spec
    stream = stdout if stdout is not None else sys.stdout
    if spec.format == "terminal":
        from diffing.reports import terminal

        if spec.path is None:
            terminal.write(result, stream, replayed=replayed, width=width)
            return None
        text = terminal.plain(result, replayed=replayed, width=width or 100)
    else:
        text = _render(spec.format, result, recorded, replayed)
    if spec.path is None:
        stream.write(text)
        stream.flush()
        return None
    _replace(spec.path, text)
    return spec.path


def _render(name: str, result: Result, recorded: Capture | None, replayed: Capture | None) -> str:
    if name == "json":
        from diffing.reports import json_report

        return json_report.render(result)
    if name == "junit":
        from diffing.reports import junit

        return junit.render(result, recorded, replayed)
    from diffing.reports import html

    return html.render(result, recorded, replayed)


def _replace(path: Path, text: str) -> None:
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a named pipe: written to, never replaced
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(name).chmod(0o644)  # made to be handed around, unlike a capture
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise UsageError(
            f"The report {path} cannot be written: {error.strerror}.", hint="Name another file: --report FORMAT=PATH."
        ) from error


__all__ = ["DEFAULT_HTML", "FORMATS", "ReportSpec", "parse_spec", "parse_specs", "write"]
