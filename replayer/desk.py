"""Answers the build's outbound calls from the recording, and writes each down in the run.

The desk knows which inbound exchanges are being replayed, so each has its own pool of stubs; what the build calls is
linked, matched, answered and recorded here, in one step on the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from captures.links import Linker
from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Headers,
    Request,
    Timing,
)
from captures.redacting.redaction import Redactor
from diffing.rulebook.rules import RuleBook
from replayer.bindings import Binding, Bindings, Substitution
from replayer.events import Distrusted, Event, StubMiss
from replayer.library import StubLibrary
from replayer.matching import Call, Match, Matched, Pool, Taker, match
from replayer.misses import differences
from replayer.plan import Exhausted, OnMiss
from replayer.stubbing.accepting import accepting
from replayer.stubbing.answers import Answer
from replayer.stubbing.missing import Explainer, miss_response
from replayer.stubbing.retelling import Retelling
from replayer.stubbing.whose import Whose

CLEAN = 4_096  # header lists known to hold no secret


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
        latency: float = 0.0,
        rules: RuleBook | None = None,
        on_bound: Callable[[Binding], None] | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # ``clock``: the scale of the linker's times.
        # ``latency``: factor on recorded times. ``rules``: where they let a call differ it still has its stub.
        self._library = library
        self._linker = linker
        self._redactor = redactor
        self._writer = writer
        self._on_event = on_event
        self._on_miss = on_miss
        self._exhausted = exhausted
        self._everything = library.everything() if one_pool else None
        self._on_bound = on_bound
        self._now = now
        self._clock = clock
        self._retelling = Retelling(library, bindings, latency, timeout_cap)
        self._accepts = accepting(rules, library.name_of, library.endpoint_of)
        self._whose = Whose(library, self._everything)
        self._explainer = Explainer(library, alone=one_pool)
        self._answered = asyncio.Event()
        self._clean: set[Headers] = set()
        self.distrusting: Counter[str] = Counter()
        self.partial: set[int] = set()  # stubs served whose body was recorded in part
        self.served = self.missed = 0

    def begin(self, replayed: int, recorded: int) -> None:
        """Inbound exchange ``replayed`` (run id) begins; it answers to ``recorded``. Others may be under way."""
        self._whose.begin(replayed, recorded)

    def end(self, replayed: int) -> None:
        """Inbound exchange ``replayed`` (run id) has its answer, and its calls were waited for."""
        self._whose.end(replayed)

    def protocols(self, host: str, port: int) -> tuple[str, ...]:
        """What ALPN offers for ``host:port``."""
        return self._library.protocols(host, port)

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
        for pool in self._whose.where(None).pools():
            stub = pool.tunnel(host, port)
            if stub is not None:
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
        cause = self._linker.cause_of(request.headers, self._clock())
        shared = self._linker.sharing(request.headers) if cause.how is CauseHow.AMBIGUOUS else frozenset[int]()
        where = self._whose.where(cause, shared)
        call = Call(
            request,
            lambda: self._retelling.plain(request),
            at,
            lambda: self._redacted_headers(request),
            lambda: self._whose.windows(cause, shared),
        )
        strict = self._on_miss is OnMiss.STRICT
        borrow = self._library.identical if self._everything is None else _nothing
        found = match(call, where, borrow, strict=strict, accepts=self._accepts)
        if found is not None and found.how is Matched.EXHAUSTED and self._exhausted is Exhausted.MISS:
            found = None
        if found is None:
            return self._miss(identity, call, cause, list(where.pools()))
        return self._hit(identity, call, self._whose.attributed(cause, found), found)

    # -- answering ------------------------------------------------------------------------------------------------

    def _redacted_headers(self, request: Request) -> Headers:
        """The headers as a capture would hold them: a sequence may turn on credentials, which it has as pseudonyms."""
        bare = Exchange(0, Direction.OUTBOUND, replace(request, body=b"", trailers=()), Timing(0.0))
        return self._redactor.exchange(bare).request.headers

    def _hit(self, identity: int, call: Call, cause: Cause, found: Match) -> Answer:
        stub, recorded = found.stub, found.stub.exchange
        if not stub.times:
            self._redactor.leave(recorded)
        stub.served(Taker(identity, self._whose.recorded(cause), cause.exchange))
        self.served += 1
        if recorded.body_truncated:
            self.partial.add(recorded.id)
        times = Substitution()
        same = _same_bytes(call.request, recorded.request)
        fresh = [] if same or found.how is Matched.CANONICAL else self._retelling.learn(call, recorded, times)
        answer = self._retelling.answer(stub, times)
        if call.request.method == "HEAD" and answer.response is not None and answer.response.body:
            bare = replace(answer.response, body=b"", trailers=())
            answer = replace(answer, response=bare, pieces=(), encoded={})  # the head of a GET
        raw = self._exchange(identity, call, cause, answer, _notes(found), recorded.id)
        clean = same and answer is stub.answer and self._is_clean(call.request)
        written = raw if clean else self._redactor.exchange(raw)
        if found.how is Matched.CHANGED:
            plain = written.request
            if call.translated:
                plain = self._redactor.exchange(replace(raw, request=call.plain)).request
            written = replace(written, notes={**written.notes, "differences": differences(recorded.request, plain)})
        self._put(written)
        if self._on_bound is not None and fresh:
            shown = written.request.target + b"\n" + written.request.body
            for binding in fresh:
                if binding.live.encode() in shown:  # else it is a secret, which is not written
                    self._on_bound(binding)
        return answer

    def _exchange(
        self, identity: int, call: Call, cause: Cause, answer: Answer, notes: dict[str, Any], stub: int | None
    ) -> Exchange:
        """The call as it is written down, before redaction; its times are those the answer is about to take."""
        begun = self._now() + answer.hold
        ended = begun + sum([piece.after for piece in answer.pieces])
        return Exchange(
            id=identity,
            direction=Direction.OUTBOUND,
            request=call.request,
            timing=Timing(call.at, call.at, begun if answer.response is not None else None, ended),
            response=answer.response,
            failure=answer.failure,
            dependency=self._library.dependency(call.request),
            cause=cause,
            replay_of=stub,
            notes=notes,
        )

    def _miss(self, identity: int, call: Call, cause: Cause, pools: list[Pool]) -> Answer:
        self.missed += 1
        raw = self._exchange(identity, call, cause, Answer(None), {}, None)
        shown = self._redactor.exchange(replace(raw, request=call.plain)).request
        inbound = self._whose.recorded(cause)
        explanation, near = self._explainer.explain(shown, pools, inbound)
        answer = Answer(miss_response(explanation))
        self._put(self._redactor.exchange(self._exchange(identity, call, cause, answer, {"miss": explanation}, None)))
        self._on_event(StubMiss(explanation["call"], inbound, near))
        return answer

    def _put(self, written: Exchange) -> None:
        self._writer.put(written)
        self._answered.set()

    def _is_clean(self, request: Request) -> bool:
        """Whether the headers of ``request`` hold no secret. Where target, body and answer are those of the capture,
        which was redacted when it was written, they are all that is left to look through."""
        if request.headers in self._clean:
            return not request.trailers
        bare = Exchange(0, Direction.OUTBOUND, Request("GET", "http", "", 0, b"/", request.headers), Timing(0.0))
        if self._redactor.exchange(bare) is not bare:
            return False
        if len(self._clean) >= CLEAN:
            self._clean.clear()
        self._clean.add(request.headers)
        return not request.trailers


def _same_bytes(call: Request, recorded: Request) -> bool:
    return call.target == recorded.target and call.body == recorded.body


def _notes(found: Match) -> dict[str, Any]:
    """How the call was matched, as its exchange notes it."""
    notes: dict[str, Any] = {"matched": found.how.value}
    if found.rules:
        notes["rules"] = list(found.rules)
    if found.how is Matched.CHANGED:
        notes["score"] = found.score
    return notes


def _nothing(request: Request) -> None:
    del request
