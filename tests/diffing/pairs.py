"""One pair of exchanges around two bodies, judged alone: what most tests of the comparison need."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Headers,
    Request,
    Response,
    Timing,
)
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Judgement
from diffing.rulebook.rules import RuleBook, parse_rules

THEN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC).timestamp()
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp()
JSON: Headers = ((b"Content-Type", b"application/json"),)


def exchange(
    body: bytes | str = b"",
    *,
    replayed: bool = False,
    headers: Headers = JSON,
    status: int = 200,
    target: str = "/things",
    method: str = "GET",
    sent: bytes = b"",
    sent_headers: Headers = JSON,
) -> Exchange:
    """Exchange 1 of the recording, or 101 of the run."""
    at = NOW if replayed else THEN
    port = 6000 if replayed else 5000
    host: Headers = ((b"Host", b"127.0.0.1:%d" % port),)
    return Exchange(
        id=101 if replayed else 1,
        direction=Direction.INBOUND,
        request=Request(method, "http", "127.0.0.1", port, target.encode(), (*host, *sent_headers), sent),
        response=Response(status, headers, body.encode() if isinstance(body, str) else body),
        timing=Timing(at, at, at + 1, at + 1),
        replay_of=1 if replayed else None,
    )


def judge(
    recorded: Exchange,
    replayed: Exchange,
    rules: list[dict[str, Any]] | None = None,
    samples: tuple[Exchange, ...] = (),
    calls: tuple[tuple[Exchange, ...], tuple[Exchange, ...]] = ((), ()),
) -> Judgement:
    """Judge the pair; ``samples`` are further recorded exchanges for the profile."""
    context = Context(rules=RuleBook(parse_rules(rules or [])))
    for sample in (recorded, *samples, *calls[0]):
        learn_recorded(sample, context)
    learn_pair(recorded, replayed, context, *calls)
    return compare_exchange(recorded, replayed, context, *calls)


def judge_json(recorded: str, replayed: str, rules: list[dict[str, Any]] | None = None, *samples: str) -> Judgement:
    """Judge two JSON bodies."""
    return judge(
        exchange(recorded), exchange(replayed, replayed=True), rules, tuple(exchange(sample) for sample in samples)
    )


def judge_case(case: Mapping[str, Any], *, outbound: bool = False) -> Judgement:
    """Judge one case of the corpus; ``outbound``: its bodies as what a dependency is sent (see ``test_cases.py``)."""
    recorded, replayed = (_exchange_of(case, side) for side in (0, 1))
    samples = tuple(_sample(sample, recorded, at) for at, sample in enumerate(_samples(case.get("samples", ())), 2))
    if not outbound:
        return judge(recorded, replayed, case.get("given"), samples)
    further = tuple(map(_call, samples))
    rules = [{**rule, "location": f"outbound * request.body {rule['location']}"} for rule in case.get("given", ())]
    calls = (_call(recorded),), (_call(replayed),)
    return judge(exchange("{}"), exchange("{}", replayed=True), rules, further, calls)


def _exchange_of(case: Mapping[str, Any], side: int) -> Exchange:
    request = _side(case.get("request", {}), side)
    target = request.get("target", "/things")
    made = exchange(
        _bytes(case["replayed" if side else "recorded"]),
        replayed=bool(side),
        headers=_headers(_side(case.get("headers", {}), side), _side(case.get("content_type", JSON_TYPE), side)),
        status=_side(case.get("status", 200), side),
        target=target,
        method=request.get("method", "GET"),
        sent=_bytes(request.get("body", "")),
        sent_headers=_headers(request.get("headers", {}), request.get("content_type", JSON_TYPE)),
    )
    failure = _side(case.get("failure"), side)
    if failure:
        kind = FailureKind(failure)
        head_came = kind in (FailureKind.TRUNCATED, FailureKind.ABORTED)
        return replace(made, response=made.response if head_came else None, failure=Failure(kind))
    assert made.response is not None
    trailers, reason = _headers(_side(case.get("trailers", {}), side), ""), _side(case.get("reason", ""), side)
    return replace(made, response=replace(made.response, trailers=trailers, reason=reason.encode()))


def _samples(given: Any) -> list[Any]:
    """``{"times": 20, …}`` stands for twenty equal samples; ``{n}`` in its body or target for 1 to 20."""
    samples: list[Any] = []
    for sample in given:
        times = sample.get("times", 1) if isinstance(sample, dict) else 1
        for n in range(1, times + 1):
            if isinstance(sample, dict):
                text = {key: value.replace("{n}", str(n)) for key, value in sample.items() if isinstance(value, str)}
                samples.append({**sample, **text})
            else:
                samples.append(sample)
    return samples


def _sample(sample: Any, like: Exchange, at: int) -> Exchange:
    """A further recorded exchange like the recorded one: a body alone, or what differs (body, target, status, sent)."""
    told = sample if isinstance(sample, dict) and "base64" not in sample else {"body": sample}
    assert like.response is not None
    request = replace(
        like.request,
        target=told.get("target", like.request.target.decode()).encode(),
        body=_bytes(told.get("sent", like.request.body)),
    )
    headers = like.response.headers
    if "headers" in told or "content_type" in told:
        headers = _headers(told.get("headers", {}), told.get("content_type", JSON_TYPE))
    response = replace(
        like.response, status=told.get("status", like.response.status), headers=headers, body=_bytes(told["body"])
    )
    return replace(like, id=at, request=request, response=response)


def _call(one: Exchange) -> Exchange:
    """The outbound call whose request is what ``one`` was answered."""
    assert one.response is not None
    request = Request("POST", "https", "payments", 443, b"/charges", one.response.headers, one.response.body)
    return Exchange(
        id=one.id + 1_000,
        direction=Direction.OUTBOUND,
        request=request,
        response=Response(200, JSON, b"{}"),
        timing=one.timing,
        dependency="payments",
        cause=Cause(CauseHow.WINDOW, 1, ""),
        replay_of=1_001 if one.replay_of else None,
    )


JSON_TYPE = "application/json"


def _side(value: Any, side: int) -> Any:
    return value[side] if isinstance(value, list) else value


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return base64.b64decode(body["base64"]) if isinstance(body, dict) else str(body).encode()


def _headers(named: Mapping[str, Any], content_type: str) -> Headers:
    pairs = [("Content-Type", content_type)] if content_type else []
    for name, value in named.items():
        pairs.extend((name, one) for one in (value if isinstance(value, list) else [value]))
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)
