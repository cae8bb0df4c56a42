"""When a client goes away from an answer that has no end: where the recorded one did.

A client of an event stream leaves, and that is how its exchange ended. Sent again, the request would be answered until
its time is up, and always otherwise than recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from captures.formats.openstreams import BLANK, whole_events
from captures.model import Exchange, Failure, FailureKind, header


@dataclass(slots=True)
class Leaving:
    """For one exchange. ``events`` of a stream, or ``size`` bytes of anything else, are what the recorded client saw.

    ``seconds``: what a build is given for them after its head: twice the recorded time, and a second.
    """

    size: int
    events: int
    seconds: float
    _count: int = field(default=0, init=False)
    _at: int = field(default=0, init=False)  # up to here the body was searched

    def reached(self, body: bytes | bytearray) -> bool:
        """Whether ``body``, which grows from call to call, shows what the recorded client saw."""
        if not self.events:
            return len(body) >= self.size
        while self._count < self.events and (found := BLANK.search(body, self._at)):
            self._count, self._at = self._count + 1, found.end()
        if self._count < self.events:
            self._at = max(self._at, len(body) - 3)
        return self._count >= self.events


def leaving(recorded: Exchange) -> Leaving | None:
    """How to leave the answer to ``recorded``; None for one that ended by itself, or says how long it is."""
    response, timing = recorded.response, recorded.timing
    if response is None or recorded.failure is None or recorded.failure.kind is not FailureKind.ABORTED:
        return None
    if header(response.headers, "content-length") is not None or recorded.body_truncated:
        return None
    took = max((timing.ended or timing.started) - (timing.response_started or timing.started), 0.0)
    return Leaving(len(response.body), whole_events(response)[1], 2 * took + 1)


def left() -> Failure:
    """The failure of an exchange that was left as its recorded client left it."""
    return Failure(FailureKind.ABORTED, "left where the recorded client went away")
