"""Recorded calls in pools, found by key: no scan over the stubs of a pool, whatever its size. Pure.

Stubs of one key are a *sequence*: the nth such call gets the nth answer. Where the recorded requests of a sequence
differ in headers (another ``Accept``, another user), the call's own headers say which of them it continues; what is
new in every request (trace ids, dates) never agrees and so says nothing. Of those that several open requests may have
made, one that was recorded while the call's own request was open comes first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from captures.model import CauseHow, Exchange, Headers, Request
from replayer.stubbing.answers import Answer
from replayer.stubbing.calls import Call, Window
from replayer.stubbing.keys import canonical_key, exact_key, place, volatile_key

KINDS = 16  # values a header may have within one sequence to tell its requests apart: beyond it is an id
TAKERS = 10  # calls remembered by a stub that is called again and again
_FRAMING = frozenset(
    b"host connection keep-alive proxy-connection te trailer transfer-encoding content-length content-encoding "
    b"content-type accept-encoding expect user-agent date".split()
)
"""Headers that frame the message or name the client, and say nothing of what is asked for."""


@dataclass(frozen=True, slots=True)
class Taker:
    """A call of the run that a stub answered: its id, and the recorded and the run's id of what caused it."""

    call: int
    recorded: int | None
    replayed: int | None


@dataclass(slots=True, eq=False)
class Stub:
    """A recorded outbound exchange and whether it has been served."""

    exchange: Exchange
    used: bool = False  # served to a call that agreed with it
    lent: bool = False  # served to a call that did not: still there for one that does
    times: int = 0  # served, however well the call agreed
    takers: list[Taker] = field(default_factory=list)  # the first of them
    answer: Answer | None = None  # what it answers where nothing has to be put into it

    @property
    def request(self) -> Request:
        """The recorded request."""
        return self.exchange.request

    def served(self, taker: Taker) -> None:
        """Note that ``taker`` got its answer."""
        self.times += 1
        if len(self.takers) < TAKERS:
            self.takers.append(taker)


class Group:
    """Stubs of one key in recorded order. One stub is the usual case and costs nothing."""

    __slots__ = ("_next", "_variants", "_varying", "stubs", "wider")

    def __init__(self) -> None:
        self.stubs: list[Stub] = []
        self.wider: Group | None = None  # of stubs of the same bytes: those that say the same, once it was asked for
        self._next = 0
        self._varying: tuple[bytes, ...] | None = None
        self._variants: dict[tuple[bytes | None, ...], Group] = {}

    def fresh(self, call: Call) -> Stub | None:
        """The next stub for ``call``; None when those it continues have all been served."""
        group = self._of(call.headers)
        first = group._unused()
        if first is None or len(group.stubs) == 1 or not _ambiguous(first):
            return first
        windows = call.windows()
        if not windows or _within(first, windows):
            return first
        return group._unused_within(windows) or first

    def again(self, headers: Callable[[], Headers]) -> Stub:
        """The stub whose answer is repeated once all have been served."""
        return self._of(headers).stubs[-1]

    def _unused(self) -> Stub | None:
        stubs, index = self.stubs, self._next
        while index < len(stubs) and stubs[index].used:
            index += 1
        self._next = index
        return stubs[index] if index < len(stubs) else None

    def _unused_within(self, windows: Sequence[Window]) -> Stub | None:
        """The first unused stub that was recorded in one of ``windows``."""
        begun, ended = min(window[0] for window in windows), max(window[1] for window in windows)
        at = bisect_left(self.stubs, begun, lo=self._next, key=lambda stub: stub.exchange.timing.started)
        for index in range(at, len(self.stubs)):
            stub = self.stubs[index]
            if stub.exchange.timing.started > ended:
                break
            if not stub.used and _within(stub, windows):
                return stub
        return None

    def _of(self, headers: Callable[[], Headers]) -> Group:
        """The part of this sequence that a call with ``headers`` continues; all of it where headers tell nothing."""
        if len(self.stubs) == 1:
            return self
        if self._varying is None:
            self._vary()
        if not self._varying:
            return self
        given = _first_values(headers())
        key = tuple(given.get(name) for name in self._varying or ())
        known = self._variants.get(key)
        if known is not None:
            return known

        def agreement(entry: tuple[tuple[bytes | None, ...], Group]) -> tuple[int, bool]:
            values, group = entry
            agreed = sum(one is not None and one == other for one, other in zip(values, key, strict=True))
            return agreed, group._unused() is not None

        (values, best) = max(self._variants.items(), key=agreement)
        return best if agreement((values, best))[0] else self

    def _vary(self) -> None:
        sides = [_first_values(stub.request.headers) for stub in self.stubs]
        names = dict.fromkeys(name for side in sides for name in side if name not in _FRAMING)
        counts = {name: len({side.get(name) for side in sides}) for name in names}
        self._varying = tuple(name for name, count in counts.items() if 1 < count <= KINDS)
        for stub, side in zip(self.stubs, sides, strict=True):
            key = tuple(side.get(name) for name in self._varying)
            self._variants.setdefault(key, Group()).stubs.append(stub)


