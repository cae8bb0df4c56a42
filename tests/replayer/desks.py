"""A desk over a capture made by hand, with what it wrote down, and without sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from captures.links import Linker
from captures.model import Exchange, Headers, Request
from captures.redacting.redaction import RedactionPolicy, Redactor
from captures.store import Capture
from diffing.rulebook.rules import RuleBook, parse_rules
from replayer.bindings import Bindings
from replayer.desk import ReplayDesk
from replayer.events import Event
from replayer.library import StubLibrary
from replayer.stubbing.answers import Answer
from tests.replayer.tapes import Tape

Rules = list[dict[str, Any]]


class Written:
    """Keeps what a desk writes."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._last = 0

    def reserve_id(self) -> int:
        self._last += 1
        return self._last

    def put(self, exchange: Exchange) -> bool:
        self.exchanges.append(exchange)
        return True


class At:
    """A replay at its desk: inbound exchanges begin and end, calls come in between."""

    def __init__(self, capture: Capture, rules: Rules, **options: Any) -> None:
        self.linker = Linker()
        self.written = Written()
        self.events: list[Event] = []
        self.library = StubLibrary(capture, [session.id for session in capture.sessions()])
        self.desk = ReplayDesk(
            self.library,
            self.linker,
            Bindings(),
            Redactor(b"k" * 32, RedactionPolicy()),
            self.written,
            self.events.append,
            rules=RuleBook(parse_rules(rules)),
            **options,
        )

    def begin(self, recorded: int, headers: Headers = ()) -> int:
        identity = self.written.reserve_id()
        self.desk.begin(identity, recorded)
        self.linker.inbound_started(identity, headers, time.monotonic())
        return identity

    def end(self, replayed: int) -> None:
        self.linker.inbound_ended(replayed, time.monotonic())
        self.desk.end(replayed)

    def ask(self, request: Request) -> Answer:
        return self.desk.answer(request)

    def body(self, request: Request) -> bytes:
        answer = self.ask(request)
        assert answer.response is not None
        return answer.response.body

    @property
    def notes(self) -> dict[str, Any]:
        """Of the call last written."""
        return dict(self.written.exchanges[-1].notes)


@contextmanager
def desk_of(path: Path, record: Callable[[Tape], Any], *, rules: Rules | None = None, **options: Any) -> Iterator[At]:
    """A desk over what ``record`` puts on a tape."""
    with Tape(path) as tape:
        record(tape)
    with Capture.open(path) as capture:
        yield At(capture, rules or [], **options)
