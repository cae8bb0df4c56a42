"""``retape init``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from captures.setup.planning import Draft


@click.command()
@click.option("--ci", type=click.Choice(["github", "gitlab"]), help="Also write a job that replays each change.")
@click.option("--force", is_flag=True, help="Replace files that exist. [default: they stay, and that is said]")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
def init(ci: str | None, force: bool, dry_run: bool) -> int:
    """Write what a project needs to begin: a commented retape.toml, a .gitignore entry and, with --ci, a workflow.

    How the service is started is guessed (Procfile, manage.py, FastAPI or Flask, package.json, pyproject.toml) and
    said. What changes is shown as a diff before it is written. Asks nothing; in CI it writes nothing.

    \b
    retape init
    retape init --ci github --dry-run

    Exit codes: 0 written or nothing to do, 2 usage.
    """
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    from captures.setup.detecting import service_in
    from captures.setup.planning import drafts, text_of
    from captures.unattended import refuse_in_ci
    from captures.visible import visible

    if not dry_run:
        refuse_in_ci("retape init writes nothing", f"retape init{f' --ci {ci}' if ci else ''}")
    root, git = _root(Path.cwd())
    service = service_in(root)
    try:
        ours = version("retape")
    except PackageNotFoundError:
        ours = ""
    made = drafts(root, service, ci=ci or "", git=git, force=force, version=ours)
    click.echo(visible(text_of(made, root), lines=True), nl=False)
    if not dry_run:
        _write(made)
    for draft in made:
        name = draft.path.relative_to(root)
        verb = "would write" if dry_run else "wrote"
        click.echo(f"retape: {f'kept {name}: {draft.kept}' if draft.kept else f'{verb} {name}'}", err=True)
    _say(root, git, service.command, service.told_by, made, ci)
    return 0


def _root(here: Path) -> tuple[Path, bool]:
    """The repository's top folder; where there is none, the working directory."""
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder, True
    return here, False


def _write(made: tuple[Draft, ...]) -> None:
    from captures.errors import UsageError
    from captures.placing import check_inside, put

    for draft in made:
        if draft.changes:
            check_inside(draft.path)
    for draft in made:
        if not draft.changes:
            continue
        try:
            put(draft.path, draft.text, errors="surrogateescape")
        except OSError as error:
            raise UsageError(f"{draft.path} cannot be written: {error.strerror}.") from error


def _say(root: Path, git: bool, command: str, told_by: str, made: tuple[Draft, ...], ci: str | None) -> None:
    from captures.setup.planning import included
    from captures.visible import visible

    def say(sentence: str) -> None:
        click.echo(f"retape: {visible(sentence)}", err=True)

    if not git:
        say(f"{root} is in no git repository: no .gitignore was touched.")
    if told_by:
        say(f"{told_by} tells how the service is started; that is a guess: {command}")
    else:
        say(f"Nothing here tells how the service is started; put its command in place of: {command}")
    for draft in made:
        if not included(draft):
            say("Your .gitlab-ci.yml stays as it is; add to it: include: [{ local: .gitlab/retape.gitlab-ci.yml }]")
    say(f"Next: retape record -o tests/captures/{_capture(made)} -- {command}")
    if ci:
        say("Then commit the capture (it is redacted), or say in CAPTURE_URL where it is, and look at each CHECK.")


def _capture(made: tuple[Draft, ...]) -> str:
    import re

    return f"{re.sub(r'[^a-z0-9]+', '-', made[0].path.parent.name.lower()).strip('-') or 'service'}.sqlite"
