"""Answers the build's outbound calls from the recording, and writes each down in the run.

The desk knows which inbound exchange is being replayed, so each has its own pool of stubs; what the build calls is
linked, matched, answered and recorded here, in one step on the event loop.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from captures.decoding import decode
from captures.links import Linker
from captures.model import (
    Cause,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Request,
    Response,
    Timing,
    url_of,
)
from captures.redaction import Redactor
from replayer.alignment import body_pairs, target_pairs
from replayer.bindings import Binding, Bindings, Substitution
from replayer.chaining import from_pairs, settle
from replayer.events import Distrusted, Event, StubMiss
from replayer.library import StubLibrary
from replayer.matching import NEAREST, Call, Match, Matched, Pool, match
from replayer.misses import MISS_HEADER, differences, explain, nearest
from replayer.plan import Exhausted, OnMiss
from replayer.rewriting import endpoint_noun, in_live_terms, in_recorded_terms
from replayer.stubs import Answer

REMEMBERED = 1_000  # run ids whose recorded counterpart is known, for calls that come late


class Tape(Protocol):
    """Where calls are written: a capture writer."""

    def reserve_id(self) -> int:
        """The id of the next exchange."""

    def put(self, exchange: Exchange) -> bool:
        """Take ``exchange``; False when it could not be kept."""


class ReplayDesk:
    """A :class:`replayer.stubs.Desk` for one replay."""

    def __init__(
        self,
        library: StubLibrary,
        linker: Linker,
        bindings: Bindings,
        redactor: Redactor,
        writer: Tape,
        on_event: Callable[[Event], None],
        *,
        on_miss: OnMiss = OnMiss.NEAREST,
        exhausted: Exhausted = Exhausted.LAST,
        timeout_cap: float = 5.0,
        one_pool: bool = False,
        on_bound: Callable[[Binding], None] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._library = library
        self._linker = linker
        self._bindings = bindings
        self._redactor = redactor
        self._writer = writer
        self._on_event = on_event
        self._on_miss = on_miss
        self._exhausted = exhausted
        self._timeout_cap = timeout_cap
        self._everything = library.everything() if one_pool else None
        self._on_bound = on_bound
        self._now = now
        self._answered = asyncio.Event()
        self._recorded: OrderedDict[int, int] = OrderedDict()  # run id -> recorded id, of inbound exchanges
        self.distrusting: Counter[str] = Counter()
        self.partial: set[int] = set()  # stubs served whose body was recorded in part
        self.served = self.missed = 0

    def begin(self, replayed: int, recorded: int) -> None:
        """Inbound exchange ``replayed`` (run id) begins; it answers to ``recorded``."""
        self._recorded[replayed] = recorded
        if len(self._recorded) > REMEMBERED:
            self._recorded.popitem(last=False)

    def awaits(self, recorded: Exchange, cap: float = 0.0) -> float | None:
        """How many seconds after the response of ``recorded`` calls were recorded that are still to come, or None.

        Also counts calls that nothing caused and that came before the next request, ``cap`` seconds later at most.
        """
        ended = recorded.timing.ended
        if ended is None:
            return None
        pool = self._library.pool(recorded.id)
        late = [stub.exchange.timing.started - ended for stub in pool.unused if not stub.lent]
        for stub in self._library.after(recorded.id):
            seconds = stub.exchange.timing.started - ended
            if not stub.used and not stub.lent and seconds <= cap:
                late.append(seconds)
        return max((seconds for seconds in late if seconds > 0), default=None)

    @property
    def unused(self) -> int:
        """How many stubs no call has had; only of one pool."""
        return sum(1 for _ in self._everything.unused) if self._everything is not None else 0

    async def answered(self) -> None:
        """Until the next call has been answered."""
        self._answered.clear()
        await self._answered.wait()

    # -- replayer.stubs.Desk --------------------------------------------------------------------------------------

    def refuse(self, host: str, port: int) -> bool:
        """Whether a tunnel to ``host:port`` was recorded as failing, next in turn."""
        for pool in self._pools(None):
            for stub in pool.unused:
                request = stub.request
                if request.method == "CONNECT" and (request.host, request.port) == (host, port):
                    stub.used = True
                    return True
        return False

    def distrusted(self, host: str, port: int, why: str) -> None:
        """Count it; it makes the run inconclusive."""
        server = f"{host}:{port}"
        self.distrusting[server] += 1
        if self.distrusting[server] == 1:
            self._on_event(Distrusted(server, why))

    def answer(self, request: Request) -> Answer:
        """Match ``request``, write it down, and say what to answer."""
        at = self._now()
        identity = self._writer.reserve_id()
        cause = self._linker.cause_of(request.headers, time.monotonic())
        pools = self._pools(cause)
        plain = in_recorded_terms(self._bindings, request)
        call = Call(request, plain, at)
        strict = self._on_miss is OnMiss.STRICT
        found = match(call, pools, self._library.identical if self._everything is None else _nothing, strict=strict)
        if found is not None and found.how is Matched.EXHAUSTED and self._exhausted is Exhausted.MISS:
            found = None
        raw = Exchange(
            id=identity,
            direction=Direction.OUTBOUND,
            request=request,
            timing=Timing(at, at),
            dependency=self._library.dependency(request),
            cause=cause,
        )
        return self._hit(raw, call, found) if found is not None else self._miss(raw, call, pools)

    # -- answering ------------------------------------------------------------------------------------------------

    def _pools(self, cause: Cause | None) -> list[Pool]:
        """Where to look, strongest claim first."""
        if self._everything is not None:
            return [self._everything]
        recorded = self._recorded.get(cause.exchange) if cause is not None and cause.exchange is not None else None
        if recorded is not None:
            return [self._library.pool(recorded), self._library.unattributed]
        pools = [self._library.unattributed]
        if self._recorded:  # a late call of the exchange before
            pools.append(self._library.pool(next(reversed(self._recorded.values()))))
        return pools

    def _hit(self, raw: Exchange, call: Call, found: Match) -> Answer:
        stub = found.stub.exchange
        self._redactor.leave(stub)
        self.served += 1
        if stub.body_truncated:
            self.partial.add(stub.id)
        times = Substitution()
        fresh = [] if found.how in (Matched.EXACT, Matched.CANONICAL) else self._learn(call, stub, times)
        response = stub.response
        if response is not None and response.status == 101:
            response = None
        if response is not None:
            response = in_live_terms((self._bindings.forward, times), response)
        answer = self._played(stub, response)
        notes = {"matched": found.how.value}
        written = self._put(
            replace(raw, response=answer.response, failure=answer.failure, replay_of=stub.id, notes=notes),
            call if found.how is Matched.CHANGED else None,
            stub,
        )
        if self._on_bound is not None and fresh:
            shown = written.request.target + b"\n" + written.request.body
            for binding in fresh:
                if binding.live.encode() in shown:  # else it is a secret, which is not written
                    self._on_bound(binding)
        return answer

    def _played(self, stub: Exchange, response: Response | None) -> Answer:
        failure = stub.failure
        if failure is None and response is None:
            failure = Failure(FailureKind.PROTOCOL, "the recorded connection switched protocols")
        if failure is None:
            return Answer(response)
        if failure.kind is FailureKind.TRUNCATED:
            return Answer(response, failure)
        if failure.kind is FailureKind.ABORTED and response is not None:
            return Answer(response)
        hold = 0.0
        if failure.kind is FailureKind.TIMEOUT and stub.timing.ended is not None:
            hold = min(max(stub.timing.ended - stub.timing.started, 0.0), self._timeout_cap)
        return Answer(None, failure, hold)

    def _learn(self, call: Call, stub: Exchange, times: Substitution) -> list[Binding]:
        """Bind ids the build made up and sends out before any response of its has shown them."""
        recorded, plain = stub.request, call.plain
        pairs = [
            *target_pairs(recorded.target, plain.target),
            *body_pairs(decode(recorded.body, recorded.headers), decode(plain.body, plain.headers)),
        ]
        origin = f"the call to {stub.dependency or url_of(recorded)}"
        seen = call.request.target.decode("latin-1") + "\n" + call.request.body.decode("latin-1")
        noun = endpoint_noun(recorded.target)
        fresh: list[Binding] = []
        for binding, is_time in from_pairs(pairs, origin, sent=b"", endpoint=noun, at=stub.timing.started):
            if is_time:
                times.add(binding.recorded, binding.live, binding.origin)
            elif binding.noun is None and settle(self._bindings, binding, seen):
                fresh.append(binding)
        return fresh

    def _miss(self, raw: Exchange, call: Call, pools: list[Pool]) -> Answer:
        self.missed += 1
        candidates = [stub for pool in pools for stub in pool.stubs[:NEAREST]]
        shown = self._redactor.exchange(replace(raw, request=call.plain)).request
        near = nearest(shown, [*(stub.exchange for stub in candidates), *self._library.similar(shown)])
        used = any(stub.used for stub in candidates if near is not None and stub.exchange.id == near.id)
        inbound = self._recorded.get(raw.cause.exchange) if raw.cause and raw.cause.exchange is not None else None
        whose = f"recorded exchange {inbound}" if inbound is not None else "no inbound exchange"
        explanation = explain(shown, near, used=used, cause=whose)
        response = miss_response(explanation)
        self._put(replace(raw, response=response, notes={"miss": explanation}), None, None)
        self._on_event(StubMiss(explanation["call"], inbound, near.id if near else None))
        return Answer(response)

    def _put(self, raw: Exchange, changed: Call | None, stub: Exchange | None) -> Exchange:
        done = self._now()
        timing = replace(raw.timing, response_started=done if raw.response else None, ended=done)
        written = self._redactor.exchange(replace(raw, timing=timing))
        if changed is not None and stub is not None:
            plain = written.request
            if changed.plain is not changed.request:
                plain = self._redactor.exchange(replace(raw, request=changed.plain)).request
            written = replace(written, notes={**written.notes, "differences": differences(stub.request, plain)})
        self._writer.put(written)
        self._answered.set()
        return written


def miss_response(explanation: dict[str, object]) -> Response:
    """The 502 a miss is answered with."""
    body = json.dumps(explanation, ensure_ascii=False, indent=1).encode()
    headers = (
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"%d" % len(body)),
        (MISS_HEADER, b"1"),
    )
    return Response(502, headers, body, b"Bad Gateway")


def _nothing(request: Request) -> None:
    del request
