"""The configuration: ``retape.toml`` (or ``[tool.retape]`` in ``pyproject.toml``) with ``retape.rules.toml`` beside it.

What each key may be stands in ``captures.settings``: an unknown key, a wrong type and a wrong value are refused by
every command, with the place, what was given and what is accepted. A setting that silently never fires is worse than
none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from captures.errors import ConfigError
from captures.settings.faults import Fault, unknown
from captures.settings.finding import RULES_FILE, SHARED_FILE, TOOL, configured_folder, main_file, parse
from captures.settings.keys import ROOT, section
from captures.settings.keys import RULES_FILE as RULES_TABLE
from captures.settings.lines import line_at, lines_of
from captures.settings.tables import Table
from captures.state import project_root

LISTS = RULES_TABLE.names
"""What may stand in the rules file, too: ``rules``, ``approvals``."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file that was read, and what it says."""

    path: Path
    data: Mapping[str, Any]
    table: Table = ROOT

    @property
    def name(self) -> str:
        """Its path as people say it: from here, where it is below."""
        here = Path.cwd()
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)

    @property
    def lines(self) -> dict[tuple[str | int, ...], int]:
        """On which line each key stands."""
        return lines_of(self.path.read_text(encoding="utf-8-sig"), TOOL if self.path.name == SHARED_FILE else ())


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration files say, as it is written. :meth:`value` is one setting, as programs want it."""

    files: tuple[Path, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()

    def section(self, name: str) -> Mapping[str, Any]:
        """The table ``[name]``; empty when absent. Raises :class:`ConfigError` when it is not a table."""
        value = self.data.get(name, {})
        if not isinstance(value, Mapping):
            raise ConfigError(f"[{name}] in {self._where()} must be a table, not {type(value).__name__}.")
        return value

    def value(self, name: str, key: str) -> Any:
        """The value of ``key`` in ``[name]``, else its default: sizes in bytes, times in seconds, lists as lists.

        A relative path is one from the folder of the file. Raises :class:`ConfigError` for what is not accepted.
        """
        known = section(name).key(key)
        given = self.section(name).get(key, known.default)
        if given is None:
            return None
        for fault in section(name).faults({key: given}, (name,)):
            if fault.at[:2] == (name, key):  # what else the table needs is not asked here
                raise refusal(fault)
        read = known.kind.read(given)
        return self.folder / read if known.path else read

    @property
    def folder(self) -> Path:
        """Of the file that is not the rules file: what relative paths start from."""
        return next((source.path.parent for source in self.sources if source.table is ROOT), Path())

    def rules(self) -> list[Mapping[str, Any]]:
        """Every ``[[rules]]`` entry of every file, in order."""
        return self._tables("rules")

    def approvals(self) -> list[Mapping[str, Any]]:
        """Every ``[[approvals]]`` entry of every file, in order."""
        return self._tables("approvals")

    def chains(self) -> list[Mapping[str, Any]]:
        """Every ``[[chain]]`` entry, in order."""
        return self._tables("chain")

    def redaction_key(self) -> str | None:
        """``[redact] key``, where there is one (:func:`captures.state.redaction_key` knows where else to look)."""
        key = self.section("redact").get("key")
        return key if isinstance(key, str) else None

    def _tables(self, name: str) -> list[Mapping[str, Any]]:
        value = self.data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            raise ConfigError(f"{name} in {self._where()} must be written as [[{name}]] tables.")
        return value

    def _where(self) -> str:
        return " and ".join(path.name for path in self.files) or "the configuration"


def load(start: Path | None = None, explicit: Path | None = None, rules: Path | None = None) -> Config:
    """The configuration for a command run in ``start`` (default: the working directory).

    ``explicit`` names a file (--config), ``rules`` a further rules file (--rules). No file at all is a fine,
    empty configuration. Raises :class:`ConfigError` for the first thing that is wrong.
    """
    config = read(start, explicit, rules)
    for source in config.sources:
        for fault in source.table.faults(source.data):
            raise refusal(fault, source)
    return config


def read(start: Path | None = None, explicit: Path | None = None, rules: Path | None = None) -> Config:
    """Like :func:`load`, but what the files say is not checked (:func:`faults_of` does it)."""
    sources: list[Source] = []
    if explicit is not None and not explicit.exists():
        raise ConfigError(f"{explicit} does not exist.", hint="Give --config an existing file.")
    if rules is not None and not rules.exists():
        raise ConfigError(f"{rules} does not exist.", hint="Give --rules an existing file.")
    if explicit is not None:
        folder = explicit.parent
        sources.append(Source(explicit, _said(explicit)))
    else:
        folder = configured_folder(start or Path.cwd()) or project_root(start)
        sources += [Source(*found) for found in [main_file(folder)] if found is not None]
    for path in (folder / RULES_FILE, rules):
        if path is not None and path.is_file():
            sources.append(Source(path, parse(path), RULES_TABLE))
    merged: dict[str, Any] = {}
    for source in sources:
        for name, value in source.data.items():
            both = isinstance(value, list) and isinstance(merged.get(name), list)
            if source.table is ROOT or not both:
                merged[name] = value
            else:
                merged[name] = [*merged[name], *value]
    return Config(tuple(source.path for source in sources), merged, tuple(sources))


def faults_of(config: Config) -> list[tuple[Source, Fault]]:
    """Everything that is unknown, missing or wrong, with the file it is in."""
    return [(source, fault) for source in config.sources for fault in source.table.faults(source.data)]


def refusal(fault: Fault, source: Source | None = None) -> ConfigError:
    """``fault`` as the error that ends a command, with file and line."""
    if source is None:
        return ConfigError(fault.sentence(), hint=fault.hint)
    return ConfigError(fault.sentence(source.name, line_at(source.lines, fault.at)), hint=fault.hint)


def check_keys(mapping: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Refuse a key not in ``allowed``: ``retape.toml [record]: unknown key "exlude". Did you mean "exclude"?``."""
    known = list(allowed)
    for key in mapping:
        if key not in known:
            fault = unknown((), key, known)
            raise ConfigError(f"{where}: {fault.says}" + ("" if fault.says.endswith("?") else "."), hint=fault.hint)


def _said(path: Path) -> Mapping[str, Any]:
    """What the file of --config says; of a ``pyproject.toml`` its ``[tool.retape]``."""
    said: Any = parse(path)
    for name in TOOL if path.name == SHARED_FILE else ():
        said = said.get(name, {}) if isinstance(said, Mapping) else {}
    return said if isinstance(said, Mapping) else {}
