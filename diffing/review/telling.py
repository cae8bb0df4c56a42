"""What a decision did, told to people and to programs, with the command that takes it back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from captures.visible import in_json, visible

if TYPE_CHECKING:
    from diffing.review.desk import Change, Desk
    from diffing.review.hiding import Preview


def tell(
    desk: Desk, change: Change, form: str, given: tuple[Path | None, Path | None], seen: Preview | None = None
) -> None:
    """What was done, and what takes it back."""
    import shlex

    from captures.wording import counted
    from diffing.review.approvals import change_of

    options = [
        word for name, path in zip(("--rules", "--config"), given, strict=True) if path for word in (name, str(path))
    ]
    undo = shlex.join(["retape", "undecide", *change.undecide, *options])
    if form == "json":
        as_json(change, seen, undo, desk)
        return
    if not change.written:
        show(change)
        say(f"Not written to {shown(change.path)}." if change.diff else f"{shown(change.path)} says so already.")
        return
    done = {"accept": "accepted", "reject": "rejected", "ignore": "ignored by a rule"}[change.verb]
    for group in change.groups:
        click.echo(visible(f"{done}  {group.fingerprint}  {change_of(group)}"))
    if not change.diff:
        click.echo(f"{shown(change.path)} says so already.")
        return
    click.echo(f"Written to {shown(change.path)}; commit it. Undo: {visible(undo)}")
    left = sum(group.open for group in desk.result.groups)
    say(
        f"{counted(left, 'drift group')} of the run {'counts' if left == 1 else 'count'} still."
        if left
        else "No drift of the run counts any more."
    )


def show(change: Change) -> None:
    """The diff: as it is for ``git apply``, and harmless on a terminal."""
    text = visible(change.diff, lines=True) if sys.stdout.isatty() else change.diff
    click.echo(text, nl=False)


def as_json(change: Change, seen: Preview | None = None, undo: str = "", desk: Desk | None = None) -> None:
    """The same for programs."""
    from diffing.review.approvals import change_of

    row: dict[str, Any] = {
        "verb": change.verb,
        "written": change.written and bool(change.diff),
        "file": str(change.path),
        "fingerprints": list(change.fingerprints),
        "groups": [
            {
                "fingerprint": group.fingerprint,
                "class": group.class_id,
                "endpoint": group.endpoint,
                "location": group.location,
                "change": change_of(group),
            }
            for group in change.groups
        ],
        "diff": change.diff,
        "undo": undo or None,
    }
    if seen is not None:
        row["hides"] = [
            {
                "rule": one.rule,
                "endpoint": one.endpoint,
                "location": one.location,
                "values": one.values,
                "exchanges": one.exchanges,
                "why": one.why,
                "group": one.group or None,
            }
            for one in seen.hides
        ]
        row["unsaid"] = [{"fingerprint": name, "why": why} for name, why in seen.unsaid]
    if desk is not None:
        row |= {"open": sum(group.open for group in desk.result.groups), "verdict": desk.result.verdict}
    click.echo(in_json(json.dumps(row, indent=2, ensure_ascii=False)))


def shown(path: Path) -> str:
    """As seen from the working directory, where it is below that."""
    here = Path.cwd()
    return visible(str(path.relative_to(here) if path.is_relative_to(here) else path))


def say(sentence: str) -> None:
    """A sentence for who watches, beside the data."""
    click.echo(visible(sentence), err=True)
