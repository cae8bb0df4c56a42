"""``retape capture ls``: the exchanges, one a line."""

from __future__ import annotations

from pathlib import Path

import click

from captures.commands.options import CAPTURE, FORMAT, templates


@click.command("ls")
@CAPTURE
@click.option("--only", metavar="EXPR", default="", help="Only these: 'method:POST path:/orders/* status:5xx'.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most the first N.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="At most the last N.")
@FORMAT
def ls(path: Path, only: str, limit: int | None, last: int | None, form: str) -> int:
    """List the exchanges, one per line, in the order they started. A very long target is cut; JSON has it whole.

    \b
    retape capture ls shop.sqlite --last 20
    retape capture ls shop.sqlite --only 'status:5xx id:100000-200000' --limit 50 --format json
    """
    from captures import listing, selection
    from captures.errors import UsageError
    from captures.store import Capture

    if limit and last:
        raise UsageError("The first or the last?", hint="Give one of --limit and --last.")
    chosen = selection.parse(only)
    with Capture.open(path) as opened:
        rows = listing.chosen(
            opened, chosen, last or limit, endpoints=form == "json", explicit=templates(), backwards=bool(last)
        )
        if last:
            rows = iter(list(rows)[::-1])
        if form == "json":
            for piece in listing.as_json(rows, opened.message_counts()):
                click.echo(piece, nl=False)
            return 0
        found = 0
        messages = opened.message_counts()
        for exchange, _ in rows:
            found += 1
            click.echo(listing.line(exchange, messages(exchange.id)))
        if not found:
            what = f"no exchange matches {only!r}" if opened.count() else "it holds no exchange"
            click.echo(f"{path}: {what}.", err=True)
    return 0
