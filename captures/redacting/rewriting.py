"""A capture written anew, redacted by the rules of today: for one that was recorded under others, or under none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from captures.copying import Copy
from captures.errors import CaptureError
from captures.model import Direction, Exchange, Message, Request, Session, Timing
from captures.redacting import secret_messages
from captures.redacting.redaction import Redactor
from captures.redacting.scanning import Inspected, Scan, inspected, summed
from captures.redacting.secret_messages import message_redactor
from captures.routes.endpoints import Endpoints
from captures.store import Capture

NOTHING = Exchange(0, Direction.INBOUND, Request("GET", "http", "", 80, b"/"), Timing(0.0))
_SEALED = tuple(f"({name})" for name in ("email", "card", "iban", "phone", "token", "private-key"))
"""Findings of what our pseudonyms are told from in every case."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to look through, and with what."""

    capture: Capture
    redactor: Redactor
    templates: tuple[str, ...] = ()

    def scan(self, seen: Callable[[int], None] = lambda _: None) -> Scan:
        """Look through all of it. ``seen`` is told how many exchanges were looked at."""
        return summed(self._looked_through(seen), self._endpoint_of())

    def rewrite(self, output: Path, key: str, seen: Callable[[int], None] = lambda _: None) -> Scan:
        """Write it, redacted, to ``output``, which appears as a whole or not at all; what was replaced.

        ``key`` is the fingerprint of the redactor's key, for sessions that were redacted with none. Raises
        :class:`UsageError` where ``output`` exists and :class:`CaptureError` where it cannot be written.
        """
        prepare = message_redactor(self.redactor)
        current: Callable[[Message], Message | None] = prepare(NOTHING)

        def message(exchange: Exchange, from_client: bool, kind: str, body: bytes) -> bytes | None:
            new = current(Message(exchange.id, 1, from_client, kind, 0.0, body))
            return None if new is None else new.body

        with Copy(output, message=message) as copy:
            sessions = {one.id: copy.session(self._session(one, key), {}) for one in self.capture.sessions()}
            for one in self.capture.sessions():
                if one.mode == "replay":
                    copy.skipped(sessions[one.id], self.capture)

            def written() -> Iterator[Inspected]:
                nonlocal current
                for one in self._looked_through(seen):
                    new = self.redactor.again(one.exchange, one.spared)
                    current = prepare(one.exchange)
                    copy.put(replace(new, session=sessions[one.exchange.session]), self.capture)
                    yield one

            return summed(written(), self._endpoint_of())

    def _endpoint_of(self) -> Callable[[Exchange], str]:
        endpoints = Endpoints.of(self.capture, self.templates)
        return lambda exchange: self.redactor.shown(endpoints.endpoint_of(exchange))

    def _looked_through(self, seen: Callable[[int], None]) -> Iterator[Inspected]:
        with ExitStack() as stack:
            source = self._source(stack)
            redacted = {one.id for one in self.capture.sessions() if one.redaction_key is not None}
            messages_of = self.capture.message_counts()
            for number, one in enumerate(inspected(self._exchanges(source), self.redactor), start=1):
                some = messages_of(one.exchange.id)
                yield self._with_messages(one, sure=one.exchange.session not in redacted) if some else one
                seen(number)

    def _with_messages(self, one: Inspected, *, sure: bool) -> Inspected:
        """Also what its messages hold. Not ``sure``: they were searched when they were written, and what bears no seal
        then may be a pseudonym."""
        found = secret_messages.inspected(self.redactor, one.exchange, self.capture.messages(one.exchange.id))
        counts = found.counts if sure else {place: n for place, n in found.counts.items() if place.endswith(_SEALED)}
        pseudonyms = sum(found.pseudonyms.values()) + sum(found.counts.values()) - sum(counts.values())
        return replace(
            one,
            secrets={**one.secrets, **counts},
            pseudonyms=one.pseudonyms + pseudonyms,
            unscannable=(*one.unscannable, *found.unscannable),
        )

    def _exchanges(self, source: Capture | None) -> Iterator[Exchange]:
        """In a run, each after the recorded one whose pseudonyms it was sent."""
        for exchange in self.capture.exchanges():
            if source is not None and exchange.replay_of is not None:
                for recorded in source.exchanges(ids=[exchange.replay_of]):
                    self.redactor.leave(recorded)
            yield exchange

    def _source(self, stack: ExitStack) -> Capture | None:
        """The capture that this is a run of, where it is still there."""
        runs = [one for one in self.capture.sessions() if one.mode == "replay"]
        name = runs[-1].meta.get("source") if runs else None
        if not isinstance(name, str):
            return None
        try:
            return stack.enter_context(Capture.open(Path(name)))
        except CaptureError:
            return None

    def _session(self, session: Session, key: str) -> Session:
        meta = self.redactor.document(json.dumps(dict(session.meta), ensure_ascii=False))
        return replace(session, redaction_key=session.redaction_key or key, meta=json.loads(meta))
