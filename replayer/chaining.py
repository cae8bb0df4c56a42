"""Which new id stands for which recorded one: learnt by aligning a recorded message with its live counterpart. Pure.

After each inbound response the recorded and the live one are aligned; where they differ and the recorded value is an
id by its looks, the two are bound. A value the client itself had sent is not the build's to make and is never bound.
``rewriting`` then carries the live value into the requests that follow. The recorded side may be a redaction pseudonym
(of a session cookie): it is bound to the live secret in memory, which is never written.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace

from captures.flows.mentions import FRAMING, MAX_TEXT, endpoint_noun, leaves
from captures.flows.named import named_values
from captures.formats.decoding import JsonBody, TextBody, content_decoded, decode
from captures.jsonpaths import normalised
from captures.model import Headers, Request, Response, header
from captures.telling import CODE, MINTED, cookie_noun, is_renewed, is_told, is_unlike_words
from captures.tokens import (
    CURSOR,
    TIMES,
    Kind,
    is_bare,
    is_counter,
    is_idish,
    is_made_slug,
    kind_of,
    noun_of,
    weak_noun,
)
from replayer.alignment import MISSING, Pair, body_pairs, target_pairs, text_pairs
from replayer.bindings import Binding, Bindings, runs_said
from replayer.prerequisites import SAFE
from replayer.substitution import RUN, runs_of
from replayer.tokens import shape

URLS = frozenset(b"location content-location".split())
GENERIC = frozenset({"", "data", "item", "result", "attribute", "entry", "value", "element", "object", "record", "row"})

MINTED_LENGTH = 6
"""Characters of a value that an answer minted under a name that tells nothing."""

DRAWN = 8
"""Digits of a number that may have been drawn out of hexadecimal ones, so that the next one has letters."""

_ONE_VALUE = re.compile(r"[!-~]{1,4096}")
_JSON: Headers = ((b"content-type", b"application/json"),)
_PLAIN = re.compile(r"[!#-\[\]-~ ]{1,8192}")  # nothing that would need escaping in JSON or break a header line


@dataclass(frozen=True, slots=True)
class Words:
    """Which words a text says, as runs of letters and digits: asked often, so it is cut up once."""

    runs: frozenset[str]

    @classmethod
    def of(cls, text: bytes) -> Words:
        """The words of ``text``."""
        return cls(runs_of(text.decode("latin-1")))

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and all(run in self.runs for run in RUN.findall(value) if run)


def learn(request: Request, recorded: Response, live: Response, origin: str, *, at: float) -> list[Binding]:
    """What the live response put in the place of recorded ids. ``request`` is the recorded one; ``at`` its time."""
    return [binding for binding, _ in _learned(request, recorded, live, origin, at)]


def absorb(
    bindings: Bindings, request: Request, recorded: Response, live: Response, origin: str, *, at: float, order: int = 0
) -> list[Binding]:
    """:func:`learn`, bind what was learnt unless it contradicts what is bound and still stands; returns what is new.

    ``order``: the id of the recorded exchange. What a client said before any answer did is never bound.
    """
    fresh: list[Binding] = []
    forbidden = bindings.chains.learn(request, recorded, live, order)
    if recorded.body != live.body or recorded.headers != live.headers:
        seen: Words | None = None
        for binding, is_time in _learned(request, recorded, live, origin, at):
            if binding.recorded in forbidden:
                continue
            if is_time:
                bindings.bind_time(replace(binding, order=order))
            else:
                seen = seen if seen is not None else Words.of(_searchable(live))
                if settle(bindings, replace(binding, order=order), seen):
                    fresh.append(binding)
        path = request.target.partition(b"?")[0]
        for name in ("etag", "last-modified"):
            one = header(recorded.headers, name)
            other = header(live.headers, name) if one else None
            if one and other and one != other:
                bindings.bind_validator(one, other, origin, path)
    return fresh


def settle(bindings: Bindings, binding: Binding, seen: Container[str]) -> bool:
    """Bind unless that breaks the one-to-one of what is bound: a list in another order is not a renaming. What a
    client said first (:meth:`Bindings.hear`) is its own, whatever stands in its place now.

    ``seen`` is the live text the binding came from.
    """
    if binding.noun is not None:
        old = bindings.weak(binding.recorded, binding.noun)
        if binding.tentative:
            if old is None:
                bindings.suggest(binding)
            return old is None
        if binding.noun == CURSOR or is_renewed(binding.noun):
            if old is None or old.order < binding.order:
                bindings.bind(binding)  # where a page begins, who asks: which every answer may say anew
                return True
            return False
        if is_told(binding.noun) and bindings.is_given(binding):
            return False
        if old is not None or bindings.weak_recorded(binding.live, binding.noun) is not None:
            return False
        bindings.bind(binding)
        return True
    if bindings.is_given(binding):
        return False
    bound = bindings.live(binding.recorded)
    if bound is not None and (bound == binding.live or bound in seen):
        bindings.dispute(binding)
        return False
    if bindings.recorded(binding.live) not in (None, binding.recorded) and kind_of(binding.recorded) is not Kind.JWT:
        return False  # two JWTs for one person, made in one second, are one text: RFC 7519 counts time in seconds
    bindings.bind(binding)
    return True


def _learned(
    request: Request, recorded: Response, live: Response, origin: str, at: float
) -> Iterator[tuple[Binding, bool]]:
    others = [*_header_pairs(recorded.headers, live.headers)] if recorded.headers != live.headers else []
    if not others and recorded.body == live.body:
        return
    sent, endpoint = Words(runs_said(request)), endpoint_noun(request.target)
    writes = request.method not in SAFE and recorded.status < 400
    if recorded.body != live.body and max(len(recorded.body), len(live.body)) <= MAX_TEXT:
        one, other = decode(recorded.body, recorded.headers), decode(live.body, live.headers)
        pairs: Iterable[Pair] = body_pairs(one, other, changed=True)
        if isinstance(one, JsonBody):
            pairs = [*pairs]
            pairs = [*pairs, *_renamed(pairs, at)]
        elif isinstance(one, TextBody) and isinstance(other, TextBody):
            pairs = [*markup_pairs(one.text[:MAX_TEXT], other.text[:MAX_TEXT]), *pairs]
        yield from from_pairs(pairs, origin, sent=sent, endpoint=endpoint, at=at, writes=writes)
    yield from from_pairs(others, origin, sent=sent, endpoint=endpoint, at=at, writes=writes)


def from_pairs(
    pairs: Iterable[Pair], origin: str, *, sent: bytes | Words, endpoint: str, at: float, writes: bool = False
) -> Iterator[tuple[Binding, bool]]:
    """Bindings out of aligned leaves, each with whether it is a point in time. ``sent``: what the client had sent.

    ``writes``: the leaves are of the answer to a request that changed something. Whether a value is bound is decided
    by the recorded one and its place: the looks of the live one are luck.
    """
    said = Words.of(sent) if isinstance(sent, bytes) else sent
    for pair in pairs:
        if pair.equal or pair.recorded is MISSING or pair.replayed is MISSING:
            continue
        one, other = _scalar(pair.recorded), _scalar(pair.replayed)
        if one is None or other is None or one == other:
            continue
        where = f"{origin} {pair.path}".strip()
        if not _PLAIN.fullmatch(other):
            if isinstance(pair.recorded, str) and len(one) > 12:
                yield from _inside(one, other, where, said, endpoint, at)
            continue
        kind = kind_of(one, near=at)
        if kind is not None and isinstance(pair.recorded, str | int):
            if one in said:
                continue
            yield Binding(one, other, where), kind in TIMES
            continue
        parent = noun_of(pair.parent)
        noun = weak_noun(pair.name, one, endpoint if parent in GENERIC else parent)
        if noun and noun in GENERIC:
            noun = endpoint
        small = is_counter(one) and other.isdigit()
        bare = not noun and is_bare(one) and one not in said and _ONE_VALUE.fullmatch(other) is not None
        if writes and (small or bare) and (counted := _counted(pair, parent, endpoint)):
            yield replace(counted, recorded=one, live=other, origin=where), False
            continue
        if pair.path.startswith("cookie "):
            noun = cookie_noun(pair.name)
        if writes and is_made_slug(pair.name, one) and one not in said:
            yield Binding(one, other, where), False
        elif noun and _may_stand_for(one, other, noun, said, writes=writes):
            yield Binding(one, other, where, noun), False
            if writes and not one.isdigit() and len(one) >= MINTED_LENGTH and is_unlike_words(one):
                yield Binding(one, other, where, MINTED), False
        elif writes and len(one) >= MINTED_LENGTH and is_unlike_words(one) and one not in said:
            yield Binding(one, other, where, MINTED), False
        elif isinstance(pair.recorded, str) and len(one) > 12:
            yield from _inside(one, other, where, said, endpoint, at)


def _counted(pair: Pair, parent: str, endpoint: str) -> Binding | None:
    """How an id of one digit (or of letters alone) is bound: where ``Location`` names it at once, as the thing's own
    ``id`` in case a request will name the thing by it. None for any other: one digit is mostly a count.
    """
    if not endpoint or not is_idish(pair.name):
        return None
    if pair.path.startswith("header location path"):
        return Binding("", "", "", endpoint) if noun_of(pair.name) == endpoint else None
    own = not noun_of(pair.name) and (parent in GENERIC or parent == endpoint) and "[" not in pair.path
    return Binding("", "", "", endpoint, tentative=True) if own else None


def _may_stand_for(one: str, other: str, noun: str, said: Words, *, writes: bool) -> bool:
    """Whether ``other``, in the place of ``one``, can be one value made anew of ``noun``."""
    if noun == CODE and not writes:
        return False  # the codes of a catalogue are its data
    if one.isdigit() and not is_told(noun) and len(one) < DRAWN:
        return other.isdigit()
    return _ONE_VALUE.fullmatch(other) is not None and one not in said


def _renamed(pairs: Iterable[Pair], at: float) -> Iterator[Pair]:
    """Ids whose field was renamed or moved: the only one of its form that is gone, and the only one that came."""
    sides: tuple[dict[str, list[tuple[str, str]]], ...] = ({}, {})
    for pair in pairs:
        for side, value, absent in ((0, pair.recorded, pair.replayed), (1, pair.replayed, pair.recorded)):
            if absent is not MISSING:
                continue
            for place, text in leaves((), value):
                kind = kind_of(text, near=at)
                if kind is not None and kind not in TIMES:
                    sides[side].setdefault(shape(text, kind), []).append((pair.path + normalised(place)[1:], text))
    for form, gone in sides[0].items():
        came = sides[1].get(form, [])
        if len(gone) == len(came) == 1:
            yield Pair(f"{gone[0][0]} (now {came[0][0]})", "", "", gone[0][1], came[0][1])


def markup_pairs(recorded: str, replayed: str) -> Iterator[Pair]:
    """Values of ``<input name=…>``, ``<meta name=…>`` and scripts by their names, however the page changed."""
    old, new = named_values(recorded), named_values(replayed)
    for name, value in old.items():
        if new.get(name, value) != value:
            yield Pair(f"<{name}>", name.partition(" ")[2], "", value, new[name])


def _inside(one: str, other: str, where: str, said: Words, endpoint: str, at: float) -> Iterator[tuple[Binding, bool]]:
    """Ids inside a longer string: JSON, a URL, a sentence."""
    if one[0] in "{[" and other[:1] in "{[":
        bodies = [decode(text.encode("utf-8", "surrogatepass"), _JSON) for text in (one, other)]
        if all(isinstance(body, JsonBody) for body in bodies):
            yield from from_pairs(body_pairs(*bodies, changed=True), where, sent=said, endpoint=endpoint, at=at)
            return
    for pair in text_pairs(one, other):
        if isinstance(pair.recorded, str) and isinstance(pair.replayed, str) and _PLAIN.fullmatch(pair.replayed):
            kind = kind_of(pair.recorded, near=at)
            if kind is not None and kind not in TIMES and pair.recorded not in said:
                yield Binding(pair.recorded, pair.replayed, where), False


def _header_pairs(recorded: Headers, live: Headers) -> Iterator[Pair]:
    now = _by_name(live)
    for name, one in _by_name(recorded).items():
        other = now.get(name, [])
        if one == other or name in FRAMING or name == b"date":
            continue
        label = name.decode("latin-1")
        if name == b"set-cookie":
            yield from _cookie_pairs(one, other)
        elif name in URLS and one and other:
            for pair in target_pairs(_path_of(one[0]), _path_of(other[0])):
                key = pair.name
                if pair.path == "path" and pair.name and isinstance(pair.recorded, str):
                    # /orders/17, /products/blue-shirt: the segment before says what it is an id of
                    key = f"{noun_of(pair.name)}_{'slug' if '-' in pair.recorded else 'id'}"
                yield replace(pair, path=f"header {label} {pair.path}", name=key)
        elif len(one) == len(other):
            for left, right in zip(one, other, strict=True):
                yield Pair(f"header {label}", label, "", left.decode("latin-1"), right.decode("latin-1"))


def _by_name(headers: Headers) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    return found


def _cookie_pairs(recorded: list[bytes], live: list[bytes]) -> Iterator[Pair]:
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


def _searchable(response: Response) -> bytes:
    try:
        body = content_decoded(response.body, response.headers)
    except ValueError:
        body = response.body
    return b"\n".join(value for _, value in response.headers) + b"\n" + body
