"""Which recorded outbound exchange answers a call the build makes now. Pure.

Scheme, host, port, method and path always count. Beyond them a call agrees with a recorded one at one of these ranks:

- *exact*: target and body are the same bytes;
- *canonical*: they say the same (query order, JSON key order and white space, content coding, multipart boundary);
- *volatile*: they say the same once ids the build minted are taken for the recorded ones (``rewriting``), or they
  differ only where both hold one kind of volatile value.

Keys are computed from the raw capture when it is replayed, so a better rule works on old captures (mountebank and
Polly fix them when recording). Look-ups are by hash: no scan over the stubs of a pool, whatever its size.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from captures.decoding import (
    BinaryBody,
    Decoded,
    EmptyBody,
    FormBody,
    JsonBody,
    MultipartBody,
    TextBody,
    Undecodable,
    decode,
    form_fields,
    media_type,
)
from captures.model import Exchange, Request
from replayer.alignment import unquote
from replayer.tokens import is_epoch, kind_of, shape

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
EPOCHS_END = 10**20  # nanoseconds of any year we meet are below it
NEAREST = 200  # unused stubs looked at for the nearest one: explaining a miss must not cost more than answering


class Matched(StrEnum):
    """How a call was answered; stands in the exchange's notes as ``matched``."""

    EXACT = "exact"
    CANONICAL = "canonical"
    VOLATILE = "volatile"
    EXHAUSTED = "exhausted"  # recorded n times, called once more: the last answer again
    BORROWED = "borrowed"  # the same call, recorded under another inbound exchange
    CHANGED = "changed"  # the nearest call of this inbound exchange, or of none, with differences


@dataclass(slots=True)
class Stub:
    """A recorded outbound exchange and whether it has been served."""

    exchange: Exchange
    used: bool = False  # served to a call that agreed with it
    lent: bool = False  # served to a call that did not: still there for one that does

    @property
    def request(self) -> Request:
        """The recorded request."""
        return self.exchange.request


def place(request: Request, near: float) -> Hashable:
    """What always counts: scheme, host, port, method, path (volatile segments by their kind)."""
    return *_server(request), _segments(request.target.partition(b"?")[0], lambda value: _blurred(value, near))


def exact_key(request: Request) -> Hashable:
    """Equal for calls of the same bytes."""
    return request.scheme, request.host, request.port, request.method, request.target, request.body


def canonical_key(request: Request) -> Hashable:
    """Equal for calls that say the same."""
    path, _, query = request.target.partition(b"?")
    return (
        *_server(request),
        _segments(path, _same),
        _sorted_fields(form_fields(query)),
        _canonical(decode(request.body, request.headers), _same),
    )


def volatile_key(request: Request, near: float) -> Hashable:
    """Equal for calls that differ only in volatile values of one kind and format. ``near``: when the call was made."""

    def blur(value: Any) -> Any:
        return _blurred(value, near)

    path, _, query = request.target.partition(b"?")
    return (
        *_server(request),
        _segments(path, blur),
        tuple((name, str(blur(value))) for name, value in _sorted_fields(form_fields(query))),
        _canonical(decode(request.body, request.headers), blur),
    )


def _server(request: Request) -> tuple[str, str, int, str]:
    return request.scheme, request.host, request.port, request.method


def _segments(path: bytes, leaf: Callable[[Any], Any]) -> tuple[str, ...]:
    """Decoded one by one: an encoded slash is not a slash."""
    return tuple(str(leaf(unquote(segment))) for segment in path.split(b"/"))


