"""``retape stub``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from captures.commands.options import FORMAT


@click.command()
@click.argument("capture", type=click.Path(path_type=Path))
@click.option(
    "--listen",
    "port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Port of the proxy. [default: a free one]",
)
@click.option(
    "--on-miss",
    type=click.Choice(["nearest", "strict"]),
    default="nearest",
    show_default=True,
    help="A call that asks a recorded path otherwise: the nearest answer, or 502. Elsewhere: always 502.",
)
@click.option(
    "--exhausted",
    type=click.Choice(["last", "miss"]),
    default="last",
    show_default=True,
    help="A call made more often than recorded gets the last answer again, or 502.",
)
@click.option(
    "--latency",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default="at once",
    metavar="FACTOR",
    help="Answer after FACTOR times the recorded time.",
)
@click.option(
    "--rules",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Further rules, beside retape.rules.toml: where they let a call differ it has its answer.",
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Instead of the nearest retape.toml.",
)
@FORMAT
def stub(
    capture: Path,
    port: int,
    on_miss: str,
    exhausted: str,
    latency: float,
    rules: Path | None,
    config: Path | None,
    form: str,
) -> int:
    """Serve a capture's dependencies alone, for local development, until Ctrl-C.

    Prints the variables a service needs to use them, as lines a shell can read.

    \b
    retape stub shop.sqlite --listen 8081
    """
    import json
    import shlex
    from datetime import date

    from captures.config import load
    from diffing.options import options_from
    from diffing.rulebook.rules import current
    from replayer.plan import Exhausted, OnMiss
    from replayer.progress import Progress
    from replayer.serve import Serving, serve

    def ready(serving: Serving) -> None:
        if form == "json":
            line = {"event": "listening", "proxy": serving.proxy, "ca": str(serving.ca), "env": dict(serving.variables)}
            click.echo(json.dumps(line))
            return
        for name, value in serving.variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        click.echo(f"retape: serving {capture} at {serving.proxy}; Ctrl-C ends it", err=True)

    today = date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
    options = options_from(load(explicit=config, rules=rules), today=today)
    book, expired = current(options.rules, today)
    for sentence in expired:
        click.echo(f"retape: {sentence}", err=True)
    served = serve(
        capture,
        port,
        on_ready=ready,
        on_event=Progress(sys.stderr),
        on_miss=OnMiss(on_miss),
        exhausted=Exhausted(exhausted),
        latency=latency,
        rules=book,
        endpoints=options.endpoints,
    )
    if form == "json":
        click.echo(
            json.dumps({"event": "done", "served": served.served, "missed": served.missed, "unused": served.unused})
        )
    else:
        click.echo(
            f"retape: {served.served} calls served, {served.missed} missed, {served.unused} recorded calls unused",
            err=True,
        )
    return 0
