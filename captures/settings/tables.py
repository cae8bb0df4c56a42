"""Tables of the configuration: their keys, each with its kind, default, meaning, example, option and variable. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from captures.settings.faults import Fault, Path, missing, toml, unknown, wrong
from captures.settings.kinds import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """One key. What is said of it here is all that is said of it anywhere: checks, schema, documentation."""

    name: str
    kind: Kind
    meaning: str  # a few words, without a full stop
    example: str = ""  # the value as the documentation shows it; empty: the default
    default: Any = None  # as it is written; None: nothing, see ``otherwise``
    otherwise: str = ""  # what holds where there is no default
    option: str = ""  # its twin on the command line
    command: str = ""  # of which that is
    variable: str = ""  # its twin in the environment
    secret: bool = False  # its value is never shown
    needed: bool = False
    path: bool = False  # of a file: relative to the file that names it

    @property
    def shown(self) -> str:
        """A line of TOML; empty where neither an example nor a default is known."""
        value = self.example or ("" if self.default is None else toml(self.default))
        return f"{self.name} = {value}" if value else ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with keys of ours. As a :class:`Kind` it may stand wherever a value does."""

    keys: tuple[Key, ...]
    name: str = ""  # in full: "replay.auth"
    meaning: str = ""

    @property
    def accepts(self) -> str:
        """A table."""
        return f"a table, [{self.name}]" if self.name else "a table"

    def key(self, name: str) -> Key:
        """The key called ``name``; ``KeyError`` where there is none."""
        for key in self.keys:
            if key.name == name:
                return key
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all keys."""
        return tuple(key.name for key in self.keys)

    def faults(self, value: Any, at: Path = ()) -> Iterator[Fault]:
        """What is unknown, missing or wrong in ``value``."""
        if not isinstance(value, Mapping):
            yield wrong(at, value, self.accepts)
            return
        known = {key.name: key for key in self.keys}
        for name, one in value.items():
            key = known.get(name)
            if key is None:
                yield unknown(at, name, known)
                continue
            for fault in key.kind.faults(one, (*at, name)):
                yield _veiled(fault, key)
        for key in self.keys:
            if key.needed and key.name not in value:
                yield missing(at, key.name, key.shown)

    def schema(self) -> dict[str, Any]:
        """An object with no further keys."""
        needed = [key.name for key in self.keys if key.needed]
        return {
            "type": "object",
            **({"description": f"{self.meaning}."} if self.meaning else {}),
            "properties": {key.name: _described(key) for key in self.keys},
            "additionalProperties": False,
            **({"required": needed} if needed else {}),
        }

    def read(self, value: Any) -> dict[str, Any]:
        """Each value read."""
        return {name: self.key(name).kind.read(one) for name, one in value.items()}


@dataclass(frozen=True, slots=True)
class Tables:
    """``[[name]]``: a list of tables."""

    table: Table

    @property
    def accepts(self) -> str:
        """How it is written."""
        return f"[[{self.table.name}]] tables"

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """Those of each table."""
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            yield wrong(at, value, self.accepts)
            return
        for number, one in enumerate(value):
            yield from self.table.faults(one, (*at, number))

    def schema(self) -> dict[str, Any]:
        """An array of objects."""
        return {"type": "array", "items": self.table.schema()}

    def read(self, value: Any) -> list[dict[str, Any]]:
        """Each table read."""
        return [self.table.read(one) for one in value]


def _veiled(fault: Fault, key: Key) -> Fault:
    """``fault`` with the key's example; without what was given where that is secret."""
    hint = fault.hint or (f"Like: {key.shown}" if key.shown else "")
    if key.secret and " = " in fault.says:
        name, _, rest = fault.says.partition(" = ")
        return replace(fault, says=f"{name} must be{rest.rpartition(' must be')[2]}", hint=hint)
    return replace(fault, hint=hint)


def _described(key: Key) -> dict[str, Any]:
    default = {} if key.default is None else {"default": key.default}
    return {**key.kind.schema(), "description": f"{key.meaning}.", **default}
