"""``retape capture stats``: a capture in numbers."""

from __future__ import annotations

from pathlib import Path

import click

from captures.commands.options import CAPTURE, FORMAT, templates


@click.command("stats")
@CAPTURE
@FORMAT
def stats(path: Path, form: str) -> int:
    """Count: sessions, endpoints with statuses, dependencies, links of calls.

    With the evidence: integrity counters, why a part of a path is a parameter, how a call was linked.
    """
    from captures import statistics
    from captures.store import Capture

    with Capture.open(path) as opened:
        counted = statistics.of(opened, templates())
    if form == "json":
        click.echo(statistics.as_json(counted))
    else:
        for line in statistics.lines(counted):
            click.echo(line)
    return 0
