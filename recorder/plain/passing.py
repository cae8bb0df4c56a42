"""One exchange on the short way: the two connections it passes between, and what of it has come."""

from __future__ import annotations

from dataclasses import dataclass, field

from mitmproxy.connection import Connection
from mitmproxy.http import HTTPFlow, Response
from mitmproxy.net.http import http1

from recorder.plain.bodies import Body, UntilClosed
from recorder.plain.heads import Begun
from recorder.plain.lanes import Address, Clear
from recorder.tee import Tee


@dataclass(frozen=True, slots=True)
class Lane:
    """A client's connection and a server's that both waited for a request when they were found."""

    address: Address  # as mitmproxy was told it
    server: Connection
    from_client: Clear
    from_server: Clear


@dataclass(slots=True)
class Passing:
    """An exchange under way on a lane."""

    flow: HTTPFlow
    lane: Lane
    asked: Body  # the request's
    closes: bool  # the connections end with this exchange
    request: Tee  # copies the request's body
    begun: Begun = field(default_factory=Begun)  # of the answer
    body: Body | None = None  # of the answer, once its head is there
    response: Tee | None = None  # copies that
    answered: bool = False  # the whole answer has passed
    switched: bool = False  # to a protocol that is not HTTP

    def answer(self, response: Response, body: Body) -> None:
        """The head of the answer is there."""
        self.flow.response = response
        self.body = body
        asks_to_close = http1.connection_close(response.http_version, response.headers)
        self.closes = self.closes or isinstance(body, UntilClosed) or asks_to_close
