"""Why exchanges were not judged, each kind of reason once: one source that failed five times is one cause.

The replay says why it did not send one exchange in words that name one source: ``needs the id that exchange 5 (POST
/items) did not make: …``. Forty of them, of ten sources at one endpoint, are one sentence with two counts.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

MOST = 20
"""Kinds of reasons that are told; the ledger counts all exchanges."""

_SOURCE = re.compile(r"exchange [0-9]+ \(.+?\)(?=[ :])")


@dataclass(slots=True)
class _Kind:
    """Reasons that differ in the exchange they name only."""

    said: str  # the first of them, as it was
    count: int = 0
    sources: dict[int, None] = field(default_factory=dict)  # in the order they came


class Reasons:
    """Fed with the reasons of a run; says each kind once."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}

    def add(self, reason: str, source: int | None = None, endpoint: str = "") -> None:
        """One exchange more for ``reason``, which names ``source``, an exchange at ``endpoint``, where it is given."""
        shape = _SOURCE.sub(f"{endpoint} \0", reason, count=1) if source is not None else reason
        kind = self._kinds.setdefault(shape, _Kind(reason))
        kind.count += 1
        if source is not None:
            kind.sources.setdefault(source)

    def said(self) -> list[str]:
        """``40 exchanges: needs the id that POST /items (exchange 5 and 9 more) did not make: …``, commonest first, but
        those that follow from another exchange after all others: one of these is what to mend.
        """
        counts = Counter({shape: kind.count for shape, kind in self._kinds.items()})
        told = []
        common = counts.most_common()
        for shape, count in sorted(common, key=lambda one: bool(self._kinds[one[0]].sources))[:MOST]:
            kind = self._kinds[shape]
            words = kind.said
            if len(kind.sources) > 1:
                words = shape.replace("\0", f"(exchange {next(iter(kind.sources))} and {len(kind.sources) - 1} more)")
            told.append(f"{count} exchange{'' if count == 1 else 's'}: {words}")
        return told
