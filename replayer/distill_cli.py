"""``retape capture distill``. What a replay of an exchange needs is known to this floor, not to ``captures``."""

from __future__ import annotations

from pathlib import Path

import click

from captures.commands.options import CAPTURE, FORMAT, templates


@click.command("distill")
@CAPTURE
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="CAPTURE",
    help="The small capture to write; an existing file is refused.",
)  # fmt: skip
@click.option(
    "--max", "most", type=click.IntRange(min=1), metavar="N", help="At most N requests; says what is missing."
)
@FORMAT
def distill(path: Path, output: Path, most: int | None, form: str) -> int:
    """Write the smallest capture that still shows every behaviour of this one, and say what was dropped and why.

    Kept is at least one exchange for every endpoint, status and shape of answer, every kind of outbound call with
    its outcome, every failure and every chain of values, with all that those need to be replayed. Ids stay.

    \b
    retape capture distill shop.sqlite -o small.sqlite
    retape capture distill shop.sqlite -o small.sqlite --max 50 --format json
    """
    from captures.config import load
    from captures.store import Capture
    from replayer import distill as distilling
    from replayer.chain_rules import chain_rules

    with Capture.open(path) as opened:
        done = distilling.distil(opened, output, most=most, templates=templates(), rules=chain_rules(load().chains()))
    if form == "json":
        click.echo(distilling.as_json(done))
    else:
        for line in distilling.lines(done):
            click.echo(line)
    return 0
