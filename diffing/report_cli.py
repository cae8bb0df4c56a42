"""``retape report``: what several runs say together."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def report() -> None:
    """What the runs of this project say together.

    \b
    retape report trend
    """


@report.command()
@click.option(
    "--runs", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Look at the last N runs."
)
@click.option(
    "--format", "form", type=click.Choice(["terminal", "json", "html"]), default="terminal", show_default=True,
    help="For people, for programs, or one page with plots.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write to FILE. [default: stdout; html: retape-trend.html]",
)  # fmt: skip
def trend(runs: int, form: str, output: Path | None) -> int:
    """Show drift, flakiness, coverage and time over the last runs, and what has been open longest.

    Every replay, and every diff of a run, is noted in .retape/history.sqlite: verdict, ledger, drift groups and
    times, no recorded value. The last 500 runs are kept; replay --no-history leaves one out.

    \b
    retape report trend
    retape report trend --runs 100 --format html -o trend.html

    Exit codes: 0, also where there is no history yet; 2 usage.
    """
    from captures.state import existing_state_dir
    from diffing.history import file
    from diffing.history.trend import trend_of
    from diffing.reports.trends.writing import write

    folder = existing_state_dir()
    entries = file.last(folder, runs) if folder is not None else ()
    noted = file.noted(folder) if folder is not None else 0
    written = write(trend_of(entries, noted), form, output)
    if written is not None:
        click.echo(f"retape: wrote {written}", err=True)
    return 0
