"""Which value each setting has, and where it comes from: default, file and line, environment, option. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from captures.config import Config, Source
from captures.redacting.commands import shown_command
from captures.settings.faults import Path, toml
from captures.settings.keys import LISTED, SECTIONS
from captures.settings.lines import line_at
from captures.settings.tables import Key, Table, Tables

_VARIABLE = re.compile(r"(\$\{[A-Za-z_][A-Za-z0-9_]*\})")
HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from. ``kind``: default, file, environment or option."""

    kind: str
    where: str = ""  # "retape.toml:12", "RETAPE_REDACT_KEY", "--timeout"

    def __str__(self) -> str:
        """As people read it."""
        return self.where or self.kind


@dataclass(frozen=True, slots=True)
class Setting:
    """One key with its value as it is written, without what is secret in it. ``value`` None: nothing is set."""

    table: str  # "record", "replay.auth", "rules[1]"
    key: str
    value: Any
    origin: Origin
    otherwise: str = ""  # what holds where nothing is set

    @property
    def line(self) -> str:
        """A line of TOML; a comment where nothing is set."""
        if self.value is None:
            return f"# {self.key}: {self.otherwise or 'nothing'}"
        return toml({self.key: self.value})[2:-2]


@dataclass(frozen=True, slots=True)
class Seen:
    """What decides: the files, the environment, and the options (by option: ``--timeout``) of a command line."""

    config: Config
    environment: Mapping[str, str]
    options: Mapping[str, Any]
    command: str = ""
    veil: Callable[[str], str] = str  # takes out of a text what is secret by its form

    def settings(self) -> Iterator[Setting]:
        """Every setting, in the order of the documentation; of lists and named tables those that are there."""
        lines = {source.path: source.lines for source in self.config.sources}
        for table in SECTIONS:
            given = self.config.section(table.name)
            for key in table.keys:
                at: Path = (table.name, key.name)
                if isinstance(key.kind, Table):
                    yield from self._given(key.kind, given.get(key.name, {}), at, lines)
                else:
                    yield self._setting(table, key, given.get(key.name), at, lines)
        for name, key in LISTED:
            for source in self.config.sources:
                value = source.data.get(name)
                entries = value.items() if isinstance(value, Mapping) else enumerate(value or [])
                for place, entry in entries:
                    yield from self._entry(key, source, (name, place), entry, lines)

    def _setting(self, table: Table, key: Key, given: Any, at: Path, lines: Mapping[Any, Any]) -> Setting:
        if key.command == self.command and key.option in self.options:
            return self._shown(table.name, key, self.options[key.option], Origin("option", key.option))
        if key.variable and self.environment.get(key.variable):
            return self._shown(table.name, key, self.environment[key.variable], Origin("environment", key.variable))
        if given is None:
            return self._shown(table.name, key, key.default, Origin("default"))
        return self._shown(table.name, key, given, self._file(at, lines))

    def _given(self, table: Table, value: Mapping[str, Any], at: Path, lines: Mapping[Any, Any]) -> Iterator[Setting]:
        """Those of a table in a table, as far as it is there."""
        for name, one in value.items():
            key = table.key(name)
            if isinstance(key.kind, Table):
                yield from self._given(key.kind, one, (*at, name), lines)
            elif isinstance(key.kind, Tables):
                for number, entry in enumerate(one):
                    for inner, what in entry.items():
                        place = f"{key.kind.table.name}[{number + 1}]"
                        origin = self._file((*at, name, number, inner), lines)
                        yield self._shown(place, key.kind.table.key(inner), what, origin)
            else:
                yield self._shown(table.name, key, one, self._file((*at, name), lines))

    def _entry(self, key: Key, source: Source, at: Path, entry: Any, lines: Mapping[Any, Any]) -> Iterator[Setting]:
        """An entry of a list of tables, key by key; one of a table of names as a whole."""
        name, place = at
        if not isinstance(key.kind, Tables):
            yield Setting(str(name), str(place), self._safe(entry), _line(source, at, lines))
            return
        for inner, value in entry.items():
            yield Setting(f"{name}[{int(place) + 1}]", inner, self._safe(value), _line(source, (*at, inner), lines))

    def _file(self, at: Path, lines: Mapping[Any, Any]) -> Origin:
        return _line(next(source for source in self.config.sources if at[0] in source.data), at, lines)

    def _shown(self, table: str, key: Key, value: Any, origin: Origin) -> Setting:
        if key.name.endswith("_cmd") and isinstance(value, str):
            value = shown_command([value])[0]
        return Setting(table, key.name, hidden(value) if key.secret else self._safe(value), origin, key.otherwise)

    def _safe(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.veil(value)
        if isinstance(value, Mapping):
            return {name: self._safe(one) for name, one in value.items()}
        return [self._safe(one) for one in value] if isinstance(value, list | tuple) else value


def hidden(value: Any) -> Any:
    """``value`` without its texts, but for the variables that they name."""
    if isinstance(value, str):
        parts = [part if _VARIABLE.fullmatch(part) else HIDDEN for part in _VARIABLE.split(value) if part]
        return "".join(parts)
    if isinstance(value, Mapping):
        return {name: hidden(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(one) for one in value]
    return None if value is None else HIDDEN


def _line(source: Source, at: Path, lines: Mapping[Any, Any]) -> Origin:
    line = line_at(lines[source.path], at)
    return Origin("file", f"{source.name}:{line}" if line else source.name)
