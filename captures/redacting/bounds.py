"""How far redaction goes for one text. Where it would have to go further it raises, and the text is not kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")

NESTED = 8
"""Texts in texts that are opened: JSON in a string, base64, percent-encoding, in any order."""

SECONDS = 10.0
"""Of processor time for one body in a process that others wait for."""

_STEPS = 1_024  # between two looks at the clock


class Unsearchable(ValueError):
    """A text that may hold secrets and is not searched to its end. Its message names no value."""


class TooDeep(Unsearchable):
    """One that holds too many others, one in the other."""


@dataclass(slots=True)
class Bounds:
    """What is left for one text."""

    until: float = math.inf  # of ``clock``
    clock: Callable[[], float] = time.thread_time  # a busy machine makes no difference
    depth: int = 0  # texts that are open

    def free(self) -> None:
        """What follows may take the time that it needs."""
        self.until = math.inf

    def check(self) -> None:
        """Raises :class:`Unsearchable` where the time is over."""
        if self.until != math.inf and self.clock() > self.until:
            raise Unsearchable("the search for secrets took too long")

    def checked(self, things: Iterable[_T]) -> Iterator[_T]:
        """``things``, as long as there is time. Raises as :meth:`check`."""
        for number, thing in enumerate(things):
            if not number % _STEPS:
                self.check()
            yield thing

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Opens a text in the text. Raises :class:`TooDeep` for too many."""
        if self.depth >= NESTED:
            raise TooDeep(f"texts in texts, more than {NESTED} levels deep")
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
