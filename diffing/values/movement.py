"""Whether a value moves by itself: the strongest sign that a difference between recording and replay says nothing.

Two sources. The recorded build, replayed against its own capture, differs there (a fact, see ``retape learn``); or
the recording itself holds two answers to the very same safe request, with nothing written in between, that differ
there. Neither alone accepts a difference: what is accepted also looks like a generated value, and keeps its form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from diffing.walk.checksums import brief_checksum

if TYPE_CHECKING:
    from diffing.contract.profile import Node

REMEMBERED = 8  # requests per place
SEVERAL = 3  # different recorded values that one generator never gives the same new one
ROOM = 2_000  # scalars looked at per document
STEADY = 10  # replays of the recorded build after which a value that never moved is known to stand still


@dataclass(frozen=True, slots=True)
class Movement:
    """In how many pairs of runs of one build the value of a place differed."""

    differed: int
    pairs: int

    @property
    def steady(self) -> bool:
        """Whether it is known not to move by itself."""
        return self.differed == 0 and self.pairs >= STEADY

    def __str__(self) -> str:
        return f"it differed in {self.differed}/{self.pairs} replays of the recorded build"


Movements = Mapping[tuple[str, str], Movement]
"""By scope (endpoint and status) and generalised location, as in findings: ``("GET /a 200", "response.body $.id")``."""


@dataclass(slots=True)
class Became:
    """What the values of one place became in this run: check sums of a few recorded ones and of the new ones."""

    recorded: set[int] = field(default_factory=set)
    replayed: set[int] = field(default_factory=set)

    @property
    def one(self) -> bool:
        """Whether several recorded values became one and the same."""
        return len(self.recorded) >= SEVERAL and len(self.replayed) == 1


def note_moved(node: Node, recorded: Any, replayed: Any) -> None:
    """Count a scalar that differs between recording and replay."""
    node.moved += 1
    if node.became is None:
        node.became = Became()
    for known, value in ((node.became.recorded, recorded), (node.became.replayed, replayed)):
        if len(known) < REMEMBERED and value is not None:
            known.add(brief_checksum(value))


@dataclass(slots=True)
class Moves:
    """What answers to equal requests say of one place."""

    last: dict[int, int] = field(default_factory=dict)  # request -> value (check sums)
    moved: int = 0
    stayed: int = 0

    def note(self, asked: int, value: int) -> None:
        """Count one value against the last one that the same request was answered with."""
        before = self.last.get(asked)
        if before is None:
            if len(self.last) >= REMEMBERED:
                del self.last[next(iter(self.last))]
        elif before == value:
            self.stayed += 1
            return
        else:
            self.moved += 1
        self.last[asked] = value


def learn_moves(value: Any, root: Node, asked: int) -> None:
    """Note every scalar outside of arrays (what an index names is another thing tomorrow) of one recorded document.

    ``asked``: a check sum of what it answers.
    """
    room = ROOM
    stack: list[tuple[Any, Node]] = [(value, root)]
    while stack and room > 0:
        item, node = stack.pop()
        room -= 1
        if type(item) is dict:
            for name, child in item.items():
                under = node.children.get(name)
                if under is not None:
                    stack.append((child, under))
        elif item is not None and type(item) is not list and type(item) is not bool:
            if node.moves is None:
                node.moves = Moves()
            node.moves.note(asked, brief_checksum(item))
