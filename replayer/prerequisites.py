"""Which earlier exchanges a request cannot do without: a pure closure over the ids in it.

``GET /orders/8fk2`` stands alone only if order 8fk2 exists. So the exchange whose *answer first showed* that id is a
setup step, every change made to that same thing in between is one too (a GET after a payment shows it paid), and so on
for what those requests need. Values that were there before (a product of the catalogue) need no step, but changes of
what they name do (``resources``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from captures.flows.mentions import (
    MAX_TEXT,
    VALIDATOR,
    Key,
    Mention,
    asked,
    asked_in_headers,
    endpoint_noun,
    leaves,
    shown,
)
from captures.flows.words import unquote, words_of
from captures.formats.decoding import JsonBody, TextBody, decode
from captures.model import Exchange, Request, Response
from captures.telling import is_renewed
from captures.tokens import CURSOR, Kind, kind_of
from replayer.chains import Chains
from replayer.resources import Resources
from replayer.rewriting import plain_body
from replayer.touching import SAFE

__all__ = ["SAFE", "FirstSeen", "History", "Key", "Minted"]

RANDOM = frozenset({Kind.UUID, Kind.ULID, Kind.JWT, Kind.OPAQUE, Kind.HEX})


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
    chains: Chains = field(default_factory=Chains)  # flows that [[chain]] names
    resources: Resources = field(default_factory=Resources)

    def add(self, exchange: Exchange) -> None:
        """The next inbound exchange."""
        request = exchange.request
        at = exchange.timing.started
        named, sessions = _keys(asked(request, at)), _keys(asked_in_headers(request, at))
        if self.chains:
            named |= frozenset(self.chains.brought(request, plain_body(request)))
        things = frozenset(key for key in named if key in self.minted)
        who = frozenset(key for key in sessions if key in self.minted)
        self.things[exchange.id], self.who[exchange.id] = things, who
        self.given.update((named | sessions) - things - who)
        self.resources.add(exchange, made=any(not self.minted[key].listed for key in things))
        if exchange.response is None or exchange.response.status >= 400:
            return  # it changed nothing and made nothing
        if request.method not in SAFE:
            for key in things:
                self.changes.setdefault(self._thing(key), []).append(exchange.id)
        about: set[Key] = set()
        for key in self.chains.lost(request, exchange.response, None):
            self.minted.setdefault(key, Minted(exchange.id, "", key[1]))
        for mention in shown(exchange):
            key, place = mention.key, mention.place
            if key in self.minted:
                about.add(key)
            elif key not in self.given and (place or _lasting(key)) and (request.method not in SAFE or _lasting(key)):
                self.minted[key] = Minted(
                    exchange.id, place, mention.name, endpoint_noun(request.target), request.method in SAFE
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
        yield from self.resources.before(here)
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


def _keys(mentions: Iterator[Mention]) -> frozenset[Key]:
    return frozenset(mention.key for mention in mentions)


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
                for _, text in leaves((), decoded.value):
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
    return key[1] in (VALIDATOR, CURSOR) or is_renewed(key[1]) or (not key[1] and kind_of(key[0]) in RANDOM)
