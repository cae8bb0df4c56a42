"""Which changes today's rules would not see: recorded answers changed one leaf at a time and compared with themselves.

The pair is a recorded exchange and its changed copy, judged with all that the recording says; what was changed is the
only difference, so any finding is about it. What ends without one is a blind spot, and the rule that accepted it has a
name. Identities are those of a run in which everything else is as recorded.
"""

from __future__ import annotations

import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from captures.formats.decoding import JsonBody, decode
from captures.formats.jsontext import deeper_than
from captures.model import Direction, Exchange, Headers, Response
from captures.routes.endpoints import Endpoints
from captures.store import Capture
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Column
from diffing.rulebook.blindness import Blind, Power, Report
from diffing.rulebook.leaveout import answered, without
from diffing.rulebook.mutation import DEEPEST, altered, chosen, dumped, mutant, pooled
from diffing.rulebook.rules import RuleBook

PER_ENDPOINT = 200
"""Mutants per endpoint unless asked for otherwise."""

EXCHANGES = 6
"""Recorded exchanges per endpoint and status that are changed."""

LARGEST = 200_000
"""Bytes of a body that is changed: comparing a larger one a hundred times would take the day."""

_UNTOUCHED = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "set-cookie"})


@dataclass(slots=True)
class _Endpoint:
    name: str
    chosen: dict[int, list[Exchange]] = field(default_factory=dict)  # by status
    seen: Counter[int] = field(default_factory=Counter)
    pool: dict[str, list[Any]] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    exchanges: int = 0
    sampled: bool = False


_KEPT = "response.header.validator-kept"
"""Proves nothing here: a build that changes a body makes a tag of what it sends, and these copies keep the recorded."""


@dataclass(frozen=True, slots=True)
class _Change:
    operator: str
    location: str
    path: str
    response: Response


def measure(
    capture: Capture,
    rules: RuleBook,
    templates: Sequence[str] = (),
    *,
    sample: int = PER_ENDPOINT,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda endpoint, done, total: None,
) -> Report:
    """Change the recorded answers of ``capture``, at most ``sample`` times per endpoint, and see what is found.

    ``progress`` is told (endpoint, endpoints done, endpoints).
    """
    known = Endpoints.of(capture, templates)
    sessions = {session.id: session.started for session in capture.sessions()}

    def started(exchange: Exchange) -> float:
        return min(sessions.get(exchange.session, exchange.timing.started), exchange.timing.started)

    context = Context(rules=rules, endpoint_of=known.endpoint_of, recorded_started=started, replayed_started=started)
    endpoints: dict[str, _Endpoint] = {}
    skipped: Counter[str] = Counter()
    for exchange in capture.exchanges(direction=Direction.INBOUND):
        learn_recorded(exchange, context)
        learn_pair(exchange, answered(exchange, exchange.response), context)
        reason = _unfit(exchange)
        if reason:
            skipped[reason] += 1
            continue
        name = context.endpoint_of(exchange)
        endpoint = endpoints.setdefault(name, _Endpoint(name))
        _sampled(endpoint, exchange, seed)
    blind: dict[tuple[str, str, tuple[str, ...]], list[tuple[str, str]]] = defaultdict(list)
    for done, endpoint in enumerate(sorted(endpoints.values(), key=lambda one: one.name)):
        progress(endpoint.name, done, len(endpoints))
        for change, exchange, accepted in _tried(endpoint, context, sample, seed, skipped):
            blind[endpoint.name, change.location, accepted].append(
                (change.operator, f"exchange {exchange.id} {change.path}")
            )
    return Report(
        powers=tuple(_power(endpoint) for endpoint in sorted(endpoints.values(), key=lambda one: one.name)),
        blind=tuple(
            Blind(
                name,
                location,
                tuple(sorted({operator for operator, _ in found})),
                accepted,
                len(found),
                found[0][1],
            )
            for (name, location, accepted), found in sorted(blind.items(), key=lambda entry: (-len(entry[1]), entry[0]))
        ),
        skipped=dict(skipped),
        seed=seed,
    )


def _power(endpoint: _Endpoint) -> Power:
    return Power(
        endpoint.name,
        endpoint.found.total(),
        endpoint.tried.total(),
        {operator: (endpoint.found[operator], tried) for operator, tried in sorted(endpoint.tried.items())},
        endpoint.exchanges,
        endpoint.sampled,
    )


def _sampled(endpoint: _Endpoint, exchange: Exchange, seed: int) -> None:
    """Keep :data:`EXCHANGES` of each status: the first, then any with the same chance (Vitter's algorithm R)."""
    status = exchange.response.status if exchange.response else 0
    endpoint.seen[status] += 1
    value = _json(exchange)
    if value is not None:
        pooled(value, endpoint.pool)
    kept = endpoint.chosen.setdefault(status, [])
    if len(kept) < EXCHANGES:
        kept.append(exchange)
        return
    endpoint.sampled = True
    source = random.Random(f"{seed} {endpoint.name} {status} {endpoint.seen[status]}")  # noqa: S311 - no secret
    at = source.randrange(endpoint.seen[status])
    if 0 < at < EXCHANGES:
        kept[at] = exchange


