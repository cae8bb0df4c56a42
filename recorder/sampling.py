"""A sample of the sessions of clients: which session an exchange belongs to, and whether it is kept. Pure, bounded.

A session is known by a credential (Authorization, a token in a cookie or a well-known header), else by what it was
handed (an id or token that an answer made: value flow), else by the client's connection. A login belongs to the session
of the credential that its answer makes; what a connection asked before its first login belongs to that one too. Whether
a session is kept is drawn by a keyed hash of its credential, so that it is the same in every process of one recording.
After :data:`LENGTH` exchanges it is drawn again: one API key is not all or nothing.

Kept whatever was drawn, with all of their session that is still at hand and what follows: errors (a status from 500 on,
no complete answer), shapes that were not seen yet (:mod:`recorder.shapes`), and sessions that made what a kept request
brings along. A read of a kept session whose answer shows what sampled-out sessions made is left out: no replay of the
sample could answer it so. What one session changes for another without any id is not seen.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from captures.formats.codings import content_decoded
from captures.identities import SCANNED, head_parts, idlike, naming
from captures.model import Exchange, Headers, header
from recorder.shapes import PARSED, Shapes

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

LENGTH = 500  # exchanges of a session, after which it is drawn anew
SESSIONS = 50_000  # credentials and connections remembered
VALUES = 100_000  # values remembered with what made them
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1
_KEYS = frozenset(b"x-api-key api-key apikey x-auth-token x-access-token x-session-id x-session-token".split())
_SESSIONISH = re.compile(rb"sess|sid|auth|token|jwt", re.IGNORECASE)
_TOKEN_WORDS = (b"token", b"session", b"jwt", b"sid")
_TOKEN = re.compile(
    rb'"[^"]{0,40}(?:token|session|jwt|sid)[^"]{0,40}"\s{0,4}:\s{0,4}"([^"\s]{12,4096})"', re.IGNORECASE
)


class Verdict(NamedTuple):
    """What becomes of an exchange: kept, set aside for the case that it is needed, or left out for good."""

    keep: bool
    set_aside: bool = False
    fetch: tuple[int, ...] = ()  # ids of exchanges set aside that are kept after all


class _Aside(NamedTuple):
    """An exchange that was set aside, and the sessions that made what its answer shows."""

    id: int
    stale: tuple[_Session, ...]


@dataclass(slots=True, eq=False)
class _Session:
    drawn_by: bytes
    kept: bool
    count: int = 0
    returned: bool = False  # a client brought back what an answer made: it would have sent it again
    aside: list[_Aside] = field(default_factory=list)
    needs: dict[_Session, None] = field(default_factory=dict)  # sessions that made what its requests brought


@dataclass(slots=True)
class Sampler:
    """Judges inbound exchanges in the order in which they end. ``rate``: the share of sessions that is kept, 0 to 1."""

    rate: float
    key: bytes
    sessions: int = 0  # seen
    kept_for: Counter[str] = field(
        default_factory=Counter
    )  # sessions by why they are kept: drawn, error, shape, needed
    _shapes: Shapes = field(default_factory=Shapes)
    _by_credential: OrderedDict[bytes, _Session] = field(default_factory=OrderedDict)
    _by_connection: OrderedDict[str, _Session] = field(default_factory=OrderedDict)
    _makers: OrderedDict[int, _Session | None] = field(default_factory=OrderedDict)  # by a value's hash

    def judge(self, exchange: Exchange) -> Verdict:
        """Whether ``exchange`` is kept, and what else must be."""
        asked, response = exchange.request, exchange.response
        answer = _plain(response.headers, response.body) if response is not None else b""
        brought = idlike([*head_parts(asked.target, asked.headers), _plain(asked.headers, asked.body)[:SCANNED]])
        shown = frozenset[bytes]()
        made = tuple[bytes, ...]()
        if response is not None:
            shown = idlike([*head_parts(b"", response.headers), answer[:SCANNED]])
            made = _made_credentials(response.headers, answer)
        session = self._session_of(exchange, _credentials(asked.headers), brought, made)
        self._count(session)
        new = self._shapes.is_new(exchange, answer)
        error = response is None or exchange.failure is not None or response.status >= 500
        fetch: list[int] = []
        if (error or new) and not session.kept:
            self._keep(session, "error" if error else "shape", fetch)
        needed = self._unkept_makers(brought, session)
        stale = self._unkept_makers(shown - brought, session)
        self._note(brought, shown, made, session, makes=asked.method not in SAFE)
        if not session.kept:
            session.needs.update(dict.fromkeys(needed))
            session.aside.append(_Aside(exchange.id, stale if asked.method in SAFE else ()))
            if asked.method not in SAFE:
                session.needs.update(dict.fromkeys(stale))
            return Verdict(keep=False, set_aside=True)
        if stale and asked.method in SAFE and not (error or new):
            return Verdict(keep=False)
        for other in dict.fromkeys((*needed, *stale)):
            self._keep(other, "needed", fetch)
        return Verdict(keep=True, fetch=tuple(fetch))

    def expects(self, exchange: Exchange) -> bool:
        """Whether an exchange that goes on for long and has only begun is kept, by what is known of its session."""
        held = _credentials(exchange.request.headers)
        session = next((known for one in held if (known := self._by_credential.get(one)) is not None), None)
        if session is None and not held and exchange.connection:
            session = self._by_connection.get(exchange.connection)
        return session.kept if session is not None else self._draw(min(held) if held else exchange.connection.encode())

    # -- sessions -----------------------------------------------------------------------------------------------------

    def _session_of(
        self, exchange: Exchange, held: tuple[bytes, ...], brought: frozenset[bytes], made: tuple[bytes, ...]
    ) -> _Session:
        session = next((known for one in held if (known := self._by_credential.get(one)) is not None), None)
        if session is None and held:
            makers = (self._makers.get(hash(one)) for one in held)
            session = next((one for one in makers if one is not None), None) or self._begin(min(held))
        if session is not None:
            session.returned = True
        else:
            session = self._anonymous(exchange, brought, made)
        for one in (*held, *made):
            _remember(self._by_credential, one, session, SESSIONS)
        return session

    def _anonymous(self, exchange: Exchange, brought: frozenset[bytes], made: tuple[bytes, ...]) -> _Session:
        line = exchange.connection
        session = self._by_connection.get(line) if line else None
        if made and session is not None and session.returned:  # the connection is shared: a gateway's
            return self._begin(min(made))
        if session is None:
            makers = (self._makers.get(hash(one)) for one in brought)
            session = next((one for one in makers if one is not None), None)
        if session is None:
            session = self._begin(min(made) if made else line.encode() or b"%d" % exchange.id)
        if line:
            _remember(self._by_connection, line, session, SESSIONS)
        return session

    def _begin(self, drawn_by: bytes) -> _Session:
        self.sessions += 1
        session = _Session(drawn_by, self._draw(drawn_by))
        self.kept_for["drawn"] += session.kept
        return session

    def _draw(self, drawn_by: bytes) -> bool:
        digest = blake2b(drawn_by, key=self.key[:64], digest_size=8).digest()
        return int.from_bytes(digest, "big") < self.rate * 2**64

    def _count(self, session: _Session) -> None:
        session.count += 1
        if session.count % LENGTH == 0:
            session.kept = self._draw(session.drawn_by + b"/%d" % session.count)
            session.aside.clear()
            session.needs.clear()

    def _keep(self, session: _Session, why: str, fetch: list[int]) -> None:
        """Keep ``session`` from now on, with what is set aside of it and what that needs."""
        waiting, found = [session], list[_Session]()
        while waiting:
            one = waiting.pop()
            if not one.kept:
                one.kept = True
                self.kept_for[why] += 1
                waiting += one.needs
                one.needs.clear()
                found.append(one)
                why = "needed"
        for one in found:
            fetch += (aside.id for aside in one.aside if all(other.kept for other in aside.stale))
            one.aside.clear()

    # -- values -------------------------------------------------------------------------------------------------------

    def _unkept_makers(self, values: Iterable[bytes], session: _Session) -> tuple[_Session, ...]:
        makers = (self._makers.get(hash(value)) for value in values)
        return tuple(dict.fromkeys(one for one in makers if one is not None and not one.kept and one is not session))

    def _note(
        self,
        brought: frozenset[bytes],
        shown: frozenset[bytes],
        made: tuple[bytes, ...],
        session: _Session,
        *,
        makes: bool,
    ) -> None:
        """Remember what made each value: the first answer to an unsafe request that shows it; credentials always."""
        for value in brought:
            if hash(value) not in self._makers:
                _remember(self._makers, hash(value), None, VALUES)
        for value in shown - brought:
            if hash(value) not in self._makers:
                _remember(self._makers, hash(value), session if makes else None, VALUES)
        for value in made:
            _remember(self._makers, hash(value), session, VALUES)


def _remember(known: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)


def _credentials(headers: Headers) -> tuple[bytes, ...]:
    """What a request shows of who is asking, the strongest first."""
    strong: list[bytes] = []
    cookies: list[bytes] = []
    for name, value in headers:
        lower = name.lower()
        if lower == b"authorization" or lower in _KEYS:
            strong.append(value.strip().rpartition(b" ")[2])
        elif lower == b"cookie":
            for pair in value.split(b";"):
                key, _, text = pair.strip().partition(b"=")
                if _is_token(key, text):
                    cookies.append(text)
    return tuple(one for one in (*strong, *cookies) if one)


def _made_credentials(headers: Headers, answer: bytes) -> tuple[bytes, ...]:
    """The credentials that an answer hands out: in cookies, and in JSON under a name that says so."""
    made: list[bytes] = []
    for name, value in headers:
        if name.lower() == b"set-cookie":
            key, _, text = value.split(b";", 1)[0].strip().partition(b"=")
            if _is_token(key, text):
                made.append(text)
    if b"json" in (header(headers, "content-type") or b""):
        lower = answer[:SCANNED].lower()
        if any(word in lower for word in _TOKEN_WORDS):  # the pattern alone takes many times as long
            made += _TOKEN.findall(answer[:SCANNED])
    return tuple(dict.fromkeys(made))


def _is_token(name: bytes, value: bytes) -> bool:
    return bool(naming([value])) or (len(value) >= 8 and _SESSIONISH.search(name) is not None)


def _plain(headers: Headers, body: bytes) -> bytes:
    """``body`` without its content coding; nothing where that cannot be said."""
    if not body or len(body) > PARSED:
        return body[:SCANNED]
    try:
        return content_decoded(body, headers, 4 * PARSED)
    except ValueError:
        return b""
