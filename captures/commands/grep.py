"""``retape capture grep``: where in a capture a text stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from captures.commands.options import CAPTURE, FORMAT, templates

if TYPE_CHECKING:
    from captures.model import Exchange
    from captures.searching import Hit

PARTS = ("target", "headers", "body")


@click.command("grep")
@CAPTURE
@click.argument("pattern", metavar="TEXT")
@click.option("-E", "--regex", is_flag=True, help="TEXT is a regular expression (Python's; ^ and $ are ends of lines).")
@click.option("-i", "--ignore-case", is_flag=True, help="Capital and small letters are the same.")
@click.option(
    "--in", "parts", type=click.Choice(PARTS), multiple=True,
    help="Look only there; may be repeated. Default: everywhere.",
)  # fmt: skip
@click.option("--only", metavar="EXPR", default="", help="Only these: 'method:POST path:/orders/* status:5xx'.")
@click.option("--count", is_flag=True, help="Only say how many exchanges and places there are.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N exchanges that hold it.")
@FORMAT
def grep(
    path: Path, pattern: str, regex: bool, ignore_case: bool, parts: tuple[str, ...], only: str, count: bool,
    limit: int | None, form: str,
) -> int:  # fmt: skip
    """Find a text in targets, headers and decoded bodies: which exchange, which place, and the line around it.

    Content codings are taken off bodies first; in JSON the place is a JSON path. Exit 1 when it is nowhere.

    \b
    retape capture grep shop.sqlite ord_17
    retape capture grep shop.sqlite -E 'tok_[0-9a-f]{8}' --only direction:outbound --in headers
    retape capture grep shop.sqlite 'out of stock' --count --format json
    """
    import json

    from captures import listing
    from captures.wording import counted

    exchanges = places = 0
    for exchange, hits in _found(path, pattern, regex, ignore_case, frozenset(parts or PARTS), only):
        exchanges += 1
        places += len(hits)
        if form == "json" and not count:
            before = "[\n" if exchanges == 1 else ",\n"
            click.echo(before + ",\n".join(json.dumps(_document(exchange, hit)) for hit in hits), nl=False)
        elif not count:
            click.echo(listing.line(exchange))
            for hit in hits:
                click.echo(_line(hit))
        if exchanges == limit:
            break
    if count:
        told = json.dumps({"exchanges": exchanges, "places": places})
        click.echo(told if form == "json" else f"{counted(exchanges, 'exchange')}, {counted(places, 'place')}")
    elif form == "json":
        click.echo("\n]" if exchanges else "[]")
    elif not exchanges:
        click.echo(f"{path}: {pattern!r} is nowhere in it.", err=True)
    return 0 if exchanges else 1


def _found(
    path: Path, pattern: str, regex: bool, ignore_case: bool, parts: frozenset[str], only: str
) -> Iterator[tuple[Exchange, list[Hit]]]:
    from captures import searching, selection, sieve
    from captures.progress import Pass
    from captures.routes.endpoints import Endpoints
    from captures.store import Capture

    chosen = selection.parse(only)
    compiled = searching.compiled(pattern, regex=regex, ignore_case=ignore_case)
    with Capture.open(path) as opened:
        known = Endpoints.of(opened, templates()) if "endpoint:" in chosen.text else None
        total = next(opened.rows("SELECT (SELECT COUNT(*) FROM body) + (SELECT COUNT(*) FROM exchange)"))[0]
        conversations = "body" in parts and opened.message_count() > 0
        with Pass(f"looking through {path.name}", total) as progress:
            for exchange in opened.each(sieve.candidates(opened, compiled, parts, progress)):
                if chosen.matches(exchange, known.endpoint_of(exchange) if known else ""):
                    messages = opened.messages(exchange.id) if conversations else ()
                    hits = list(searching.hits(exchange, compiled, parts, messages))
                    if hits:
                        progress.clear()
                        yield exchange, hits


def _line(hit: Hit) -> str:
    from captures.visible import visible

    match = click.style(visible(hit.match), bold=True, fg="red")
    return f"{'':9}{visible(hit.place)}  {visible(hit.before)}{match}{visible(hit.after)}"


def _document(exchange: Exchange, hit: Hit) -> dict[str, object]:
    return {
        "exchange": exchange.id, "direction": exchange.direction.value, "place": hit.place, "match": hit.match,
        "text": hit.before + hit.match + hit.after,
    }  # fmt: skip
