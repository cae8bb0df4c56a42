"""Out of a capture or a run: the pins of chosen exchanges, with the setup and stubs each needs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from captures.errors import CaptureError, EmptyCapture
from captures.model import Direction, Exchange, Session
from captures.redacting.redaction import RedactionPolicy, Redactor
from captures.routes.endpoints import Endpoints
from captures.selection import Selection
from captures.state import redaction_key
from captures.store import Capture
from captures.versions import version_of
from replayer.handovers import recorded_dependencies
from replayer.pin_words import secrets_of, words_in_request
from replayer.pin_write import Material, Origin, write_pin
from replayer.pinning.covering import LeftOut, cover
from replayer.pinning.listeners import Listeners
from replayer.pinning.secrets import pseudonyms_of
from replayer.pinning.siblings import Siblings, loosened
from replayer.pinning.signups import SignUps
from replayer.pins import Pin
from replayer.plan import reason_to_skip
from replayer.prerequisites import FirstSeen, History


@dataclass(frozen=True, slots=True)
class Made:
    """A pin, and where it goes under the pins' folder."""

    file: str  # "GET-orders-id/200-12.yaml"
    pin: Pin


@dataclass(frozen=True, slots=True)
class Refused:
    """An exchange that cannot be pinned, and why."""

    exchange: int
    reason: str


@dataclass(slots=True)
class PinSource:
    """An opened capture (or run, with the capture it came from where that is still there)."""

    capture: Capture
    recorded: Capture | None
    sessions: Mapping[int, Session]
    key: str | None
    policy: RedactionPolicy
    endpoints: tuple[str, ...] = ()
    made: Mapping[int, frozenset[str]] = field(default_factory=dict)
    sign_ups: SignUps = field(default_factory=SignUps)
    siblings: Siblings = field(default_factory=Siblings)
    listeners: Listeners = field(default_factory=Listeners)
    late: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # calls of no known cause that are an exchange's

    @property
    def is_run(self) -> bool:
        """Whether it is the result of a replay."""
        return bool(self.sessions) and all(session.mode == "replay" for session in self.sessions.values())


def make_pins(
    path: Path,
    only: Selection | None,
    *,
    redact: Mapping[str, Any] | None = None,
    endpoints: tuple[str, ...] = (),
    covering: bool = False,
    limit: int | None = None,
) -> Iterator[Made | Refused | LeftOut]:
    """The pins of the inbound exchanges of ``path`` that ``only`` chooses, in order.

    In a run, ``id:`` in ``only`` means recorded ids, as everywhere. ``covering``: of those the fewest that show every
    behaviour, ``limit`` at most; what is left out comes last. Raises :class:`EmptyCapture` when nothing is chosen, and
    what :class:`Capture` raises.
    """
    section = dict(redact or {})
    with ExitStack() as stack:
        capture = stack.enter_context(Capture.open(path))
        sessions = {session.id: session for session in capture.sessions()}
        key = section.get("key")
        source = PinSource(capture, None, sessions, key, RedactionPolicy.from_config(section), endpoints)
        if source.is_run:
            source.recorded = _recording(next(reversed(sessions.values())), stack)
        source.listeners = Listeners.of_captures([one for one in (source.recorded, capture) if one is not None])
        yield from _make(source, only, covering, limit)


def _recording(run: Session, stack: ExitStack) -> Capture | None:
    """The capture a run came from, if it is still where it was."""
    given = run.meta.get("source")
    if not isinstance(given, str):
        return None
    try:
        return stack.enter_context(Capture.open(given))
    except CaptureError:
        return None  # moved or gone: the run alone is enough to pin from, only less is known to be volatile


