"""Command lines of files and a command: ``… [FILE…] -- CMD…``. Click alone forgets where the dashes stood."""

from __future__ import annotations

import click

COMMAND = "retape.command"
"""Under which ``ctx.meta`` has the words after the dashes."""


class DashedCommand(click.Command):
    """What stands before ``--`` is parsed as ever; what follows it is the user's command, whatever it looks like."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See the class."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[COMMAND] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """With the command at the end."""
        return [*super().collect_usage_pieces(ctx), "[-- CMD...]"]
