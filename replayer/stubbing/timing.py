"""How long a recorded answer takes when it is played back: its first byte, and the pieces of its body. Pure.

Recorded times are multiplied by a factor; with 0 everything comes at once, and a stream still comes event by event:
a client that reads events must not learn that they were recorded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from captures.formats.openstreams import is_stream
from captures.model import Exchange, Response
from replayer.stubbing.answers import Piece

SLICES = 16  # of a body whose recorded duration is known and whose pieces are not
SHORT = 0.001  # seconds of body that are not worth slicing
_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r|\Z)", re.DOTALL)  # WHATWG HTML 9.2.5: a blank line ends an event


@dataclass(frozen=True, slots=True)
class Moment:
    """When a recorded piece of a body came (Unix seconds), and its size in bytes."""

    at: float
    size: int


def first_byte(recorded: Exchange, factor: float) -> float:
    """Seconds from the request to the first byte of the answer (or to its failure)."""
    timing = recorded.timing
    asked = timing.request_done if timing.request_done is not None else timing.started
    came = timing.response_started if timing.response_started is not None else timing.ended
    return max(came - asked, 0.0) * factor if came is not None else 0.0


def pieces(recorded: Exchange, response: Response, factor: float, moments: Sequence[Moment] = ()) -> tuple[Piece, ...]:
    """The body of ``response`` (the recorded one, or in live terms) as it is written; empty: at once.

    ``moments`` are those of the recorded body; without them a body is cut into equal parts of its recorded duration.
    """
    body = response.body
    timing = recorded.timing
    stream = is_stream(response)
    if not body or (not moments and not stream and not factor):
        return ()
    begun = timing.response_started
    if moments:
        parts = _cut(body, [moment.size for moment in moments], stream)
        times = [moment.at for moment in moments][: len(parts)]
        times += times[-1:] * (len(parts) - len(times))
        since = [times[0] if begun is None else begun, *times]
        gaps = [max(later - earlier, 0.0) * factor for earlier, later in zip(since, times, strict=False)]
        return tuple(Piece(gap, part) for gap, part in zip(gaps, parts, strict=True))
    duration = 0.0
    if begun is not None and timing.ended is not None:
        duration = max(timing.ended - begun, 0.0) * factor
    if stream:
        parts = events(body)
    elif duration < SHORT:
        return ()
    else:
        size = -(-len(body) // min(SLICES, len(body)))
        parts = [body[start : start + size] for start in range(0, len(body), size)]
    return tuple(Piece(duration / len(parts), part) for part in parts)


def events(body: bytes) -> list[bytes]:
    """Server-sent events with the blank lines that end them; joined they are the body."""
    return [part for part in _EVENT.findall(body) if part]


def _cut(body: bytes, sizes: Sequence[int], stream: bool) -> list[bytes]:
    """``body`` where the recorded one was cut: a body in live terms may have another length."""
    total = sum(sizes)
    if total != len(body) and stream:
        parts = events(body)
        if len(parts) == len(sizes):
            return parts
    ends: list[int] = []
    done = 0
    for size in sizes:
        done += size
        ends.append(done if total == len(body) else round(done / total * len(body)) if total else 0)
    ends[-1] = len(body)
    starts = [0, *ends[:-1]]
    return [body[start:end] for start, end in zip(starts, ends, strict=True)]
