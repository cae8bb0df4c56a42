"""Kinds of the configuration that are made of others: lists, tables of names, and one of several. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from captures.settings.faults import Fault, Path, wrong
from captures.settings.kinds import Kind, Text


@dataclass(frozen=True, slots=True)
class Many:
    """A list of one kind. ``alone``: one of the kind without brackets will do, too."""

    item: Kind = field(default_factory=Text)
    least: int = 0
    most: int | None = None
    alone: bool = False

    @property
    def accepts(self) -> str:
        """A list, of what."""
        count = f" of {self.least}" if self.least == self.most else (" with something in it" if self.least else "")
        of = f"a list of strings{count}" if self.item == Text() else f"a list{count}, each {self.item.accepts}"
        return f"{self.item.accepts}, or {of}" if self.alone else of

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """Those of the list, or of its items."""
        if not isinstance(value, list):
            if not self.alone or next(self.item.faults(value, at), None) is not None:
                yield wrong(at, value, self.accepts)
            return
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            yield wrong(at, value, self.accepts)
        for number, one in enumerate(value):
            yield from self.item.faults(one, (*at, number))

    def schema(self) -> dict[str, Any]:
        """An array, or also the item."""
        most = {} if self.most is None else {"maxItems": self.most}
        array = {
            "type": "array",
            "items": self.item.schema(),
            **({"minItems": self.least} if self.least else {}),
            **most,
        }
        return {"anyOf": [self.item.schema(), array]} if self.alone else array

    def read(self, value: Any) -> list[Any]:
        """As a list."""
        return [self.item.read(one) for one in (value if isinstance(value, list) else [value])]


@dataclass(frozen=True, slots=True)
class Names:
    """A table whose keys are the user's own."""

    value: Kind

    @property
    def accepts(self) -> str:
        """A table, of what."""
        return f"a table of names, each {self.value.accepts}"

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """Those of its values."""
        if not isinstance(value, Mapping):
            yield wrong(at, value, self.accepts)
            return
        for name, one in value.items():
            yield from self.value.faults(one, (*at, name))

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object", "additionalProperties": self.value.schema()}

    def read(self, value: Any) -> dict[str, Any]:
        """Each value read."""
        return {name: self.value.read(one) for name, one in value.items()}


@dataclass(frozen=True, slots=True)
class Either:
    """One of several kinds."""

    kinds: tuple[Kind, ...]
    says: str = ""

    @property
    def accepts(self) -> str:
        """All of them."""
        return self.says or " or ".join(kind.accepts for kind in self.kinds)

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """Those of a kind that has the parts that ``value`` has; else one for all."""
        found = [list(kind.faults(value, at)) for kind in self.kinds]
        if all(found):
            inner = [faults for faults in found if faults[0].at != at]
            yield from inner[0] if inner else [wrong(at, value, self.accepts)]

    def schema(self) -> dict[str, Any]:
        """Any of them."""
        return {"anyOf": [kind.schema() for kind in self.kinds]}

    def read(self, value: Any) -> Any:
        """By the first kind that it is of."""
        return next(kind for kind in self.kinds if next(kind.faults(value, ()), None) is None).read(value)
