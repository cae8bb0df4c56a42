"""What is handed to a GitHub runner: its files, annotations in the log, and a log that it does not obey."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from diffing.model import Result
from diffing.reports.files import append, replace
from diffing.reports.specs import ReportSpec
from diffing.reports.surroundings import Surroundings


def to_the_job(result: Result, spec: ReportSpec, around: Surroundings, given: Sequence[str] = ()) -> None:
    """The summary, whole where nothing stands yet and what fits where another part of the step wrote before.

    Raises :class:`captures.errors.UsageError` where a file cannot be written.
    """
    from diffing.reports import github

    assert spec.path is not None
    if spec.append:
        taken = spec.path.stat().st_size if spec.path.exists() else 0
        append(spec.path, github.summary(result, around, given, github.SUMMARY_LIMIT - taken))
    else:
        replace(spec.path, github.summary(result, around, given))
    if around.output is not None:
        append(around.output, github.outputs(result))


def annotate(result: Result, specs: Sequence[ReportSpec], around: Surroundings) -> None:
    """What the runner makes annotations of: on stdout after the terminal's report, else on stderr."""
    if not around.actions or all(spec.format != "github" for spec in specs):
        return
    from diffing.reports import github

    printed = any(spec.format == "terminal" and spec.path is None for spec in specs)
    stream = sys.stdout if printed else sys.stderr
    with suppress(BrokenPipeError):
        stream.write("".join(f"{line}\n" for line in github.workflow_commands(result)))
        stream.flush()


@contextmanager
def unread(stream: TextIO, around: Surroundings) -> Iterator[None]:
    """A runner obeys what a log says (``::add-mask::``, ``##[error]``); in here it does not, whatever stands there.

    The word that ends it is random: nothing that was captured can know it.
    """
    if not around.actions:
        yield
        return
    word = secrets.token_hex(16)
    stream.write(f"::stop-commands::{word}\n")
    try:
        yield
    finally:
        stream.write(f"::{word}::\n")
