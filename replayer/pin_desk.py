"""Answers a build's outbound calls from the stubs of the pin under test. A :class:`replayer.stubs.Desk`.

A call that a stub's template matches gets that stub's answer, each stub once, then the last one again. A call to the
same place that differs gets the nearest one's answer, and the difference becomes a finding: a changed amount shows as
a changed amount, not as what a 502 sets off. Anything else is a miss and is answered 502; nothing ever leaves.

A build may still be at work for the request before (a background task). Such a late call is answered and is nobody's
finding: it is one that a stub of the request before still waits for, or one that speaks of an id which the answer
to the pin before made (no literal of that pin) and this pin's requests do not know.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from captures.model import Cause, CauseHow, Direction, Exchange, Failure, FailureKind, Request, Response, Timing
from replayer.misses import distance, explain
from replayer.pin_send import to_answer
from replayer.pin_unify import Unifier
from replayer.pin_words import words_in_message, words_in_request
from replayer.pins import Pin, PinStub
from replayer.stubbing.keys import canonical_key
from replayer.stubs import Answer
from replayer.tokens import TIMES, kind_of

FIRST_CALL = 1_000_000
"""Ids of the build's calls; those of stubs are small, so the two are never mistaken for each other."""


@dataclass(slots=True)
class Served:
    """One call the build made. ``stub``: the index of the stub that answered, None for a miss."""

    exchange: Exchange
    stub: int | None
    matched: str


