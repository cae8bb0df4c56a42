"""``retape pin update``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from replayer.pinning.dashes import COMMAND, DashedCommand

if TYPE_CHECKING:
    from replayer.pinning.updating import Update


@click.command("update", cls=DashedCommand)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR|FILE]...")
@click.option(
    "--only", type=click.Choice(["new", "changed", "all"]), default="changed", show_default=True,
    help="Pins without an expectation, those that fail, or both and what only informs.",
)  # fmt: skip
@click.option("--target", metavar="URL", default="", help="A build that runs already; what it calls is left as pinned.")
@click.option("--ready", metavar="URL|PATH", help="The build is ready when this answers below 500.")
@click.option(
    "--ready-timeout", type=float, default=60.0, show_default=True, metavar="SECONDS", help="How long it may take."
)
@click.option("--isolate", is_flag=True, help="Start the command anew for every run of a pin.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.pass_context
def update(
    ctx: click.Context, paths: tuple[Path, ...], only: str, target: str, ready: str | None, ready_timeout: float,
    isolate: bool, dry_run: bool, yes: bool,
) -> int:  # fmt: skip
    """Rewrite what differs in pins: run them against a build, show the diff, ask, write.

    What still holds stays as it is written: matchers, names, comments, order. A changed value that this build makes
    anew becomes a matcher. Each updated pin is run again, and must hold; what differs between two runs of the build is
    written as what both share. Nothing is written of a pin whose run failed or could not be judged, nor of a build that
    calls what no stub answers: pin that from a recording.

    \b
    retape pin update tests/pins -- python app.py --port {port}
    retape pin update tests/pins/GET-orders-id/200-12.yaml --dry-run --target http://127.0.0.1:8000
    retape pin update --only new --yes -- python app.py --port {port}

    Exit codes: 0 all hold now, 1 something would change (--dry-run, or you said no) or cannot be written,
    2 usage (also where CI is set), 3 a run failed or could not be judged.
    """
    import sys

    from captures.errors import UsageError
    from captures.unattended import in_ci
    from captures.visible import visible

    command = ctx.meta[COMMAND]
    if in_ci() and not dry_run:
        raise UsageError(
            "CI is set, and nothing is written there.",
            hint=f"On your machine: retape pin update {' '.join(map(str, paths))} -- CMD (here only with --dry-run).",
        )
    if bool(command) == bool(target):
        raise UsageError("Say which build: a command after -- or --target URL.", hint="For example: -- python app.py")
    chosen = list(paths) or [Path("tests/pins")]
    updates = _updates(chosen, command, target, only, ready, ready_timeout, isolate)
    changed = [one for one in updates if one.text is not None]
    for one in changed:
        click.echo(visible(one.diff, lines=True), nl=False)
    for one in updates:
        if one.problem:
            click.echo(visible(f"retape: {one.path} is left alone: {one.problem}.", lines=True), err=True)
    if changed and not dry_run and not yes:
        if not sys.stdin.isatty():
            hint = "Write with --yes, or look with --dry-run."
            raise UsageError("Nobody is there to ask; nothing was written.", hint=hint)
        yes = click.confirm(f"Write {len(changed)} of {len(updates)} pins?", err=True)
    if yes and not dry_run:
        for one in changed:
            one.write()
    said = "updated" if yes and not dry_run else "would change"
    left = sum(1 for one in updates if one.problem)
    rest = f"{len(updates) - len(changed) - left} hold or were not asked for, {left} left alone"
    click.echo(f"retape: {len(changed)} {said}, {rest}.", err=True)
    if any(not one.judged for one in updates):
        return 3
    return 1 if left or (changed and (dry_run or not yes)) else 0


def _updates(
    paths: list[Path], command: list[str], target: str, only: str, ready: str | None, ready_timeout: float,
    isolate: bool,
) -> list[Update]:  # fmt: skip
    from datetime import date
    from typing import cast

    from captures.config import load as load_config
    from captures.errors import EmptyCapture
    from diffing.options import rules_from
    from diffing.rulebook.rules import current
    from replayer.pin_file import load
    from replayer.pin_run import PinRunner, RunnerPlan, dependencies_of
    from replayer.pinning.finding import pins_under
    from replayer.pinning.updating import Only, update

    files = pins_under(paths)
    if not files:
        raise EmptyCapture(f"There is no pin in {', '.join(map(str, paths))}.", hint="Make some: retape pin CAPTURE")
    today = date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
    plan = RunnerPlan(
        command=command, target=target, ready=ready, ready_timeout=ready_timeout, isolate=isolate,
        dependencies=dependencies_of(map(load, files)), rules=current(rules_from(load_config()), today)[0],
    )  # fmt: skip
    with PinRunner.start(plan) as runner:
        return [update(file, runner, cast(Only, only)) for file in files]
