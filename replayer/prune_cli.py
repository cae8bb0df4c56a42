"""``retape capture prune``. What a replay of an exchange needs is known to this floor, not to ``captures``."""

from __future__ import annotations

from pathlib import Path

import click

from captures.commands.options import CAPTURE, FORMAT, templates


@click.command("prune")
@CAPTURE
@click.option("--only", metavar="EXPR", default="", help="Remove only these: 'path:/healthz* status:200'.")
@click.option("--before", metavar="WHEN", help="Remove only what started before: '2026-11-21 09:30' (UTC), 12h, 7d.")
@click.option("--failed", is_flag=True, help="Remove only what has no whole answer.")
@click.option(
    "--keep-last", type=click.IntRange(min=0), default=0, metavar="N", help="The latest N of what would go stay."
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="CAPTURE",
    help="The capture to write; an existing file is refused.",
)  # fmt: skip
@click.option("--in-place", is_flag=True, help="Replace CAPTURE itself, once the new one is whole.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@FORMAT
def prune(
    path: Path, only: str, before: str | None, failed: bool, keep_last: int, output: Path | None, in_place: bool,
    dry_run: bool, form: str,
) -> int:  # fmt: skip
    """Write a capture without some of its exchanges: those that every given criterion names.

    What the others need stays and is named: outbound calls with the request that caused them, and requests that made
    what a later one uses. Ids stay.

    \b
    retape capture prune shop.sqlite --only 'path:/healthz' -o smaller.sqlite
    retape capture prune shop.sqlite --before 7d --in-place
    retape capture prune shop.sqlite --only 'method:GET status:200' --keep-last 1000 --dry-run
    """
    import time
    from contextlib import nullcontext

    from captures import selection
    from captures.capture_file import held
    from captures.config import load
    from captures.errors import UsageError
    from captures.pruning import Criteria, moment_of
    from captures.store import Capture
    from replayer import prune as pruning
    from replayer.chain_rules import chain_rules

    if not (only or before or failed):
        raise UsageError("Nothing says what is to go.", hint="Give --only, --before or --failed.")
    if [output is not None, in_place, dry_run].count(True) != 1:
        raise UsageError("Where is the smaller capture to go?", hint="Give one of -o CAPTURE, --in-place, --dry-run.")
    criteria = Criteria(selection.parse(only), moment_of(before, time.time()) if before else None, failed, keep_last)
    with held(path) if in_place else nullcontext(), Capture.open(path) as opened:
        done = pruning.prune(
            opened, path if in_place else output, criteria,
            templates=templates(), rules=chain_rules(load().chains()), replaces=in_place,
        )  # fmt: skip
    if form == "json":
        click.echo(pruning.as_json(done))
    else:
        for line in pruning.lines(done):
            click.echo(line)
    return 0