class Pool:
    """Stubs with one cause, in the order they were recorded."""

    __slots__ = ("_canonical", "_exact", "_places", "_tunnels", "_volatile", "stubs")

    def __init__(self, stubs: Iterable[Stub]) -> None:
        self.stubs = list(stubs)
        self._exact = _grouped(self.stubs, lambda stub: exact_key(stub.request))
        self._canonical: dict[Hashable, Group] | None = None  # made on first need, like the rest
        self._volatile: dict[Hashable, Group] | None = None
        self._places: dict[Hashable, Group] | None = None
        self._tunnels: dict[tuple[str, int], list[Stub]] | None = None

    def exact(self, call: Call) -> Group | None:
        """The stubs of the same bytes."""
        return self._exact.get(call.exact)

    def canonical_of(self, call: Call) -> Group | None:
        """The stubs that say the same as ``call``. What was recorded byte by byte is not decoded to be found."""
        exact = self._exact.get(call.exact)
        if exact is None:
            return self.canonical(call.canonical)
        if exact.wider is None:
            exact.wider = self.canonical(canonical_key(exact.stubs[0].request))
        return exact.wider

    def canonical(self, key: Hashable) -> Group | None:
        """The stubs with this canonical key."""
        if self._canonical is None:
            self._canonical = _grouped(self.stubs, lambda stub: canonical_key(stub.request))
        return self._canonical.get(key)

    def volatile(self, call: Call) -> Group | None:
        """The stubs that differ only in volatile values."""
        if self._volatile is None:
            self._volatile = _grouped(self.stubs, lambda stub: volatile_key(stub.request, stub.exchange.timing.started))
        return self._volatile.get(call.volatile)

    def at(self, call: Call) -> list[Stub]:
        """Every stub at the same scheme, host, port, method and path."""
        if self._places is None:
            self._places = _grouped(self.stubs, lambda stub: place(stub.request, stub.exchange.timing.started))
        group = self._places.get(call.place)
        return group.stubs if group is not None else []

    def same(self, stub: Stub) -> list[Stub]:
        """``stub`` and all that say the same."""
        group = self.canonical(canonical_key(stub.request))
        return group.stubs if group is not None else []

    def tunnel(self, host: str, port: int) -> Stub | None:
        """The first unused tunnel to ``host:port`` that was recorded as failing."""
        if self._tunnels is None:
            self._tunnels = {}
            for stub in self.stubs:
                if stub.request.method == "CONNECT":
                    self._tunnels.setdefault((stub.request.host, stub.request.port), []).append(stub)
        return next((stub for stub in self._tunnels.get((host, port), ()) if not stub.used), None)

    @property
    def unused(self) -> Iterator[Stub]:
        """Stubs that no agreeing call has had."""
        return (stub for stub in self.stubs if not stub.used)


def _grouped(stubs: Iterable[Stub], key: Callable[[Stub], Hashable]) -> dict[Hashable, Group]:
    groups: dict[Hashable, Group] = {}
    for stub in stubs:
        name = key(stub)
        group = groups.get(name)
        if group is None:
            group = groups[name] = Group()
        group.stubs.append(stub)
    return groups


def _first_values(headers: Headers) -> dict[bytes, bytes]:
    """By lower-case name; values of repeated headers joined."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        lower = name.lower()
        found[lower] = found[lower] + b"," + value if lower in found else value
    return found


def _ambiguous(stub: Stub) -> bool:
    """Whether several requests were open when it was recorded."""
    return stub.exchange.cause is not None and stub.exchange.cause.how is CauseHow.AMBIGUOUS


def _within(stub: Stub, windows: Sequence[Window]) -> bool:
    started = stub.exchange.timing.started
    return any(begun <= started <= ended for begun, ended in windows)
