"""A judged run written into the history: after every ``replay``, and after a ``diff`` of a run. It never fails them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from captures.errors import RetapeError
from captures.recording import identity_of
from captures.state import existing_state_dir, state_dir
from captures.store import Capture
from diffing.history import file
from diffing.history.entry import Entry, entry_of
from diffing.model import Result


def note(
    result: Result,
    recorded: Path,
    replayed: Path,
    *,
    selected: str | None = None,
    three_way: bool = False,
    make: bool = True,
) -> str:
    """Note ``result``; what kept it from being noted, as one sentence, or "".

    ``selected``: the selection of a ``diff``. ``make``: make the state folder where there is none.
    """
    try:
        folder = state_dir() if make else existing_state_dir()
        if folder is None:
            return ""
        entry = _entry(result, recorded, replayed, selected or "", three_way=three_way)
        if entry is not None:
            file.note(folder, entry)
    except RetapeError as error:
        return f"This run is not in the history: {error.message[:1].lower()}{error.message[1:]}"
    except (OSError, sqlite3.Error, ValueError) as error:
        return f"This run is not in the history: {error}."
    return ""


def _entry(result: Result, recorded: Path, replayed: Path, selected: str, *, three_way: bool) -> Entry | None:
    with Capture.open(recorded) as source, Capture.open(replayed) as run:
        replays = [session for session in run.sessions() if session.mode == "replay"]
        if not replays:
            return None  # two recordings beside each other: no build was tried
        session = replays[-1]
        shards = (session.meta.get("shards") or {}).values()
        ended = max((one.get("ended") or session.started for one in shards), default=session.ended)
        return entry_of(
            result,
            run=(session.id, session.started, session.meta.get("shard")),
            capture=identity_of(source),
            at=session.started,
            ended=ended,
            selected=selected,
            three_way=three_way,
        )
