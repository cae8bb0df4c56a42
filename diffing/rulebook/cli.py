"""``retape rules``: what must hold where equality cannot, whether it does, and what it leaves unseen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from captures.commands.options import FORMAT
from captures.visible import in_json, visible

if TYPE_CHECKING:
    from diffing.comparison import DiffOptions
    from diffing.model import Group, Result

NOT_MEASURED = 3
"""The exit code of what could not be judged."""

RULES = click.option(
    "--rules", "rules_file", type=click.Path(path_type=Path), help="A further rules file, beside retape.rules.toml."
)
CONFIG = click.option("--config", type=click.Path(path_type=Path), help="A configuration file instead of retape.toml.")
_RECORDED = click.option(
    "--recorded", type=click.Path(path_type=Path), help="The recording, where the run does not say which it was."
)


@click.group()
def rules() -> None:
    """What must hold where equality cannot: your rules, the built-in ones, and the classes of drift.

    \b
    retape rules ls
    retape rules check shop.sqlite --mutate
    retape rules explain run.sqlite 12 '$.items[0].price'
    retape rules suggest run.sqlite --write
    """


@rules.command("ls")
@FORMAT
@RULES
@CONFIG
def list_rules(form: str, rules_file: Path | None, config: Path | None) -> None:
    """List the rules that apply: yours, in the order they are tried, then the built-in ones.

    \b
    retape rules ls
    retape rules ls --format json
    """
    from captures.config import load
    from diffing.options import rules_from
    from diffing.rulebook.builtins import BUILTIN_RULES

    own = rules_from(load(explicit=config, rules=rules_file))
    today = _today()
    if form == "json":
        rows: list[dict[str, Any]] = [
            {
                "id": rule.id,
                "endpoint": rule.endpoint,
                "location": rule.location,
                "expect": rule.matcher.word,
                "asserts": rule.matcher.said(),
                "reason": rule.reason,
                "author": rule.author,
                "evidence": rule.evidence,
                "created": rule.created.isoformat() if rule.created else None,
                "expires": rule.expires.isoformat() if rule.expires else None,
                "expired": bool(rule.expires and rule.expires < today),
                "builtin": False,
            }
            for rule in own
        ]
        rows += [
            {"id": rule.id, "accepts": rule.accepts, "asserts": rule.asserts, "builtin": True} for rule in BUILTIN_RULES
        ]
        click.echo(in_json(json.dumps(rows, indent=2, ensure_ascii=False)))
        return
    for rule in own:
        state = f"expired on {rule.expires}" if rule.expires and rule.expires < today else "applies"
        click.echo(visible(f"{rule.id}  {rule.endpoint}  {rule.location}  expects {rule.matcher.said()}  ({state})"))
    for builtin in BUILTIN_RULES:
        click.echo(f"{builtin.id}  accepts: {builtin.accepts}; asserts: {builtin.asserts}")


@rules.command("classes")
@FORMAT
def list_classes(form: str) -> None:
    """List every class of drift with its kind, level and meaning.

    \b
    retape rules classes
    retape rules classes --format json
    """
    from diffing.classes import all_classes

    classes = all_classes()
    if form == "json":
        rows = [
            {"id": drift.id, "kind": drift.kind.value, "level": drift.level.value, "meaning": drift.meaning}
            for drift in classes
        ]
        click.echo(in_json(json.dumps(rows, indent=2, ensure_ascii=False)))
        return
    wide = max(len(drift.id) for drift in classes)
    for drift in classes:
        click.echo(f"{drift.id:<{wide}}  {drift.level.value:<7}  {drift.kind.value:<9}  {drift.meaning}")


@rules.command("check")
@click.argument("capture", required=False, type=click.Path(path_type=Path))
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option("--mutate", is_flag=True, help="Change recorded answers and say which changes the rules would not see.")
@click.option(
    "--sample", type=click.IntRange(1), default=200, show_default=True, help="Changed answers per endpoint, at most."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed changes other values.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="With --mutate: exit code 1 when fewer of the changes are seen.",
)
@click.option("--strict", is_flag=True, help="Exit code 1 when anything is said about a rule or an approval.")
@FORMAT
@RULES
@CONFIG
def check_rules(
    capture: Path | None,
    run: Path | None,
    mutate: bool,
    sample: int,
    seed: int,
    fail_under: float | None,
    strict: bool,
    form: str,
    rules_file: Path | None,
    config: Path | None,
) -> int:
    """Say which rules are unsound, expired, shadowed or contradictory; with a CAPTURE which of them name nothing in it;
    with a RUN of it which were not used. The same of approvals: which have expired, which a newer recording has
    superseded, which match nothing any more.

    With --mutate recorded answers are changed one leaf at a time (dropped, made null, another type or value, another
    object's id, reordered, …) and compared as if a new build had sent them: what no finding tells is a blind spot.

    \b
    retape rules check
    retape rules check shop.sqlite run.sqlite --strict
    retape rules check shop.sqlite --mutate --sample 500 --fail-under 90

    Exit codes: 0 told, 1 with --strict or below --fail-under, 2 unsound rules, 3 --fail-under and nothing measured.
    """
    from captures.config import load
    from captures.errors import UsageError
    from captures.routes.templates import explicit_templates
    from captures.store import Capture
    from captures.wording import counted
    from diffing.options import options_from
    from diffing.review.approvals import recording_of
    from diffing.review.standing import sentences, without_run
    from diffing.rulebook.rulelint import remarks

    if mutate and capture is None:
        raise UsageError("--mutate needs a capture.", hint="retape rules check shop.sqlite --mutate")
    if fail_under is not None and not mutate:
        raise UsageError("--fail-under goes with --mutate.", hint="Add --mutate.")
    today = _today()
    loaded = load(explicit=config, rules=rules_file)
    options = options_from(loaded, today=today)
    own, templates = options.rules, explicit_templates(loaded.section("endpoints"))
    used: dict[str, int] | None = None
    said: list[Any] = []
    result: dict[str, Any] = {"rules": len(own), "files": [path.name for path in loaded.files]}
    endpoints: set[str] = set()
    recording = ""
    percent, measured = 100.0, False
    text: list[str] = []
    if capture is not None:
        from diffing.rulebook.rulecheck import covered

        with Capture.open(capture) as source:
            recording = recording_of(source.sessions())
            coverage = covered(source, own, templates)
            endpoints = coverage.endpoints
            said.extend(coverage.remarks(own, today))
            result["places"] = {rule.id: coverage.places[rule.id] for rule in own}
            if mutate:
                from diffing.rulebook.blindness import as_rows, lines
                from diffing.rulebook.blindspots import measure
                from diffing.rulebook.rules import current

                report = measure(
                    source, current(own, today)[0], templates, sample=sample, seed=seed, progress=_changing
                )
                percent, measured = report.percent, report.tried > 0
                result["mutation"] = as_rows(report)
                text = list(lines(report))
    if capture is not None and run is not None:
        from diffing.rulebook.rulelint import judged_by

        compared = _compared(capture, run, options)
        result["used"] = used = judged_by(own, compared.rules, compared.groups)
        uses = compared.approvals
    else:
        uses = without_run(options.approvals, today, recording)
    stale = [(use, sentence) for use in uses for sentence in sentences((use,))]
    told = {remark.rule for remark in said}
    said = [
        *(one for one in remarks(own, used, today, endpoints) if one.kind != "unused" or one.rule not in told),
        *said,
    ]
    if form == "json":
        result["remarks"] = [
            {"kind": one.kind, "rule": one.rule, "other": one.other or None, "text": one.text} for one in said
        ]
        result["approvals"] = len(options.approvals)
        result["stale"] = [
            {"kind": use.state.value, "approval": use.approval.fingerprint, "text": text} for use, text in stale
        ]
        click.echo(in_json(json.dumps(result, indent=2, ensure_ascii=False)))
    else:
        where = ", ".join(result["files"]) or "no configuration file"
        approved = f" and {counted(len(options.approvals), 'approval')}" if options.approvals else ""
        click.echo(f"{counted(len(own), 'rule')}{approved} in {where}: sound.")
        for kind, sentence in [
            *((one.kind, one.text) for one in said),
            *((use.state.value, text) for use, text in stale),
        ]:
            click.echo(visible(f"{kind:<13}  {sentence}"))
        for line in text:
            click.echo(visible(line))
    if (strict and (said or stale)) or (fail_under is not None and percent < fail_under):
        return 1
    return NOT_MEASURED if fail_under is not None and not measured else 0


@rules.command("explain")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("exchange", type=int)
@click.argument("path", required=False, nargs=-1)
@_RECORDED
@FORMAT
@RULES
@CONFIG
def explain_place(
    run: Path,
    exchange: int,
    path: tuple[str, ...],
    recorded: Path | None,
    form: str,
    rules_file: Path | None,
    config: Path | None,
) -> None:
    """Say why a value of one EXCHANGE passed or failed: both values, the class or the rule, the evidence, your rules
    that name the place, and a rule that would let it pass or forbid it.

    EXCHANGE is a recorded id, as the reports print it (the id in the run is understood as well). Without PATH every
    unequal place of the exchange is listed.

    \b
    retape rules explain run.sqlite 12
    retape rules explain run.sqlite 12 '$.items[0].price'
    retape rules explain run.sqlite 12 header etag
    """
    from captures.config import load
    from diffing.comparison import prepared
    from diffing.options import options_from
    from diffing.rulebook.explaining import explain
    from diffing.rulebook.explanation import as_rows, lines

    today = _today()
    options = options_from(load(explicit=config, rules=rules_file), today=today)
    where = " ".join(path)
    with prepared(recorded or _source(run), run, options) as comparison:
        explained = explain(comparison, exchange, where or None, options.rules, today)
    if form == "json":
        from diffing.reports.values import dump

        click.echo(dump(as_rows(explained), indent=2))
        return
    for line in lines(explained, table=not where):
        click.echo(visible(line))
    if not where and explained.places:
        click.echo(f"One of them in full: retape rules explain {run} {explained.exchange} PATH", err=True)


@rules.command("suggest")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("groups_named", required=False, nargs=-1, metavar="[GROUP]...")
@click.option("--write", is_flag=True, help="Append them to retape.rules.toml, or to the file of --rules.")
@click.option("--author", default="", help="Who answers for them, written into each.")
@_RECORDED
@FORMAT
@RULES
@CONFIG
def suggest(
    run: Path,
    groups_named: tuple[str, ...],
    write: bool,
    author: str,
    recorded: Path | None,
    form: str,
    rules_file: Path | None,
    config: Path | None,
) -> int:
    """Print rules for the drift groups of RUN (or for the GROUPs named, by fingerprint), one for each place: the
    strictest that all the values there satisfy. Read them before you keep them: a rule says that what you see may vary,
    or, where a field is gone, that nobody needs it.

    \b
    retape rules suggest run.sqlite
    retape rules suggest run.sqlite a3f8c21b9d04 --write --author dana

    Exit codes: 0 told, 1 drift, and no rule can let any of it pass.
    """
    from dataclasses import replace

    from captures.config import load
    from captures.settings.finding import RULES_FILE
    from captures.state import project_root
    from captures.unattended import refuse_in_ci
    from diffing.options import options_from
    from diffing.review.desk import named
    from diffing.rulebook.rulelint import broken_rule
    from diffing.rulebook.rulesfile import add_rules, written
    from diffing.rulebook.suggesting import as_row, careful
    from diffing.rulebook.trying import suggestions

    if write:
        refuse_in_ci("retape rules suggest writes no rules", f"retape rules suggest {run} --write")
    today = _today()
    target = rules_file or (config.parent if config else project_root()) / RULES_FILE
    there = rules_file if rules_file is None or rules_file.exists() else None
    options = options_from(load(explicit=config, rules=there), today=today)
    source = recorded or _source(run)
    open_groups: list[Group] = []
    unsaid: list[str] = []
    result = _compared(source, run, options)
    asked = {group.fingerprint: group for group in (named(result.groups, one, run) for one in groups_named)}
    for group in asked.values() if groups_named else (group for group in result.groups if group.open):
        name = broken_rule(group, (rule.id for rule in options.rules))
        if name:
            unsaid.append(f'{group.fingerprint} {group.location}: your rule "{name}" comes first; change that.')
        else:
            open_groups.append(group)
    made = suggestions(source, run, options, open_groups, today)
    drafts = [replace(draft, author=author) for draft in made.drafts]
    unsaid += [f"{one.fingerprint} {one.class_id} at {one.location}: no rule can say this." for one in made.without]
    if form == "json":
        click.echo(in_json(json.dumps([as_row(draft) for draft in drafts], indent=2, ensure_ascii=False)))
    else:
        pieces = [written(draft) for draft in drafts]
        pieces += ["".join(f"# {visible(sentence)}\n" for sentence in unsaid)] if unsaid else []
        click.echo("\n".join(pieces), nl=False)
    for sentence in unsaid:
        _tell(sentence)
    for draft in drafts:
        if careful(draft):
            _tell(f"careful: {careful(draft)}")
    if not drafts:
        _tell("There is no drift that a rule could let pass.")
        return 1 if unsaid else 0
    if not groups_named:
        _tell(f"With {'it' if len(drafts) == 1 else 'them'} {_left(made.left)}.")
    if write:
        ids = add_rules(target, drafts)
        count = Counter(ids)
        click.echo(f"retape: {len(count)} rule{'' if len(count) == 1 else 's'} in {target}", err=True)
    return 0


def _left(groups: Sequence[Group]) -> str:
    from captures.wording import counted

    left = [group for group in groups if group.open]
    return (
        f"{counted(len(left), 'drift group')} of the run stay{'s' if len(left) == 1 else ''}"
        if left
        else ("the run has no drift")
    )


def _compared(recorded: Path, run: Path, options: DiffOptions) -> Result:
    from diffing.engine import compare_captures

    return compare_captures(recorded, run, options)


def _source(run: Path) -> Path:
    from diffing.review.desk import recording_behind

    return recording_behind(run)


def _tell(sentence: str) -> None:
    click.echo(visible(sentence), err=True)


def _changing(endpoint: str, done: int, total: int) -> None:
    click.echo(visible(f"[{done + 1}/{total}] changing the answers of {endpoint}"), err=True)


def _today() -> date:
    return date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
