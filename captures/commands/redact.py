"""``retape capture redact``, and what ``capture verify --secrets`` shares with it: places and counts, never values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from captures.commands.options import CAPTURE, FORMAT, templates

if TYPE_CHECKING:
    from captures.redacting.rewriting import Task
    from captures.redacting.scanning import Scan
    from captures.store import Capture

_SHOWN = 40  # places in a text


@click.command("redact")
@CAPTURE
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="CAPTURE",
    help="The capture to write; an existing file is refused.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Write nothing: say where secrets stand, and how many.")
@FORMAT
def redact(path: Path, output: Path | None, dry_run: bool, form: str) -> int:
    """Write a capture again, redacted by the rules of today: `[redact]` of retape.toml, all detectors, your key.

    For one that was imported or recorded under other rules. Pseudonyms made with the same key stay as they are. Places
    and counts are told, values never.

    \b
    retape capture redact old.sqlite --dry-run
    retape capture redact old.sqlite -o clean.sqlite
    """
    from captures.errors import UsageError
    from captures.progress import Pass
    from captures.store import Capture
    from captures.visible import visible

    if output is None and not dry_run:
        raise UsageError("Where to?", hint="Name a new file: -o CAPTURE (or look first: --dry-run)")
    if output is not None and dry_run:
        raise UsageError("--dry-run writes nothing: -o has no place beside it.", hint="Leave one of the two out.")
    with Capture.open(path) as opened:
        task, key, others = _task(opened)
        with Pass("searched", opened.count()) as tell:
            found = task.scan(tell) if output is None else task.rewrite(output, key, tell)
    if form == "json":
        _as_json({"capture": str(path), "output": str(output) if output else None, **_document(found, others)})
        return 0
    _say(found, others, "would be replaced" if output is None else "replaced")
    if output is not None:
        click.echo(f"{visible(str(output))}: {found.exchanges:,} exchanges.")
    return 0


def verify_secrets(path: Path, form: str) -> int:
    """What ``capture verify --secrets`` does: exit 1 where something stands that redaction would replace."""
    from captures.progress import Pass
    from captures.store import Capture

    with Capture.open(path) as opened:
        task, _, others = _task(opened)
        with Pass("searched", opened.count()) as tell:
            found = task.scan(tell)
    code = 1 if found.findings or found.unscannable else 0
    if form == "json":
        _as_json({"capture": str(path), "clean": code == 0, **_document(found, others)})
    else:
        _say(found, others, "found")
    return code


def _task(capture: Capture) -> tuple[Task, str, int]:
    """The task, the key's fingerprint, and how many sessions were redacted with another key."""
    from captures.config import load
    from captures.redacting.redaction import RedactionPolicy, Redactor, fingerprint
    from captures.redacting.rewriting import Task
    from captures.state import redaction_key

    config = load()
    key = redaction_key(config.redaction_key())
    policy = RedactionPolicy.from_config(config.section("redact"))
    mine = fingerprint(key)
    others = sum(one.redaction_key not in (None, mine) for one in capture.sessions())
    return Task(capture, Redactor(key, policy), templates()), mine, others


def _document(found: Scan, others: int) -> dict[str, Any]:
    places = [
        {**finding.place._asdict(), "count": finding.count, "exchanges": list(finding.exchanges)}
        for finding in found.findings
    ]
    return {
        "exchanges": found.exchanges, "secrets": found.secrets, "pseudonyms": found.pseudonyms, "places": places,
        "unscannable": [{"exchange": one, "reason": why} for one, why in found.unscannable],
        "sessions_of_another_key": others,
    }  # fmt: skip


def _as_json(document: dict[str, Any]) -> None:
    import json

    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _say(found: Scan, others: int, done: str) -> None:
    from captures.visible import visible

    for finding in found.findings[:_SHOWN]:
        place = finding.place
        where = f" {place.where}" if place.where else ""
        ids = ", ".join(map(str, finding.exchanges))
        said = f"{finding.count:>7,}  {place.endpoint}  {place.side} {place.part}{where}  ({place.by}; exchanges {ids})"
        click.echo(visible(said))
    if len(found.findings) > _SHOWN:
        click.echo(f"         and {len(found.findings) - _SHOWN} more places (all of them: --format json)")
    for exchange, why in found.unscannable[:_SHOWN]:
        click.echo(visible(f"exchange {exchange} cannot be searched: {why}"))
    bodies = f", {len(found.unscannable):,} bodies that cannot be searched" if found.unscannable else ""
    click.echo(
        f"{found.secrets:,} secrets {done} at {len(found.findings):,} places{bodies}; {found.pseudonyms:,} pseudonyms "
        f"in {found.exchanges:,} exchanges."
    )
    if others:
        click.echo(
            f"{others} sessions were redacted with another key, or by an earlier release: their pseudonyms are told by "
            "the exchanges' notes alone.",
            err=True,
        )
        click.echo("hint: Give the recorder's key as RETAPE_REDACT_KEY.", err=True)
