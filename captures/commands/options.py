"""What several commands have in common: the file they look into, the form they answer in, the user's templates."""

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


def templates() -> tuple[str, ...]:
    """The templates of ``retape.toml``: endpoints are the same wherever they are shown."""
    from captures.config import load
    from captures.routes.templates import explicit_templates

    return explicit_templates(load().section("endpoints"))
