"""What must be answered before what is sent: happens-before over the recorded exchanges, each edge with its reason.

Pure, and made to stream: :meth:`Precedence.add` takes the next recorded exchange and names those among the *unfinished*
ones that it has to wait for; :meth:`Precedence.finish` forgets one. So memory holds the look-ahead and a bounded table
of ids, never the capture. Edges that follow from others are left out.

- value flow: an answer was the first to show an id that a later request carries (or whose answer shows it, too).
- one client (``--order session``): a request that was sent after another of its client had been answered.
- one name: sent about one person (an e-mail address, a user name) to two places, one of which changes something.
- one resource: a write before later reads and writes of it, a read before a later write; by path
  (:mod:`replayer.touching`), and by ids of what was made within the recording.
- recorded order (``--order recorded``): a request that was sent after another had been answered. Those that overlapped
  may overlap again.

Value flow is only where it was possible: an answer that had not begun when the other request was sent gave it nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import TypeVar

from captures.flows.mentions import VALIDATOR, Key, asked, asked_in_headers, shown
from captures.model import Exchange
from captures.telling import is_renewed
from replayer.chains import Chains
from replayer.clients import Client, clients_of
from replayer.naming import names_of
from replayer.plan import Order
from replayer.prerequisites import RANDOM
from replayer.rewriting import plain_body
from replayer.tokens import kind_of
from replayer.touching import Touch, Touched, only_reads, touch_of

_K = TypeVar("_K")
REMEMBERED = 100_000  # ids whose first appearance is known; a forgotten one may cost an edge too many, never one


class Reason(StrEnum):
    """Why one exchange waits for another."""

    VALUE = "value"
    CLIENT = "client"
    RESOURCE = "resource"
    NAME = "name"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Edge:
    """``before`` (a recorded id) is answered before the other is sent. ``why``: a sentence without values."""

    before: int
    reason: Reason
    why: str


@dataclass(slots=True)
class _Open:
    """An exchange that was added and is not finished."""

    exchange: int
    started: float
    answered: float  # when the recorded answer began; inf: never
    ended: float
    clients: tuple[Client, ...] = ()
    touch: Touch | None = None
    things: frozenset[int] = frozenset()  # ids of the exchanges that made what this one is about
    names: frozenset[str] = frozenset()  # of people that it is about
    path: bytes = b""
    writes: bool = False
    recorded: Exchange | None = None  # kept where its ids may yet be asked for
    shown: frozenset[Key] | None = None


@dataclass(slots=True)
class Precedence:
    """Edges among the exchanges of one replay, in ``order``."""

    order: Order
    chains: Chains = field(default_factory=Chains)  # flows that [[chain]] names
    _open: dict[int, _Open] = field(default_factory=dict)
    _by_client: dict[Client, dict[int, _Open]] = field(default_factory=dict)
    _by_thing: dict[int, dict[int, _Open]] = field(default_factory=dict)
    _by_name: dict[str, dict[int, _Open]] = field(default_factory=dict)
    _touched: Touched = field(default_factory=Touched)
    _first: OrderedDict[int, int] = field(default_factory=OrderedDict)
    # hash of an id -> the exchange whose answer first showed it: positive if that made it, negative if it only read it,
    # 0 if a client said it first

    def add(self, recorded: Exchange) -> tuple[Edge, ...]:
        """The exchanges that ``recorded``, the next one, has to wait for: each once, with the strongest reason."""
        timing = recorded.timing
        ended = timing.ended if timing.ended is not None else inf
        begun = timing.response_started if timing.response_started is not None else ended
        entry = _Open(recorded.id, timing.started, begun if recorded.response is not None else inf, ended)
        if self.order is Order.RECORDED:
            entry.recorded = recorded
            found = [*self._overtaking(entry, recorded), *self._earlier(entry, self._open.values())]
        else:
            found = self._flow(entry, recorded)
            if self.order is Order.SESSION:
                found += self._same_client(entry, recorded)
            found += self._same_resource(entry, recorded)
            found += self._same_name(entry, recorded)
        self._open[recorded.id] = entry
        edges: dict[int, Edge] = {}
        for edge in found:
            edges.setdefault(edge.before, edge)
        return tuple(edges.values())

    def finish(self, exchange: int) -> None:
        """``exchange`` is over, or will not be sent: nothing waits for it any more."""
        entry = self._open.pop(exchange)
        for client in entry.clients:
            _drop(self._by_client, client, exchange)
        for thing in entry.things:
            _drop(self._by_thing, thing, exchange)
        for name in entry.names:
            _drop(self._by_name, name, exchange)
        if entry.touch is not None:
            self._touched.remove(exchange, entry.touch)

    # -- recorded order -------------------------------------------------------------------------------------------

    @staticmethod
    def _earlier(
        entry: _Open, others: Iterable[_Open], reason: Reason = Reason.ORDER, what: str = "it was answered before"
    ) -> list[Edge]:
        """Edges from those that had ended when ``entry`` started, without those that come before another of them."""
        ended = [other for other in others if other.ended <= entry.started]
        if not ended:
            return []
        last = max(ended, key=lambda other: other.started)
        return [
            Edge(other.exchange, reason, what)
            for other in ended
            if other.ended > last.started or other.exchange >= last.exchange  # else the last one waits for it already
        ]

    def _overtaking(self, entry: _Open, recorded: Exchange) -> list[Edge]:
        """Value flow out of an answer that had begun, but not ended: rare, so ids are looked for only then."""
        running = [one for one in self._open.values() if one.answered <= entry.started < one.ended]
        if not running:
            return []
        carried = _asked(recorded) | _known_by_headers(recorded) | self._brought(recorded)
        found = []
        for other in running:
            if other.shown is None and other.recorded is not None:
                other.shown = frozenset(key for key, _ in _shown(other.recorded)) | self._named(other.recorded)
            if other.shown and carried & other.shown:
                found.append(Edge(other.exchange, Reason.VALUE, "its answer showed an id that this request carries"))
        return found

    # -- session, independent -------------------------------------------------------------------------------------

    def _flow(self, entry: _Open, recorded: Exchange) -> list[Edge]:
        """Edges by ids; also learns the ids that ``recorded`` shows, and what it is about."""
        asked = _asked(recorded)
        carried = asked | _known_by_headers(recorded)
        found: list[Edge] = []
        things: set[int] = set()
        for key in self._brought(recorded):
            origin = self._open.get(self._first.get(hash((key, "named")), 0))
            if origin is not None:
                found.append(Edge(origin.exchange, Reason.VALUE, "a [[chain]] leads from its answer to this request"))
        for key in self._named(recorded):
            self._first[hash((key, "named"))] = recorded.id
        for key in carried:
            source = self._first.setdefault(hash(key), 0)
            origin = self._open.get(abs(source))
            if origin is not None and origin.answered <= entry.started:
                found.append(Edge(origin.exchange, Reason.VALUE, "its answer showed an id that this request carries"))
            if source > 0 and key in asked:
                things.add(source)
        entry.writes = not only_reads(recorded.request)
        if recorded.response is not None and recorded.response.status < 400:
            for key, place in _shown(recorded):
                known = self._first.get(hash(key))
                if known is None:
                    lasting = key[1] == VALIDATOR or is_renewed(key[1]) or (not key[1] and kind_of(key[0]) in RANDOM)
                    if lasting or (place and entry.writes):
                        self._first[hash(key)] = recorded.id if entry.writes else -recorded.id
                        if entry.writes:
                            things.add(recorded.id)
                elif known > 0 and key not in carried and key[1] != VALIDATOR:
                    things.add(known)
                    if known != recorded.id and known in self._open:
                        found.append(Edge(known, Reason.VALUE, "it made what the answer to this request shows"))
        else:
            entry.writes = False
        entry.things = frozenset(things)
        while len(self._first) > REMEMBERED:
            self._first.popitem(last=False)
        return found

    def _brought(self, recorded: Exchange) -> frozenset[Key]:
        """What ``recorded`` takes from earlier answers, as [[chain]] names it."""
        if not self.chains:
            return frozenset()
        return frozenset(self.chains.brought(recorded.request, plain_body(recorded.request)))

    def _named(self, recorded: Exchange) -> frozenset[Key]:
        """What its answer gives to later requests, as [[chain]] names it."""
        if not self.chains or recorded.response is None:
            return frozenset()
        return frozenset(self.chains.lost(recorded.request, recorded.response, None))

    def _same_client(self, entry: _Open, recorded: Exchange) -> list[Edge]:
        entry.clients = tuple(dict.fromkeys(clients_of(recorded)))
        found: list[Edge] = []
        for client in entry.clients:
            others = self._by_client.setdefault(client, {})
            found += self._earlier(entry, others.values(), Reason.CLIENT, f"of the same client (by {client[0]})")
            others[entry.exchange] = entry
        return found

    def _same_resource(self, entry: _Open, recorded: Exchange) -> list[Edge]:
        touch = entry.touch = touch_of(recorded)
        place = "/" + "/".join(touch.path[:1]) + ("/…" if len(touch.path) > 1 else "")
        why = f"one of both changes what the other is about, under {place}"
        found = [Edge(identity, Reason.RESOURCE, why) for identity in self._touched.conflicts(touch)]
        self._touched.add(entry.exchange, touch)
        for thing in entry.things:
            others = self._by_thing.setdefault(thing, {})
            why = f"both are about what exchange {thing} made, and one of them changes it"
            found += [
                Edge(other.exchange, Reason.RESOURCE, why) for other in others.values() if other.writes or entry.writes
            ]
            others[entry.exchange] = entry
        return found

    def _same_name(self, entry: _Open, recorded: Exchange) -> list[Edge]:
        """Sign-up before log-in, whoever sent them. Requests to one path are told apart by :meth:`_same_resource`."""
        entry.names = names_of(recorded)
        entry.path = recorded.request.target.partition(b"?")[0]
        found: list[Edge] = []
        for name in entry.names:
            others = self._by_name.setdefault(name, {})
            found += [
                Edge(other.exchange, Reason.NAME, "both name one person, and one of them changes something")
                for other in others.values()
                if (other.writes or entry.writes) and other.path != entry.path and other.answered <= entry.started
            ]
            others[entry.exchange] = entry
        return found


def _asked(recorded: Exchange) -> frozenset[Key]:
    return frozenset(mention.key for mention in asked(recorded.request, recorded.timing.started))


def _known_by_headers(recorded: Exchange) -> frozenset[Key]:
    return frozenset(mention.key for mention in asked_in_headers(recorded.request, recorded.timing.started))


def _shown(recorded: Exchange) -> Iterator[tuple[Key, str]]:
    """Each id in the answer, and the place of it ("" where there are no words for it)."""
    return ((mention.key, mention.place) for mention in shown(recorded))


def _drop(table: dict[_K, dict[int, _Open]], key: _K, exchange: int) -> None:
    there = table[key]
    del there[exchange]
    if not there:
        del table[key]
