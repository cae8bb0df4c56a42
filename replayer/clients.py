"""Which client sent a request: its connection, its session cookie, its authorization. Pure.

What is read is the recording, in which secrets are pseudonyms: equal ones stayed equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from captures.model import Exchange, header_values
from replayer.tokens import TIMES, kind_of

Client = tuple[str, str]
"""Where a client shows (``connection``, ``cookie NAME``, ``authorization``), and the value there."""

_SESSION = re.compile(r"(?:.*[-_.])?(?:s?id|sess(?:ion)?(?:[-_.]?id)?|jsessionid|phpsessid|token|auth)", re.IGNORECASE)


def clients_of(exchange: Exchange) -> Iterator[Client]:
    """Everything that says who sent ``exchange``; requests that share one are of one client.

    A cookie counts when its name or its value says that it is a session's: that all prefer dark colours does not make
    one client of them.
    """
    if exchange.connection:
        yield "connection", exchange.connection
    for line in header_values(exchange.request.headers, "authorization"):
        yield "authorization", line.decode("latin-1")
    for line in header_values(exchange.request.headers, "cookie"):
        for pair in line.decode("latin-1").split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals and value and (_SESSION.fullmatch(name) or kind_of(value) not in (None, *TIMES)):
                yield f"cookie {name}", value
