"""The outbound calls of one exchange, recorded beside replayed, in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from captures.model import Exchange
from captures.visible import visible
from diffing.model import Finding, Judgement
from diffing.reports.alignment import Mark
from diffing.reports.claims import Claims
from diffing.reports.decided import Decided
from diffing.reports.messages import body_detail, head_of, header_rows, request_line
from diffing.reports.sequence import Slot, milliseconds, out_of_order, slots, state_of


def call_rows(
    recorded: Sequence[Exchange],
    replayed: Sequence[Exchange],
    findings: Sequence[Finding],
    *,
    judgement: Judgement | None = None,
    by: tuple[Exchange | None, Exchange | None] = (None, None),
) -> tuple[list[dict[str, Any]], list[Slot]]:
    """The outbound calls of one exchange, recorded beside replayed, in order, and the lines they are drawn on.

    ``judgement``: of the exchange, where it is known: what rules accepted in it.
    ``by``: the requests that caused them, from whose beginning the times are counted.
    """
    pairs = pair_calls(recorded, replayed)
    lines = slots(pairs)
    late = out_of_order(lines)
    known = {_call_key(call) for call in recorded}
    rows = []
    for at, (one, other) in enumerate(pairs):
        about = [
            f
            for f in findings
            if (one is not None and f.outbound_recorded == one.id)
            or (other is not None and f.outbound_replayed == other.id)
        ]
        again = other is not None and _call_key(other) in known
        row: dict[str, Any] = {
            "recorded": _call(one, by[0]),
            "replayed": _call(other, by[1]),
            "state": state_of(one, other, about, known=again, late=at in late),
        }
        if about:
            row["classes"] = list(dict.fromkeys(visible(f.class_id) for f in about))
        if one is None:
            row["mark"] = Mark.ADDED.value
        elif other is None:
            row["mark"] = Mark.REMOVED.value
        else:
            row["mark"] = (Mark.CHANGED if about else Mark.SAME).value
            if about:
                decided = Decided.of(judgement, "request", (one.id, other.id))
                ruled = bool(judgement and judgement.rules)
                claims = Claims.of(about, side="request", ruled=ruled, decided=decided)
                row["headers"] = header_rows(one.request.headers, other.request.headers, claims)
                row["body"] = body_detail(
                    one.request.body, one.request.headers, other.request.body, other.request.headers, claims
                )
        rows.append(row)
    return rows, lines


def pair_calls(
    recorded: Sequence[Exchange], replayed: Sequence[Exchange]
) -> list[tuple[Exchange | None, Exchange | None]]:
    """Meet by the stub that answered, else by dependency, method and path in order; extras after their predecessor."""
    by_stub = {call.replay_of: call for call in reversed(replayed) if call.replay_of is not None}
    partner: dict[int, Exchange] = {}  # recorded id -> replayed call
    taken: set[int] = set()
    for call in recorded:
        answered = by_stub.get(call.id)
        if answered is not None:
            partner[call.id] = answered
            taken.add(answered.id)
    waiting: dict[tuple[str | None, str, bytes], list[Exchange]] = defaultdict(list)
    for call in replayed:
        if call.id not in taken:
            waiting[_call_key(call)].append(call)
    for call in recorded:
        if call.id not in partner and waiting[_call_key(call)]:
            partner[call.id] = waiting[_call_key(call)].pop(0)
            taken.add(partner[call.id].id)
    extras = [call for call in replayed if call.id not in taken]
    rows: list[tuple[Exchange | None, Exchange | None]] = []
    for call in recorded:
        met = partner.get(call.id)
        while met is not None and extras and extras[0].id < met.id:
            rows.append((None, extras.pop(0)))
        rows.append((call, met))
    return rows + [(None, call) for call in extras]


def _call_key(call: Exchange) -> tuple[str | None, str, bytes]:
    return call.dependency, call.request.method, call.request.target.split(b"?")[0]


def _call(call: Exchange | None, by: Exchange | None) -> dict[str, Any] | None:
    head = head_of(call)
    if call is None or head is None:
        return None
    head["line"] = request_line(call)
    head["to"] = visible(call.dependency or f"{call.request.host}:{call.request.port}")
    at = milliseconds(call, by)
    if at is not None:
        head["at"] = at
    if call.cause:
        head["cause"] = visible(f"{call.cause.how.value}: {call.cause.evidence}")
    if "matched" in call.notes:
        head["matched"] = visible(str(call.notes["matched"]))
    if "miss" in call.notes:
        head["miss"] = True
    return head