def _sorted_fields(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Names in any order; the order of one name's own repetitions counts."""
    return tuple(sorted(fields, key=lambda one: one[0]))


def _same(value: Any) -> Any:
    return value


def _blurred(value: Any, near: float) -> Any:
    if isinstance(value, str):
        kind = kind_of(value, near=near)
        return f"<{shape(value, kind)}>" if kind else value
    if isinstance(value, bool) or value is None:
        return value
    if is_epoch(float(value), near) if abs(value) < EPOCHS_END else False:
        return f"<epoch:{len(str(value).partition('.')[0])}>"
    return value


def _canonical(body: Decoded, leaf: Callable[[Any], Any]) -> Hashable:
    match body:
        case EmptyBody():
            return ""
        case JsonBody():
            return "json", json.dumps(_leaves(body.value, leaf), sort_keys=True, default=lambda number: f"#{number}")
        case FormBody():
            return "form", tuple((name, str(leaf(value))) for name, value in _sorted_fields(body.fields))
        case TextBody():
            return "text", body.text if leaf is _same else _blurred_text(body.text, leaf)
        case MultipartBody():
            return "parts", tuple(
                (part.name, part.filename, media_type(part.headers), _canonical(part.content, leaf))
                for part in body.parts
            )
        case BinaryBody() | Undecodable():
            return "bytes", body.data


def _leaves(value: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _leaves(member, leaf) for key, member in value.items()}
    if isinstance(value, list):
        return [_leaves(element, leaf) for element in value]
    return leaf(value)


def _blurred_text(text: str, leaf: Callable[[Any], Any]) -> str:
    return " ".join(
        str(leaf(word)) for word in text.replace("<", " < ").replace(">", " > ").replace('"', ' " ').split()
    )


@dataclass(slots=True)
class Pool:
    """Stubs with one cause, in the order they were recorded, found by key."""

    stubs: list[Stub]
    _exact: dict[Hashable, list[Stub]] = field(default_factory=dict)
    _canonical: dict[Hashable, list[Stub]] | None = None  # made on first need
    _volatile: dict[Hashable, list[Stub]] | None = None
    _places: dict[Hashable, list[Stub]] | None = None
    _next: dict[int, int] = field(default_factory=dict)  # id of a list above -> index of its first unused stub

    def __post_init__(self) -> None:
        for stub in self.stubs:
            self._exact.setdefault(exact_key(stub.request), []).append(stub)

    def exact(self, request: Request) -> list[Stub]:
        """Every stub of the same bytes."""
        return self._exact.get(exact_key(request), [])

    def canonical(self, request: Request) -> list[Stub]:
        """Every stub that says the same."""
        if self._canonical is None:
            self._canonical = _grouped(self.stubs, lambda stub: canonical_key(stub.request))
        return self._canonical.get(canonical_key(request), [])

    def volatile(self, request: Request, now: float) -> list[Stub]:
        """Every stub that differs only in volatile values."""
        if self._volatile is None:
            self._volatile = _grouped(self.stubs, lambda stub: volatile_key(stub.request, stub.exchange.timing.started))
        return self._volatile.get(volatile_key(request, now), [])

    def at(self, request: Request, now: float) -> list[Stub]:
        """Every stub at the same scheme, host, port, method and path."""
        if self._places is None:
            self._places = _grouped(self.stubs, lambda stub: place(stub.request, stub.exchange.timing.started))
        return self._places.get(place(request, now), [])

    def first_unused(self, stubs: list[Stub]) -> Stub | None:
        """The first of ``stubs`` (one of this pool's lists) that no agreeing call has had."""
        if not stubs:
            return None
        index = self._next.get(id(stubs), 0)
        while index < len(stubs) and stubs[index].used:
            index += 1
        self._next[id(stubs)] = index
        return stubs[index] if index < len(stubs) else None

    @property
    def unused(self) -> Iterator[Stub]:
        """Stubs that no agreeing call has had."""
        return (stub for stub in self.stubs if not stub.used)


def _grouped(stubs: Iterable[Stub], key: Callable[[Stub], Hashable]) -> dict[Hashable, list[Stub]]:
    groups: dict[Hashable, list[Stub]] = {}
    for stub in stubs:
        groups.setdefault(key(stub), []).append(stub)
    return groups


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the build. ``plain`` is the same call in recorded terms (see ``rewriting.in_recorded_terms``)."""

    request: Request
    plain: Request
    at: float


@dataclass(frozen=True, slots=True)
class Match:
    """The stub that answers, and how it agreed."""

    stub: Stub
    how: Matched


def match(call: Call, pools: Iterable[Pool], borrow: Callable[[Request], Stub | None], *, strict: bool) -> Match | None:
    """The stub for ``call`` out of ``pools`` (strongest claim first), marked as used; None is a miss.

    ``borrow`` finds the same call under another inbound exchange. With ``strict`` a call that differs from every
    recorded one in more than volatile values is a miss; otherwise the nearest unused one of the first pool that
    has one answers it and the difference is reported, so that a changed amount is not buried under what a 502 sets off.
    """
    pools = list(pools)
    translated = call.plain is not call.request and call.plain != call.request
    found = _agreeing(call, pools, translated)
    if found is None:
        found = _again(call, pools, translated)
    if found is None and (lent := borrow(call.request) or (borrow(call.plain) if translated else None)) is not None:
        found = Match(lent, Matched.BORROWED)
    if found is None:
        found = _volatile(call, pools, translated)
    if found is None and not strict:
        nearest = next((near for near in (_nearest_unused(call, pool) for pool in pools) if near is not None), None)
        if nearest is not None:
            nearest.lent = True
            return Match(nearest, Matched.CHANGED)
    if found is not None and found.how is not Matched.BORROWED:
        found.stub.used = True
    return found


def _agreeing(call: Call, pools: list[Pool], translated: bool) -> Match | None:
    for pool in pools:
        stub = pool.first_unused(pool.exact(call.request))
        if stub is not None:
            return Match(stub, Matched.EXACT)
        stub = pool.first_unused(pool.canonical(call.request))
        if stub is not None:
            return Match(stub, Matched.CANONICAL)
    if translated:
        for pool in pools:
            stub = pool.first_unused(pool.canonical(call.plain))
            if stub is not None:
                return Match(stub, Matched.VOLATILE)
    return None


def _again(call: Call, pools: list[Pool], translated: bool) -> Match | None:
    for pool in pools:
        stubs = pool.canonical(call.request) or (pool.canonical(call.plain) if translated else [])
        if stubs:
            return Match(stubs[-1], Matched.EXHAUSTED)
    return None


def _volatile(call: Call, pools: list[Pool], translated: bool) -> Match | None:
    used: Stub | None = None
    for pool in pools:
        stubs = pool.volatile(call.plain, call.at)
        stub = pool.first_unused(stubs)
        if translated and stub is not None and len(stubs) > 1:
            stub = _of_the_same_ids(call, stubs, stub)
        if stub is not None:
            return Match(stub, Matched.EXHAUSTED if stub.used else Matched.VOLATILE)
        used = used or (stubs[-1] if stubs else None)
    return Match(used, Matched.EXHAUSTED) if used is not None else None


def _of_the_same_ids(call: Call, stubs: list[Stub], unused: Stub) -> Stub:
    """Of stubs that differ in volatile values only, the one with the ids of ``call``, used or not: a second call about
    one order must not take the answer of the next order."""
    from replayer.misses import distance

    at = next(index for index, stub in enumerate(stubs) if stub is unused)
    around = stubs[max(0, at - NEAREST // 2) : at + NEAREST // 2]
    return min(around, key=lambda stub: (distance(stub.request, call.plain), stub.used))


def _nearest_unused(call: Call, pool: Pool) -> Stub | None:
    from replayer.misses import distance

    candidates = [stub for stub in pool.at(call.plain, call.at) if not stub.used and not stub.lent][:NEAREST]
    return min(candidates, key=lambda stub: distance(stub.request, call.plain), default=None)
