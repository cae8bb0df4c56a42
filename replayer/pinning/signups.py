"""What made the accounts that a pin's requests are about: no id ties a log-in to it, only a name. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from captures.flows.mentions import Key, asked
from captures.model import Exchange
from replayer.naming import names_of
from replayer.prerequisites import SAFE

FEW = 8
"""Accounts made before one's own that a set-up makes again, so that it gets the same number."""
PEOPLE = frozenset("user account owner author member person customer client profile".split())


@dataclass(slots=True)
class SignUps:
    """The exchanges of a capture that made accounts. Feed with :meth:`add`."""

    _by_name: dict[tuple[int, str], int] = field(default_factory=dict)  # session and name -> what made the account
    _at: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # exchange -> where accounts are made
    _in_order: dict[tuple[int, bytes], list[int]] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """The next inbound exchange."""
        if exchange.request.method in SAFE or exchange.response is None or exchange.response.status != 201:
            return
        new = [name for name in names_of(exchange) if (exchange.session, name) not in self._by_name]
        if new:
            self._by_name.update(dict.fromkeys(((exchange.session, name) for name in new), exchange.id))
            place = exchange.session, exchange.request.target.partition(b"?")[0]
            self._at[exchange.id] = place
            self._in_order.setdefault(place, []).append(exchange.id)

    def before(self, exchanges: Iterable[Exchange], given: set[Key]) -> set[int]:
        """The sign-ups that ``exchanges`` need. ``given``: ids that clients said before any answer did.

        A number that nobody showed is a count where it says how many accounts there were then: the second to sign up
        is user 2 only where somebody signed up before.
        """
        found: set[int] = set()
        numbers: set[int] = set()
        for one in exchanges:
            for name in names_of(one):
                made = self._by_name.get((one.session, name), one.id)
                found |= {made} if made < one.id else set()
            numbers |= set(_numbers(one, given))
            found |= {one.id} if one.id in self._at else set()
        for made in tuple(found):
            those = self._in_order[self._at[made]]
            place = those.index(made)
            if place < FEW and place + 1 in numbers:
                found.update(those[:place])
        return found


def _numbers(exchange: Exchange, given: set[Key]) -> Iterator[int]:
    for mention in asked(exchange.request, exchange.timing.started):
        text, noun = mention.key
        if noun in PEOPLE and mention.key in given and text.isdigit() and len(text) < 4:
            yield int(text)
