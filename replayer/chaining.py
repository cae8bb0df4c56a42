"""Which new id stands for which recorded one: learnt by aligning a recorded message with its live counterpart. Pure.

After each inbound response the recorded and the live one are aligned; where they differ and the recorded value is an
id by its looks, the two are bound. A value the client itself had sent is not the build's to make and is never bound.
``rewriting`` then carries the live value into the requests that follow. The recorded side may be a redaction pseudonym
(of a session cookie): it is bound to the live secret in memory, which is never written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from captures.decoding import content_decoded, decode
from captures.model import Headers, Request, Response, header, header_values
from replayer.alignment import MISSING, Pair, body_pairs, target_pairs, text_pairs
from replayer.bindings import Binding, Bindings
from replayer.rewriting import FRAMING, MAX_TEXT, endpoint_noun
from replayer.tokens import TIMES, is_idish, is_weak_id, kind_of, noun_of

URLS = frozenset(b"location content-location".split())
GENERIC = frozenset({"", "data", "item", "result", "attribute", "entry", "value", "element", "object", "record", "row"})

_PLAIN = re.compile(r"[!#-\[\]-~ ]{1,8192}")  # nothing that would need escaping in JSON or break a header line


def learn(request: Request, recorded: Response, live: Response, origin: str, *, at: float) -> list[Binding]:
    """What the live response put in the place of recorded ids. ``request`` is the recorded one; ``at`` its time."""
    return [binding for binding, _ in _learned(request, recorded, live, origin, at)]


def absorb(
    bindings: Bindings, request: Request, recorded: Response, live: Response, origin: str, *, at: float
) -> list[Binding]:
    """:func:`learn`, bind what was learnt unless it contradicts what is bound and still stands; returns what is new."""
    text = _searchable(live)
    fresh: list[Binding] = []
    for binding, is_time in _learned(request, recorded, live, origin, at):
        if is_time:
            bindings.bind_time(binding)
        elif settle(bindings, binding, text):
            fresh.append(binding)
    for name in ("etag", "last-modified"):
        one, other = header(recorded.headers, name), header(live.headers, name)
        if one and other and one != other:
            bindings.bind_validator(one, other, origin)
    return fresh


def settle(bindings: Bindings, binding: Binding, seen: str) -> bool:
    """Bind unless that breaks the one-to-one of what is bound: a list in another order is not a renaming.

    ``seen`` is the live text the binding came from.
    """
    if binding.noun is not None:
        old = bindings.weak(binding.recorded, binding.noun)
        if old is not None or bindings.weak_recorded(binding.live, binding.noun) is not None:
            return False
        bindings.bind(binding)
        return True
    bound = bindings.live(binding.recorded)
    if bound is not None and (bound == binding.live or bound in seen):
        return False
    if bindings.recorded(binding.live) not in (None, binding.recorded):
        return False
    bindings.bind(binding)
    return True


def _learned(
    request: Request, recorded: Response, live: Response, origin: str, at: float
) -> Iterator[tuple[Binding, bool]]:
    sent = request.target + b"\n" + b"\n".join(value for _, value in request.headers) + b"\n" + request.body[:MAX_TEXT]
    endpoint = endpoint_noun(request.target)
    if recorded.body != live.body and max(len(recorded.body), len(live.body)) <= MAX_TEXT:
        pairs: Iterable[Pair] = body_pairs(decode(recorded.body, recorded.headers), decode(live.body, live.headers))
        yield from from_pairs(pairs, origin, sent=sent, endpoint=endpoint, at=at)
    for pair in _header_pairs(recorded.headers, live.headers):
        yield from from_pairs([pair], origin, sent=sent, endpoint=endpoint, at=at)


def from_pairs(
    pairs: Iterable[Pair], origin: str, *, sent: bytes, endpoint: str, at: float
) -> Iterator[tuple[Binding, bool]]:
    """Bindings out of aligned leaves, each with whether it is a point in time. ``sent``: what the client had sent."""
    for pair in pairs:
        if pair.equal or pair.recorded is MISSING or pair.replayed is MISSING:
            continue
        one, other = _scalar(pair.recorded), _scalar(pair.replayed)
        if one is None or other is None or one == other or not _PLAIN.fullmatch(other):
            continue
        where = f"{origin} {pair.path}".strip()
        kind = kind_of(one, near=at)
        if kind is not None and isinstance(pair.recorded, str | int):
            if _occurs(one, sent):
                continue
            yield Binding(one, other, where), kind in TIMES
        elif is_weak_id(one) and other.isdigit() and is_idish(pair.name):
            noun = noun_of(pair.name) or noun_of(pair.parent)
            if noun in GENERIC:
                noun = endpoint
            if noun:
                yield Binding(one, other, where, noun), False
        elif isinstance(pair.recorded, str) and len(one) > 12:
            yield from _inside(one, other, where, sent, at)


def _inside(one: str, other: str, where: str, sent: bytes, at: float) -> Iterator[tuple[Binding, bool]]:
    """Ids inside a longer string: a URL, a sentence."""
    for pair in text_pairs(one, other):
        if isinstance(pair.recorded, str) and isinstance(pair.replayed, str):
            kind = kind_of(pair.recorded, near=at)
            if kind is not None and kind not in TIMES and not _occurs(pair.recorded, sent):
                yield Binding(pair.recorded, pair.replayed, where), False


def _header_pairs(recorded: Headers, live: Headers) -> Iterator[Pair]:
    for name in dict.fromkeys(key.lower() for key, _ in recorded):
        if name in FRAMING or name == b"date":
            continue
        label = name.decode("latin-1")
        one, other = header_values(recorded, label), header_values(live, label)
        if one == other:
            continue
        if name == b"set-cookie":
            yield from _cookie_pairs(one, other)
        elif name in URLS and one and other:
            for pair in target_pairs(_path_of(one[0]), _path_of(other[0])):
                singular_of_path = pair.path == "path" and isinstance(pair.recorded, str) and pair.recorded.isdigit()
                # /orders/17: the segment before says what 17 is an id of
                key = f"{noun_of(pair.name)}_id" if singular_of_path and pair.name else pair.name
                yield replace(pair, path=f"header {label} {pair.path}", name=key)
        elif len(one) == len(other):
            for left, right in zip(one, other, strict=True):
                yield Pair(f"header {label}", label, "", left.decode("latin-1"), right.decode("latin-1"))


def _cookie_pairs(recorded: tuple[bytes, ...], live: tuple[bytes, ...]) -> Iterator[Pair]:
    sides = [{cookie[0]: cookie[1] for cookie in map(_cookie, values)} for values in (recorded, live)]
    for name, value in sides[0].items():
        if name in sides[1] and value != sides[1][name]:
            yield Pair(f"cookie {name}", name, "", value, sides[1][name])


def _cookie(line: bytes) -> tuple[str, str]:
    name, _, value = line.partition(b";")[0].decode("latin-1").partition("=")
    return name.strip(), value.strip().strip('"')


def _path_of(url: bytes) -> bytes:
    """The target inside an absolute or relative URL."""
    if b"://" in url:
        rest = url.split(b"://", 1)[1]
        slash = rest.find(b"/")
        return rest[slash:] if slash >= 0 else b"/"
    return url


def _scalar(value: object) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, str | int) else None


def _occurs(value: str, sent: bytes) -> bool:
    return value.encode("utf-8", "surrogatepass") in sent


def _searchable(response: Response) -> str:
    try:
        body = content_decoded(response.body, response.headers)
    except ValueError:
        body = response.body
    return "\n".join(value.decode("latin-1") for _, value in response.headers) + "\n" + body.decode("latin-1")
