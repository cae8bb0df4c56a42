"""A recorded answer told again: in the ids of this build, in its recorded time, with its recorded failure."""

from __future__ import annotations

from captures.formats.decoding import decode
from captures.formats.openstreams import is_stream
from captures.model import Exchange, Failure, FailureKind, Request, Response, url_of
from replayer.alignment import body_pairs, target_pairs
from replayer.bindings import Binding, Bindings, Substitution
from replayer.chaining import from_pairs, settle
from replayer.library import StubLibrary
from replayer.rewriting import endpoint_noun, in_live_terms, in_recorded_terms
from replayer.stubbing.answers import Answer
from replayer.stubbing.calls import Call
from replayer.stubbing.pools import Stub
from replayer.stubbing.timing import first_byte, pieces


class Retelling:
    """Between the recording's terms and this build's. ``latency``: factor on recorded times."""

    def __init__(self, library: StubLibrary, bindings: Bindings, latency: float, timeout_cap: float) -> None:
        self._library = library
        self._bindings = bindings
        self._latency = latency
        self._timeout_cap = timeout_cap  # seconds a recorded timeout is held at most

    def plain(self, request: Request) -> Request:
        """A live call in recorded terms: the very same object where no id is bound yet."""
        known = self._bindings.backward or self._bindings.any_weak
        return in_recorded_terms(self._bindings, request) if known else request

    def answer(self, stub: Stub, times: Substitution) -> Answer:
        """The recorded answer, in terms of the ids this build made."""
        recorded, forward = stub.exchange, self._bindings.forward
        if not forward and not times:
            if stub.answer is None:
                stub.answer = self._played(recorded, recorded.response)
            return stub.answer
        response = recorded.response
        if response is not None and response.status != 101:
            response = in_live_terms((forward, times), response)
        return self._played(recorded, response)

    def _played(self, stub: Exchange, response: Response | None) -> Answer:
        failure = stub.failure
        if response is not None and response.status == 101:
            response = None
        if failure is None and response is None:
            failure = Failure(FailureKind.PROTOCOL, "the recorded connection switched protocols")
        wait = first_byte(stub, self._latency)
        if response is not None:
            moments = self._library.moments(stub.id) if self._latency or is_stream(response) else ()
            body = pieces(stub, response, self._latency, moments)
        if failure is None:
            return Answer(response, None, wait, body)
        if failure.kind is FailureKind.TRUNCATED:
            return Answer(response, failure, wait, body if response is not None else ())
        if failure.kind is FailureKind.ABORTED and response is not None:
            return Answer(response, None, wait, body, ends=not is_stream(response))
        if failure.kind is FailureKind.TIMEOUT and stub.timing.ended is not None:
            wait = min(max(stub.timing.ended - stub.timing.started, 0.0), self._timeout_cap)
        return Answer(None, failure, wait)

    def learn(self, call: Call, stub: Exchange, times: Substitution) -> list[Binding]:
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
