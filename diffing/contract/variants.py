"""Kinds of objects at one place: ``{"type": "card", "last4": …}`` beside ``{"type": "bank", "iban": …}``.

Counted together, both fields look optional, and losing either would be a warning. Counted by the field that tells the
kinds apart, each is in every sample of its kind. Which field that is, its name says; that it has few values, the
recording.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NAMES = ("type", "kind", "object", "__typename", "@type", "resourceType", "event", "method", "status", "state")

KINDS = 12
"""Values of a discriminator. A field with more tells no kinds apart."""

LAYOUTS = 16
"""Tuples of members told apart per kind."""

MEMBERS = 100
"""Members counted per kind; of an object with more none is."""


@dataclass(slots=True, eq=False)
class Kind:
    """The objects of one kind: how often each tuple of members was seen. Few kinds have more than a few."""

    seen: int = 0
    layouts: dict[tuple[str, ...], int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)  # member -> times, of the layouts beyond :data:`LAYOUTS`

    def count(self, names: tuple[str, ...], times: int = 1) -> None:
        """Count objects with members ``names``."""
        known = self.layouts.get(names)
        if known is not None or len(self.layouts) < LAYOUTS:
            self.layouts[names] = (known or 0) + times
        else:
            for name in names:
                self.others[name] = self.others.get(name, 0) + times

    def having(self, name: str) -> int:
        """How many had member ``name``."""
        return self.others.get(name, 0) + sum(times for names, times in self.layouts.items() if name in names)

    def members(self) -> dict[str, int]:
        """How many had each member."""
        counts = dict(self.others)
        for names, times in self.layouts.items():
            for name in names:
                counts[name] = counts.get(name, 0) + times
        return counts

    def __eq__(self, other: object) -> bool:
        """Whether the same was counted, in whichever order it came."""
        return isinstance(other, Kind) and (self.seen, self.members()) == (other.seen, other.members())


@dataclass(slots=True)
class Variants:
    """The kinds that one discriminator tells apart; None: it has too many values."""

    kinds: dict[str, Kind] | None = field(default_factory=dict)

    def always(self, discriminator: str, value: Any, name: str) -> str:
        """``in 40/40 with type card`` when every recorded object of that kind has member ``name``, else nothing."""
        kind = (self.kinds or {}).get(value) if type(value) is str else None
        if kind is None or kind.seen < 3 or len(self.kinds or {}) < 2 or kind.having(name) < kind.seen:
            return ""
        return f"{kind.seen}/{kind.seen} with {discriminator} {value}"

    def merge(self, other: Variants) -> None:
        """Count what ``other`` counted."""
        if self.kinds is None or other.kinds is None:
            self.kinds = None
            return
        for value, theirs in other.kinds.items():
            ours = self.kinds.setdefault(value, Kind())
            ours.seen += theirs.seen
            for names, times in theirs.layouts.items():
                ours.count(names, times)
            for name, times in theirs.others.items():
                ours.others[name] = ours.others.get(name, 0) + times
        if len(self.kinds) > KINDS:
            self.kinds = None


def learn_variants(
    variants: dict[str, Variants], item: dict[str, Any], discriminators: tuple[str, ...], names: tuple[str, ...]
) -> None:
    """Count one recorded object, whose members are ``names``, under each of the ``discriminators`` it has."""
    for name in discriminators:
        value = item[name]
        if type(value) is str and len(value) <= 40 and len(names) <= MEMBERS:
            known = variants.get(name)
            if known is None:
                known = variants[name] = Variants()
            _count(known, value, names)


def _count(variants: Variants, value: str, names: tuple[str, ...]) -> None:
    if variants.kinds is None:
        return
    kind = variants.kinds.get(value)
    if kind is None:
        if len(variants.kinds) >= KINDS:
            variants.kinds = None
            return
        kind = variants.kinds[value] = Kind()
    kind.seen += 1
    kind.count(names)
