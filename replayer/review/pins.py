"""Pins made during a review: what would be written, the writing, and taking it back."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from captures import placing
from captures.config import Config
from captures.errors import EmptyCapture, UsageError
from captures.routes.templates import explicit_templates
from captures.selection import parse
from captures.wording import counted
from diffing.model import Group
from replayer.pin_file import dump
from replayer.pin_make import Made, Refused, make_pins


@dataclass(frozen=True, slots=True)
class Draft:
    """One pin to be written."""

    path: Path
    text: str
    before: str | None  # what stands in the file now; None where there is none


@dataclass(frozen=True, slots=True)
class Drafts:
    """What can be pinned of what was asked for, and why the rest cannot."""

    pins: tuple[Draft, ...]
    refused: tuple[str, ...]


def drafts_of(capture: Path, exchanges: Sequence[int], folder: Path, config: Config) -> Drafts:
    """Pins of the recorded ``exchanges`` as ``capture`` (a recording, or a run) answers them."""
    endpoints = explicit_templates(config.section("endpoints"))
    pins: list[Draft] = []
    refused: list[str] = []
    only = parse("id:" + ",".join(map(str, exchanges)))
    try:
        for made in make_pins(capture, only, redact=config.section("redact"), endpoints=endpoints):
            if isinstance(made, Made):
                path = folder / made.file
                pins.append(Draft(path, dump(made.pin), _text(path)))
            elif isinstance(made, Refused):
                refused.append(f"Exchange {made.exchange} is not pinned: {made.reason}.")
    except EmptyCapture as error:
        raise UsageError(
            "This side has no such exchange, so there is nothing to pin.", hint="Pin the other side."
        ) from error
    return Drafts(tuple(pins), tuple(refused))


def example_of(group: Group, asked: int | None = None) -> int | None:
    """The recorded exchange to pin for a group: the one asked for, where it is the group's, else its first example."""
    if group.class_id == "exchange.extra" or not group.exchanges:
        return None
    known = [finding.exchange for finding in group.examples]
    if asked is not None and (asked in known or asked in group.exchanges):
        return asked
    return known[0] if known else group.exchanges[0]


def write(drafts: Iterable[Draft]) -> None:
    """Write each. Raises :class:`UsageError`."""
    for draft in drafts:
        _put(draft.path, draft.text)


def take_back(drafts: Iterable[Draft]) -> None:
    """Put back what stood there. Raises :class:`UsageError` where a file was changed since: nothing is done then."""
    known = list(drafts)
    for draft in known:
        if _text(draft.path) != draft.text:
            raise UsageError(f"{draft.path} was changed since: nothing was undone.", hint="Edit it by hand.")
    for draft in known:
        if draft.before is None:
            draft.path.unlink()
            _remove_if_empty(draft.path.parent)
        else:
            _put(draft.path, draft.before)


def unified(drafts: Iterable[Draft], *, back: bool = False) -> str:
    """The change as a unified diff; ``back``: of taking it back."""
    parts: list[str] = []
    for draft in drafts:
        old, new = (draft.text, draft.before) if back else (draft.before, draft.text)
        name = draft.path.as_posix()
        parts += difflib.unified_diff(
            (old or "").splitlines(keepends=True),
            (new or "").splitlines(keepends=True),
            "/dev/null" if old is None else f"a/{name}",
            "/dev/null" if new is None else f"b/{name}",
        )
    return "".join(parts)


def named(drafts: Sequence[Draft]) -> str:
    """The file, or how many."""
    return str(drafts[0].path) if len(drafts) == 1 else counted(len(drafts), "pin")


def told(drafts: Drafts) -> Mapping[str, object]:
    """For the page."""
    return {
        "pins": [
            {
                "file": str(draft.path),
                "text": draft.text,
                "there": ""
                if draft.before is None
                else "says so already"
                if draft.before == draft.text
                else "is overwritten",
            }
            for draft in drafts.pins
        ],
        "refused": list(drafts.refused),
    }


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} is there and cannot be read.", hint="Move it away, or choose another --pins."
        ) from error


def _put(path: Path, text: str) -> None:
    try:
        placing.put(path, text)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", hint="Choose another folder: --pins."
        ) from error


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # others are in it
