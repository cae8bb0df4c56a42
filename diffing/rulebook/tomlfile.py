"""A TOML file that people wrote and review, changed without harm: read, changed as text, written whole or not at all.

What is written has to read back as meant. A file that somebody else changes between the reading and the writing is
read again, one that is no valid TOML or is write-protected is left as it is. Line endings, permissions, a byte order
mark and a link stay.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from captures.errors import ConfigError
from captures.placing import check_inside
from captures.settings.finding import said_by

MARK = "\ufeff"  # editors on Windows begin a file with it; it stays there
NEWLINES = re.compile(r"\r?\n")
TRIES = 5
"""How often a file is read again that changes while it is changed."""

Change = Callable[[str], tuple[str, Mapping[str, Any]]]
"""Of the text that stands in the file: the new text, and the data that it has to say."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a file held before and holds now. Equal where nothing was to be done."""

    path: Path
    before: str
    after: str
    made: bool = False  # there was no file


def read(path: Path) -> str:
    """The text, with its mark and line endings; empty where there is no file. Raises :class:`ConfigError`."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error


def parsed(text: str, path: Path) -> Mapping[str, Any]:
    """The data of ``text``, which stands in ``path``, for reading only. Raises :class:`ConfigError`."""
    if path.name == "pyproject.toml":
        raise ConfigError(
            "Rules are not written into pyproject.toml.", hint="Give a file of their own: retape.rules.toml beside it."
        )
    try:
        return said_by(text.removeprefix(MARK))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", hint="Mend it first: nothing was written.") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is no rules file: its lists are nested too deep.") from error


def rewrite(path: Path, change: Change, *, dry: bool = False) -> Rewritten:
    """Change what stands in ``path``, in one step; ``dry``: only say what it would be.

    Raises :class:`ConfigError` where it cannot be read or written or would not read back as meant, and what ``change``
    raises; the file is then as it was.
    """
    if not dry:
        check_inside(path)
    real = path.resolve()  # a link stays a link
    if dry:
        before = read(path)
        return Rewritten(path, before, _checked(path, before, *change(before)), made=not real.exists())
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(real.parent):
            for _ in range(TRIES):
                made = not real.exists()
                before = read(path)
                after = _checked(path, before, *change(before))
                if after == before or _replaced(real, before, after):
                    return Rewritten(path, before, after, made)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from error
    raise ConfigError(f"{path} is being changed by someone else.", hint="Run the command again.")


def _checked(path: Path, before: str, after: str, meant: Mapping[str, Any]) -> str:
    if after == before:
        return after
    if "\r\n" in before and not re.search(r"(?<!\r)\n", before):
        after = NEWLINES.sub("\r\n", after)
    try:
        said: Mapping[str, Any] | None = said_by(after.removeprefix(MARK))
    except tomllib.TOMLDecodeError:
        said = None
    if said != meant:
        raise ConfigError(f"{path} would not read back as meant and was not written.", hint="Edit it by hand.")
    return after


def _replaced(real: Path, before: str, after: str) -> bool:
    """Whether the file held ``before`` until it was replaced."""
    mode = stat.S_IMODE(real.stat().st_mode) if real.exists() else None
    if mode is not None and not mode & 0o222:
        raise ConfigError(f"{real} is write-protected.", hint=f"chmod u+w {real.name}, where it may be changed.")
    young = real.with_name(f".{real.name}.{os.getpid()}.new")
    for left in real.parent.glob(f".{escape(real.name)}.*.new"):  # by who was killed; we are alone here
        left.unlink(missing_ok=True)
    try:
        with young.open("x", encoding="utf-8", newline="") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            young.chmod(mode)
        if read(real) != before:
            return False
        young.replace(real)
        return True
    finally:
        young.unlink(missing_ok=True)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Between reading a file and replacing it no other Retape does: of two writers none is forgotten.

    The lock is the folder's own: the file is replaced, so a lock on it would be one on the file that was.
    """
    try:
        import fcntl
    except ImportError:  # Windows: the last look at the file has to do
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
