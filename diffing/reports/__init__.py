"""Reports: one result, several renderings. ``write`` renders one ``--report FMT[=PATH]``.

One file per format; formats that need a library import it when they are asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from captures.store import Capture
from diffing.model import Result
from diffing.reports.files import new_folder, refuse_inputs, replace
from diffing.reports.runner import annotate, to_the_job, unread
from diffing.reports.specs import DEFAULT_HTML, FORMATS, ReportSpec, parse_spec, parse_specs
from diffing.reports.surroundings import Surroundings, surroundings


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
    around: Surroundings | None = None,
) -> Path | None:
    """Render ``result`` as ``spec`` asks; the path written, or None for ``stdout`` (default: the process's own).

    A reader of the process's stdout that went away (``| head``) has what it wanted: no error, and no other verdict.
    ``width``: columns of the terminal report; None takes the terminal's. ``given``: options (``--rules FILE``) that the
    commands printed in it need as well. ``around``: what the CI says of itself. A file is replaced whole or not at all.
    Raises :class:`UsageError` for an unknown format or a file that cannot be written.
    """
    spec = parse_spec(spec) if isinstance(spec, str) else spec
    around = around or Surroundings()
    stream = stdout if stdout is not None else sys.stdout
    if spec.path is None:
        try:
            _print(spec.format, result, recorded, replayed, stream, width, given, around)
        except BrokenPipeError:
            if stdout is not None:
                raise
            _into_nothing(stream)
        return None
    if spec.format == "github":
        to_the_job(result, spec, around, given)
        return spec.path
    if spec.format == "terminal":
        from diffing.reports import terminal

        text = terminal.plain(result, replayed=replayed, width=width or 100, given=given)
    else:
        text = _render(spec.format, result, recorded, replayed, given, around)
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
    around: Surroundings,
) -> None:
    if name == "terminal":
        from diffing.reports import terminal

        with unread(stream, around):
            terminal.write(result, stream, replayed=replayed, width=width, given=given)
    else:
        stream.write(_render(name, result, recorded, replayed, given, around))
    stream.flush()


def _into_nothing(stream: TextIO) -> None:
    """What is still to be written when the process ends goes nowhere, instead of failing again."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _render(
    name: str,
    result: Result,
    recorded: Capture | None,
    replayed: Capture | None,
    given: Sequence[str],
    around: Surroundings,
) -> str:
    if name == "json":
        from diffing.reports import json_report

        return json_report.render(result)
    if name == "junit":
        from diffing.reports import junit

        return junit.render(result, replayed)
    if name == "gitlab":
        from diffing.reports import gitlab

        return gitlab.render(result)
    if name == "markdown":
        from diffing.reports import markdown

        return markdown.render(result, around, given)
    from diffing.reports import html

    return html.render(result, recorded, replayed)


__all__ = [
    "DEFAULT_HTML",
    "FORMATS",
    "ReportSpec",
    "Surroundings",
    "annotate",
    "new_folder",
    "options_given",
    "parse_spec",
    "parse_specs",
    "refuse_inputs",
    "surroundings",
    "write",
]
