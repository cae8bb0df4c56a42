"""On which line of a TOML file each key stands. Pure.

``tomllib`` tells no lines. TOML, though, is made of statements that begin on lines of their own: a statement is the
fewest lines that can be read, and a header in brackets says where the keys after it belong.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from captures.settings.faults import Path


def lines_of(text: str, prefix: tuple[str, ...] = ()) -> dict[Path, int]:
    """The line, from 1, of each table and key of a valid TOML ``text`` below ``prefix``, by its path without that."""
    found: dict[Path, int] = {}
    here: Path = ()
    entries: dict[Path, int] = {}  # how many [[tables]] of a name there were
    for number, statement in _statements(text):
        stripped = statement.lstrip()
        said = tomllib.loads(statement)
        if stripped.startswith("["):
            names = next(_leaves(said, every=True))
            here = _placed(names, entries, new=stripped.startswith("[["))
            paths = [here]
        else:
            paths = [_placed((*here, *path), entries, new=False) for path in _leaves(said)]
        for path in paths:
            if path[: len(prefix)] == prefix:
                inner = path[len(prefix) :]
                for length in range(1, len(inner) + 1):
                    found.setdefault(inner[:length], number)
    return found


def line_at(lines: Mapping[Path, int], at: Path) -> int | None:
    """The line of ``at``, or of the nearest thing around it."""
    return next((lines[at[:length]] for length in range(len(at), 0, -1) if at[:length] in lines), None)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with its first line."""
    begun, waiting = 0, ""
    for number, line in enumerate(
        re.findall(r"[^\n]*\n|[^\n]+", text), start=1
    ):  # splitlines knows more line ends than TOML
        begun = begun if waiting else number
        waiting += line
        try:
            said = tomllib.loads(waiting)
        except tomllib.TOMLDecodeError:
            continue
        if said:
            yield begun, waiting
        waiting = ""


def _placed(names: Path, entries: dict[Path, int], *, new: bool) -> Path:
    """``names`` with the number of the entry behind each that is a list of tables; ``new``: the last begins another."""
    path: Path = ()
    for number, name in enumerate(names):
        path = (*path, name)
        if isinstance(name, int):
            continue
        if new and number == len(names) - 1:
            entries[path] = entries.get(path, 0) + 1
        if path in entries and not (number + 1 < len(names) and isinstance(names[number + 1], int)):
            path = (*path, entries[path] - 1)
    return path


def _leaves(said: Mapping[str, Any], *, every: bool = False) -> Iterator[Path]:
    """The path of each value; with ``every`` that of a header, which holds nothing yet."""
    for name, value in said.items():
        inner = value[0] if every and isinstance(value, list) else value
        if isinstance(inner, Mapping) and inner:
            for path in _leaves(inner, every=every):
                yield (name, *path)
        else:
            yield (name,)
