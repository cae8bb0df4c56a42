"""The flows of a capture, for people and as JSON: ``retape capture show CAPTURE --chains``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from captures.flows.tracing import Flow, Tracing
from captures.model import Direction, Exchange
from captures.store import Capture
from captures.visible import visible

SHOWN = 10  # characters of a value
WIDTH = 72  # characters of a request line
USES = 12  # uses shown for each value


def traced(capture: Capture) -> Tracing:
    """Every inbound exchange of ``capture``, followed."""
    tracing = Tracing()
    for exchange in capture.exchanges(direction=Direction.INBOUND):
        tracing.add(exchange)
    return tracing


def chosen(tracing: Tracing, exchange: int | None, limit: int) -> tuple[list[Flow], int]:
    """The flows to show, those of ``limit`` sources, and how many are left out."""
    flows = list(tracing.flows()) if exchange is None else tracing.around(exchange)
    sources = list(dict.fromkeys(flow.source for flow in flows))[:limit]
    last = sources[-1] if sources else 0
    shown = [flow for flow in flows if flow.source <= last]
    return shown, len(flows) - len(shown)


def titles(capture: Capture, flows: Iterable[Flow]) -> dict[int, str]:
    """Method, path and status of every exchange that ``flows`` name."""
    wanted: set[int] = set()
    for flow in flows:
        wanted.update((flow.source, *(use.exchange for use in flow.uses[:USES])))
    return {exchange.id: _title(exchange) for exchange in capture.exchanges(ids=wanted)}


def lines(flows: Sequence[Flow], told: dict[int, str], tracing: Tracing, left_out: int) -> Iterator[str]:
    """A tree: each source, each value it made, each request that brings the value back."""
    for source, group in groupby(flows, key=lambda flow: flow.source):
        yield f"{source:>6}  {told.get(source, '')}"
        for flow in group:
            place = f" at {visible(flow.place)}" if flow.place else ""
            yield f"{'':8}{visible(short(flow.key[0]))} ({flow.kind}){place}"
            if flow.ambiguous:
                others = ", ".join(map(str, flow.ambiguous))
                yield f"{'':10}ambiguous: shown again by {others}; the latest before a use counts"
            for use in flow.uses[:USES]:
                yield f"{'':10}-> {use.exchange:<6} {told.get(use.exchange, '')}  [{visible(', '.join(use.places))}]"
            if flow.used > USES:
                yield f"{'':10}-> {flow.used - USES:,} more"
    used = len(flows) + left_out
    yield f"{used:,} value{'' if used == 1 else 's'} of {tracing.seen:,} exchanges flow{'s' if used == 1 else ''} on."
    if left_out:
        yield f"left out: {left_out:,} of them (--limit N shows those of more sources; an ID those around one exchange)"
    if tracing.forgotten:
        yield f"left out: uses of the {tracing.forgotten:,} oldest values, which were forgotten"


def as_json(flows: Sequence[Flow], told: dict[int, str], tracing: Tracing, left_out: int) -> str:
    """The same as one JSON document."""
    document: dict[str, Any] = {
        "exchanges": tracing.seen,
        "flows": [
            {
                "source": flow.source,
                "request": told.get(flow.source, ""),
                "value": short(flow.key[0]),
                "kind": flow.kind,
                "place": flow.place or None,
                "ambiguous_with": flow.ambiguous,
                "uses": [
                    {"exchange": use.exchange, "request": told.get(use.exchange, ""), "places": list(use.places)}
                    for use in flow.uses[:USES]
                ],
                "used": flow.used,
            }
            for flow in flows
        ],
        "left_out": {"flows": left_out, "values_forgotten": tracing.forgotten},
    }
    return json.dumps(document, ensure_ascii=True, indent=2)


def short(value: str) -> str:
    """The beginning of a value: enough to know it again, not enough to use it."""
    return value if len(value) <= SHOWN + 2 else f"{value[:SHOWN]}…"


def _title(exchange: Exchange) -> str:
    path = exchange.request.target.partition(b"?")[0].decode("latin-1")
    text = visible(f"{exchange.request.method} {path}")
    status = f"  {exchange.response.status}" if exchange.response is not None else ""
    return f"{text if len(text) <= WIDTH else text[: WIDTH - 1] + '…'}{status}"
