"""Comparing two answers without a capture: for tests, scripts and services of one's own.

    from diffing import compare

    verdict = compare(old_response, new_response, [{"location": "$.took", "expect": "number"}])
    assert verdict.clean, verdict.explain()

What ``retape diff`` says of a pair is what this says: the same walk, the same rules, the same classes. What it lacks is
the rest of the recording, from which required fields, enumerations and array keys are learnt: give it as ``samples``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from captures.columns import check_time
from captures.model import Direction, Exchange, Headers, Request, Response, Timing, header
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import ABSENT, Acceptance, Column, Finding
from diffing.reports.values import dump
from diffing.rulebook.rules import Rule, current, parse_rules

_JSON: Headers = ((b"Content-Type", b"application/json"),)
_DIGITS = 4_000
_STATUS = re.compile(r"[0-9]{1,3}")
_ENDPOINT = re.compile(r"(?:\S+ )?[/(*].*", re.DOTALL)
_LONGEST = 10**_DIGITS  # Python itself writes no longer ones as text


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. ``body`` is as sent (content-encoded), or its text, or a value that is sent as JSON. ``at``:
    when it was given, in Unix seconds.

    Without ``at`` the ``Date`` header says when; without that, now. Timestamps are judged by it: ``created_at`` an hour
    before the answer on one side must not be an hour after it on the other.
    """

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison of one pair comes to."""

    column: Column  # same, same_by_rule, drifted; failed: it could not be judged, see ``inconclusive``
    findings: tuple[Finding, ...]
    accepted: tuple[Acceptance, ...]  # every unequal place that a rule accepted, with the rule
    rules: Mapping[str, int] = field(default_factory=dict)  # rule id -> how many places it accepted
    inconclusive: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # rules that have expired

    @property
    def clean(self) -> bool:
        """Whether everything could be judged and nothing drifted."""
        return self.column in (Column.SAME, Column.SAME_BY_RULE) and not self.inconclusive

    def explain(self) -> str:
        """All of it in words, a line each: findings first, then what could not be judged, then what rules accepted."""
        lines = [
            f"{found.class_id}  {found.path}  {_shown(found.recorded)} -> {_shown(found.replayed)}"
            + (f"  ({found.evidence})" if found.evidence else "")
            for found in self.findings
        ]
        lines += [f"not judged: {reason}" for reason in self.inconclusive]
        lines += [
            f"accepted by {', '.join(one.rules)}  {one.path}  {_shown(one.recorded)} -> {_shown(one.replayed)}"
            + (f"  ({one.why})" if one.why else "")
            for one in self.accepted
        ]
        lines += self.notes
        return "\n".join(lines) or "no difference"


def compare(
    recorded: Any,
    replayed: Any,
    rules: Iterable[Mapping[str, Any] | Rule] | None = None,
    *,
    samples: Iterable[Any] = (),
    endpoint: str = "GET /",
    today: date | None = None,
) -> Verdict:
    """Compare two answers to one request.

    Each side is an :class:`Answer`, a :class:`captures.model.Exchange`, a response of requests or httpx (anything with
    ``status_code``, ``headers`` and ``content``), ``bytes`` (a body of unknown type), or any other value: a JSON
    document. ``rules``: entries as in ``retape.rules.toml``. ``endpoint``: what the rules' one is matched with.

    ``samples``: further recorded answers of this endpoint, as evidence. One pair alone knows less than a run does: what
    every answer has, which ids belong together and what varies by itself show in several only.

    Raises :class:`captures.errors.ConfigError` for a rule that is not sound, ``TypeError`` for a value JSON has no
    form for, which says where it stands, and ``ValueError`` for one that holds itself, and for a header, a status, a
    time or an endpoint that no answer has.
    """
    if not _ENDPOINT.fullmatch(endpoint):
        raise ValueError(f"endpoint is {endpoint!r}, not a method and a path: GET /orders/{{id}}")
    given = _given(rules)
    parsed = parse_rules([rule for rule in given if not isinstance(rule, Rule)])
    book, expired = current((*(rule for rule in given if isinstance(rule, Rule)), *parsed), today or date.today())  # noqa: DTZ011
    context = Context(rules=book, endpoint_of=lambda _: endpoint, trace=True)
    old, new = _exchange(recorded, 1, endpoint), _exchange(replayed, 2, endpoint)
    for number, sample in enumerate(samples, 3):
        learn_recorded(_exchange(sample, number, endpoint), context)
    learn_recorded(old, context)
    learn_pair(old, new, context)
    judgement = compare_exchange(old, new, context)
    return Verdict(
        judgement.column, judgement.findings, judgement.accepted, judgement.rules, judgement.inconclusive, expired
    )


def _given(rules: Any) -> list[Any]:
    if rules is None:
        return []
    if isinstance(rules, str | bytes | Mapping) or not isinstance(rules, Iterable):
        raise TypeError(f"rules are a list of entries as in retape.rules.toml, not one {type(rules).__name__}")
    given = list(rules)
    for number, rule in enumerate(given, 1):
        if not isinstance(rule, Rule | Mapping):
            raise TypeError(f"rule {number} is a {type(rule).__name__}, not an entry as in retape.rules.toml")
    return given


def _exchange(side: Any, number: int, endpoint: str) -> Exchange:
    if isinstance(side, Exchange):
        timing = side.timing
        check_time("timing", timing.started, timing.request_done, timing.response_started, timing.ended)
        return side
    answer = _answer(side)
    pairs = answer.headers.items() if isinstance(answer.headers, Mapping) else answer.headers or ()
    headers = tuple(_header(str(name), str(value)) for name, value in pairs)
    body = answer.body
    if isinstance(body, bytearray | memoryview):
        body = bytes(body)
    elif isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    elif not isinstance(body, bytes):
        body = _json(body)
        if header(headers, "content-type") is None:
            headers = (*headers, *_JSON)
    at = _moment(answer.at, headers)
    method, _, path = endpoint.rpartition(" ")
    return Exchange(
        id=number,
        direction=Direction.INBOUND,
        request=Request(method or "GET", "http", "localhost", 80, (path or "/").encode("utf-8", "surrogatepass")),
        response=Response(_status(answer.status), headers, body),
        timing=Timing(at, at, at, at),
    )


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    try:
        return name.encode("latin-1"), value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(f"header {name!a} has letters beyond Latin-1: give it as it is sent, encoded") from error


def _status(status: Any) -> int:
    """The status as a number. Raises ``ValueError`` for what is none, ``TypeError`` where it is no number at all."""
    if not isinstance(status, int | str) or isinstance(status, bool):
        raise TypeError(f"status is a {type(status).__name__}, not a number from 0 to 999")
    text = str(int(status)) if isinstance(status, int) else status
    if not _STATUS.fullmatch(text):
        raise ValueError(f"status is {status!r}, not a number from 0 to 999")
    return int(text)


def _answer(side: Any) -> Answer:
    if isinstance(side, Answer):
        return side
    if isinstance(side, bytes | bytearray | memoryview):
        return Answer(bytes(side))
    if hasattr(side, "status_code") and hasattr(side, "headers") and hasattr(side, "content"):
        # Both libraries hand out the body with its content coding taken off, under the headers that name it.
        headers = [(str(name), str(value)) for name, value in side.headers.items()]
        plain = [(name, value) for name, value in headers if name.lower() != "content-encoding"]
        return Answer(bytes(side.content), side.status_code, plain)
    return Answer(_json(side), headers=[(name.decode("ascii"), value.decode("ascii")) for name, value in _JSON])


def _json(value: Any) -> bytes:
    """``value`` as JSON. Raises ``TypeError`` and ``ValueError`` naming the place of what JSON has no form for."""
    _check_json(value)
    return dump(value).encode()


def _check_json(value: Any) -> None:
    within: set[int] = set()  # the lists and objects that the one at hand stands in
    stack: list[tuple[Any, str, bool]] = [(value, "$", False)]
    while stack:
        item, path, done = stack.pop()
        if done:
            within.discard(id(item))
        elif isinstance(item, Mapping | list | tuple):
            if id(item) in within:
                raise ValueError(f"{path} holds itself: that has no end as JSON")
            within.add(id(item))
            stack.append((item, path, True))
            members = item.items() if isinstance(item, Mapping) else enumerate(item)
            stack.extend((child, _below(path, key), False) for key, child in members)
        elif isinstance(item, int) and abs(item) >= _LONGEST:
            raise ValueError(f"{path} is a number of more than {_DIGITS:,} digits")
        elif isinstance(item, float | Decimal) and not isfinite(item):
            raise TypeError(f"{path} is {item}, which JSON does not have: give None or a text")
        elif item is not None and not isinstance(item, str | int | float | Decimal):
            raise TypeError(f"{path} is a {type(item).__name__}, which has no JSON form: give what the service sends")


def _below(path: str, key: Any) -> str:
    """Where a member stands; where the document is very deep, only that it does."""
    if len(path) > 200:
        return path
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"


def _moment(at: float | None, headers: Headers) -> float:
    if at is not None:
        if not isinstance(at, int | float):
            raise TypeError(f"at is a {type(at).__name__}, not Unix seconds")
        check_time("at", at)
        return at
    said = header(headers, "date")
    if said is not None:
        try:
            return parsedate_to_datetime(said.decode("latin-1")).timestamp()
        except ValueError:
            pass  # no date: as good as none
    return time.time()


def _shown(value: Any) -> str:
    text = "(nothing)" if value is ABSENT else dump(value)
    return text if len(text) <= 80 else text[:79] + "…"
