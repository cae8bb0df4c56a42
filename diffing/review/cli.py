"""``retape accept``, ``ignore``, ``reject`` and ``undecide``: decisions on drift without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from captures.commands.options import FORMAT
from captures.visible import visible
from diffing.review.telling import as_json, say, show, shown, tell
from diffing.rulebook.cli import CONFIG

if TYPE_CHECKING:
    from diffing.review.desk import Desk

F = TypeVar("F", bound=Callable[..., Any])

_RULES = click.option(
    "--rules",
    "rules_file",
    type=click.Path(path_type=Path),
    help="The file that is written.  [default: retape.rules.toml beside retape.toml]",
)
_DRY = click.option(
    "--dry-run",
    "--patch",
    "dry",
    is_flag=True,
    help="Print the change of the file as a unified diff, and write nothing.",
)
_REASON = click.option("--reason", default="", help="Why, for who reads it in a year.")
_AUTHOR = click.option("--author", help="Who answers for it.  [default: git config user.name]")


def _of_a_run(command: F) -> F:
    """The arguments and options by which groups of a run are named."""
    for option in (
        click.argument("run", type=click.Path(path_type=Path)),
        click.argument("names", nargs=-1, metavar="[GROUP]..."),
        click.option(
            "--filter",
            "expression",
            metavar="EXPR",
            help="The groups that match, as in the page's search box: 'kind:contract endpoint:/orders !total'.",
        ),
        click.option("--all", "every", is_flag=True, help="Every group that still counts."),
        click.option(
            "--recorded",
            type=click.Path(path_type=Path),
            help="The recording, where the run does not say which it was.",
        ),
        click.option(
            "--baseline",
            "baselines",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="RUN",
            help="As of retape diff: a run of the recorded build.  [default: what replay wrote beside RUN]",
        ),
    )[::-1]:
        command = option(command)
    return command


@click.command()
@_of_a_run
@_REASON
@_AUTHOR
@click.option(
    "--until",
    metavar="re-recorded|DATE",
    help="Only until the capture is recorded again, or up to a day: 2026-12-31.  [default: for good]",
)
@_DRY
@FORMAT
@_RULES
@CONFIG
def accept(
    run: Path,
    names: tuple[str, ...],
    expression: str | None,
    every: bool,
    recorded: Path | None,
    baselines: tuple[Path, ...],
    reason: str,
    author: str | None,
    until: str | None,
    dry: bool,
    form: str,
    rules_file: Path | None,
    config: Path | None,
) -> int:
    """Accept drift of RUN: it is meant, and no longer fails a run. GROUP is a fingerprint, or its first digits.

    Writes an [[approvals]] entry for each group into retape.rules.toml, to be reviewed and merged with the change that
    it is about. It holds for this drift in every run and recording, wherever else the build differs.

    \b
    retape accept run.sqlite a3f8c21b9d04 --reason 'ORD-1182: money as decimal string'
    retape accept run.sqlite --filter 'kind:contract endpoint:"GET /orders"' --until re-recorded
    retape accept run.sqlite --all --dry-run | git apply

    Exit codes: 0 decided, 2 no such group, or CI is set.
    """
    from captures.errors import UsageError
    from diffing.review.approvals import parse_until

    when = parse_until(until, "--until")
    desk = _desk(run, recorded, baselines, rules_file, config, ("accept", run, names, expression, every), dry=dry)
    if when is not None and not isinstance(when, str) and when < desk.today:
        raise UsageError(f"--until {when} is over already.", hint="Give a day to come, or re-recorded.")
    chosen = _chosen(desk, names, expression, every=every)
    change = desk.accept(chosen, reason=reason, author=_author(author), until=when, dry=dry)
    tell(desk, change, form, (rules_file, config))
    return 0


@click.command()
@_of_a_run
@_REASON
@_AUTHOR
@_DRY
@FORMAT
@_RULES
@CONFIG
def reject(
    run: Path,
    names: tuple[str, ...],
    expression: str | None,
    every: bool,
    recorded: Path | None,
    baselines: tuple[Path, ...],
    reason: str,
    author: str | None,
    dry: bool,
    form: str,
    rules_file: Path | None,
    config: Path | None,
) -> int:
    """Reject drift of RUN: it keeps failing, whatever its level, and every report says why.

    Writes an [[approvals]] entry with decision = "rejected" for each group into retape.rules.toml.

    \b
    retape reject run.sqlite a3f8c21b9d04 --reason 'the app of 2024 reads this field'

    Exit codes: 0 decided, 2 no such group, or CI is set.
    """
    desk = _desk(run, recorded, baselines, rules_file, config, ("reject", run, names, expression, every), dry=dry)
    chosen = _chosen(desk, names, expression, every=every)
    tell(desk, desk.reject(chosen, reason=reason, author=_author(author), dry=dry), form, (rules_file, config))
    return 0


@click.command()
@_of_a_run
@_REASON
@_AUTHOR
@click.option("--yes", is_flag=True, help="Write the rules even where they hide drift of other groups as well.")
@_DRY
@FORMAT
@_RULES
@CONFIG
def ignore(
    run: Path,
    names: tuple[str, ...],
    expression: str | None,
    every: bool,
    recorded: Path | None,
    baselines: tuple[Path, ...],
    reason: str,
    author: str | None,
    yes: bool,
    dry: bool,
    form: str,
    rules_file: Path | None,
    config: Path | None,
) -> int:
    """Ignore drift of RUN by rules: the strictest that all values at its places satisfy. They still assert something.

    First it says what else they would hide: other groups, and values that are the same today. Where no rule can say it
    (a call or an exchange as a whole) it says so: that is accepted or rejected.

    \b
    retape ignore run.sqlite a3f8c21b9d04 --reason 'the tax service rounds' --dry-run
    retape ignore run.sqlite --filter 'location:$.generated_at'

    Exit codes: 0 decided, 2 no such group, no rule can say it, it would hide other drift (see --yes), or CI is set.
    """
    from captures.errors import UsageError
    from diffing.review.hiding import sentences

    desk = _desk(run, recorded, baselines, rules_file, config, ("ignore", run, names, expression, every), dry=dry)
    chosen = _chosen(desk, names, expression, every=every)
    seen = desk.preview(chosen)
    for sentence in sentences(seen):
        say(sentence)
    for name, sentence in seen.unsaid:
        say(f"{name}: {sentence}")
    if seen.others and not dry and not yes:
        raise UsageError(
            "Nothing was written, as the rules would hide drift that was not asked for.",
            hint="Read what they would hide above; then --yes, or decide those groups first.",
        )
    change = desk.ignore(chosen, reason=reason, author=_author(author), dry=dry, seen=seen)
    tell(desk, change, form, (rules_file, config), seen)
    return 0


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="GROUP...")
@_DRY
@FORMAT
@_RULES
@CONFIG
def undecide(names: tuple[str, ...], dry: bool, form: str, rules_file: Path | None, config: Path | None) -> int:
    """Take decisions back: the approvals of these groups, and the rules that retape ignore made for them, leave
    retape.rules.toml. GROUP is a fingerprint, or its first digits; no run is needed.

    \b
    retape undecide a3f8c21b9d04
    retape undecide a3f8 0c57 --dry-run

    Exit codes: 0 taken back, 2 nothing is decided about such a group, or CI is set.
    """
    from diffing.review.approvalsfile import decisions_in, undecided
    from diffing.review.desk import UNDECIDE, Change, fitting, rules_path, unified
    from diffing.rulebook.tomlfile import read, rewrite

    if not dry:
        _not_in_ci(("undecide", *names))
    path = rules_path(rules_file, config)
    known = decisions_in(read(path), path)
    chosen = tuple(dict.fromkeys(fitting(known, name, f"a group that {path.name} decides about") for name in names))
    done = rewrite(path, lambda before: undecided(before, chosen, path)[:2], dry=dry)
    change = Change(UNDECIDE, chosen, (), path, unified(done), written=not dry, rewritten=done)
    if form == "json":
        as_json(change)
    elif dry:
        show(change)
    else:
        click.echo(f"{', '.join(chosen)}: undecided in {shown(path)}")
    return 0


def _desk(
    run: Path,
    recorded: Path | None,
    baselines: Sequence[Path],
    rules_file: Path | None,
    config: Path | None,
    again: tuple[str, Path, tuple[str, ...], str | None, bool],
    *,
    dry: bool,
) -> Desk:
    from diffing.review.desk import Desk

    verb, path, names, expression, every = again
    if not dry:
        picked = ("--filter", expression) if expression else ("--all",) if every else names
        _not_in_ci((verb, str(path), *picked))
    return Desk.open(run, recorded, rules_file, config, baselines=baselines)


def _not_in_ci(words: Iterable[str]) -> None:
    """Raise :class:`UsageError` where a machine asks: decisions go into the repository, and people answer for them."""
    import shlex

    from captures.errors import UsageError
    from captures.unattended import in_ci

    if in_ci():
        raise UsageError(
            "CI is set: nothing is decided there, as decisions are for people and go into the repository.",
            hint=f"On your machine: {shlex.join(('retape', *words))}",
        )


def _chosen(desk: Desk, names: Sequence[str], expression: str | None, *, every: bool) -> list[str]:
    """Fingerprints of the groups meant. Raises :class:`UsageError` where there is none, and for more than one way."""
    from captures.errors import UsageError
    from diffing.review.choosing import matcher

    groups = desk.result.groups
    if bool(names) + (expression is not None) + every != 1:
        listed = ", ".join(group.fingerprint for group in groups if group.open) or "none that counts"
        raise UsageError(
            "Name groups, or --filter EXPR, or --all: one of them.", hint=f"{visible(str(desk.run))} has {listed}."
        )
    if names:
        return [desk.group(name).fingerprint for name in names]
    meant = matcher(expression or "")
    found = [group for group in groups if meant(group)]
    if not found and expression is not None:
        raise UsageError(
            f"No drift group of {desk.run} matches {expression!r}.",
            hint="Words, or kind: level: class: endpoint: location: id:",
        )
    chosen = [group.fingerprint for group in found if group.open]
    if not chosen:
        raise UsageError(
            f"Nothing of {desk.run} is left to decide{'' if expression is None else ' there'}.",
            hint="A group that was decided is named by its fingerprint.",
        )
    return chosen


def _author(given: str | None) -> str:
    from captures.commits import author

    return author() if given is None else given
