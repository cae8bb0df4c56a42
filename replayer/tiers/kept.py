"""Covers kept in the state folder: choosing reads a whole capture, and what follows from a capture alone stays true.

A file is named by the recording's identity and by what else the choice rests on. Nothing depends on one: a folder that
cannot be read or written, or a file that is something else, means that the capture is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from captures.recording import identity_of
from captures.store import Capture
from captures.versions import version_of
from replayer.chain_rules import ChainRule
from replayer.tiers.cover import Cover

FOLDER = "tiers"
KEPT = 20
"""Covers; older ones go."""

CHOICE = 1
"""Of the way covers are made: what an older way made is made again."""


def name_of(capture: Capture, templates: Sequence[str], rules: Sequence[ChainRule]) -> str:
    """The file's name: another recording, other templates or chains, or another version have another."""
    told = [CHOICE, version_of("retape"), identity_of(capture), list(templates), [repr(rule) for rule in rules]]
    return hashlib.sha256(json.dumps(told).encode("utf-8", "surrogatepass")).hexdigest()[:32] + ".json"


def load(state: Path | None, name: str) -> Cover | None:
    """The cover called ``name`` in the state folder ``state``; None where there is none that can be used."""
    if state is None:
        return None
    path = state / FOLDER / name
    try:
        found = Cover.from_json(path.read_text(encoding="utf-8"))
        os.utime(path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return found


def save(state: Path | None, name: str, cover: Cover) -> None:
    """Keep ``cover``, whole or not at all."""
    if state is None:
        return
    folder = state / FOLDER
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=folder, prefix=".")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(cover.to_json())
            Path(made).replace(folder / name)
        except BaseException:
            with suppress(OSError):
                Path(made).unlink()
            raise
        _forget(folder)


def _forget(folder: Path) -> None:
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT:]:
        path.unlink(missing_ok=True)
