"""One pair of exchanges around two bodies, judged alone: what most tests of the comparison need."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Judgement
from diffing.rules import RuleBook, parse_rules

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