@dataclass(slots=True)
class PinDesk:
    """Stubs are switched per pin with :meth:`load`. Used on the event loop only."""

    stubs: Sequence[PinStub] = ()
    names: dict[str, Any] = field(default_factory=dict)
    calls: list[Served] = field(default_factory=list)
    distrusting: Counter[str] = field(default_factory=Counter)
    _used: set[int] = field(default_factory=set)
    _lent: set[int] = field(default_factory=set)
    _waiting: list[tuple[PinStub, dict[str, Any]]] = field(default_factory=list)  # of the request before, not called
    _own: set[str] = field(default_factory=set)  # ids that this pin's requests speak of
    _earlier: set[str] = field(default_factory=set)  # ids that the build made answering the pin before
    _made: set[str] = field(default_factory=set)  # the same of this pin

    def load(self, stubs: Sequence[PinStub], names: dict[str, Any], request: Request | None = None) -> None:
        """Answer from ``stubs`` now. ``names`` is shared with the pin's run: calls may bind names, answers use them.

        ``request``: what is about to be sent.
        """
        if self.stubs:
            self._waiting = [(stub, self.names) for at, stub in enumerate(self.stubs) if at not in self._used]
        self.stubs, self.names = stubs, names
        self.calls = []
        self._used, self._lent = set(), set()
        if request is not None:
            self._own |= _ids(words_in_request(request))

    def answered(self, pin: Pin, response: Response) -> None:
        """What the target answered to ``pin``. An id that the pin says literally is the same every day: not made."""
        text = repr((pin.expect, pin.stubs, pin.setup))
        made = _ids(words_in_message(response.headers, response.body))
        self._made = {word for word in made if word not in text}

    def finish(self) -> None:
        """The pin is over: a call that comes now, or later and speaks of what it made, is late."""
        self.load((), {})
        self._earlier, self._own, self._made = self._made, set(), set()

    def refuse(self, host: str, port: int) -> bool:
        """Whether a stub says that the tunnel to ``host:port`` is refused."""
        for index, stub in enumerate(self.stubs):
            call = expected_call(stub, dict(self.names))
            if (call.method, call.host, call.port) == ("CONNECT", host, port) and index not in self._used:
                self._used.add(index)
                self._note(call, None, Failure(FailureKind.CONNECT, "as pinned"), index, "exact")
                return True
        return False

    def distrusted(self, host: str, port: int, why: str) -> None:
        """Count it: the pin cannot be judged then."""
        del why
        self.distrusting[f"{host}:{port}"] += 1

    def answer(self, request: Request) -> Answer:
        """See the module."""
        index, matched = self._find(request)
        if index is None:
            late = self._late(request)
            return self._miss(request) if late is None else late
        stub = self.stubs[index]
        unifier = Unifier(self.names)  # binds the names that the call shows, for the answer to use
        unifier.request(stub.request, request)
        try:
            response = to_answer(stub.response, self.names) if stub.response is not None else None
        except ValueError as error:
            return self._miss(request, f"the stub's answer cannot be written: {error}")
        failure = Failure(FailureKind(stub.failure), "as pinned") if stub.failure else None
        self._note(request, response, failure, index, matched)
        if failure is not None and failure.kind is not FailureKind.TRUNCATED:
            return Answer(None, failure)
        return Answer(response, failure)

    def _find(self, request: Request) -> tuple[int | None, str]:
        same_place: list[tuple[float, int]] = []
        again: int | None = None
        for index, stub in enumerate(self.stubs):
            unifier = Unifier(dict(self.names))
            expected, _ = unifier.request(stub.request, request)
            server = (expected.scheme, expected.host, expected.port, expected.method)
            if server != (request.scheme, request.host, request.port, request.method):
                continue
            if not unifier.broken and canonical_key(expected) == canonical_key(request):
                if index not in self._used:
                    self._used.add(index)
                    return index, "exact"
                again = index
            elif expected.target.partition(b"?")[0] == request.target.partition(b"?")[0] and index not in (
                self._used | self._lent
            ):
                same_place.append((distance(expected, request), index))
        if again is not None:
            return again, "exhausted"
        if same_place:
            nearest = min(same_place)[1]
            self._lent.add(nearest)
            return nearest, "changed"
        return None, ""

    def _late(self, request: Request) -> Answer | None:
        """The answer to a call that is the request's or the pin's before, which is not noted; None when it is not."""
        for entry in self._waiting:
            stub, names = entry
            unifier = Unifier(dict(names))
            expected, _ = unifier.request(stub.request, request)
            if unifier.broken or canonical_key(expected) != canonical_key(request):
                continue
            self._waiting.remove(entry)
            try:
                response = to_answer(stub.response, unifier.names) if stub.response is not None else None
            except ValueError:
                response = None
            failure = Failure(FailureKind(stub.failure), "as pinned") if stub.failure else None
            if response is None and failure is None:
                return Answer(Response(502))
            return Answer(response, failure)
        if _ids(words_in_request(request)) & (self._earlier - self._own):
            return Answer(Response(502, ((b"Content-Length", b"0"), (b"X-Retape-Miss", b"1"))))
        return None

    def _miss(self, request: Request, why: str = "") -> Answer:
        samples = [self._sample(index) for index in range(len(self.stubs))]
        near = min(samples, key=lambda one: distance(one.request, request), default=None)
        explanation = explain(request, near, used=False, cause="the pin under test")
        if near is not None:
            explanation["nearest"] = explanation["nearest"]["request"]
        explanation["hint"] = why or "Add it to the pin's stubs if the build calls it on purpose."
        import json

        body = json.dumps(explanation, ensure_ascii=False, indent=1).encode()
        headers = (
            (b"Content-Type", b"application/json"),
            (b"Content-Length", b"%d" % len(body)),
            (b"X-Retape-Miss", b"1"),
        )
        response = Response(502, headers, body, b"Bad Gateway")
        self._note(request, response, None, None, "")
        return Answer(response)

    def _sample(self, index: int) -> Exchange:
        """A stub as an exchange, for explaining: matchers as far as anything stands for them."""
        stub = self.stubs[index]
        request = expected_call(stub, dict(self.names))
        return Exchange(index, Direction.OUTBOUND, request, Timing(0.0), dependency=stub.dependency)

    def _dependency(self, request: Request) -> str:
        """Its name in the stubs, else ``host:port``."""
        for stub in self.stubs:
            call = expected_call(stub, dict(self.names))
            if (call.scheme, call.host, call.port) == (request.scheme, request.host, request.port):
                return stub.dependency
        return f"{request.host}:{request.port}"

    def _note(
        self, request: Request, response: Response | None, failure: Failure | None, index: int | None, matched: str
    ) -> None:
        now = time.time()
        dependency = self.stubs[index].dependency if index is not None else self._dependency(request)
        exchange = Exchange(
            FIRST_CALL + len(self.calls),
            Direction.OUTBOUND,
            request,
            Timing(now, now, now, now),
            response,
            failure,
            dependency=dependency,
            cause=Cause(CauseHow.WINDOW, 1, "the pinned request was the only one open"),
            replay_of=index + 2 if index is not None else None,
            notes={"matched": matched} if matched else {"miss": {}},
        )
        self.calls.append(Served(exchange, index, matched))


def _ids(words: set[str]) -> set[str]:
    """Those of ``words`` that no two pins share by chance."""
    return {word for word in words if (kind := kind_of(word)) is not None and kind not in TIMES}


def expected_call(stub: PinStub, names: dict[str, Any]) -> Request:
    """What a stub's request looks like when no call came for it."""
    return Unifier(names).uncalled(stub.request)
