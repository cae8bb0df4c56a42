"""Shows a replay to a person, on stderr: a counter that stays on one line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from replayer.events import Distrusted, Event, ExchangeDone, Finished, Notice, Passed, Started, StubMiss, TargetDied

SHOWN_MISSES = 5
EVERY = 0.1  # seconds between updates of the counter


class Progress:
    """Consumes events. ``stream`` is stderr; ``quiet`` shows only what went wrong."""

    def __init__(self, stream: TextIO, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._quiet = quiet
        self._live = stream.isatty() and not quiet
        self._clock = clock
        self._next = 0.0
        self._misses = 0
        self._failed = 0

    def __call__(self, event: Event) -> None:
        """Show ``event``."""
        match event:
            case Started():
                if not self._quiet:
                    self._say(f"replaying {_count(event.total, 'exchange')} against {event.target}")
            case Notice():
                self._say(event.sentence)
            case ExchangeDone():
                self._failed += event.failure is not None
                self._count(event.done, event.total)
            case Passed():
                self._count(event.done, event.total)
            case StubMiss():
                self._misses += 1
                if self._misses <= SHOWN_MISSES:
                    near = f" (nearest: recorded call {event.nearest})" if event.nearest is not None else ""
                    self._say(f"no recorded call answers {event.call}{near}")
                elif self._misses == SHOWN_MISSES + 1:
                    self._say("more calls without an answer follow; the report lists them")
            case Distrusted():
                self._say(
                    f"the build's HTTP client does not trust the stub server's certificate for {event.server} "
                    f"({event.why}): give it the CA in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS"
                )
            case TargetDied():
                self._say(event.reason)
            case Finished():
                if not self._quiet:
                    rest = f", {event.not_replayed} not" if event.not_replayed else ""
                    missed = f", {_count(self._misses, 'call')} without a recorded answer" if self._misses else ""
                    self._say(f"{_count(event.replayed, 'exchange')} replayed{rest}{missed}; the run is {event.run}")

    def _count(self, done: int, total: int) -> None:
        now = self._clock()
        if not self._live or (now < self._next and done < total):
            return
        self._next = now + EVERY
        failed = f", {self._failed} failed" if self._failed else ""
        self._stream.write(f"\r\x1b[2K{done}/{total}{failed}")
        if done == total:
            self._stream.write("\r\x1b[2K")
        self._stream.flush()

    def _say(self, sentence: str) -> None:
        start = "\r\x1b[2K" if self._live else ""
        self._stream.write(f"{start}retape: {sentence}\n")
        self._stream.flush()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
