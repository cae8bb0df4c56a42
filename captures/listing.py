"""The exchanges of a capture as lines and as JSON: ``retape capture ls``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from captures.model import Direction, Exchange, url_of
from captures.routes.endpoints import Endpoints
from captures.selection import Selection
from captures.store import Capture
from captures.visible import visible

LONGEST = 1_000
"""Characters of a target on a line for people."""


def chosen(
    capture: Capture,
    selection: Selection,
    limit: int | None,
    *,
    endpoints: bool,
    explicit: Sequence[str] = (),
    backwards: bool = False,
) -> Iterator[tuple[Exchange, str]]:
    """The selected exchanges with their endpoints ("" when neither ``endpoints`` nor the selection asks for them).

    ``explicit``: the templates of ``retape.toml``. ``backwards``: the latest first.
    """
    known = Endpoints.of(capture, explicit) if endpoints or "endpoint:" in selection.text else None
    found = 0
    for exchange in capture.exchanges(narrowed=selection.clauses(), backwards=backwards):
        endpoint = known.endpoint_of(exchange) if known is not None else ""
        if selection.matches(exchange, endpoint):
            yield exchange, endpoint
            found += 1
            if found == limit:
                return


def line(exchange: Exchange, messages: int = 0) -> str:
    """One exchange on one line; what varies in length comes last. ``messages``: how many it has in the file."""
    request = exchange.request
    inbound = exchange.direction is Direction.INBOUND
    target = visible(_cut(request.target.decode("latin-1") if inbound else url_of(request)))
    text = (
        f"{exchange.id:>7}  {moment(exchange.timing.started)}  {'in ' if inbound else 'out'}  {outcome(exchange):>9}  "
        f"{duration(exchange):>10}  {visible(request.method)} {target}"
    )
    if exchange.dependency:
        text += f"  [{visible(exchange.dependency)}]"
    if exchange.cause is not None:
        by = f" by {exchange.cause.exchange}" if exchange.cause.exchange is not None else ""
        guess = ", a guess" if exchange.cause.how.is_guess else ""
        text += f"  caused{by} ({exchange.cause.how.value}{guess})"
    if exchange.replay_of is not None:
        text += f"  replay of {exchange.replay_of}"
    if messages:
        text += f"  {messages:,} message{'' if messages == 1 else 's'}"
    if exchange.notes.get("open"):
        text += "  (still open)"
    elif exchange.body_truncated:
        text += "  (body incomplete)"
    return text


def _cut(target: str) -> str:
    return target if len(target) <= LONGEST else f"{target[: LONGEST - 1]}… ({len(target):,} characters)"


def as_json(rows: Iterator[tuple[Exchange, str]], messages: Callable[[int], int]) -> Iterator[str]:
    """A JSON array in pieces, so that a large capture needs no memory. ``messages``: how many an exchange has."""
    before = "[\n"
    for exchange, endpoint in rows:
        told = {**summary(exchange, endpoint), "messages": messages(exchange.id)}
        yield before + json.dumps(told, ensure_ascii=True)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def summary(exchange: Exchange, endpoint: str) -> dict[str, Any]:
    """What ``ls`` says of an exchange, JSON-able."""
    request, response, cause = exchange.request, exchange.response, exchange.cause
    ended = exchange.timing.ended
    return {
        "id": exchange.id,
        "session": exchange.session,
        "direction": exchange.direction.value,
        "started": exchange.timing.started,
        "milliseconds": round((ended - exchange.timing.started) * 1000, 3) if ended is not None else None,
        "method": request.method,
        "url": url_of(request),
        "target": request.target.decode("latin-1"),
        "endpoint": endpoint,
        "status": response.status if response else None,
        "failure": exchange.failure.kind.value if exchange.failure else None,
        "request_bytes": len(request.body),
        "response_bytes": len(response.body) if response else None,
        "dependency": exchange.dependency,
        "caused_by": cause.exchange if cause else None,
        "cause_how": cause.how.value if cause else None,
        "replay_of": exchange.replay_of,
        "body_truncated": exchange.body_truncated,
    }


def outcome(exchange: Exchange) -> str:
    """``200``, or the kind of failure."""
    if exchange.failure is not None:
        return exchange.failure.kind.value
    return str(exchange.response.status) if exchange.response else "-"


def moment(seconds: float) -> str:
    """A time as UTC text with milliseconds."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"


def duration(exchange: Exchange) -> str:
    """How long the exchange took."""
    ended = exchange.timing.ended
    return "-" if ended is None else f"{(ended - exchange.timing.started) * 1000:.1f} ms"