def _make(
    source: PinSource, only: Selection | None, covering: bool, limit: int | None
) -> Iterator[Made | Refused | LeftOut]:
    capture = source.capture
    endpoints = Endpoints.of(capture, source.endpoints)
    histories: dict[int, History] = {}
    chosen: list[int] = []
    seen = FirstSeen()
    ended: dict[int, float] = {}
    late: dict[int, list[int]] = {}
    for exchange in capture.exchanges():
        cause = exchange.cause.exchange if exchange.cause is not None else None
        seen.add(exchange, exchange.id if cause is None else cause)
        if exchange.direction is not Direction.INBOUND:
            if cause is None and (origin := _origin_by_values(exchange, seen, ended)) is not None:
                late.setdefault(origin, []).append(exchange.id)
            continue
        ended[exchange.id] = exchange.timing.ended or exchange.timing.started
        histories.setdefault(exchange.session, History()).add(exchange)
        source.siblings.add(exchange)
        source.sign_ups.add(exchange)
        if only is None or only.matches(_as_recorded(exchange), endpoints.endpoint_of(exchange)):
            chosen.append(exchange.id)
    if not chosen:
        if only is None:
            raise EmptyCapture(f"{capture.path} holds no inbound exchange to pin.")
        raise EmptyCapture(
            f"No inbound exchange of {capture.path} matches --only {only.text!r}.",
            hint=f"List them: retape capture ls {capture.path}",
        )
    redactor = Redactor(redaction_key(source.key), source.policy)
    source.made = _by_exchange(seen)
    source.late = {origin: tuple(calls) for origin, calls in late.items()}
    left_out: tuple[LeftOut, ...] = ()
    if covering:
        covered, left_out = cover(_shown(source, chosen, endpoints), limit, _recorded_ids(source))
        chosen = list(covered) or chosen  # none can be pinned: each says why
    for exchange in capture.exchanges(ids=chosen):
        yield _one(source, exchange, histories[exchange.session], endpoints.endpoint_of(exchange), redactor)
    yield from left_out


def _shown(
    source: PinSource, chosen: list[int], endpoints: Endpoints
) -> Iterator[tuple[Exchange, str, list[tuple[Exchange, str]]]]:
    """The chosen exchanges with their endpoint, and with the calls a pin of each would have stubs for."""
    for exchange in source.capture.exchanges(ids=chosen):
        calls = [(call, endpoints.endpoint_of(call)) for call in _calls_of(source, exchange)]
        yield exchange, endpoints.endpoint_of(exchange), calls


def _recorded_ids(source: PinSource) -> Callable[[int], int]:
    """In a run, people know exchanges by their recorded ids."""
    if not source.is_run:
        return lambda identity: identity
    known = dict(source.capture.rows("SELECT id, replay_of FROM exchange WHERE replay_of IS NOT NULL"))
    return lambda identity: int(known.get(identity, identity))


def _calls_of(source: PinSource, exchange: Exchange) -> tuple[Exchange, ...]:
    ids = [call.id for call in source.capture.caused_by(exchange.id)] + list(source.late.get(exchange.id, ()))
    return tuple(call for call in source.capture.exchanges(ids=ids) if "miss" not in call.notes)


def _one(source: PinSource, exchange: Exchange, history: History, endpoint: str, redactor: Redactor) -> Made | Refused:
    shown = exchange.replay_of or exchange.id
    reason = reason_to_skip(exchange)
    if reason is not None:
        return Refused(shown, reason)
    steps = _with_sign_ups(source, exchange, history)
    setup = []
    for step in steps:
        minted = [(key, where) for key, where in history.minted.items() if where.exchange == step.id]
        setup.append((_material(source, step, redactor), minted))
    status = exchange.response.status if exchange.response is not None else 0
    try:
        pin = write_pin(
            _material(source, exchange, redactor), setup, _origin(source, exchange, endpoint), f"{endpoint} {status}"
        )
    except ValueError as error:
        return Refused(shown, str(error))
    for sibling in source.capture.exchanges(ids=source.siblings.of(exchange.id)):
        pin = loosened(pin, _redacted(source, sibling, redactor))
    pseudonyms = pseudonyms_of(pin, redactor)
    if pseudonyms:
        pin = replace(pin, source={**pin.source, "pseudonyms": pseudonyms})
    return Made(f"{folder_of(endpoint)}/{status}-{shown}.yaml", pin)


