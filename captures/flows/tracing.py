"""Which answer of a capture made a value, and which later requests bring it back: fed with exchanges in order. Pure.

A value needs provenance: a client that said it first made it up itself. A value that several answers showed before it
was used is kept as ambiguous; a replay takes the latest one before the use.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from captures.flows.mentions import VALIDATOR, Key, asked, asked_in_headers, shown
from captures.model import Exchange
from captures.tokens import is_weak_id, kind_of

VALUES = 200_000  # values remembered, oldest forgotten first
USES = 100  # uses kept for each value
OTHERS = 4  # further sources kept for each value


@dataclass(frozen=True, slots=True)
class Use:
    """One request that brings a value back, and where in it (``path``, ``query order``, ``cookie sid``…)."""

    exchange: int
    places: tuple[str, ...]


@dataclass(slots=True)
class Flow:
    """One value on its way."""

    key: Key
    source: int  # the exchange whose answer showed it first
    place: str  # there; "" where nothing but the value itself tells the place
    others: list[int] = field(default_factory=list)  # exchanges that showed it again
    uses: list[Use] = field(default_factory=list)
    used: int = 0  # uses in all

    @property
    def ambiguous(self) -> list[int]:
        """Other sources before the last use: in a replay they may differ, and the latest before a use counts."""
        last = self.uses[-1].exchange if self.uses else 0
        return [other for other in self.others if other < last]

    @property
    def kind(self) -> str:
        """By what it is known: its format, ``number of order``,
        ``validator``."""
        text, noun = self.key
        if noun == VALIDATOR:
            return VALIDATOR
        return f"{'number' if text.isdigit() else 'name'} of {noun}" if noun else str(kind_of(text) or "opaque")


@dataclass(slots=True)
class Tracing:
    """The flows of the inbound exchanges seen so far. Memory grows with :data:`VALUES`, not with the capture."""

    limit: int = VALUES
    seen: int = 0  # exchanges
    forgotten: int = 0  # values
    _flows: OrderedDict[Key, Flow] = field(default_factory=OrderedDict)
    _given: OrderedDict[Key, None] = field(default_factory=OrderedDict)
    _done: list[Flow] = field(default_factory=list)  # forgotten ones that had uses

    def add(self, exchange: Exchange) -> None:
        """The next inbound exchange."""
        self.seen += 1
        at = exchange.timing.started
        places: dict[Key, list[str]] = {}
        for mention in (*asked(exchange.request, at), *asked_in_headers(exchange.request, at)):
            if _tells(mention.key):
                places.setdefault(mention.key, []).append(mention.place)
        for key, where in places.items():
            flow = self._flows.get(key)
            if flow is None:
                self._given[key] = None
                if len(self._given) > self.limit:
                    self._given.popitem(last=False)
                continue
            flow.used += 1
            if len(flow.uses) < USES:
                flow.uses.append(Use(exchange.id, tuple(dict.fromkeys(where))))
        if exchange.response is None or exchange.response.status >= 400:
            return
        for mention in shown(exchange):
            key = mention.key
            if key in places or key in self._given or not _tells(key):
                continue
            flow = self._flows.get(key)
            if flow is None:
                self._flows[key] = Flow(key, exchange.id, mention.place)
                self._forget()
            elif flow.source != exchange.id and len(flow.others) < OTHERS and exchange.id not in flow.others:
                flow.others.append(exchange.id)

    def flows(self) -> Iterator[Flow]:
        """Those that were used, by their sources."""
        used = [*self._done, *(flow for flow in self._flows.values() if flow.used)]
        yield from sorted(used, key=lambda flow: (flow.source, flow.place))

    def around(self, exchange: int) -> list[Flow]:
        """The flows that ``exchange`` needs or feeds, and those of what it needs or feeds in turn."""
        flows = list(self.flows())
        wanted: dict[int, Flow] = {}
        for forward in (True, False):
            reached = {exchange}
            stack = [exchange]
            by_end: dict[int, list[Flow]] = {}
            for flow in flows:
                for end in (flow.source,) if forward else (use.exchange for use in flow.uses):
                    by_end.setdefault(end, []).append(flow)
            while stack:
                for flow in by_end.get(stack.pop(), ()):
                    wanted[id(flow)] = flow
                    for end in (use.exchange for use in flow.uses) if forward else (flow.source,):
                        if end not in reached:
                            reached.add(end)
                            stack.append(end)
        return [flow for flow in flows if id(flow) in wanted]

    def _forget(self) -> None:
        if len(self._flows) > self.limit:
            _, flow = self._flows.popitem(last=False)
            self.forgotten += 1
            if flow.used:
                self._done.append(flow)


def _tells(key: Key) -> bool:
    """Whether a value says enough: never a single digit."""
    text, noun = key
    return not noun or noun == VALIDATOR or not text.isdigit() or is_weak_id(text)
