"""Which earlier exchanges a request cannot do without: a pure closure over the ids in it.

``GET /orders/8fk2`` stands alone only if order 8fk2 exists. So the exchange whose *answer first showed* that id is a
setup step, every change made to that same thing in between is one too (a GET after a payment shows it paid), and so on
for what those requests need. Values that were there before (a product of the catalogue) need no step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from captures.decoding import FormBody, JsonBody, MultipartBody, TextBody, decode, form_fields
from captures.jsonpaths import Place, normalised
from captures.model import Exchange, Request, Response, header, header_values
from replayer.alignment import unquote
from replayer.pin_volatile import words_of
from replayer.rewriting import CONDITIONAL, FRAMING, MAX_TEXT, endpoint_noun
from replayer.tokens import TIMES, Kind, is_idish, kind_of, noun_of

RANDOM = frozenset({Kind.UUID, Kind.ULID, Kind.JWT, Kind.OPAQUE, Kind.HEX})
VALIDATOR = "validator"
"""The noun of an ETag or a date that a conditional request brings back (RFC 9110 section 13)."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
Key = tuple[str, str]
"""An id: its text, and the noun it is an id of ("" for one that is unmistakable by its looks)."""


@dataclass(frozen=True, slots=True)
class Minted:
    """Where an id was first shown: the answer of ``exchange``, at ``place`` (in the words of ``bind:``)."""

    exchange: int
    place: str  # "" where a pin has no words for it: it can be needed, not bound
    name: str  # of the field, for naming the binding
    noun: str = ""  # what a bare ``id`` there is an id of
    listed: bool = False  # by a read: it was there before


@dataclass(slots=True)
class History:
    """Inbound exchanges seen so far, in order. Feed with :meth:`add`; memory grows with ids, not with bodies.

    An id in the target, the body or the *answer* names a thing the exchange is about: it needs what made that thing,
    and every change made to it since (a list of orders needs the orders in it). An id in a header only says who asks,
    or what the client knows already (a session, an ETag): it needs what made that.
    """

    minted: dict[Key, Minted] = field(default_factory=dict)
    given: set[Key] = field(default_factory=set)  # a client said it before any answer did
    things: dict[int, frozenset[Key]] = field(default_factory=dict)
    who: dict[int, frozenset[Key]] = field(default_factory=dict)
    changes: dict[tuple[int, Key | None], list[int]] = field(default_factory=dict)  # by the thing changed

    def add(self, exchange: Exchange) -> None:
        """The next inbound exchange."""
        request = exchange.request
        asked, sessions = (
            frozenset(ids_of(request, exchange.timing.started)),
            frozenset(ids_in_headers(request, exchange.timing.started)),
        )
        things = frozenset(key for key in asked if key in self.minted)
        who = frozenset(key for key in sessions if key in self.minted)
        self.things[exchange.id], self.who[exchange.id] = things, who
        self.given.update((asked | sessions) - things - who)
        if exchange.response is None or exchange.response.status >= 400:
            return  # it changed nothing and made nothing
        if request.method not in SAFE:
            for key in things:
                self.changes.setdefault(self._thing(key), []).append(exchange.id)
        about: set[Key] = set()
        for key, place, name in shown_by(exchange):
            if key in self.minted:
                about.add(key)
            elif key not in self.given and (place or _lasting(key)) and (request.method not in SAFE or _lasting(key)):
                self.minted[key] = Minted(
                    exchange.id, place, name, endpoint_noun(request.target), request.method in SAFE
                )
        self.things[exchange.id] = things | {key for key in about if key[1] != VALIDATOR and key not in who}

    def setup_for(self, exchange: int) -> tuple[int, ...]:
        """The exchanges to send before ``exchange``, in order."""
        wanted: set[int] = set()
        stack = [exchange]
        while stack:
            here = stack.pop()
            for found in self._needed(here):
                if found not in wanted:
                    wanted.add(found)
                    stack.append(found)
        return tuple(sorted(wanted))

    def _needed(self, here: int) -> Iterator[int]:
        things, who = self.things.get(here, frozenset()), self.who.get(here, frozenset())
        for key in things | who:
            source = self.minted[key].exchange
            if source < here:
                yield source
            if key in things:
                changes = self.changes.get(self._thing(key), ())
                yield from (change for change in changes if source < change < here)

    def _thing(self, key: Key) -> tuple[int, Key | None]:
        """What a change to ``key`` changes: the ids that one POST made are names of one thing, those of a list not."""
        minted = self.minted[key]
        return minted.exchange, key if minted.listed else None


def ids_of(request: Request, near: float) -> Iterator[Key]:
    """Every id in a request's target and body."""
    path, _, query = request.target.partition(b"?")
    before = ""
    for segment in path.split(b"/"):
        text = unquote(segment)
        yield from _key(text, noun_of(before), near, weak=text.isdigit())
        before = text
    noun = endpoint_noun(path)
    for name, value in form_fields(query):
        yield from _field(name, value, noun, near)
    body = decode(request.body, request.headers)
    if isinstance(body, JsonBody):
        for place, value in _leaves((), body.value):
            names = [step for step in place if isinstance(step, str)]
            yield from _field(names[-1] if names else "", value, names[-2] if len(names) > 1 else "", near)
    elif isinstance(body, FormBody):
        for name, value in body.fields:
            yield from _field(name, value, "", near)
    elif isinstance(body, MultipartBody):
        for part in body.parts:
            if part.filename is None and isinstance(part.content, TextBody):
                yield from _field(part.name, part.content.text, "", near)


