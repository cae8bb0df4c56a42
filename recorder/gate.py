"""What was chosen goes through, and what belongs to it: calls wait for their request. No sockets, no clock.

The calls of the service follow the request that caused them: kept with it, left out with it. A request is decided when
it has ended (before, where the filters ask for nothing of its answer), and until then its calls are held. A call that
several open requests may have made is left out only if all of them are; where a guess had laid it to one that is left
out, it says so. What no request caused is kept. With a sample (:mod:`recorder.sampling`) a request that is not in it is
set aside with its calls for a while, since a later one may need it.

Nothing is left out silently: each exchange that is not kept is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from captures.model import Cause, CauseHow, Exchange
from captures.queued import size_of
from recorder.sampling import Sampler

HELD = 64 * 1024 * 1024
"""Bytes of calls held for requests that are not decided yet; the oldest beyond that are kept without waiting."""

ASIDE = 64 * 1024 * 1024
"""Bytes of exchanges that are not in a sample, kept for the case that a later one needs them; the oldest go first."""

REMEMBERED = 20_000
"""Decisions kept for calls that come late. What was forgotten is taken for kept."""


@dataclass(slots=True)
class Left:
    """How much was not kept."""

    requests: int = 0  # inbound exchanges that the filters left out
    calls: int = 0  # outbound ones: by their own filter, or with their request
    sampled: int = 0  # inbound exchanges that are not in the sample
    sampled_calls: int = 0  # and their outbound ones

    @property
    def total(self) -> int:
        """Of both directions."""
        return self.requests + self.calls + self.sampled + self.sampled_calls


@dataclass(slots=True, eq=False)
class _Held:
    """A call that waits for the requests that may have made it."""

    exchange: Exchange
    causes: set[int]
    undecided: set[int]
    size: int
    named: int | None  # the cause
    sure: bool  # one of the requests is kept


@dataclass(slots=True, eq=False)
class _Aside:
    """A request that is not in the sample, with its calls, for the case that it is needed after all."""

    request: Exchange
    calls: list[Exchange]
    size: int


@dataclass(slots=True)
class Gate:
    """Passes on to ``put`` what is kept. Exchanges are told of when they begin and handed over when they have ended."""

    put: Callable[[Exchange], bool]
    follow: bool = True  # requests may be left out, so that calls wait for them
    sampler: Sampler | None = None
    forget: Callable[[int], object] = lambda exchange: None  # told the id of what waited and is left out
    weigh: Callable[[Exchange], int] = size_of
    left: Left = field(default_factory=Left)
    _aside: OrderedDict[int, _Aside] = field(default_factory=OrderedDict)
    _aside_bytes: int = 0
    _aside_calls: set[int] = field(default_factory=set)
    _filtered: set[int] = field(default_factory=set)  # of the decided
    _open: set[int] = field(default_factory=set)
    _decided: OrderedDict[int, bool] = field(default_factory=OrderedDict)
    _held: OrderedDict[int, _Held] = field(default_factory=OrderedDict)  # by the call's id
    _waiting: dict[int, list[_Held]] = field(default_factory=dict)  # by the request's
    _bytes: int = 0
    _forced: set[int] = field(default_factory=set)  # open requests of which a call is written already
    _early: dict[int, bool] = field(default_factory=dict)  # open requests that are decided

    def begun(self, request: int) -> None:
        """An inbound exchange has begun."""
        if self.follow:
            self._open.add(request)

    def settle(self, request: int, kept: bool) -> None:
        """An inbound exchange that goes on is ``kept`` or not, whatever its answer: its calls need not wait."""
        if request in self._open:
            self._open.discard(request)
            self._early[request] = kept
            if not kept:
                self._filtered.add(request)
            self._decide(request, kept)

    def request(self, exchange: Exchange, wanted: bool, *, begun: bool = False) -> None:
        """An inbound exchange has ended; ``wanted`` by the filters. Its calls are let go.

        ``begun``: a part of it is written already, so it is kept.
        """
        self._open.discard(exchange.id)
        early = self._early.pop(exchange.id, None)
        begun = begun or exchange.id in self._forced or early is True
        self._forced.discard(exchange.id)
        wanted = begun or (wanted if early is None else early)
        if not wanted:
            self.left.requests += 1
            self._filtered.add(exchange.id)
        elif self.sampler is not None:
            wanted = self._sample(exchange, self.sampler, begun)
        else:
            self.put(exchange)
        if self.follow:
            self._decide(exchange.id, wanted)

    def _sample(self, exchange: Exchange, sampler: Sampler, begun: bool) -> bool:
        verdict = sampler.judge(exchange)
        for identity in verdict.fetch:
            self._fetch(identity)
        if verdict.keep or begun:
            self.put(exchange)
            return True
        self.left.sampled += 1
        if verdict.set_aside:
            aside = self._aside[exchange.id] = _Aside(exchange, [], self.weigh(exchange))
            self._aside_bytes += aside.size
            while self._aside_bytes > ASIDE and len(self._aside) > 1:
                self._give_up(self._aside.popitem(last=False)[1])
        return False

    def _give_up(self, aside: _Aside) -> None:
        self._aside_bytes -= aside.size
        for one in (aside.request, *aside.calls):
            self._aside_calls.discard(one.id)
            self.forget(one.id)

    def _fetch(self, identity: int) -> None:
        """Keep what was set aside, if it still is."""
        aside = self._aside.pop(identity, None)
        if aside is None:
            return
        self._aside_bytes -= aside.size
        self.left.sampled -= 1
        self.left.sampled_calls -= len(aside.calls)
        self._decided[identity] = True
        self.put(aside.request)
        for one in aside.calls:
            self._aside_calls.discard(one.id)
            self._write(one)

    def _decide(self, request: int, kept: bool) -> None:
        self._decided[request] = kept
        if len(self._decided) > REMEMBERED:
            self._filtered.discard(self._decided.popitem(last=False)[0])
        for held in self._waiting.pop(request, ()):
            held.undecided.discard(request)
            if held.exchange.id not in self._held:
                continue  # it was written
            held.sure = held.sure or kept
            if held.sure and held.named not in held.undecided:
                self._release(held)
            elif not held.undecided:
                self._forget(held)
                self._leave_out(held.exchange, held.causes)

    def call(self, exchange: Exchange, wanted: bool, candidates: Iterable[int] = ()) -> None:
        """An outbound exchange has ended; ``wanted`` by its own filters, caused by one of ``candidates`` (none: by
        no request)."""
        if not wanted:
            self.left.calls += 1
            return
        causes = set(candidates)
        undecided = causes & self._open
        sure = any(self._kept(one) for one in causes - undecided)
        named = exchange.cause.exchange if exchange.cause is not None else None
        if not self.follow or not causes or (sure and named not in undecided):
            self._write(exchange)
        elif not undecided:
            self._leave_out(exchange, causes)
        else:
            self._hold(exchange, _Held(exchange, causes, undecided, self.weigh(exchange), named, sure))

    def holds(self, exchange: int) -> bool:
        """Whether ``exchange`` waits, or is set aside."""
        return exchange in self._held or exchange in self._aside or exchange in self._aside_calls

    def lost(self, request: int) -> None:
        """An inbound exchange that had begun will not be handed over: its calls are kept."""
        self._early.pop(request, None)
        self._forced.discard(request)
        if request in self._open:
            self._open.discard(request)
            self._decide(request, kept=True)

    def close(self) -> None:
        """Keep what still waits: the recording ends."""
        for held in list(self._held.values()):
            self._release(held)

    def _kept(self, request: int) -> bool:
        return self._decided.get(request, True)

    def _hold(self, exchange: Exchange, held: _Held) -> None:
        self._held[exchange.id] = held
        self._bytes += held.size
        for request in held.undecided:
            self._waiting.setdefault(request, []).append(held)
        while self._bytes > HELD:
            self._release(next(iter(self._held.values())))

    def _release(self, held: _Held) -> None:
        self._forget(held)
        if held.named is not None and held.named in held.undecided:
            self._forced.add(held.named)  # no call names a cause that is not there
        self._write(held.exchange)

    def _write(self, call: Exchange) -> None:
        cause = call.cause
        if cause is not None and cause.exchange is not None and not self._kept(cause.exchange):
            evidence = f"{cause.evidence}; that was exchange {cause.exchange}, which was left out"
            call = replace(call, cause=Cause(CauseHow.AMBIGUOUS, None, evidence))
        self.put(call)

    def _leave_out(self, call: Exchange, causes: Iterable[int]) -> None:
        """Of a call whose requests are all left out: with the one that is set aside, if one is."""
        aside = next((self._aside[one] for one in causes if one in self._aside), None)
        if aside is not None:
            size = self.weigh(call)
            aside.calls.append(call)
            self._aside_calls.add(call.id)
            aside.size += size
            self._aside_bytes += size
        else:
            self.forget(call.id)
        if all(one in self._filtered for one in causes):
            self.left.calls += 1
        else:
            self.left.sampled_calls += 1

    def _forget(self, held: _Held) -> None:
        del self._held[held.exchange.id]
        self._bytes -= held.size
