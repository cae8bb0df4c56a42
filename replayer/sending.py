"""One exchange of a replay, from the recorded request to the written answer.

What is sent is built only when its turn has come: by then every answer it depends on has been absorbed.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from secrets import token_bytes
from typing import Protocol

from captures.links import Linker
from captures.model import Direction, Exchange, Request, header
from captures.redacting.redaction import Redactor
from replayer.bindings import Bindings
from replayer.bound import Bound
from replayer.carrying import UNSIGNED
from replayer.client import Outcome, Target
from replayer.credentials import Credentials
from replayer.desk import Tape
from replayer.plan import ReplayPlan, with_headers
from replayer.rewriting import Change, apply
from replayer.settling import Answering, settle
from replayer.tracing import Randomness, with_fresh_traces, with_injected_trace
from replayer.wire.leaving import Leaving, leaving


class Sends(Protocol):
    """Who puts requests on the wire: :class:`replayer.client.Client`."""

    async def send(self, request: Request, *, connection: str = "", leave: Leaving | None = None) -> Outcome:
        """Never raises for what the target does."""


class Desk(Answering, Protocol):
    """Who answers the build's calls and must know which inbound exchanges are open."""

    def begin(self, replayed: int, recorded: int) -> None:
        """Inbound exchange ``replayed`` (run id) begins; it answers to ``recorded``."""

    def end(self, replayed: int) -> None:
        """It is over."""


HEAD = 64 * 1024
"""Bytes that are kept of an answer which is longer than may be: enough to see what it was."""


async def plenty(_: Exchange) -> None:
    """There is always room."""


@dataclass(slots=True)
class Sender:
    """Sends and writes down; several :meth:`send` may be under way. ``clock``: the scale of the linker's times."""

    client: Sends
    desk: Desk
    linker: Linker
    redactor: Redactor
    writer: Tape
    bound: Bound
    plan: ReplayPlan
    target: Target
    stubbed: bool
    setup: frozenset[int] = frozenset()
    credentials: Credentials = field(default_factory=Credentials)
    clock: Callable[[], float] = time.monotonic
    random: Randomness = token_bytes
    room: Callable[[Exchange], Awaitable[None]] = plenty
    notice: Callable[[str], None] = lambda _: None
    accepted: Accepted = field(default_factory=lambda: Accepted())
    _told: bool = False

    async def send(self, recorded: Exchange) -> Exchange:
        """Send ``recorded``'s request, wait for the calls that belong to it, write the answer; as it came, unredacted.

        Cancelled before the end, nothing is written of it.
        """
        left = self.redactor.leave(recorded)
        identity = self.writer.reserve_id()
        refused = self.accepted.refused(recorded)
        request, changes = build(
            self.bound.bindings, recorded, self.plan, self.target, Credentials() if refused else self.credentials
        )
        if not self._told and any(change.why == UNSIGNED for change in changes):
            self._told = True
            self.notice(
                "recorded JWTs were not signed again with jwt_key: redaction replaced their claims "
                "(keep them with [redact] keep, or let [replay.auth] login or headers supply a token)"
            )
        if self.stubbed and self.plan.concurrency > 1:
            headers, traced = with_fresh_traces(request.headers, self.random)
            request = replace(request, headers=headers)
            changes += traced
        else:
            headers, injected = with_injected_trace(request.headers, recorded)
            request = replace(request, headers=headers) if injected else request
            changes += injected
        if self.stubbed:
            outcome = await self._beside_stubs(identity, recorded, request)
        else:  # nobody answers calls, so that nobody asks who made them
            outcome = await self.client.send(request, connection=recorded.connection, leave=leaving(recorded))
        raw = self._raw(identity, recorded, request, changes, outcome)
        await self.room(raw)
        written = self.redactor.exchange(raw, left)
        self.writer.put(written)
        self.bound.absorb(recorded, raw, written)
        return raw

    async def _beside_stubs(self, identity: int, recorded: Exchange, request: Request) -> Outcome:
        self.desk.begin(identity, recorded.id)
        self.linker.inbound_started(identity, request.headers, self.clock())
        try:
            outcome = await self.client.send(request, connection=recorded.connection, leave=leaving(recorded))
            if outcome.failure is None:
                await settle(self.desk, recorded)
        finally:
            self.linker.inbound_ended(identity, self.clock())
            self.desk.end(identity)
        return outcome

    def _raw(
        self, identity: int, recorded: Exchange, request: Request, changes: list[Change], outcome: Outcome
    ) -> Exchange:
        noted = [*(change.to_json() for change in changes), *outcome.changes]
        response, notes = outcome.response, dict[str, object]()
        if noted:
            notes["changes"] = noted
        if recorded.id in self.setup:
            notes["setup"] = True
        cut = response is not None and len(response.body) > self.plan.max_body
        if cut and response is not None:
            notes["response_body_length"] = len(response.body)  # as far as it was read
            response = replace(response, body=response.body[:HEAD])
        return Exchange(
            id=identity,
            direction=Direction.INBOUND,
            request=request,
            response=response,
            failure=outcome.failure,
            timing=outcome.timing,
            replay_of=recorded.id,
            connection=recorded.connection,
            body_truncated=cut,
            notes=notes,
        )


