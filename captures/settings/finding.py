"""Where the configuration stands: the nearest folder from here up to the repository's root that has one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from captures.errors import ConfigError

FILE = "retape.toml"
RULES_FILE = "retape.rules.toml"
SHARED_FILE = "pyproject.toml"
TOOL = ("tool", "retape")


def configured_folder(start: Path) -> Path | None:
    """The nearest folder at or above ``start`` that configures Retape, no further up than the repository's root.

    Raises :class:`ConfigError` for a ``pyproject.toml`` on the way that speaks of Retape and cannot be read.
    """
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file() or (folder / RULES_FILE).is_file() or shared(folder / SHARED_FILE):
            return folder
        if (folder / ".git").exists():
            return None
    return None


def main_file(folder: Path) -> tuple[Path, Mapping[str, Any]] | None:
    """The file in ``folder`` that configures Retape, with what it says; None where there is none.

    Raises :class:`ConfigError` where two files do: one of them would be ignored.
    """
    own, other = folder / FILE, folder / SHARED_FILE
    said = parse(own) if own.is_file() else None
    table = shared(other)
    if said and table:
        raise ConfigError(
            f"Both {FILE} and [tool.retape] of {SHARED_FILE} in {folder} configure Retape.",
            hint=f"Keep one: move what [tool.retape] says into {FILE}, or the other way round.",
        )
    if table:
        return other, table
    return (own, said) if said is not None else None


def shared(path: Path) -> Mapping[str, Any]:
    """``[tool.retape]`` of a ``pyproject.toml``; empty where there is none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}
    if "retape" not in text:
        return {}
    try:
        tool = parsed(text, path).get("tool", {})
    except ConfigError:
        if "tool.retape" in text:
            raise
        return {}  # some other program will say what is wrong with it
    found = tool.get("retape", {}) if isinstance(tool, Mapping) else {}
    if not isinstance(found, Mapping):
        raise ConfigError(f"tool.retape in {path} must be a table, [tool.retape].")
    return found


@lru_cache(maxsize=4)  # each decision of a review reads the text that the one before wrote, and checked by reading it
def said_by(text: str) -> Mapping[str, Any]:
    """What TOML ``text`` says, for reading only. Raises what :func:`tomllib.loads` raises."""
    return tomllib.loads(text)


def parse(path: Path) -> Mapping[str, Any]:
    """What a TOML file says. Raises :class:`ConfigError`."""
    try:
        return parsed(path.read_text(encoding="utf-8-sig"), path)  # editors on Windows begin it with a mark
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error


def parsed(text: str, path: Path) -> Mapping[str, Any]:
    """What TOML ``text`` says. Raises :class:`ConfigError` naming ``path``."""
    try:
        return said_by(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is not a configuration: its lists are nested too deep.") from error