def _with_sign_ups(source: PinSource, exchange: Exchange, history: History) -> list[Exchange]:
    """The steps before ``exchange``; a log-in brings along what made its account, to which no id ties it."""
    ids = set(history.setup_for(exchange.id))
    while True:
        steps = list(source.capture.exchanges(ids=sorted(ids)))
        named = source.sign_ups.before((*steps, exchange), history.given)
        more = {*named, *(one for made in named for one in history.setup_for(made))} - ids - {exchange.id}
        if not more:
            return steps
        ids |= more


def _material(source: PinSource, exchange: Exchange, redactor: Redactor) -> Material:
    """``exchange`` with its calls; redacted now when it was not when it was written."""
    calls = _calls_of(source, exchange)
    twin = _twin(source, exchange)
    exchange = _redacted(source, exchange, redactor)
    calls = tuple(_redacted(source, call, redactor) for call in calls)
    other = Redactor(secrets.token_bytes(32), source.policy)
    hidden = secrets_of(exchange, other.exchange(exchange))
    for call in calls:
        hidden |= secrets_of(call, other.exchange(call))
    return Material(exchange, calls, twin, source.made.get(exchange.id, frozenset()), hidden)


def _redacted(source: PinSource, exchange: Exchange, redactor: Redactor) -> Exchange:
    """As it was written, where it was redacted then; its answer in a pin's words."""
    session = source.sessions.get(exchange.session)
    clean = session is not None and session.redaction_key is not None
    return _told(source, exchange if clean else redactor.exchange(exchange))


def _told(source: PinSource, exchange: Exchange) -> Exchange:
    """With the addresses of dependencies in its answer in place of those of the listeners for them."""
    if exchange.response is None or exchange.direction is not Direction.INBOUND or not source.listeners.pairs:
        return exchange
    return replace(exchange, response=source.listeners.translated(exchange.response))


LATE = 0.5
"""Seconds after an exchange in which a call of no known cause may be a task that the exchange left behind."""


def _origin_by_values(call: Exchange, seen: FirstSeen, ended: Mapping[int, float]) -> int | None:
    """The inbound exchange that made a value the ``call`` speaks of, if that was just now; the latest of several."""
    inbound = {seen.words[word] for word in words_in_request(call.request) if word in seen.words} & ended.keys()
    latest = max(inbound, default=None)
    return latest if latest is not None and call.timing.started - ended[latest] <= LATE else None


def _by_exchange(seen: FirstSeen) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for word, inbound in seen.words.items():
        found.setdefault(inbound, set()).add(word)
    return {inbound: frozenset(words) for inbound, words in found.items()}


def _twin(source: PinSource, exchange: Exchange) -> Exchange | None:
    if source.recorded is None or exchange.replay_of is None:
        return None
    twin = next(iter(source.recorded.exchanges(ids=[exchange.replay_of])), None)
    return _told(source, twin) if twin is not None else None


def _origin(source: PinSource, exchange: Exchange, endpoint: str) -> Origin:
    session = source.sessions[exchange.session]
    meta = session.meta
    sessions = list(source.sessions.values())
    if source.recorded is not None:
        sessions += source.recorded.sessions()
    told = tuple((name, url, variable) for name, (url, variable) in sorted(recorded_dependencies(sessions).items()))
    label = str(meta.get("label") or "") or f"{session.mode} {session.id}"
    return Origin(source.capture.path.name, endpoint, label, str(meta.get("git") or ""), told, _maker())


def _maker() -> str:
    return f"retape {version_of('retape')}"


def _as_recorded(exchange: Exchange) -> Exchange:
    return exchange if exchange.replay_of is None else replace(exchange, id=exchange.replay_of)


def folder_of(endpoint: str) -> str:
    """``GET-orders-id`` for ``GET /orders/{id}``, ``POST-rpc-eth_call``: a name that every file system takes."""
    method, _, path = endpoint.partition(" ")
    words = [re.sub(r"[^A-Za-z0-9_.-]+", "", word) for word in re.split(r"/| (?=[A-Za-z_])", path)]
    name = "-".join([method, *(word for word in words if word.strip("."))])
    return name[:100] if path.strip("/") else f"{method}-root"
