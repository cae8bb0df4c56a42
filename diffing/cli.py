"""``retape diff``; ``retape rules`` stands in :mod:`diffing.rulebook.cli`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diffing.rulebook.cli import CONFIG, RULES, rules

if TYPE_CHECKING:
    from captures.store import Capture

__all__ = ["diff", "rules"]


@click.command()
@click.argument("recorded", type=click.Path(path_type=Path))
@click.argument("replayed", type=click.Path(path_type=Path))
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FMT[=PATH]",
    help="terminal, json, junit, html, github, gitlab, markdown: a list, or again.  [default: terminal; in a GitHub "
    "job github, too]",
)
@click.option(
    "--since", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="The JSON report of an earlier run: markdown and github say what changed since.",
)  # fmt: skip
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    default="warning",
    show_default=True,
    help="The level from which a drift makes the exit code 1.",
)
@click.option("--only", metavar="EXPR", help="Only these recorded exchanges: 'path:/orders/* status:5xx'.")
@click.option(
    "--baseline", "baselines", multiple=True, type=click.Path(path_type=Path), metavar="RUN",
    help="A run of the recorded build, made beside REPLAYED: tells whose drift it is. Twice: also what is flaky.",
)  # fmt: skip
@click.option("--no-history", is_flag=True, help="Do not note the verdict on this run in .retape/history.sqlite.")
@RULES
@CONFIG
def diff(
    recorded: Path,
    replayed: Path,
    reports: tuple[str, ...],
    since: Path | None,
    fail_on: str,
    only: str | None,
    baselines: tuple[Path, ...],
    no_history: bool,
    rules_file: Path | None,
    config: Path | None,
) -> int:
    """Compare two captures: a recording and a run of it, or any two. No network is used.

    \b
    retape diff shop.sqlite run.sqlite
    retape diff monday.sqlite tuesday.sqlite --report html=drift.html --fail-on error
    retape diff shop.sqlite run.sqlite --report terminal,junit=junit.xml,markdown=comment.md --since main.json
    retape diff shop.sqlite run.sqlite --baseline run.baseline.sqlite --baseline run.control.sqlite

    Exit codes: 0 clean, 1 drift, 3 inconclusive, 5 nothing to compare.
    """
    from captures.config import load
    from captures.errors import UsageError
    from captures.store import Capture
    from diffing.engine import compare_captures
    from diffing.options import options_from
    from diffing.reports import annotate, new_folder, options_given, parse_specs, surroundings, write

    loaded = load(explicit=config, rules=rules_file)
    specs = parse_specs(reports, (recorded, replayed, *baselines, *loaded.files, since))
    around = surroundings(since=since)
    with Capture.open(recorded) as source, Capture.open(replayed) as run:
        if _is_run(source) and not _is_run(run):
            raise UsageError(
                f"{recorded} is a run and {replayed} a recording: they are the wrong way round.",
                hint=f"retape diff {replayed} {recorded}",
            )
        options = options_from(loaded, fail_on=fail_on, only=only, today=_today())
        if baselines:
            from diffing.baseline.threeway import compare_beside

            result = compare_beside(recorded, replayed, baselines, options)
        else:
            result = compare_captures(recorded, replayed, options)
        if not no_history:
            from diffing.history.noting import note

            untold = note(result, recorded, replayed, selected=only, three_way=bool(baselines), make=False)
            if untold:
                click.echo(f"retape: {untold}", err=True)
        for spec in specs:
            words = options_given(rules=rules_file, config=config)
            new = new_folder(spec.path)
            path = write(result, spec, source, run, given=words, around=around)
            if path is not None:
                click.echo(f"retape: wrote {path}{new}", err=True)
        annotate(result, specs, around)
    return result.exit_code


def _is_run(capture: Capture) -> bool:
    modes = {session.mode for session in capture.sessions()}
    return modes == {"replay"}


def _today() -> date:
    return date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
