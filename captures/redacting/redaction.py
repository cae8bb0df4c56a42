"""Redaction: no secret reaches the disk (law 8). Runs on every exchange before it is written.

In one exchange, in this order: headers and trailers known or configured to hold secrets; query, form, multipart and
JSON values under well-known or configured names; then every place where one of those secrets stands again (echoed in a
body, in the target, in another header). Each becomes its pseudonym (``redacting.pseudonyms``); every other byte stays.

Nothing here raises. What should be searched and cannot be is not written: its body is emptied, the exchange is marked
``body_truncated`` and ``notes["unscannable"]`` says why. ``notes["redacted"]`` counts what was replaced, by place.
Content-Length follows a body that has become longer or shorter.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from captures.model import Exchange, Headers, Request, Response, header
from captures.redacting.bounds import Bounds, Unsearchable
from captures.redacting.detectors import Detectors
from captures.redacting.hiding import Doing, Found, Hiding
from captures.redacting.pseudonyms import fingerprint, pseudonym
from captures.redacting.searched import Left, read_by, unlike
from captures.redacting.secret_bodies import Body, BodyRedactor
from captures.redacting.secret_echoes import Echoes
from captures.redacting.secret_names import RedactionPolicy
from captures.redacting.secret_places import STRUCTURAL, SecretPlaces

__all__ = ["Doing", "Found", "RedactionPolicy", "Redactor", "fingerprint", "pseudonym"]

_QUIET = 512
"""Bodies remembered that have no secret place: services answer the same again and again."""
_LONGEST_QUIET = 16_384
_LONGEST_REASON = 15  # characters of a reason phrase that is not searched: "Moved Permanently" is


class Redactor:
    """Replaces secrets by pseudonyms made with ``key``. One per session; not bound to a thread, keeps no exchange."""

    def __init__(
        self,
        key: bytes,
        policy: RedactionPolicy | None = None,
        *,
        seconds: float = math.inf,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        # ``seconds`` of processor time (of ``clock``) are given to each body; one that needs more is not kept.
        self._seconds = seconds
        self._clock = clock
        policy = policy or RedactionPolicy()
        detectors = Detectors(policy.detectors, policy.patterns)
        self._hiding = Hiding(key)
        self._places = SecretPlaces(policy, self._hiding, detectors, self._inside)
        self._quiet: set[tuple[bytes, Headers]] = set()  # bodies without a secret place, and how they were read
        self._bodies = BodyRedactor(policy, detectors)

    def hide(self, secrets: Iterable[str]) -> None:
        """Look for ``secrets`` wherever they stand in every exchange from now on, from eight characters on."""
        self._hiding.know(secrets)

    def exchange(self, exchange: Exchange, left: Left | None = None) -> Exchange:
        """``exchange`` without its secrets; the very same object when there was nothing to do. Never raises.

        ``left``: what :meth:`leave` said of the exchange that this one is the replay of.
        """
        try:
            if left is not None and not self._hiding.known and self._has_nothing_new(exchange, left):
                return exchange
            return self._redacted(exchange, Found())
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, nothing unsearched may be written
            return _closed(exchange, f"redaction failed: {type(error).__name__}")

    def leave(self, exchange: Exchange) -> Left | None:
        """Take the values at the secret places of ``exchange`` for pseudonyms, and leave them as they are from now on.

        For a replay: what is sent was redacted when it was recorded, and comes back in what the build answers and
        asks. Redacted a second time it would no longer equal the recording. Returns what spares :meth:`exchange` the
        search of what did not change; None when a part could not be searched. Never raises.
        """
        found = Found(Doing.LEARN)
        try:
            self._redacted(exchange, found)
        except Exception:  # noqa: BLE001 - nothing is known of what could not be searched
            return None
        return None if found.unscannable else Left(exchange)

    def inspect(self, exchange: Exchange) -> Found:
        """What redaction would replace in ``exchange`` (``counts``, by place), and what it would leave as a pseudonym.

        Never raises: what could not be searched is in ``unscannable``. Places hold no value, not even in a name.
        """
        found = Found(Doing.INSPECT)
        try:
            self._redacted(exchange, found)
        except Exception as error:  # noqa: BLE001 - nothing is known of what could not be searched
            found.unscannable.append(f"redaction failed: {type(error).__name__}")
        found.counts, found.pseudonyms = (
            without(self._places.shown(counts), found.met) for counts in (found.counts, found.pseudonyms)
        )
        return found

    def again(self, exchange: Exchange, spared: frozenset[str]) -> Exchange:
        """Like :meth:`exchange`, for one that may be redacted already: ``spared`` are places that are left alone."""
        try:
            return self._redacted(exchange, Found(spared=spared, shown=self.shown))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, nothing unsearched may be written
            return _closed(exchange, f"redaction failed: {type(error).__name__}")

    def places(self, counts: dict[str, int]) -> dict[str, int]:
        """``counts`` by place, without what is secret in the places themselves."""
        return self._places.shown(counts)

    def shown(self, text: str) -> str:
        """``text`` about captured traffic (an endpoint), what is secret by its form named in place of it."""
        return next(iter(self._places.shown({text: 1})))

    def document(self, text: str) -> str:
        """JSON ``text`` that belongs to no exchange. Raises ``ValueError`` where it cannot be searched."""
        found = Found()
        sink = _Sink(self._places, self._hiding, found, "meta")
        return self._bodies.json(text.encode("utf-8", "surrogatepass"), sink).decode("utf-8", "surrogatepass")

    def _has_nothing_new(self, exchange: Exchange, left: Left) -> bool:
        """Whether what differs from ``left`` holds no secret: one would be looked for in the other parts, too."""
        found = Found()
        for part in unlike(exchange, left):
            if part.headers:
                self._places.headers(found, f"{part.side}.header", part.headers)
            if part.trailers:
                self._places.headers(found, f"{part.side}.trailer", part.trailers)
            if part.target is not None:
                self._places.target(found, part.target)
            if part.body:
                self._body(found, part.side, part.body, part.about)
            if found.counts or found.unscannable or not found.echoes.empty:
                return False
        return True

    def search(self, exchange: Exchange, found: Found) -> None:
        """Note the secrets of ``exchange`` in ``found``."""
        self._redacted(exchange, found)

    def body(self, found: Found, side: str, raw: bytes, headers: Headers) -> bytes:
        """``raw``, read as ``headers`` say, without its secrets and those in ``found``; empty when it was closed."""
        body = self._body(found, side, raw, headers)
        self._echoes_in_body(found, side, body)
        return body.encoded(found.unscannable)

    # -- an exchange ----------------------------------------------------------------------------------------------

    def _redacted(self, exchange: Exchange, found: Found) -> Exchange:
        request, response = exchange.request, exchange.response
        for secret, stand_in in self._hiding.known.items():
            found.echoes.add(secret, stand_in)
        request_headers = self._places.headers(found, "request.header", request.headers)
        request_trailers = self._places.headers(found, "request.trailer", request.trailers)
        target = self._places.target(found, request.target)
        response_headers: Headers = ()
        response_trailers: Headers = ()
        if response is not None:
            response_headers = self._places.headers(found, "response.header", response.headers)
            response_trailers = self._places.headers(found, "response.trailer", response.trailers)
        sent = self._body(found, "request", request.body, request.headers)
        received = self._body(found, "response", response.body, response.headers) if response is not None else Body(b"")

        reason = response.reason if response is not None else b""
        if len(reason) > _LONGEST_REASON:
            reason = self._places.phrase(found, "response.reason", reason)
        notes: Mapping[str, Any] = exchange.notes
        if found.echoes:
            reason = self._counted(found, "response.reason", reason, found.echoes.in_text(reason))
            request_headers = self._echoes_in_headers(found, "request.header", request_headers)
            response_headers = self._echoes_in_headers(found, "response.header", response_headers)
            request_trailers = self._echoes_in_headers(found, "request.trailer", request_trailers)
            response_trailers = self._echoes_in_headers(found, "response.trailer", response_trailers)
            target = self._counted(found, "request.target", target, found.echoes.in_text(target))
            self._echoes_in_body(found, "request", sent)
            self._echoes_in_body(found, "response", received)
            if notes:
                notes = found.echoes.in_value(notes)
        request_body = sent.encoded(found.unscannable)
        response_body = received.encoded(found.unscannable)
        if sent.changed and not sent.closed:
            request_headers = _told_length(request_headers, len(request.body), len(request_body))
        if response is not None and received.changed and not received.closed:
            response_headers = _told_length(response_headers, len(response.body), len(response_body))
        if not found.counts and not found.unscannable:
            return exchange
        more: dict[str, Any] = {}
        if found.counts:
            counts = self._places.shown(found.counts)
            if found.echoes:  # a secret may be the name of a field in which another one stands
                counts = found.echoes.in_value(counts)
            more["redacted"] = _sum(notes.get("redacted"), counts)
        if found.unscannable:
            more["unscannable"] = found.unscannable
        return replace(
            exchange,
            request=replace(
                request, target=target, headers=request_headers, body=request_body, trailers=request_trailers
            ),
            response=replace(
                response, headers=response_headers, body=response_body, trailers=response_trailers, reason=reason
            )
            if response is not None
            else None,
            body_truncated=exchange.body_truncated or bool(found.unscannable),
            notes={**notes, **more},
        )

    def _begin(self, found: Found) -> None:
        """The time that one body may take; who only looks takes what it needs. To be ended by ``found.bounds.free``."""
        if self._seconds != math.inf and found.doing is not Doing.INSPECT:
            found.bounds.clock, found.bounds.until = self._clock, self._clock() + self._seconds

    def _echoes_in_body(self, found: Found, side: str, body: Body) -> None:
        if not body.raw:
            return
        self._begin(found)
        try:
            body.replace_echoes(found.echoes, lambda: found.count(f"echo {side}.body"), found.bounds)
        except Unsearchable as error:
            found.unscannable.append(f"{side}.body: {error}")
        finally:
            found.bounds.free()

    def _body(self, found: Found, side: str, raw: bytes, headers: Headers) -> Body:
        if not raw:
            return Body(raw)
        self._begin(found)
        try:
            return self._read(found, side, raw, headers)
        finally:
            found.bounds.free()

    def _read(self, found: Found, side: str, raw: bytes, headers: Headers) -> Body:
        if not found.echoes.empty or len(raw) > _LONGEST_QUIET:  # a cookie's value is looked for in bodies, too
            return self._bodies.search(raw, headers, _Sink(self._places, self._hiding, found, side))
        key = raw, read_by(headers)
        if key in self._quiet:
            return Body(raw, headers)
        asked = found.asked
        body = self._bodies.search(raw, headers, _Sink(self._places, self._hiding, found, side))
        if found.asked == asked and not body.closed:
            if len(self._quiet) >= _QUIET:
                self._quiet.clear()
            self._quiet.add(key)
        return body

    def _echoes_in_headers(self, found: Found, place: str, headers: Headers) -> Headers:
        out: list[tuple[bytes, bytes]] = []
        for name, value in headers:
            new = value if name.lower() in STRUCTURAL else found.echoes.in_text(value)
            if new != value:
                found.count(f"echo {place} {name.decode('latin-1').lower()}")
            out.append((name, new))
        return tuple(out)

    def _counted(self, found: Found, place: str, before: bytes, after: bytes) -> bytes:
        if after != before:
            found.count(f"echo {place}")
        return after

    def _inside(self, found: Found, place: str, name: str, value: str) -> str:
        """The value of a field that may be JSON."""
        side = place.partition(".")[0]
        return self._bodies.inside(value, "", name, _Sink(self._places, self._hiding, found, side, place))


@dataclass(slots=True)
class _Sink:
    """Carries what is found in one body to where it is replaced."""

    places: SecretPlaces
    hiding: Hiding
    found: Found
    side: str
    at: str = ""  # the place of what a body stands in, if it is no body of its own

    @property
    def echoes(self) -> Echoes:
        return self.found.echoes

    @property
    def bounds(self) -> Bounds:
        return self.found.bounds

    @property
    def exact(self) -> bool:
        return self.found.doing is Doing.INSPECT

    def closed(self, reason: str) -> None:
        self.found.unscannable.append(reason)

    def string(self, place: str, name: str, value: str) -> str:
        return self.places.member(self.found, self._place(place), name, value)

    def number(self, place: str, literal: str, detector: str = "") -> str:
        place = self._place(place)
        if detector:
            return self.hiding.hide(self.found, place, literal, detector=detector)
        return self.hiding.number(self.found, place, literal)

    def fields(self, query: bytes, place: str = "") -> bytes:
        at = self._place(place) if place or self.at else f"{self.side}.form"
        return self.places.fields(self.found, at, query)

    def part(self, name: str, value: str) -> str:
        return self.places.field(self.found, f"{self.side}.part {name}", name, value)

    def text(self, value: str, place: str, name: str, *, urls: bool = True) -> str:
        return self.places.text(self.found, self._place(place), value, name, urls=urls)

    def fixed(self, value: str) -> str:
        return self.places.fixed(self.found, f"{self.side}.body bytes", value)

    def echoed(self) -> None:
        self.found.count(f"echo {self.side}.body")

    def _place(self, place: str) -> str:
        if self.at:
            return f"{self.at} {place}" if place else self.at
        return f"{self.side}.body {place or 'text'}"


def _told_length(headers: Headers, before: int, after: int) -> Headers:
    """``headers`` with the length of a body that has another one now: a build that is replayed tells that, too.

    What does not tell the length of the body as it came stays: of an answer to HEAD, of a body that was cut off.
    """
    told = b"%d" % before
    if before == after or header(headers, "content-length") != told:
        return headers
    return tuple(
        (name, b"%d" % after if value == told and name.lower() == b"content-length" else value)
        for name, value in headers
    )


def _sum(before: object, now: Mapping[str, int]) -> dict[str, int]:
    """Counts by place, added to those of an earlier redaction."""
    if not isinstance(before, Mapping):
        return dict(now)
    counts = dict(before)
    for place, count in now.items():
        earlier = counts.get(place, 0)
        counts[place] = count + (earlier if isinstance(earlier, int) else 0)
    return counts


def without(counts: Mapping[str, int], values: Collection[str]) -> dict[str, int]:
    """``counts`` by place, ``values`` left out of the places: what is secret somewhere may be a name elsewhere."""
    shown: dict[str, int] = {}
    for place, count in counts.items():
        name = place
        for value in sorted((value for value in values if value in place), key=len, reverse=True):
            name = name.replace(value, "<secret>")
        shown[name] = shown.get(name, 0) + count
    return shown


def _closed(exchange: Exchange, reason: str) -> Exchange:
    """What can be kept of an exchange that could not be searched: no header, no query, no body."""
    request, response = exchange.request, exchange.response
    return replace(
        exchange,
        request=Request(
            request.method, request.scheme, request.host, request.port, b"/", http_version=request.http_version
        ),
        response=Response(response.status, http_version=response.http_version) if response is not None else None,
        body_truncated=True,
        notes={"unscannable": [reason]},
    )
