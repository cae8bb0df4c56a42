"""A review from its address on the terminal to Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

import click

from captures.commits import author
from captures.model import authority
from captures.visible import visible
from captures.wording import counted
from replayer.review.api import Api
from replayer.review.guard import Guard, is_everywhere, is_loopback
from replayer.review.server import ReviewServer
from replayer.review.sitting import Paths, Sitting
from replayer.review.ticket import Ticket


def serve(paths: Paths, host: str, port: int, *, browser: bool) -> int:
    """Review until interrupted; the exit code. Raises what :class:`Sitting` and :class:`ReviewServer` raise."""
    sitting = Sitting(paths, author())
    with ReviewServer(host, port) as server:
        guard = Guard.of(host, server.port)
        ticket = Ticket()
        server.application = Api(guard, sitting, ticket)
        shown = "127.0.0.1" if is_everywhere(host) else host
        site = f"http://{authority(shown, server.port)}/"
        if not is_loopback(host):
            click.echo(
                f"retape: warning: {host} is not loopback. Whoever sees this address on the network can read the "
                "captured traffic and decide in your name; it is not encrypted.",
                err=True,
            )
        click.echo(f"retape: {visible(sitting.sentence)} Reviewed at this address; Ctrl-C ends it.", err=True)
        click.echo(f"{site}?token={guard.token}")
        sys.stdout.flush()
        if browser and sys.stdout.isatty():
            threading.Thread(target=_open, args=(f"{site}?ticket={ticket.text}",), name="browser", daemon=True).start()
        _until_interrupted(server)
    for line in summary(sitting):
        click.echo(f"retape: {line}", err=True)
    return 0


def summary(sitting: Sitting) -> list[str]:
    """What was changed, and how it stands."""
    done = sitting.done
    if not done:
        return ["nothing was changed."]
    return [f"{counted(len(done), 'change')} made:", *(f"  {visible(one)}" for one in done), visible(sitting.sentence)]


def _until_interrupted(server: ReviewServer) -> None:
    def ended(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, ended)
    try:
        server.serve_forever(0.2)
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        signal.signal(signal.SIGTERM, before)


def _open(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