def _tried(
    endpoint: _Endpoint, context: Context, sample: int, seed: int, skipped: Counter[str]
) -> Iterator[tuple[_Change, Exchange, tuple[str, ...]]]:
    """Every change that was not found, with the rules that accepted it."""
    source = random.Random(zlib.crc32(f"{seed} {endpoint.name}".encode()))  # noqa: S311 - no secret
    seen: set[tuple[str, str]] = set()
    left = sample
    exchanges = sorted((one for kept in endpoint.chosen.values() for one in kept), key=lambda one: one.id)
    for number, exchange in enumerate(exchanges):
        share = -(-left // (len(exchanges) - number))
        base = replace(exchange, response=_plain(exchange))
        with without(context.identity, exchange, context) as changed:
            unchanged = compare_exchange(base, answered(base, base.response), context)
            if unchanged.column is not Column.SAME:
                skipped["it is not equal to itself"] += 1
                continue
            endpoint.exchanges += 1
            for change in _changes(base, share, source, seen, endpoint):
                copy = answered(base, change.response)
                with changed(base, copy):
                    judgement = compare_exchange(base, copy, context)
                left -= 1
                endpoint.tried[change.operator] += 1
                if any(one.class_id != _KEPT for one in judgement.findings) or judgement.inconclusive:
                    endpoint.found[change.operator] += 1
                elif judgement.column is not Column.SAME:  # equal after all: no mutant
                    yield change, exchange, tuple(sorted(judgement.rules))
                else:
                    endpoint.tried[change.operator] -= 1


def _changes(
    exchange: Exchange, budget: int, source: random.Random, seen: set[tuple[str, str]], endpoint: _Endpoint
) -> Iterator[_Change]:
    response = exchange.response
    assert response is not None
    made = 0
    around = list(_around(response, source))
    fresh = [change for change in around if (change.location, change.operator) not in seen]
    for change in fresh[: max(1, budget // 3)]:
        seen.add((change.location, change.operator))
        made += 1
        yield change
    value = _json(exchange)
    if value is None:
        yield from _as_text(response, source)
        return
    wanted = chosen(value, budget - made, source, seen)
    for place, operator in wanted:
        one = mutant(value, place, operator, source, endpoint.pool)
        if one is None:
            continue
        seen.add((one.location, operator))
        body = dumped(one.document).encode("utf-8", "surrogatepass")
        yield _Change(operator, f"response.body {one.location}", one.path, replace(response, body=body))
    if len(wanted) >= budget - made:
        endpoint.sampled = True


def _around(response: Response, source: random.Random) -> Iterator[_Change]:
    """Changes of the status and the headers."""
    other = response.status + 1 if response.status % 100 < 10 else response.status - 1
    yield _Change("status", "response.status", "response.status", replace(response, status=other))
    for at, (name, value) in enumerate(response.headers):
        lower = name.decode("latin-1").lower()
        if lower in _UNTOUCHED:
            continue
        where = f"response.header {lower}"
        rest = (*response.headers[:at], *response.headers[at + 1 :])
        yield _Change("drop", where, where, replace(response, headers=rest))
        text = altered(value.decode("latin-1"), source).encode("latin-1")
        if text != value:
            headers = (*response.headers[:at], (name, text), *response.headers[at + 1 :])
            yield _Change("revalue", where, where, replace(response, headers=headers))


def _as_text(response: Response, source: random.Random) -> Iterator[_Change]:
    """A body that is no JSON: cut in half, and with other letters. One that is compressed stays as it is."""
    if not response.body or any(name.lower() == b"content-encoding" for name, _ in response.headers):
        return
    where = "response.body"
    yield _Change("truncate", where, where, replace(response, body=response.body[: len(response.body) // 2]))
    other = altered(response.body.decode("latin-1"), source).encode("latin-1")
    if other != response.body:
        yield _Change("revalue", where, where, replace(response, body=other))


def _unfit(exchange: Exchange) -> str:
    if exchange.response is None or exchange.failure is not None:
        return "it has no response"
    if exchange.body_truncated:
        return "its body is incomplete"
    if len(exchange.response.body) > LARGEST:
        return f"its body is larger than {LARGEST:,} bytes"
    return ""


def _json(exchange: Exchange) -> Any:
    response = exchange.response
    if response is None or not response.body:
        return None
    decoded = decode(response.body, response.headers)
    if not isinstance(decoded, JsonBody) or decoded.defects or deeper_than(decoded.value, DEEPEST):
        return None
    return decoded.value


def _plain(exchange: Exchange) -> Response:
    """The response with its body written as a changed copy is: neither compressed nor laid out in another way."""
    response = exchange.response
    assert response is not None
    value = _json(exchange)
    if value is None:
        return response
    headers: Headers = tuple(
        (name, text) for name, text in response.headers if name.lower() not in (b"content-encoding", b"content-length")
    )
    return replace(response, headers=headers, body=dumped(value).encode("utf-8", "surrogatepass"))
