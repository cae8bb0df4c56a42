"""What another program's file of recorded traffic is read as, whatever its format, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from captures.model import Direction, Exchange, Message
from captures.wording import counted


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange of the file. Its id is 0: ids are given in the order of start once all are known."""

    exchange: Exchange
    told: Direction | None  # the side of the service it was on, as far as the file itself tells
    messages: tuple[Message, ...] = ()  # of a WebSocket; their exchange is 0 as well


@dataclass(slots=True)
class Losses:
    """What does not pass from one format into the other, by reason, and how many exchanges each is about."""

    counts: Counter[str] = field(default_factory=Counter)

    def note(self, reason: str) -> None:
        """One exchange more."""
        self.counts[reason] += 1

    def sentences(self) -> list[str]:
        """``12 exchanges: trailers``, the most frequent first."""
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return [f"{counted(count, 'exchange')}: {reason}" for reason, count in ranked]


class Archive(Protocol):
    """A file of another program. May be read several times."""

    @property
    def format(self) -> str:
        """``har`` or ``mitmproxy``."""
        ...

    @property
    def creator(self) -> str:
        """The program that wrote it, where the file says so."""
        ...

    def entries(self, losses: Losses) -> Iterator[Entry]:
        """Its exchanges in the file's order; what is left out or incomplete goes to ``losses``.

        Raises :class:`captures.archives.entries.Broken` where the rest of the file cannot be read.
        """
        ...


class Broken(Exception):
    """The file cannot be read any further: cut off or damaged. The message is half a sentence of ours."""
