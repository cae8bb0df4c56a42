"""Which inbound exchange caused an outbound one: pure, fed with events as they happen.

Evidence in order of strength:

1. *trace-header*: a trace or request id that the service propagated is equal on both (W3C ``traceparent``: the trace
   id, since a service makes a new span id; B3, single and multi; Jaeger, Datadog, X-Ray, Cloud Trace; request ids).
2. *window*: exactly one inbound exchange was open when the call began.
3. *ambiguous*: several were open. No exchange is named; the evidence lists the candidates.
4. *none*: none was open (start-up, background work).

A trace id that several open inbound exchanges share (a client that sends one id for a whole page) is no evidence by
itself: it narrows the candidates, and the window decides among those.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from captures.model import Cause, CauseHow, Headers

REQUEST_IDS = (b"x-request-id", b"x-correlation-id", b"request-id", b"correlation-id", b"x-amz-request-id")
LINGER = 60.0  # seconds after its end during which a trace id still names an exchange (late, asynchronous calls)
REMEMBERED = 10_000  # ended exchanges kept for that


def trace_ids(headers: Headers) -> tuple[tuple[str, str], ...]:
    """``(kind, id)`` of every trace or request id in ``headers``; kinds are comparable across a hop."""
    found: list[tuple[str, str]] = []
    for name, value in headers:
        key = name.lower()
        text = value.decode("latin-1").strip()
        if not text:
            continue
        if key == b"traceparent":
            parts = text.split("-")
            if len(parts) >= 4 and len(parts[1]) == 32:
                found.append(("traceparent", parts[1].lower()))
        elif key == b"b3":
            found.append(("b3", text.split("-")[0].lower()))
        elif key == b"x-b3-traceid":
            found.append(("b3", text.lower()))
        elif key == b"uber-trace-id":
            found.append(("uber-trace-id", text.split(":")[0].lower()))
        elif key == b"x-datadog-trace-id":
            found.append(("x-datadog-trace-id", text))
        elif key == b"x-amzn-trace-id":
            root = next((part[5:] for part in text.split(";") if part.strip().lower().startswith("root=")), "")
            if root:
                found.append(("x-amzn-trace-id", root))
        elif key == b"x-cloud-trace-context":
            found.append(("x-cloud-trace-context", text.split("/")[0].lower()))
        elif key in REQUEST_IDS:
            found.append((key.decode(), text))
    return tuple(found)


class Linker:
    """Tracks open inbound exchanges and names the cause of outbound ones. Times are any one monotonic scale."""

    def __init__(self) -> None:
        self._open: dict[int, float] = {}
        self._ended: OrderedDict[int, float] = OrderedDict()
        self._by_trace: dict[tuple[str, str], set[int]] = {}
        self._traces: dict[int, tuple[tuple[str, str], ...]] = {}

    def inbound_started(self, exchange: int, headers: Headers, at: float) -> None:
        """An inbound request's head arrived."""
        self._open[exchange] = at
        traces = trace_ids(headers)
        if traces:
            self._traces[exchange] = traces
            for trace in traces:
                self._by_trace.setdefault(trace, set()).add(exchange)

    def inbound_ended(self, exchange: int, at: float) -> None:
        """The inbound exchange got its response or failed. Unknown ids are ignored."""
        if self._open.pop(exchange, None) is None:
            return
        if exchange in self._traces:
            self._ended[exchange] = at
        while self._ended:
            oldest, ended = next(iter(self._ended.items()))
            if ended >= at - LINGER and len(self._ended) <= REMEMBERED:
                break
            self._forget(oldest)

    def cause_of(self, headers: Headers, at: float) -> Cause:
        """The cause of an outbound request with ``headers`` that begins at ``at``."""
        for trace in trace_ids(headers):
            kind, identity = trace
            holders = self._by_trace.get(trace)
            if not holders:
                continue
            still_open = holders & self._open.keys()
            candidates = still_open or holders
            shown = identity if len(identity) <= 12 else f"{identity[:4]}…{identity[-4:]}"
            if len(candidates) == 1:
                (only,) = candidates
                late = "" if still_open else ", after its response"
                return Cause(CauseHow.TRACE_HEADER, only, f"{kind} {shown} on both{late}")
            if still_open:
                return Cause(
                    CauseHow.AMBIGUOUS, None, f"{kind} {shown} is shared by open exchanges {_listed(still_open)}"
                )
        if len(self._open) == 1:
            (only,) = self._open
            return Cause(CauseHow.WINDOW, only, "the only inbound exchange open when the call began")
        if self._open:
            return Cause(CauseHow.AMBIGUOUS, None, f"inbound exchanges {_listed(self._open)} were open")
        return Cause(CauseHow.NONE, None, "no inbound exchange was open")

    def _forget(self, exchange: int) -> None:
        self._ended.pop(exchange, None)
        for trace in self._traces.pop(exchange, ()):
            holders = self._by_trace.get(trace)
            if holders is not None:
                holders.discard(exchange)
                if not holders:
                    del self._by_trace[trace]


def _listed(exchanges: Iterable[int]) -> str:
    first = sorted(exchanges)
    return ", ".join(map(str, first[:8])) + (f" and {len(first) - 8} more" if len(first) > 8 else "")
