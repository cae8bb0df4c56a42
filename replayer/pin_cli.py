"""``retape pin``, which makes pins, with ``retape pin update`` and ``retape pin check`` below it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from replayer.pinning.check_cli import check
from replayer.pinning.update_cli import update


class PinGroup(click.Group):
    """``retape pin CAPTURE`` makes pins; a first word that is a command of the group is that command."""

    allow_interspersed_args = True  # options may follow CAPTURE, unlike in other groups

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """That of the command which the arguments ask for."""
        if args and args[0] in self.commands:
            return self.commands[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As a plain command: what follows CAPTURE are options, not commands."""
        return click.Command.parse_args(self, ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run what :meth:`make_context` chose."""
        return click.Command.invoke(self, ctx) if ctx.command is self else ctx.command.invoke(ctx)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Without ``COMMAND [ARGS]…``."""
        return click.Command.collect_usage_pieces(self, ctx)


@click.group(cls=PinGroup, invoke_without_command=True, subcommand_metavar="")
@click.argument("capture", type=click.Path(path_type=Path), metavar="CAPTURE|RUN")
@click.option("--only", metavar="EXPR", help="Pin what matches, for example 'method:GET path:/orders/* status:200'.")
@click.option(
    "--covering", is_flag=True,
    help="Of these the fewest that show every endpoint, status, shape of answer and kind of outbound call.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="With --covering: at most N pins.")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", default=Path("tests/pins"),
    show_default="tests/pins", help="The folder the pins go to.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite pins that are there already.")
def pin(capture: Path, only: str | None, covering: bool, limit: int | None, output: Path, force: bool) -> int:
    """Keep recorded exchanges as readable test files that run under pytest.

    One YAML file per exchange: the request, the expected response with matchers where values are volatile, the
    answers of the dependencies it needs, and the requests that must come before it. From a run, the responses of the
    replayed build are pinned. Prints the files written; with --covering, what was left out and why goes to stderr.

    A capture called as one of the commands below is given with its folder: ./check

    \b
    retape pin shop.sqlite --only 'endpoint:"GET /orders/{id}"' -o tests/pins
    retape pin shop.sqlite --covering --limit 50
    pytest tests/pins --retape-command 'python app.py --port {port}'

    Exit codes: 0 pins written, 2 usage (a pin is there already), 5 nothing to pin.
    """
    from captures.errors import EmptyCapture, UsageError
    from captures.placing import put
    from captures.visible import visible

    if limit is not None and not covering:
        raise UsageError("--limit goes with --covering: it says which exchanges go first.", hint="Add --covering.")
    texts, refused, logins = _texts(capture, only, covering, limit, output)
    if not texts:
        raise EmptyCapture(f"None of the {refused} chosen exchanges of {capture} can be pinned.")
    there = [path for path, text in texts.items() if path.exists() and not _says(path, text)]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise UsageError(
            f"{there[0]}{more} is there already and says something else; nothing was written.",
            hint="Overwrite with --force (see what changes with git diff), or choose another folder with -o.",
        )
    for path, text in texts.items():
        try:
            if force or not path.exists():
                put(path, text)
        except OSError as error:
            hint = "Choose another folder: -o."
            raise UsageError(f"{path} cannot be written: {error.strerror}.", hint=hint) from error
        click.echo(str(path))
    click.echo(f"retape: {len(texts)} pinned; run them: pytest {output} --retape-command 'CMD'", err=True)
    if logins:
        click.echo(visible(_told_of(logins)), err=True)
    return 0


def _texts(
    capture: Path, only: str | None, covering: bool, limit: int | None, output: Path
) -> tuple[Mapping[Path, str], int, Mapping[Path, str]]:
    """The files to write, and how many exchanges cannot be pinned; both are told to stderr. Then the log-ins of files
    that no build knows.
    """
    from captures.config import load
    from captures.routes.templates import explicit_templates
    from captures.selection import parse
    from replayer.pin_file import dump
    from replayer.pin_make import Made, Refused, make_pins
    from replayer.pinning.logins import unknown_logins

    config = load()
    endpoints = explicit_templates(config.section("endpoints"))
    texts: dict[Path, str] = {}
    logins: dict[Path, str] = {}
    refused = 0
    for result in make_pins(
        capture, parse(only) if only else None,
        redact=config.section("redact"), endpoints=endpoints, covering=covering, limit=limit,
    ):  # fmt: skip
        if isinstance(result, Made):
            texts[output / result.file] = dump(result.pin)
            for _, request in unknown_logins(result.pin):
                logins[output / result.file] = f"{request.method} {request.target}"
        elif isinstance(result, Refused):
            refused += 1
            click.echo(f"retape: exchange {result.exchange} is not pinned: {result.reason}.", err=True)
        else:
            click.echo(f"retape: {result}.", err=True)
    return texts, refused, logins


def _told_of(logins: Mapping[Path, str]) -> str:
    from captures.wording import counted
    from replayer.pinning.logins import MENDING

    which = next(iter(logins))
    those = f"{counted(len(logins), 'pin')} ({which}{', …' if len(logins) > 1 else ''})"
    return (
        f"retape: {those} log{'s' if len(logins) == 1 else ''} in with a pseudonym for a password ({logins[which]}), "
        f"which no build knows: {'it fails' if len(logins) == 1 else 'they fail'}. To mend it, {MENDING}."
    )


def _says(path: Path, text: str) -> bool:
    """Whether the file at ``path`` is ``text``, whichever version of Retape made it."""
    import re

    try:
        there = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return re.sub(r"(?m)^  made_by: .*\n", "", there) == re.sub(r"(?m)^  made_by: .*\n", "", text)


for command in (update, check):
    pin.add_command(command)
