"""``retape pin check``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from captures.commands.options import FORMAT
from replayer.pinning.dashes import COMMAND, DashedCommand

if TYPE_CHECKING:
    from replayer.pinning.checking import Checked, Found


@click.command("check", cls=DashedCommand)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR|FILE]...")
@FORMAT
@click.pass_context
def check(ctx: click.Context, paths: tuple[Path, ...], form: str) -> int:
    """Look through pins for what is wrong with them: mistakes, duplicates, secrets, what is of no use.

    Said are files that cannot be read (with line and next step), YAML files that are no pins, pins that expect nothing
    yet, pins with the same request and expectation, values that redaction would replace (places and counts, never
    values), log-ins with a pseudonym for a password, and names that are bound for nothing. With a command after --
    the pins are run, too: said are stubs that the build does not call, and not said the log-ins that it takes.
    Without one it takes a moment and needs no build: fit for pre-commit.

    \b
    retape pin check
    retape pin check tests/pins --format json
    retape pin check tests/pins -- python app.py --port {port}

    Exit codes: 0 nothing found, 1 something found, 2 usage, 3 the build does not start.
    """
    import json

    from captures.config import load as load_config
    from captures.redacting.redaction import RedactionPolicy, Redactor
    from captures.state import redaction_key
    from captures.visible import visible
    from captures.wording import counted
    from replayer.pinning.checking import check as checked

    config = load_config()
    redactor = Redactor(redaction_key(config.redaction_key()), RedactionPolicy.from_config(config.section("redact")))
    result = checked(list(paths) or [Path("tests/pins")], redactor)
    found = _run_with(result, ctx.meta[COMMAND])
    if form == "json":
        document = {"pins": len(result.pins), "found": [one.as_data() for one in found]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return 1 if found else 0
    for one in found:
        click.echo(visible(str(one)))
        if one.next:
            click.echo(visible(f"    {one.next}"))
    click.echo(f"retape: {counted(len(result.pins), 'pin')}, {counted(len(found), 'finding')}.", err=True)
    return 1 if found else 0


def _run_with(checked: Checked, command: list[str]) -> Sequence[Found]:
    """What was found, with what only a run of the pins shows."""
    from datetime import date

    from captures.config import load as load_config
    from diffing.options import rules_from
    from diffing.rulebook.rules import current
    from replayer.pin_run import PinRunner, RunnerPlan, dependencies_of
    from replayer.pinning.checking import run_with

    if not command:
        return checked.found
    rules = current(rules_from(load_config()), date.today())[0]  # noqa: DTZ011 - the user's own calendar
    plan = RunnerPlan(command=command, dependencies=dependencies_of(pin for _, pin in checked.pins), rules=rules)
    with PinRunner.start(plan) as runner:
        return run_with(checked, runner)