@dataclass(slots=True)
class Accepted:
    """Which recorded credentials the recorded build had accepted, as far as it has been looked at."""

    limit: int = 100_000
    _known: OrderedDict[int, None] = field(default_factory=OrderedDict)

    def refused(self, recorded: Exchange) -> bool:
        """Whether ``recorded`` was sent to be refused: with credentials that are wrong, or good for nothing so far.

        401 says so (RFC 9110 section 15.5.2). 403 is said to those who are known, too: it counts where nothing else
        was answered to these credentials.
        """
        status = recorded.response.status if recorded.response is not None else 0
        held = [hash((name.lower(), value)) for name, value in recorded.request.headers if _is_credential(name)]
        if status < 400:
            self._known.update(dict.fromkeys(held))
            while len(self._known) > self.limit:
                self._known.popitem(last=False)
        return status == 401 or (status == 403 and not any(one in self._known for one in held))


def _is_credential(name: bytes) -> bool:
    lower = name.lower()
    return lower in (b"authorization", b"cookie") or any(word in lower for word in (b"token", b"key", b"auth"))


def build(
    bindings: Bindings, recorded: Exchange, plan: ReplayPlan, target: Target, credentials: Credentials
) -> tuple[Request, list[Change]]:
    """What is sent for ``recorded``: chained values, fresh credentials, given headers and the target put in."""
    signer = credentials.signer(time.time)
    request, changes = apply(
        bindings,
        recorded.request,
        before=recorded.id,
        signer=signer,
        sent=recorded.timing.started,
        pseudonyms=_pseudonyms(recorded) if signer is not None else frozenset(),
    )
    if credentials.identities:
        request, supplied = credentials.fresh(recorded.request, request)
        changes += supplied
    authority = recorded.notes.get("authority")
    if isinstance(authority, str) and header(request.headers, "host") is None:  # of HTTP/2
        request = replace(request, headers=((b"Host", authority.encode("latin-1", "replace")), *request.headers))
    headers = request.headers
    if plan.headers:
        headers, names = with_headers(request, plan.headers)
        changes += [Change(f"header {name}", "given with --header") for name in names]
    if plan.host == "target":
        place = str(target).partition("//")[2].encode()
        headers = tuple((name, place if name.lower() == b"host" else value) for name, value in headers)
        changes.append(Change("header host", "--host target"))
    carried = Request(
        request.method,
        target.scheme,
        target.host,
        target.port,
        request.target,
        headers,
        request.body,
        request.trailers,
        request.http_version,
    )
    return carried, changes


def _pseudonyms(recorded: Exchange) -> frozenset[str]:
    """Where in the request redaction replaced something: ``header authorization``, ``body``, ``target``."""
    redacted = recorded.notes.get("redacted")
    places = redacted if isinstance(redacted, Mapping) else {}
    found: set[str] = set()
    for place in places:
        side, dot, rest = str(place).partition("request.")
        if side or not dot:
            continue
        part = rest.partition(" ")[0]
        found.add(rest if part == "header" else "target" if part in ("path", "query", "target") else part)
    return frozenset(found)
