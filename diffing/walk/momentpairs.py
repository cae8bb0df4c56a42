"""The moments of one document that were made anew, looked at together: each of them alone may pass.

Two that stand for each other changed places: what is made anew is never what was recorded. And a fraction that is zero
in every new moment of a place is written and no longer stored: by chance one in a thousand is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from diffing.contract.profile import Node
from diffing.walk import trails
from diffing.walk.trails import Link

SEVERAL = 3  # moments of one place without a fraction, where each recorded one has one
_FRACTION = re.compile(r":\d\d[.,](\d{3,9})(?!\d)")

Pair = tuple[Any, Any]


class MomentPairs:
    """Pairs of unequal moments, recorded and replayed, and where each stands first."""

    def __init__(self) -> None:
        self._pairs: dict[Pair, Link | None] = {}

    def note(self, recorded: Any, replayed: Any, link: Link | None) -> str:
        """Take one accepted pair; what speaks against it, or ""."""
        if (replayed, recorded) in self._pairs:
            return f"it and {trails.path(self._pairs[replayed, recorded])} stand for each other"
        self._pairs.setdefault((recorded, replayed), link)
        return ""

    def cut(self, root: Node | None) -> Iterator[tuple[Link | None, Pair, str]]:
        """(where it stands first, the pair there, evidence) for every place whose moments lost their fractions."""
        texts = [pair for pair in self._pairs if type(pair[0]) is type(pair[1]) is str]
        if sum(_whole(replayed) for _, replayed in texts) < SEVERAL:
            return
        places: dict[str, list[Pair]] = {}
        for pair in texts:
            places.setdefault(trails.general(self._pairs[pair], root), []).append(pair)
        for pairs in places.values():
            if len(pairs) < SEVERAL or not all(_whole(new) and _FRACTION.search(old) for old, new in pairs):
                continue
            if not any(_whole(old) for old, _ in pairs):
                evidence = f"no fraction of a second is left in any of {len(pairs)} moments"
                yield self._pairs[pairs[0]], pairs[0], evidence


def _whole(text: str) -> bool:
    """Whether the fraction that ``text`` writes is zero."""
    match = _FRACTION.search(text)
    return match is not None and not match[1].strip("0")
