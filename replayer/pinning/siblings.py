"""Requests that a recording holds more than once, with nothing changed in between. Pure, fed with exchanges in order.

What differs between their answers varies by itself: a counter, a stock level, a list in another order. That takes no
second build to know, and a pin of one of them must not fix it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace

from captures.model import Exchange
from replayer.pin_check import Came
from replayer.pin_headers import HOP_BY_HOP, REQUEST_IDS, TRACING
from replayer.pinning.amending import amended
from replayer.pins import Pin
from replayer.prerequisites import SAFE

LOOKED_AT = 3
"""Other answers to one request that a pin is held against; more rarely show more."""
KEPT = 8  # ids of one request, so that memory grows with different requests


@dataclass(slots=True)
class Siblings:
    """Ids of exchanges by what they asked."""

    _changes: Counter[int] = field(default_factory=Counter)  # session -> requests that may have changed something
    _asked: dict[bytes, list[int]] = field(default_factory=dict)
    _key_of: dict[int, bytes] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """The next inbound exchange."""
        if exchange.request.method not in SAFE:
            self._changes[exchange.session] += 1
            return
        if exchange.response is None or exchange.failure is not None or exchange.body_truncated:
            return
        key = self._key(exchange)
        ids = self._asked.setdefault(key, [])
        if len(ids) < KEPT:
            ids.append(exchange.id)
        self._key_of[exchange.id] = key

    def of(self, identity: int) -> list[int]:
        """Others that asked the same, nothing having been changed in between; some of them."""
        key = self._key_of.get(identity)
        return [one for one in self._asked.get(key, ()) if one != identity][:LOOKED_AT] if key is not None else []

    def _key(self, exchange: Exchange) -> bytes:
        request = exchange.request
        lines = [
            f"{name.decode('latin-1').lower()}: {value.decode('latin-1')}"
            for name, value in request.headers
            if name.decode("latin-1").lower() not in HOP_BY_HOP | REQUEST_IDS | TRACING
        ]
        status = exchange.response.status if exchange.response is not None else 0
        said = (exchange.session, self._changes[exchange.session], request.method, request.target, status, lines)
        return hashlib.sha256(repr(said).encode() + request.body).digest()


def loosened(pin: Pin, sibling: Exchange) -> Pin:
    """``pin`` without what the answer of ``sibling`` shows to vary."""
    if sibling.response is None or pin.expect is None:
        return pin
    came = Came(sibling.request, sibling.timing, sibling.response, None, (), calls_seen=False)
    try:
        return replace(amended(pin, came, {}, varying=True), stubs=pin.stubs)
    except ValueError:
        return pin
