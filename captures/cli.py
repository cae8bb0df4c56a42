"""``retape capture``: looking into capture files. Nothing here changes one."""

from __future__ import annotations

from pathlib import Path

import click

CAPTURE = click.argument("path", metavar="CAPTURE", type=click.Path(path_type=Path))
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for programs.",
)


@click.group()
def capture() -> None:
    """Look into a capture: what was recorded, one exchange in full, statistics, integrity.

    \b
    retape capture ls shop.sqlite --only 'method:POST status:5xx'
    retape capture show shop.sqlite 17
    retape capture verify shop.sqlite
    """


@capture.command("ls")
@CAPTURE
@click.option("--only", metavar="EXPR", default="", help="Only these: 'method:POST path:/orders/* status:5xx'.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most the first N.")
@FORMAT
def ls(path: Path, only: str, limit: int | None, form: str) -> int:
    """List the exchanges, one per line, in the order they started."""
    from captures import listing, selection
    from captures.store import Capture

    chosen = selection.parse(only)
    with Capture.open(path) as opened:
        rows = listing.chosen(opened, chosen, limit, endpoints=form == "json")
        if form == "json":
            for piece in listing.as_json(rows):
                click.echo(piece, nl=False)
            return 0
        found = 0
        for exchange, _ in rows:
            found += 1
            click.echo(listing.line(exchange))
        if not found:
            what = f"no exchange matches {only!r}" if opened.count() else "it holds no exchange"
            click.echo(f"{path}: {what}.", err=True)
    return 0


@capture.command("show")
@CAPTURE
@click.argument("identity", metavar="ID", type=int)
@FORMAT
def show(path: Path, identity: int, form: str) -> int:
    """Show one exchange in full: request, response, and the calls it caused, with the evidence for each link.

    Headers and bodies are shown as stored: secrets were replaced before they were written.
    """
    from captures import showing
    from captures.store import Capture

    with Capture.open(path) as opened:
        exchange = opened.exchange(identity)
        calls = opened.caused_by(identity)
        endpoint = showing.endpoint_of(opened, exchange)
    if form == "json":
        click.echo(showing.as_json(exchange, calls, endpoint))
    else:
        for line in showing.lines(exchange, calls, endpoint):
            click.echo(line)
    return 0


@capture.command("stats")
@CAPTURE
@FORMAT
def stats(path: Path, form: str) -> int:
    """Count: sessions with their integrity counters, endpoints with statuses, dependencies, evidence of links."""
    from captures import statistics
    from captures.store import Capture

    with Capture.open(path) as opened:
        counted = statistics.of(opened)
    if form == "json":
        click.echo(statistics.as_json(counted))
    else:
        for line in statistics.lines(counted):
            click.echo(line)
    return 0


@capture.command("verify")
@CAPTURE
@FORMAT
def verify(path: Path, form: str) -> int:
    """Check a capture: every page, count and body. Exit 0 when sound, 3 when traffic was lost, 2 when damaged."""
    import json

    from captures.errors import CorruptCapture
    from captures.store import DAMAGED, Capture
    from captures.visible import visible

    losses: list[str] = []
    exchanges = 0
    hint = DAMAGED
    try:
        with Capture.open(path) as opened:
            exchanges = opened.count()
            damage = opened.damage()
            losses = opened.losses()
    except CorruptCapture as error:
        damage, hint = [error.message], error.hint
    code = 2 if damage else 3 if losses else 0
    if form == "json":
        report = {"capture": str(path), "sound": code == 0, "exchanges": exchanges, "damage": damage, "losses": losses}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return code
    for complaint in damage:
        click.echo(f"damaged: {visible(complaint)}")
    for complaint in losses:
        click.echo(f"incomplete: {visible(complaint)}")
    if damage:
        click.echo(f"hint: {hint}", err=True)
    if code == 0:
        click.echo(f"{path} is sound: {exchanges:,} exchanges.")
    return code
