"""Random tokens that are no ids: which stands for which, and where two that the recording tells apart are one.

A token has no place in the bijection of ids (:mod:`diffing.values.identity`): two that became one are often one that
was kept, a replay being faster than people. Three things no pace explains, and they are said here: one recorded token
that became two, two of one exchange that became one, and one that is now the id of something.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diffing.values.names import is_digest, words

if TYPE_CHECKING:
    from diffing.place import Outcome, Place
    from diffing.values.volatile import Shape

SHORTEST = 16  # characters: shorter ones are equal by chance, or codes that people type
LIMIT = 20_000  # tokens that became one are remembered

_RULES = frozenset({("volatile.token",), ("volatile.digest",)})
_CONTENT = frozenset("etag fingerprint sig signature cursor next prev previous".split())
"""Words of names of what is made of something else: it may differ where that does, a moment later."""

_SHARED = frozenset("trace span correlation request parent".split())
"""Words of names of what is one or several as the work is cut."""


@dataclass(slots=True)
class Merged:
    """Which recorded tokens became one within one exchange."""

    exchange: int = 0
    here: dict[str, str] = field(default_factory=dict)  # replayed -> recorded, of the exchange being learnt
    pairs: set[tuple[int, str, str]] = field(default_factory=set)  # (exchange, recorded, replayed) of the later ones

    def note(self, exchange: int, recorded: str, replayed: str) -> None:
        """Note one pair. Exchanges come one after the other."""
        if exchange != self.exchange:
            self.exchange = exchange
            self.here.clear()
        if self.here.setdefault(replayed, recorded) != recorded and len(self.pairs) < LIMIT:
            self.pairs.add((exchange, recorded, replayed))


def mixed_up(
    recorded: str, replayed: str, shape: Shape | None, outcome: Outcome | None, name: str, place: Place
) -> str:
    """Why a random token is not the one that must stand there; "" when nothing speaks against it. Learns it, first."""
    if len(recorded) < SHORTEST or not _random(shape, outcome):
        return ""
    parts = set(words(name))
    identity = place.identity
    once = f"{place.exchange} " if _CONTENT & parts or is_digest(name) else ""
    one, other = f"token\x00{once}{recorded}", f"token\x00{once}{replayed}"
    if place.learning:
        identity.observe(one, other)
        if not _SHARED & parts:
            identity.merged.note(place.exchange, recorded, replayed)
        return ""
    usual = identity.partner(one)
    if usual is not None and usual != other and identity.times(one, usual) >= identity.times(one, other):
        return "the recording has one token in both places, the run has two"
    if _SHARED & parts:
        return ""
    if (place.exchange, recorded, replayed) in identity.merged.pairs:
        return "the recording has two tokens here, the run has one in both places"
    whose = identity.origin(replayed)
    if whose is not None and whose != recorded and not identity.recorded(recorded):
        return "the new token is one that stands as an id elsewhere"
    return ""


def _random(shape: Shape | None, outcome: Outcome | None) -> bool:
    """Whether it is a token by its shape, or has been accepted as one by its name."""
    if shape is not None and (shape.identity or shape.kind not in ("token", "digest")):
        return False
    return (shape is not None and shape.strong) or getattr(outcome, "rules", None) in _RULES
