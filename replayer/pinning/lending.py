"""Stubs for tests that people write themselves: a desk over a capture, or over pins, that keeps what was called."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from captures.errors import EmptyCapture
from captures.links import Linker
from captures.model import Direction, Exchange, Request, url_of
from captures.redacting.redaction import RedactionPolicy, Redactor
from captures.state import redaction_key
from captures.store import Capture
from diffing.rulebook.rules import RuleBook
from replayer.bindings import Bindings
from replayer.desk import ReplayDesk
from replayer.events import Event
from replayer.library import StubLibrary
from replayer.pin_desk import PinDesk
from replayer.pin_file import load
from replayer.pinning.finding import pins_under
from replayer.pins import PinStub
from replayer.stubs import Answer, Desk


@dataclass(slots=True)
class Loan:
    """A desk that answers for a while. Use on the event loop only."""

    desk: Desk
    calls: Callable[[], Sequence[Exchange]]
    unused: Callable[[], int]
    close: Callable[[], None] = lambda: None


@dataclass(slots=True)
class _Kept:
    """Where a desk writes the calls: a list."""

    calls: list[Exchange] = field(default_factory=list)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def reserve_id(self) -> int:
        return int(next(self.ids))

    def put(self, exchange: Exchange) -> bool:
        self.calls.append(exchange)
        return True


def lend(sources: Iterable[Path], rules: RuleBook) -> Loan:
    """A desk that answers from one capture, or from pins: files, or folders of them.

    Raises :class:`UsageError`, :class:`CaptureError`, or :class:`EmptyCapture` where nothing was called.
    """
    paths = tuple(sources)
    if len(paths) == 1 and paths[0].is_file() and paths[0].suffix not in (".yaml", ".yml"):
        return _of_capture(paths[0], rules)
    stubs = [stub for file in pins_under(paths) for stub in _stubs_in(file)]
    if not stubs:
        named = ", ".join(map(str, paths[:3])) or "no pin"
        raise EmptyCapture(f"There is no stub in {named}.", hint="Name a capture or a folder of pins that has some.")
    desk = _PinsDesk()
    desk.load(stubs, {})
    return Loan(
        desk,
        lambda: [served.exchange for served in desk.calls],
        lambda: len(set(range(len(stubs))) - {served.stub for served in desk.calls}),
    )


class _PinsDesk(PinDesk):
    """Of many pins at once: what a call binds is for its own answer, as nothing says which calls belong together."""

    def answer(self, request: Request) -> Answer:
        """See :class:`PinDesk`."""
        self.names = {}
        return super().answer(request)


def _stubs_in(file: Path) -> tuple[PinStub, ...]:
    pin = load(file)
    return tuple(map(_alone, (*(stub for step in pin.setup for stub in step.stubs), *pin.stubs)))


def _alone(stub: PinStub) -> PinStub:
    """``stub`` without what its pin would have bound: a reference in the call takes what comes."""
    asked = stub.request
    return replace(
        stub,
        request=replace(
            asked,
            target=_taken(asked.target),
            headers=tuple((name, _taken(value)) for name, value in asked.headers),
            body=replace(asked.body, value=_taken(asked.body.value)),
        ),
    )


def _taken(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _taken(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_taken(child) for child in value]
    return re.sub(r"«the ([^»]+)»", r"«any as \1»", value) if isinstance(value, str) else value


def _of_capture(path: Path, rules: RuleBook) -> Loan:
    capture = Capture.open(path)
    if not capture.count(Direction.OUTBOUND):
        capture.close()
        raise EmptyCapture(
            f"{path} holds no outbound exchange to serve.",
            hint="Record the service's calls: retape record --outbound 0 … -- CMD",
        )
    sessions = (session.id for session in capture.sessions() if session.mode != "replay")
    kept = _Kept()
    redactor = Redactor(redaction_key(), RedactionPolicy())
    library = StubLibrary(capture, sessions)
    desk = ReplayDesk(library, Linker(), Bindings(), redactor, kept, _quiet, one_pool=True, rules=rules)
    return Loan(desk, lambda: kept.calls, lambda: desk.unused, capture.close)


def _quiet(event: Event) -> None:
    """A miss is in the list of calls."""


def as_row(call: Exchange) -> dict[str, Any]:
    """A call as plain data."""
    request, response = call.request, call.response
    return {
        "method": request.method,
        "url": url_of(request),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers],
        "body": request.body.decode("latin-1"),
        "status": response.status if response is not None else None,
        "failure": call.failure.kind.value if call.failure is not None else None,
        "dependency": call.dependency or "",
        "matched": str(call.notes.get("matched", "")),
        "why": _why(call.notes.get("miss")),
    }


def _why(miss: Any) -> str:
    return str(miss.get("hint", "")) if isinstance(miss, dict) else ""
