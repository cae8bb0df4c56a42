"""Explaining a call that no recorded one answers: which is nearest, and what differs. Pure.

The nearest is sought over everything that could have been meant, body and query weighed even where the path has
moved (WireMock stops at the path, so a renamed route is explained by the wrong stub).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from captures.formats.decoding import decode
from captures.model import Exchange, Request, url_of
from replayer.alignment import Pair, body_pairs, target_pairs
from replayer.stubbing.edits import MAX_EDITS, MAX_SHOWN, edits, shown
from replayer.tokens import kind_of, same_kind

__all__ = ["MAX_SHOWN", "MISS_HEADER", "differences", "distance", "explain", "likeness", "nearest"]

MISS_HEADER = b"X-Retape-Miss"
MAX_DIFFERENCES = MAX_EDITS
WEIGHTS = {"server": 8.0, "method": 3.0, "path": 4.0, "query": 4.0, "body": 6.0}


def distance(recorded: Request, call: Request) -> float:
    """How far ``call`` is from ``recorded``; 0 is the same. Volatile values of one kind cost little."""
    cost = 0.0
    if (recorded.scheme, recorded.host, recorded.port) != (call.scheme, call.host, call.port):
        cost += WEIGHTS["server"] * (0.5 if recorded.host == call.host else 1.0)
    if recorded.method != call.method:
        cost += WEIGHTS["method"]
    path = list(target_pairs(recorded.target, call.target))
    segments = [pair for pair in path if pair.path == "path"]
    query = [pair for pair in path if pair.path != "path"]
    if len(segments) == 1 and not segments[0].equal:  # another number of segments: those that moved are not others
        one, other = (request.target.partition(b"?")[0].split(b"/") for request in (recorded, call))
        cost += WEIGHTS["path"] * (1 - difflib.SequenceMatcher(None, one, other, autojunk=False).ratio())
    else:
        cost += WEIGHTS["path"] * _share(segments)
    cost += WEIGHTS["query"] * _share(query)
    if recorded.body != call.body:
        bodies = decode(recorded.body, recorded.headers), decode(call.body, call.headers)
        cost += WEIGHTS["body"] * _share(list(body_pairs(*bodies)))
    return cost


def likeness(recorded: Request, call: Request) -> float:
    """The same as a score: 1 for the same, 0 for nothing in common."""
    return round(1 - distance(recorded, call) / sum(WEIGHTS.values()), 3)


def _share(pairs: list[Pair]) -> float:
    if not pairs:
        return 0.0
    return sum(_cost(pair) for pair in pairs) / len(pairs)


def _cost(pair: Pair) -> float:
    if pair.equal:
        return 0.0
    if isinstance(pair.recorded, str) and isinstance(pair.replayed, str) and same_kind(pair.recorded, pair.replayed):
        return 0.1
    return 1.0


def differences(recorded: Request, call: Request) -> list[dict[str, Any]]:
    """What ``call`` says otherwise than ``recorded``: ``{"path", "recorded", "replayed"}``, JSON-able, capped.

    Give it redacted requests: the values stand in the result.
    """
    found: list[dict[str, Any]] = []

    def add(path: str, one: Any, other: Any) -> None:
        if len(found) < MAX_DIFFERENCES:
            found.append({"path": path, "recorded": shown(one), "replayed": shown(other)})

    for name in ("scheme", "host", "port", "method"):
        one, other = getattr(recorded, name), getattr(call, name)
        if one != other:
            add(f"request.{name}", one, other)
    for pair in target_pairs(recorded.target, call.target):
        if not pair.equal:
            add(f"request.{pair.path}", pair.recorded, pair.replayed)
    if recorded.body != call.body:
        for pair in body_pairs(decode(recorded.body, recorded.headers), decode(call.body, call.headers)):
            if not pair.equal:
                add(f"request.body {pair.path}".strip(), pair.recorded, pair.replayed)
    return found


def nearest(call: Request, candidates: Iterable[Exchange]) -> Exchange | None:
    """The candidate nearest to ``call``; of equals the first."""
    return min(candidates, key=lambda exchange: distance(exchange.request, call), default=None)


def explain(
    call: Request,
    near: Exchange | None,
    *,
    used: bool,
    cause: str,
    answered: str = "",
    rules: Sequence[str] = (),
    capture: str = "CAPTURE",
) -> dict[str, Any]:
    """The miss, as the 502's body and the run's note.

    ``call`` is redacted; ``cause`` says whose stubs were sought, ``answered`` whom the nearest one has answered
    already, ``rules`` are the tables that would accept its differences, ``capture`` its file as a shell reads it.
    """
    told = f"{call.method} {url_of(call)}"
    explanation: dict[str, Any] = {"error": "retape: no recorded call matches", "call": told, "for": cause}
    if near is None:
        explanation |= {"nearest": None, "differences": [], "edits": []}
        explanation["hint"] = "Nothing was recorded at this server; record again if the new build calls it on purpose."
        return explanation
    found = differences(near.request, call)
    explanation["nearest"] = {
        "exchange": near.id,
        "request": f"{near.request.method} {url_of(near.request)}",
        "score": likeness(near.request, call),
        "served": used,
    }
    if answered:
        explanation["answered"] = answered
    explanation["differences"] = found
    script = edits(near.request, call)
    explanation["edits"] = [edit.sentence() for edit in script if edit.counts or not found][:MAX_EDITS]
    explanation["hint"] = _hint(near, found, answered, capture)
    if rules:
        explanation["rules"] = "\n\n".join(rules)
    return explanation


def _hint(near: Exchange, found: list[dict[str, Any]], answered: str, capture: str) -> str:
    if not found and answered:
        return f"It was recorded, and {answered}; --exhausted last repeats the last answer."
    paths = [entry["path"] for entry in found]
    if any(path in ("request.host", "request.port", "request.scheme") for path in paths):
        return "The nearest recorded call went to another server: is a base URL configured differently?"
    if "request.path" in paths:
        return "The path differs: a renamed route, or another resource than was recorded."
    volatile = [
        entry["path"]
        for entry in found
        if isinstance(entry["replayed"], str) and kind_of(entry["replayed"]) is not None
    ]
    if volatile:
        return f"{', '.join(volatile)} looks volatile; see: retape capture show {capture} {near.id}"
    return f"Compare with: retape capture show {capture} {near.id}"
