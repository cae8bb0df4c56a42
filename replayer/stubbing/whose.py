"""Whose call it is: which pools a call of the build may be answered from, by what is known of its cause.

A propagated trace id names one exchange, and so does being the only one open. Where several are open and nothing names
one, the pools of all of them are looked through at once, the oldest first among equals. A call may come late, too:
what has ended is asked after everything that is under way. Recorded calls that were laid to another request by a guess
are asked after the call's own, too: the guess may be wrong.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from captures.model import Cause, CauseHow
from replayer.library import StubLibrary
from replayer.matching import Match, Matched, Pool, Where
from replayer.stubbing.calls import Window

REMEMBERED = 1_000  # run ids whose recorded counterpart is known, for calls that come late
LATE = 8  # exchanges that ended last, whose calls may still come


class Whose:
    """The inbound exchanges of a replay, under way and ended, and the pools they have."""

    def __init__(self, library: StubLibrary, everything: Pool | None) -> None:
        self._library = library
        self._everything = everything
        self._recorded: OrderedDict[int, int] = OrderedDict()  # run id -> recorded id
        self._open: dict[int, int] = {}  # the same of those under way, oldest first
        self._ended: list[int] = []  # recorded ids, the latest last

    def begin(self, replayed: int, recorded: int) -> None:
        """Inbound exchange ``replayed`` (run id) begins; it answers to ``recorded``."""
        self._recorded[replayed] = recorded
        self._open[replayed] = recorded
        self._library.hold(recorded)
        if len(self._recorded) > REMEMBERED:
            self._recorded.popitem(last=False)

    def end(self, replayed: int) -> None:
        """Inbound exchange ``replayed`` is over. Unknown ids are ignored."""
        recorded = self._open.pop(replayed, None)
        if recorded is not None:
            self._library.release(recorded)
            self._ended = [*self._ended[1 - LATE :], recorded]

    def recorded(self, cause: Cause | None) -> int | None:
        """The recorded inbound exchange that ``cause`` names, if it names one."""
        if cause is None or cause.exchange is None:
            return None
        known = self._open.get(cause.exchange)
        return known if known is not None else self._recorded.get(cause.exchange)

    def where(self, cause: Cause | None, candidates: frozenset[int] = frozenset()) -> Where:
        """The pools for a call with ``cause``; ``candidates``: the run ids it is one of, where a shared id says so."""
        if self._everything is not None:
            return Where(((self._everything,),))
        library = self._library
        loose = (library.unattributed,)
        certain = self.recorded(cause)
        if certain is not None:
            tiers = ((library.pool(certain),), loose)
            guessed = tuple(library.pool(one) for one in library.guessed_around(certain))
            if cause is not None and cause.how is CauseHow.TRACE_HEADER:
                return Where(tiers, guessed)
            return Where(tiers, (*guessed, *self._late({certain})))
        if self._open:
            likely = [library.pool(one) for run, one in self._open.items() if run in candidates]
            others = [library.pool(one) for run, one in self._open.items() if run not in candidates]
            open_tiers = tuple(tuple(tier) for tier in (likely, others) if tier)
            return Where((*open_tiers, loose), self._late(set(self._open.values())))
        last = self._ended[-1:]
        return Where((loose, *((library.pool(one),) for one in last)), self._late(set(last)))

    def windows(self, cause: Cause | None, candidates: frozenset[int] = frozenset()) -> Sequence[Window]:
        """When the requests that may have made a call with ``cause`` were open in the recording.

        Of calls that nobody could tell apart when they were recorded, those from then come first.
        """
        certain = self.recorded(cause)
        likely = [one for run, one in self._open.items() if run in candidates] or list(self._open.values())
        found = (self._library.window(one) for one in ([certain] if certain is not None else likely))
        return [window for window in found if window is not None]

    def attributed(self, cause: Cause, found: Match) -> Cause:
        """``cause``, unless the answer shows that the call is a late one of an exchange that has ended."""
        recorded = self.recorded(cause)
        stub = found.stub.exchange.cause
        if recorded is None or cause.how is not CauseHow.WINDOW or found.how is Matched.BORROWED:
            return cause
        if stub is None or stub.exchange is None or stub.exchange == recorded:
            return cause
        return Cause(
            CauseHow.AMBIGUOUS,
            None,
            f"exchange {cause.exchange} was the only one open, but recorded exchange {stub.exchange}, which had ended, "
            "made this call",
        )

    def _late(self, without: set[int]) -> tuple[Pool, ...]:
        return tuple(self._library.pool(one) for one in reversed(self._ended) if one not in without)
