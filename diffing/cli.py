"""``retape diff`` and ``retape rules``."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from captures.cli import FORMAT

if TYPE_CHECKING:
    from captures.store import Capture

_RULES = click.option(
    "--rules", "rules_file", type=click.Path(path_type=Path), help="A further rules file, beside retape.rules.toml."
)
_CONFIG = click.option("--config", type=click.Path(path_type=Path), help="A configuration file instead of retape.toml.")


@click.command()
@click.argument("recorded", type=click.Path(path_type=Path))
@click.argument("replayed", type=click.Path(path_type=Path))
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FMT[=PATH]",
    help="terminal, json, junit or html; again for more than one.  [default: terminal]",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    default="warning",
    show_default=True,
    help="The level from which a drift makes the exit code 1.",
)
@click.option("--only", metavar="EXPR", help="Only these recorded exchanges: 'path:/orders/* status:5xx'.")
@_RULES
@_CONFIG
def diff(
    recorded: Path,
    replayed: Path,
    reports: tuple[str, ...],
    fail_on: str,
    only: str | None,
    rules_file: Path | None,
    config: Path | None,
) -> int:
    """Compare two captures: a recording and a run of it, or any two. No network is used.

    \b
    retape diff shop.sqlite run.sqlite
    retape diff monday.sqlite tuesday.sqlite --report html=drift.html --fail-on error

    Exit codes: 0 clean, 1 drift, 3 inconclusive, 5 nothing to compare.
    """
    from captures.config import load
    from captures.errors import UsageError
    from captures.store import Capture
    from diffing.engine import compare_captures
    from diffing.options import options_from
    from diffing.reports import parse_specs, write

    specs = parse_specs(reports)
    with Capture.open(recorded) as source, Capture.open(replayed) as run:
        if _is_run(source) and not _is_run(run):
            raise UsageError(
                f"{recorded} is a run and {replayed} a recording: they are the wrong way round.",
                hint=f"retape diff {replayed} {recorded}",
            )
        options = options_from(load(explicit=config, rules=rules_file), fail_on=fail_on, only=only, today=_today())
        result = compare_captures(recorded, replayed, options)
        for spec in specs:
            path = write(result, spec, source, run)
            if path is not None:
                click.echo(f"retape: wrote {path}", err=True)
    return result.exit_code


def _is_run(capture: Capture) -> bool:
    modes = {session.mode for session in capture.sessions()}
    return modes == {"replay"}


@click.group()
def rules() -> None:
    """What must hold where equality cannot: rules, and the classes of drift.

    \b
    retape rules ls
    retape rules classes --format json
    retape rules check --rules retape.rules.toml
    """


@rules.command("ls")
@FORMAT
@_RULES
@_CONFIG
def list_rules(form: str, rules_file: Path | None, config: Path | None) -> None:
    """List the rules that apply: yours, then the built-in ones."""
    from captures.config import load
    from diffing.builtins import BUILTIN_RULES
    from diffing.options import rules_from

    own = rules_from(load(explicit=config, rules=rules_file))
    today = _today()
    if form == "json":
        rows = [
            {
                "id": rule.id,
                "endpoint": rule.endpoint,
                "location": rule.location,
                "expect": rule.matcher.word,
                "reason": rule.reason,
                "expires": rule.expires.isoformat() if rule.expires else None,
                "expired": bool(rule.expires and rule.expires < today),
                "builtin": False,
            }
            for rule in own
        ]
        rows += [
            {"id": rule.id, "accepts": rule.accepts, "asserts": rule.asserts, "builtin": True} for rule in BUILTIN_RULES
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for rule in own:
        state = "expired" if rule.expires and rule.expires < today else "applies"
        click.echo(f"{rule.id}  {rule.endpoint}  {rule.location}  expects {rule.matcher.word}  ({state})")
    for builtin in BUILTIN_RULES:
        click.echo(f"{builtin.id}  accepts: {builtin.accepts}; asserts: {builtin.asserts}")


@rules.command("classes")
@FORMAT
def list_classes(form: str) -> None:
    """List every class of drift with its kind, level and meaning."""
    from diffing.classes import all_classes

    classes = all_classes()
    if form == "json":
        rows = [
            {"id": drift.id, "kind": drift.kind.value, "level": drift.level.value, "meaning": drift.meaning}
            for drift in classes
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    wide = max(len(drift.id) for drift in classes)
    for drift in classes:
        click.echo(f"{drift.id:<{wide}}  {drift.level.value:<7}  {drift.kind.value:<9}  {drift.meaning}")


@rules.command("check")
@_RULES
@_CONFIG
def check_rules(rules_file: Path | None, config: Path | None) -> None:
    """Read the rules and say whether they are sound. Exit code 2 when not."""
    from captures.config import load
    from diffing.options import rules_from

    loaded = load(explicit=config, rules=rules_file)
    own = rules_from(loaded)
    expired = [rule.id for rule in own if rule.expires and rule.expires < _today()]
    where = ", ".join(path.name for path in loaded.files) or "no configuration file"
    click.echo(f"{len(own)} rules in {where}: sound.")
    for name in expired:
        click.echo(f'"{name}" has expired and does not apply.', err=True)


def _today() -> date:
    return date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