def ids_in_headers(request: Request, near: float) -> Iterator[Key]:
    """Every id in a request's headers: tokens, session cookies, validators."""
    for raw_name, raw in request.headers:
        lower = raw_name.lower()
        if lower in CONDITIONAL:
            text = raw.decode("latin-1")
            for piece in [text] if b"since" in lower else re.split(r"\s*,\s*", text):
                yield piece, VALIDATOR
        elif lower not in FRAMING:
            for word in words_of(raw.decode("latin-1")):
                yield from _key(word, "", near, weak=False)


def shown_by(exchange: Exchange) -> Iterator[tuple[Key, str, str]]:
    """Every id an answer shows, the place of it ("" where none can be named), and its field's name."""
    response, near = exchange.response, exchange.timing.started
    if response is None:
        return
    for validator in ("etag", "last-modified"):
        raw = header(response.headers, validator)
        if raw is not None:
            yield (raw.decode("latin-1"), VALIDATOR), f"header {validator}", validator
    noun = endpoint_noun(exchange.request.target)
    body = decode(response.body, response.headers)
    if isinstance(body, JsonBody):
        for place, value in _leaves((), body.value):
            names = [step for step in place if isinstance(step, str)]
            name = names[-1] if names else ""
            for key in _field(name, value, noun_of(names[-2]) if len(names) > 1 else noun, near):
                yield key, f"json {normalised(place)}", name
    elif isinstance(body, TextBody):
        text = body.text[:MAX_TEXT]
        for word in dict.fromkeys(words_of(text)):
            for key in _key(word, "", near, weak=False):
                yield key, *_place_in_text(text, word)
    for raw in header_values(response.headers, "set-cookie"):
        name, _, value = raw.partition(b";")[0].decode("latin-1").partition("=")
        for key in _key(value.strip().strip('"'), "", near, weak=False):
            yield key, f"cookie {name.strip()}", name.strip()
    for raw in header_values(response.headers, "location"):
        text = raw.decode("latin-1")
        path = re.sub(r"^[a-z]+://[^/]+", "", text).partition("?")[0]
        before, _, last = path.rpartition("/")
        around = noun_of(before.rpartition("/")[2])
        for key in _key(last, around, near, weak=last.isdigit()):
            yield key, f"header location {re.escape(before).replace(chr(92) + '-', '-')}/([^/?#]+)", f"{around}_id"


_NAMED = re.compile(r"""\b(?:name|id)\s*=\s*["']?([A-Za-z_][\w.-]{0,63})""")
_AROUND = 64  # characters before a word that tell its place from others


def _place_in_text(text: str, word: str) -> tuple[str, str]:
    """Where ``word`` stands, as a ``text PATTERN`` of ``bind:``, and a name for it; two "" where nothing tells it.

    ``<input name="csrf_token" value="f07965…">`` is found by what stands before the value, from the tag's ``<`` on.
    """
    at = text.find(word)
    before = text[max(0, at - _AROUND) : at].rpartition("\n")[2]
    before = before[max(before.rfind("<"), 0) :]
    for other in words_of(before):
        if other != before and kind_of(other) is not None:  # another value, and another one tomorrow
            before = before.rpartition(other)[2]
    if not re.search(r"[A-Za-z]{2}", before):
        return "", ""
    name = _NAMED.search(before)
    pattern = f"{_literal(before)}([{_CHARACTERS}]+)"
    found = re.search(pattern, text)
    return (f"text {pattern}", name[1] if name else "") if found and found[1] == word else ("", "")


_CHARACTERS = "A-Za-z0-9_.~+/=-"


def _literal(text: str) -> str:
    """``text`` as a regular expression that people can still read."""
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


@dataclass(slots=True)
class FirstSeen:
    """In which inbound exchange (or a call of it) each generated-looking word of a capture stood first."""

    words: dict[str, int] = field(default_factory=dict)

    def add(self, exchange: Exchange, inbound: int) -> None:
        """The next exchange in order, of either direction; ``inbound`` is itself or what caused it."""
        messages: list[Request | Response] = [
            exchange.request,
            *([exchange.response] if exchange.response is not None else []),
        ]
        for message in messages:
            decoded = decode(message.body, message.headers)
            if isinstance(decoded, JsonBody):
                for _, text in _leaves((), decoded.value):
                    self._note(text, inbound)
            elif isinstance(decoded, TextBody):
                for word in words_of(decoded.text[:MAX_TEXT]):
                    self._note(word, inbound)
        for segment in exchange.request.target.split(b"/"):
            self._note(unquote(segment), inbound)

    def _note(self, word: str, inbound: int) -> None:
        if word not in self.words and kind_of(word) is not None:
            self.words[word] = inbound


def _lasting(key: Key) -> bool:
    """Whether an id shown by a read may be another tomorrow; a catalogue's numbers are the same."""
    return key[1] == VALIDATOR or (not key[1] and kind_of(key[0]) in RANDOM)


def _field(name: str, value: str, around: str, near: float) -> Iterator[Key]:
    weak = value.isdigit() and is_idish(name)
    yield from _key(value, noun_of(name) or noun_of(around), near, weak=weak)


def _key(value: str, noun: str, near: float, *, weak: bool) -> Iterator[Key]:
    kind = kind_of(value, near=near)
    if kind is not None and kind not in TIMES:
        yield value, ""
    elif weak and noun and len(value) < 10:
        yield value, noun


def _leaves(place: Place, value: Any) -> Iterator[tuple[Place, str]]:
    """Every string and integer, as text."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves((*place, key), child)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _leaves((*place, index), child)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield place, str(value)
