"""Where a report goes: a file of its own, replaced whole or not at all, and never one that is being compared."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from captures.errors import UsageError
from captures.store import MAGIC
from captures.visible import visible

_BESIDE = ("", "-wal", "-shm", "-journal", ".lock")  # what SQLite and the writer keep beside a capture


def refuse_inputs(places: Iterable[Path | None], inputs: Sequence[Path | None]) -> None:
    """Raise :class:`UsageError` where a report would replace a file of ``inputs``, or any SQLite file.

    What is compared is named by people in many ways: links and ways through other folders count.
    """
    for place in places:
        if place is None:
            continue
        for given in inputs:
            if given is not None and any(_same(place, Path(f"{given}{suffix}")) for suffix in _BESIDE):
                raise UsageError(
                    f"The report {visible(str(place))} would replace {visible(str(given))}, which this command uses.",
                    hint="Name another file: --report FORMAT=PATH.",
                )
        _refuse_databases(place)


def replace(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all. Raises :class:`UsageError` where that cannot be."""
    _refuse_databases(path)
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a named pipe: written to, never replaced
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            # A new one is made to be handed around, unlike a capture; whoever changed an old one's mode meant it.
            Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise UsageError(
            f"The report {path} cannot be written: {error.strerror}.", hint="Name another file: --report FORMAT=PATH."
        ) from error


def new_folder(path: Path | None) -> str:
    """What else is made by writing ``path``, for the line that says it was written; "" where its folder is there.

    Folders are made: in a CI job the report's is often the first thing in it (as pytest does for ``--junitxml``).
    """
    missing = [folder for folder in path.parents if not folder.exists()] if path is not None else []
    return f" (and made the folder {visible(str(missing[-1]))})" if missing else ""


def append(path: Path, text: str) -> None:
    """Add ``text`` to a file that a CI job keeps. Raises :class:`UsageError` where that cannot be."""
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(
            f"{visible(str(path))}, which this CI job names, cannot be written: {error.strerror}.",
            hint="Name a file of your own: --report github=PATH.",
        ) from error


def _refuse_databases(path: Path) -> None:
    try:
        if not path.is_file():
            return
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except OSError:
        return  # what cannot be read is told of when it is written
    if head == MAGIC:
        raise UsageError(
            f"The report {visible(str(path))} would replace a SQLite file, perhaps a capture.",
            hint="Name another file: --report FORMAT=PATH.",
        )


def _same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
