"""Shows a replay to a person, on stderr: one line that stays current in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from captures.visible import inert
from captures.wording import counted
from replayer.events import (
    Beat,
    Distrusted,
    Event,
    ExchangeDone,
    Finished,
    Notice,
    Passed,
    Started,
    Stopping,
    StubMiss,
    TargetDied,
)

SHOWN_MISSES = 5
EVERY = 0.1  # seconds between updates of the line in a terminal
PLAIN_EVERY = 10.0  # seconds between lines where there is no terminal
RECENT = 10.0  # seconds the rate is taken over


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
        self._lag: float | None = None  # of the latest request
        self._recent: deque[tuple[float, int]] = deque()  # when how many were done

    def __call__(self, event: Event) -> None:
        """Show ``event``."""
        match event:
            case ExchangeDone():
                self._failed += event.failure is not None
                self._lag = event.lag
                self._count(event.done, event.total)
            case Passed() | Beat():
                self._count(event.done, event.total)
            case Started():
                self._recent.append((self._clock(), 0))
                self._next = self._clock() + (EVERY if self._live else PLAIN_EVERY)
                if not self._quiet:
                    self._say(f"replaying {counted(event.total, 'exchange')} against {event.target}")
            case Notice():
                self._say(event.sentence)
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
            case Stopping():
                self._say("stopping; what is under way is not waited for. Ctrl-C once more kills the build at once.")
            case Finished():
                self._finish(event)

    def _finish(self, event: Finished) -> None:
        if event.lost:
            self._say(f"{event.lost}; {event.run} is not whole")
        if self._quiet:
            return
        rest = f", {event.not_replayed} not" if event.not_replayed else ""
        missed = f", {counted(self._misses, 'call')} without a recorded answer" if self._misses else ""
        late = ""
        if event.lag is not None:
            p50, p99, most = (_seconds(event.lag[name]) for name in ("p50", "p99", "max"))
            late = f"; requests went out {p50} late at the median, {p99} at the 99th percentile, {most} at most"
        self._say(f"{counted(event.replayed, 'exchange')} replayed{rest}{missed}{late}; the run is {event.run}")

    def _count(self, done: int, total: int) -> None:
        now = self._clock()
        if self._quiet or (now < self._next and not (self._live and done == total)):
            return
        self._next = now + (EVERY if self._live else PLAIN_EVERY)
        self._recent.append((now, done))
        while len(self._recent) > 2 and self._recent[1][0] <= now - RECENT:
            self._recent.popleft()
        if not self._live:
            self._say(
                f"{done:,} of {counted(total, 'exchange')} ({done * 100 // max(total, 1)} %)" + self._state(done, total)
            )
            return
        self._write(f"\r\x1b[2K{done}/{total}{self._state(done, total)}" + ("\r\x1b[2K" if done == total else ""))

    def _state(self, done: int, total: int) -> str:
        """Rate, trouble, lag and what is left, each after a comma, as far as there is any."""
        (began, before), (now, _) = self._recent[0], self._recent[-1]
        rate = (done - before) / (now - began) if now > began else 0.0
        words = [f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"] if rate else []
        if self._failed:
            words.append(f"{self._failed} failed")
        if self._misses:
            words.append(f"{counted(self._misses, 'call')} without a recorded answer")
        if self._lag is not None:
            words.append(f"{_seconds(self._lag)} late")
        if rate and done < total:
            words.append(f"{_seconds((total - done) / rate)} left")
        return "".join(f", {word}" for word in words)

    def _say(self, sentence: str) -> None:
        self._write(("\r\x1b[2K" if self._live else "") + f"retape: {inert(sentence)}\n")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the terminal is gone, and the run is to be written to its end
            self._stream.write(text)
            self._stream.flush()


def _seconds(seconds: float) -> str:
    """``12 ms``, ``3.4 s``, ``4 min``, ``2 h 5 min``."""
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
