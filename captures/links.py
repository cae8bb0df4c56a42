"""Which inbound exchange caused an outbound one: pure, fed with events as they happen.

Evidence in order of strength:

1. *trace-header*: a trace or request id that the service propagated is equal on both (:mod:`captures.traces`).
2. *window*: exactly one inbound exchange was open when the call began.
3. *value-flow*, a guess: an id or token of high entropy (:mod:`captures.identities`) stands in the call and in exactly
   one of the inbound requests that were open when it began, or, where it stands in none of these, in one that had just
   ended. What earlier calls of that request were answered counts as the request's own.
4. *connection*, a guess: the call before it on the same connection was made by a request that is still open, and this
   service was seen to keep a connection to one open request (in :data:`SHOWN` cases, and in 19 of 20).
5. *unanswered*, a guess: of those that were open exactly one had no answer yet, the others having begun theirs (streams
   of events that go on for hours).
6. *ambiguous*: several were open. No exchange is named; the evidence lists the candidates.
7. *none*: none was open (start-up, background work).

A trace id that several open inbound exchanges share (a client that sends one id for a whole page) is no evidence by
itself: it narrows the candidates, and what follows decides among those. Where a service passes traces on, a call
without one is rather its own doing (a timer, a queue), and no guess is made. Guesses are marked
(``CauseHow.is_guess``), so that whoever reads a capture may be lenient with them. No evidence quotes a value: it may be
a secret.

Events carry their times, on any one monotonic scale; that a call began while a request was open counts also where the
end of the request is heard of first.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from captures.identities import MOST, SCANNED, form_of, identities
from captures.model import Cause, CauseHow, Headers
from captures.traces import Trace, key_of, trace_ids

LINGER = 60.0  # seconds after its end during which a trace id still names an exchange (late, asynchronous calls)
REMEMBERED = 10_000  # ended exchanges kept for that
RECENT = 2.0  # seconds after its end during which a value may still name a request: the call is a late one
VALUED = 64  # ended requests whose values are kept for that, at most
DISORDER = 1_000  # ends of requests that are remembered for calls from before them that are heard of later
ANSWERS = 16  # answers of its own calls that are looked through for one request
CONNECTIONS = 4_096  # of the service, remembered with the cause of their last call
SHOWN = 10  # times that a service must have kept a connection to one open request, and 19 of 20, to go by that
PASSING = 20  # calls that a trace laid to their cause, nine of ten at least: the service passes traces on
PENDING = 10_000  # calls that are open


@dataclass(slots=True, eq=False)
class _Inbound:
    """An inbound exchange, open or ended."""

    id: int
    started: float
    traces: tuple[Trace, ...]  # as keys
    parts: list[tuple[bytes, Headers, bytes]]  # messages of it that were not looked through yet
    ended: float | None = None
    answering: bool = False  # the head of its answer has been sent
    values: frozenset[bytes] = frozenset()
    answers: int = 0

    def naming(self) -> frozenset[bytes]:
        """The ids and tokens that stand in it."""
        while self.parts:
            found = identities(*self.parts.pop())
            if len(self.values) < MOST:
                self.values |= found
        return self.values

    def add(self, headers: Headers, body: bytes) -> None:
        """A further message of it."""
        self.parts.append((b"", headers, body[:SCANNED]))

    def strip(self) -> None:
        """What stands in it is not asked for any more."""
        self.parts, self.values = [], frozenset()


@dataclass(slots=True, eq=False)
class _Pending:
    """An outbound call that is open."""

    headers: Headers
    target: bytes
    connection: str
    cause: Cause
    candidates: tuple[_Inbound, ...] = ()
    at: float = 0.0
    before: _Inbound | None = None  # what made the call before it on its connection, if that is still open
    several: bool = False  # of several that were open
    unanswered: _Inbound | None = None  # the only one of the candidates whose answer had not begun


@dataclass(slots=True)
class _Manners:
    """How the service goes about its calls, as far as it is known for certain."""

    kept: int = 0  # times that a call came from the same open request as the one before it on its connection
    changed: int = 0  # times that it did not
    traced: int = 0  # calls that a trace laid to their cause
    untraced: int = 0  # calls without any trace, while several requests were open

    @property
    def keeps_connections(self) -> bool:
        """Whether the connection of a call says whose it is."""
        return self.kept >= SHOWN and self.changed * 20 <= self.kept

    @property
    def passes_traces_on(self) -> bool:
        """Whether a call without a trace is rather of no request."""
        return self.traced >= PASSING and self.untraced * 10 <= self.traced


@dataclass(slots=True)
class Linker:
    """Tracks inbound exchanges and names the cause of outbound ones."""

    _open: dict[int, _Inbound] = field(default_factory=dict)
    _ended: OrderedDict[int, _Inbound] = field(default_factory=OrderedDict)
    _ends: list[tuple[float, int]] = field(default_factory=list)  # of the recently ended, ascending
    _by_trace: dict[Trace, set[int]] = field(default_factory=dict)
    _calls: OrderedDict[int, _Pending] = field(default_factory=OrderedDict)
    _connections: OrderedDict[str, tuple[_Inbound, bool]] = field(default_factory=OrderedDict)
    _manners: _Manners = field(default_factory=_Manners)

    # -- inbound ------------------------------------------------------------------------------------------------------

    def inbound_started(self, exchange: int, headers: Headers, at: float, target: bytes = b"") -> None:
        """An inbound request's head arrived."""
        traces = tuple(map(key_of, trace_ids(headers)))
        self._open[exchange] = _Inbound(exchange, at, traces, [(target, headers, b"")])
        for trace in traces:
            self._by_trace.setdefault(trace, set()).add(exchange)

    def inbound_body(self, exchange: int, headers: Headers, body: bytes) -> None:
        """The inbound request is complete; ``headers`` say how ``body`` is coded. Unknown ids are ignored."""
        known = self._open.get(exchange)
        if known is not None and body:
            known.add(tuple(line for line in headers if line[0].lower() == b"content-encoding"), body)

    def inbound_answered(self, exchange: int) -> None:
        """The head of the inbound exchange's answer has come; its body may go on for long. Unknown ids are ignored."""
        known = self._open.get(exchange)
        if known is not None:
            known.answering = True

    def inbound_ended(self, exchange: int, at: float) -> None:
        """The inbound exchange got its response or failed. Unknown ids are ignored."""
        known = self._open.pop(exchange, None)
        if known is None:
            return
        known.ended = at
        self._ended[exchange] = known
        insort(self._ends, (at, exchange))
        if len(self._ends) > VALUED:
            old = self._ended.get(self._ends[-VALUED - 1][1])
            if old is not None:
                old.strip()
        if len(self._ends) > 2 * DISORDER:
            del self._ends[:-DISORDER]
        while self._ended:
            oldest, first = next(iter(self._ended.items()))
            if (first.ended or 0.0) >= at - LINGER and len(self._ended) <= REMEMBERED:
                break
            self._forget(oldest)

    # -- outbound -----------------------------------------------------------------------------------------------------

    def cause_of(self, headers: Headers, at: float) -> Cause:
        """The cause of an outbound request with ``headers`` that begins at ``at``, by its traces and the time alone."""
        return self._first_sight(headers, self._open_at(at))[0]

    def call_started(self, call: int, headers: Headers, at: float, target: bytes = b"", connection: str = "") -> Cause:
        """An outbound request's head arrived; its cause as far as that tells, until :meth:`call_ended` says more.

        ``connection`` names the service's connection, unless several calls may be under way on it ("").
        """
        around = self._open_at(at)
        cause, candidates = self._first_sight(headers, around)
        pending = _Pending(headers, target, connection, cause, tuple(candidates), at, several=len(around) > 1)
        if candidates:
            waiting = [one for one in candidates if not one.answering]
            pending.unanswered = waiting[0] if len(waiting) == 1 else None
        before = self._connections.get(connection) if connection else None
        if before is not None and before[0] in around:
            pending.before = before[0]
        self._calls[call] = pending
        if len(self._calls) > PENDING:
            self._calls.popitem(last=False)
        return cause

    def call_ended(self, call: int, body: bytes = b"", answer: tuple[Headers, bytes] | None = None) -> Cause | None:
        """The cause of ``call``, now that its ``body`` and its ``answer`` are known; None for an unknown call."""
        pending = self._calls.pop(call, None)
        if pending is None:
            return None
        cause, settled = self._settled(pending, body)
        named = self._known(cause.exchange)
        if named is None:
            return cause
        if pending.connection:
            self._learn(pending, named, settled)
        if answer is not None and named.answers < ANSWERS:
            named.answers += 1
            named.add(*answer)
        return cause

    def candidates(self, call: int) -> frozenset[int]:
        """The inbound exchanges that an open, ambiguous ``call`` may belong to."""
        pending = self._calls.get(call)
        return frozenset(one.id for one in pending.candidates) if pending is not None else frozenset()

    def sharing(self, headers: Headers) -> frozenset[int]:
        """The open inbound exchanges that an ambiguous call is one of, as far as shared trace ids tell; else none."""
        held = (self._by_trace.get(key_of(trace), set()) & self._open.keys() for trace in trace_ids(headers))
        return frozenset(min((holders for holders in held if holders), key=len, default=()))

    # -- deciding -----------------------------------------------------------------------------------------------------

    def _first_sight(self, headers: Headers, around: list[_Inbound]) -> tuple[Cause, list[_Inbound]]:
        """By traces and time; the candidates where that leaves several."""
        narrowed: tuple[Cause, list[_Inbound]] | None = None
        for trace in trace_ids(headers):
            kind, identity = trace
            holders = self._by_trace.get(key_of(trace))
            if not holders:
                continue
            still_open = [one for one in around if one.id in holders]
            candidates = [one.id for one in still_open] or list(holders)
            shown = identity if len(identity) <= 12 else f"{identity[:4]}…{identity[-4:]}"
            if len(candidates) == 1:
                late = "" if still_open else ", after its response"
                return Cause(CauseHow.TRACE_HEADER, candidates[0], f"{kind} {shown} on both{late}"), []
            if still_open and narrowed is None:  # another id of the same call may still name one of them
                evidence = f"{kind} {shown} is shared by open exchanges {_listed(one.id for one in still_open)}"
                narrowed = Cause(CauseHow.AMBIGUOUS, None, evidence), still_open
        if narrowed is not None:
            return narrowed
        if len(around) == 1:
            evidence = "the only inbound exchange open when the call began"
            return Cause(CauseHow.WINDOW, around[0].id, evidence), []
        if around:
            evidence = f"inbound exchanges {_listed(one.id for one in around)} were open"
            return Cause(CauseHow.AMBIGUOUS, None, evidence), around
        return Cause(CauseHow.NONE, None, "no inbound exchange was open"), []

    def _settled(self, pending: _Pending, body: bytes) -> tuple[Cause, bool]:
        """The cause, and whether evidence that says nothing of connections or of time names it."""
        by_trace = pending.cause.how is CauseHow.TRACE_HEADER
        self._manners.traced += by_trace
        if pending.cause.how is not CauseHow.AMBIGUOUS:
            return pending.cause, by_trace
        open_to_question = pending.cause.evidence
        if not trace_ids(pending.headers):
            self._manners.untraced += 1
            if self._manners.passes_traces_on:
                evidence = f"{open_to_question}; this call has no trace, which the service passes on otherwise"
                return Cause(CauseHow.AMBIGUOUS, None, evidence), False
        shares, forms = self._shares(pending, body)
        if len(shares) == 1:
            ((only, times),) = shares.items()
            what = f"{times} values ({', '.join(forms)})" if times > 1 else f"a value ({next(iter(forms))})"
            number = len(pending.candidates)
            late = "" if any(one.id == only for one in pending.candidates) else ", which had just ended,"
            evidence = f"a guess: {what} of this call stood in that request{late} and in no other of {number} open ones"
            return Cause(CauseHow.VALUE_FLOW, only, evidence), True
        if shares:
            ranked = ", ".join(f"{one} ({times})" for one, times in shares.most_common(4))
            return Cause(CauseHow.AMBIGUOUS, None, f"{open_to_question}; values point to {ranked}"), False
        before = pending.before.id if pending.before in pending.candidates and pending.before is not None else None
        if before is None or not self._manners.keeps_connections:
            if pending.unanswered is not None:
                number = len(pending.candidates)
                evidence = f"a guess: the only one of {number} open requests whose answer had not begun"
                return Cause(CauseHow.UNANSWERED, pending.unanswered.id, evidence), False
            if before is None:
                return pending.cause, False
            evidence = f"{open_to_question}; {before} made the call before on this connection"
            return Cause(CauseHow.AMBIGUOUS, None, evidence), False
        evidence = (
            f"a guess: it made the call before on this connection, and in {self._manners.kept} of "
            f"{self._manners.kept + self._manners.changed} cases seen the service kept a connection to one open request"
        )
        return Cause(CauseHow.CONNECTION, before, evidence), False

    def _shares(self, pending: _Pending, body: bytes) -> tuple[Counter[int], list[str]]:
        """How many values of the call each inbound request alone has, and what kinds of value they are."""
        shares: Counter[int] = Counter()
        forms: dict[str, None] = {}
        values = identities(pending.target, pending.headers, body)
        if not values:
            return shares, []
        known = [(one, one.naming()) for one in pending.candidates]
        late: list[tuple[_Inbound, frozenset[bytes]]] | None = None
        for value in values:
            holders = [one for one, naming in known if value in naming]
            if not holders:
                late = [(one, one.naming()) for one in self._just_ended(pending.at)] if late is None else late
                holders = [one for one, naming in late if value in naming]
            if len(holders) == 1:
                shares[holders[0].id] += 1
                forms.setdefault(form_of(value) or "id")
        return shares, list(forms)

    def _learn(self, pending: _Pending, named: _Inbound, settled: bool) -> None:
        """See from a call whose cause is known how the service uses its connections."""
        if settled and pending.several and pending.before is not None:
            if pending.before is named:
                self._manners.kept += 1
            else:
                self._manners.changed += 1
        self._connections[pending.connection] = named, settled
        self._connections.move_to_end(pending.connection)
        if len(self._connections) > CONNECTIONS:
            self._connections.popitem(last=False)

    # -- who was open -------------------------------------------------------------------------------------------------

    def _open_at(self, at: float) -> list[_Inbound]:
        """Those that were open at ``at``, also where the end was heard of before the call."""
        found = [one for one in self._open.values() if one.started <= at]
        for ended, exchange in reversed(self._ends):
            if ended <= at:
                break
            one = self._ended.get(exchange)
            if one is not None and one.started <= at:
                found.append(one)
        return found

    def _just_ended(self, at: float) -> Iterator[_Inbound]:
        for ended, exchange in reversed(self._ends):
            if ended < at - RECENT:
                break
            one = self._ended.get(exchange)
            if one is not None and ended <= at:
                yield one  # those whose values are still kept; the others have none

    def _known(self, exchange: int | None) -> _Inbound | None:
        if exchange is None:
            return None
        return self._open.get(exchange) or self._ended.get(exchange)

    def _forget(self, exchange: int) -> None:
        gone = self._ended.pop(exchange)
        for trace in gone.traces:
            holders = self._by_trace.get(trace)
            if holders is not None:
                holders.discard(exchange)
                if not holders:
                    del self._by_trace[trace]


def _listed(exchanges: Iterable[int]) -> str:
    first = sorted(exchanges)
    return ", ".join(map(str, first[:8])) + (f" and {len(first) - 8} more" if len(first) > 8 else "")
