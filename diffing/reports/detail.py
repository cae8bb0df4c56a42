"""One exchange as the page shows it: recorded beside replayed, headers, bodies and outbound calls.

Plain JSON-able dicts with short keys, because there are many in one page; ``assets/exchange.js`` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from captures.model import Exchange
from captures.visible import visible
from diffing.model import Finding, Judgement
from diffing.reports.calls import call_rows
from diffing.reports.claims import Claims
from diffing.reports.decided import Decided
from diffing.reports.messages import body_detail, head_of, header_rows, request_line, side_of, text_of
from diffing.reports.sequence import drawn

CALLS = 60  # outbound calls of one exchange in the page


def exchange_detail(
    recorded: Exchange | None,
    replayed: Exchange | None,
    recorded_calls: Sequence[Exchange],
    replayed_calls: Sequence[Exchange],
    findings: Sequence[Finding],
    *,
    judgement: Judgement | None = None,
    loose: bool = False,
) -> dict[str, Any]:
    """Everything the page shows of one recorded exchange and its replay. ``findings``: all of this exchange.

    ``judgement``: of it, where it is known: what rules accepted, and what the comparison took for what.
    ``loose``: the exchange is a call itself, which no request is known to have caused.
    """
    asked = recorded or replayed
    if asked is None:
        return {}
    claims = Claims.of(
        (f for f in findings if f.outbound_recorded is None),
        side="response",
        ruled=bool(judgement and judgement.rules),
        decided=Decided.of(judgement, "response"),
    )
    request = asked.request
    detail: dict[str, Any] = {
        "line": request_line(asked),
        "request": {
            "headers": [[text_of(name), text_of(value)] for name, value in request.headers],
            "body": side_of(request.body, request.headers),
        },
        "recorded": head_of(recorded),
        "replayed": head_of(replayed),
        "changes": _changes(replayed),
    }
    if recorded and replayed and recorded.response and replayed.response:
        left, right = recorded.response, replayed.response
        detail["headers"] = header_rows(left.headers, right.headers, claims)
        detail["body"] = body_detail(left.body, left.headers, right.body, right.headers, claims)
    else:
        known = (recorded and recorded.response) or (replayed and replayed.response)
        if known:
            detail["only"] = {
                "side": "recorded" if recorded and recorded.response else "replayed",
                "headers": [[text_of(name), text_of(value)] for name, value in known.headers],
                "body": side_of(known.body, known.headers),
            }
    by = (None, None) if loose else (recorded, replayed)
    calls, lines = call_rows(recorded_calls, replayed_calls, findings, judgement=judgement, by=by)
    detail["calls"] = calls[:CALLS]
    detail["lines"] = drawn(lines, CALLS)
    if loose:
        detail["loose"] = True
    detail["calls_left"] = max(0, len(calls) - CALLS)
    return detail


def _changes(replayed: Exchange | None) -> list[list[str]]:
    """What replaying changed in the request before sending it: chained values, the Host."""
    changes = replayed.notes.get("changes", []) if replayed else []
    return [
        [visible(str(change.get("where", ""))), visible(str(change.get("why", "")))]
        for change in changes
        if isinstance(change, Mapping)
    ]
