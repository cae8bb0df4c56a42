"""``retape pin``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("capture", type=click.Path(path_type=Path), metavar="CAPTURE|RUN")
@click.option("--only", metavar="EXPR", help="Pin what matches, for example 'method:GET path:/orders/* status:200'.")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", default=Path("tests/pins"),
    show_default="tests/pins", help="The folder the pins go to.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite pins that are there already.")
def pin(capture: Path, only: str | None, output: Path, force: bool) -> int:
    """Keep recorded exchanges as readable test files that run under pytest.

    One YAML file per exchange: the request, the expected response with matchers where values are volatile, the
    answers of the dependencies it needs, and the requests that must come before it. From a run, the responses of the
    replayed build are pinned. Prints the files written.

    \b
    retape pin shop.sqlite --only 'endpoint:"GET /orders/{id}"' -o tests/pins
    pytest tests/pins --retape-command 'python app.py --port {port}'

    Exit codes: 0 pins written, 2 usage (a pin is there already), 5 nothing to pin.
    """
    from datetime import date

    from captures.config import load
    from captures.errors import EmptyCapture, UsageError
    from captures.selection import parse
    from diffing.options import options_from
    from replayer.pin_file import dump
    from replayer.pin_make import Made, make_pins

    config = load()
    selection = parse(only) if only else None
    redact = config.section("redact")
    endpoints = options_from(config, today=date.today()).endpoints  # noqa: DTZ011 - the calendar plays no part here
    texts: dict[Path, str] = {}
    refused = 0
    for result in make_pins(capture, selection, redact=redact, endpoints=endpoints):
        if isinstance(result, Made):
            texts[output / result.file] = dump(result.pin)
        else:
            refused += 1
            click.echo(f"retape: exchange {result.exchange} is not pinned: {result.reason}.", err=True)
    if not texts:
        raise EmptyCapture(f"None of the {refused} chosen exchanges of {capture} can be pinned.")
    there = [path for path, text in texts.items() if path.exists() and path.read_text(encoding="utf-8") != text]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise UsageError(
            f"{there[0]}{more} is there already and says something else; nothing was written.",
            hint="Overwrite with --force (see what changes with git diff), or choose another folder with -o.",
        )
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            hint = "Choose another folder: -o."
            raise UsageError(f"{path} cannot be written: {error.strerror}.", hint=hint) from error
        click.echo(str(path))
    click.echo(f"retape: {len(texts)} pinned; run them: pytest {output} --retape-command 'CMD'", err=True)
    return 0
