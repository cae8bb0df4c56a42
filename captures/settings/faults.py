"""What is wrong with a configuration, as data and as a sentence: where, what was given, what is accepted. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

Path = tuple[str | int, ...]
"""Where a value stands: ("replay", "auth", "as", 0, "recorded"); numbers count from 0."""

LONGEST = 60  # characters of a value that is quoted


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. ``hint`` is the next step."""

    at: Path
    says: str  # completes "[record]: …", without the full stop
    hint: str = ""

    def sentence(self, file: str = "", line: int | None = None) -> str:
        """``retape.toml:3 [record]: max_body = "lots" must be a size.``."""
        place = f"{file}:{line}" if file and line else file
        where = " ".join(part for part in (place, table_of(self.at)) if part)
        says = self.says if self.says.endswith("?") else f"{self.says}."
        return f"{where}: {says}" if where else says


def wrong(at: Path, given: Any, accepts: str, words: Iterable[str] = ()) -> Fault:
    """A value that is not ``accepts``; the nearest of ``words`` is asked for."""
    close = difflib.get_close_matches(given, list(words), n=1, cutoff=0.5) if isinstance(given, str) else []
    guess = f'. Did you mean "{close[0]}"?' if close else ""
    return Fault(at, f"{name_of(at)} = {shown(given)} must be {accepts}{guess}")


def missing(at: Path, key: str, example: str) -> Fault:
    """A key that the table at ``at`` needs."""
    return Fault((*at, key), f"{key} is missing", f"Like: {example}" if example else "")


def unknown(at: Path, key: str, known: Iterable[str]) -> Fault:
    """A key that nobody knows, with the nearest one that somebody does."""
    names = list(known)
    close = difflib.get_close_matches(str(key), names, n=1, cutoff=0.5)
    guess = f'. Did you mean "{close[0]}"?' if close else ""
    return Fault((*at, key), f'unknown key "{key}"{guess}', f"Known keys: {', '.join(names)}.")


def table_of(at: Path) -> str:
    """The table a value stands in, as TOML writes it: ``[replay.auth]``, ``[[rules]] 2``; empty at the top."""
    inner = at
    while inner and isinstance(inner[-1], int):  # an item of a list is said with its key
        inner = inner[:-1]
    parents = inner[:-1]
    if not parents:
        return ""
    names = ".".join(str(part) for part in parents if isinstance(part, str))
    if isinstance(parents[-1], int):
        return f"[[{names}]] {parents[-1] + 1}"
    return f"[{names}]"


def name_of(at: Path) -> str:
    """The key, and which item of its list: ``inbound[2]``."""
    for number in range(len(at) - 1, -1, -1):
        if isinstance(at[number], str):
            return str(at[number]) + "".join(f"[{int(item) + 1}]" for item in at[number + 1 :])
    return "the configuration"


def shown(value: Any) -> str:
    """``value`` as TOML writes it, on one line and cut where it is long."""
    text = toml(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def toml(value: Any) -> str:
    """``value`` as TOML writes it in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {toml(one)}' for key, one in value.items())} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return str(value)


def _key(name: object) -> str:
    text = str(name)
    return text if text and all(mark.isascii() and (mark.isalnum() or mark in "-_") for mark in text) else toml(text)
