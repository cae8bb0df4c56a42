"""``retape capture show``: one exchange in full, or how values flow."""

from __future__ import annotations

from pathlib import Path

import click

from captures.commands.options import CAPTURE, FORMAT, templates


@click.command("show")
@CAPTURE
@click.argument("identity", metavar="[ID]", type=int, required=False)
@click.option("--recorded-id", is_flag=True, help="In a run: ID is that of the recorded exchange, as in reports.")
@click.option("--chains", is_flag=True, help="Which answer made a value, which requests bring it back (of ID, or all).")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N",
    help="The first N messages. With --chains: those of the first N exchanges that made a value.",
)  # fmt: skip
@FORMAT
def show(path: Path, identity: int | None, recorded_id: bool, chains: bool, limit: int, form: str) -> int:
    """Show one exchange in full: request, response, its messages (WebSocket, server-sent events, gRPC) with the time of
    each, and the calls it caused, with the evidence for each link.

    Headers and bodies are shown as stored: secrets were replaced before they were written.

    \b
    retape capture show shop.sqlite 17
    retape capture show run.sqlite 17 --recorded-id
    retape capture show shop.sqlite --chains
    """
    from captures import conversations, showing
    from captures.errors import UsageError
    from captures.store import Capture

    if chains:
        return _show_chains(path, identity, limit, form)
    if identity is None:
        raise UsageError(
            "Which exchange?", hint=f"List them: retape capture ls {path} (or see how values flow: --chains)"
        )
    with Capture.open(path) as opened:
        exchange = opened.answer_to(identity) if recorded_id else opened.exchange(identity)
        calls = opened.caused_by(exchange.id)
        endpoint = showing.endpoint_of(opened, exchange, templates())
        if form == "json":
            messages = list(conversations.as_json(opened, exchange, limit))
            click.echo(showing.as_json(exchange, calls, endpoint, messages, opened.message_count(exchange.id)))
            return 0
        said = list(conversations.lines(opened, exchange, limit))
    for line in showing.lines(exchange, calls, endpoint, said):
        click.echo(line)
    return 0


def _show_chains(path: Path, identity: int | None, limit: int, form: str) -> int:
    from captures.flows import drawing
    from captures.store import Capture

    with Capture.open(path) as opened:
        if identity is not None:
            opened.exchange(identity)
        tracing = drawing.traced(opened)
        flows, left_out = drawing.chosen(tracing, identity, limit)
        told = drawing.titles(opened, flows)
    if form == "json":
        click.echo(drawing.as_json(flows, told, tracing, left_out))
    else:
        for line in drawing.lines(flows, told, tracing, left_out):
            click.echo(line)
    return 0
