"""Redaction: no secret reaches the disk (law 8). Runs on every exchange before it is written.

In one exchange, in this order: headers and trailers known or configured to hold secrets; query, form, multipart and
JSON values under well-known or configured names; then every place where one of those secrets stands again (echoed in a
body, in the target, in another header). Each becomes its pseudonym (``captures.pseudonyms``); every other byte stays.

Nothing here raises. What should be searched and cannot be is not written: its body is emptied, the exchange is marked
``body_truncated`` and ``notes["unscannable"]`` says why. ``notes["redacted"]`` counts what was replaced, by place; a
replaced body may have another length than its Content-Length says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from captures.model import Exchange, Headers, Request, Response
from captures.pseudonyms import fingerprint, number_pseudonym, pseudonym
from captures.secret_bodies import Body, BodyRedactor
from captures.secret_echoes import Echoes
from captures.secret_headers import authorization, cookie, in_urls, set_cookie, through_percent
from captures.secret_names import RedactionPolicy

__all__ = ["RedactionPolicy", "Redactor", "fingerprint", "pseudonym"]

_REMEMBERED = 20_000
"""Pseudonyms and header names kept, so that a token sent with every request costs one HMAC."""

_URL_HEADERS = frozenset("location content-location referer link refresh x-original-url x-rewrite-url".split())
_AUTHORIZATIONS = frozenset("authorization proxy-authorization x-authorization x-forwarded-authorization".split())
_STRUCTURAL = frozenset(
    b"host content-type content-length content-encoding transfer-encoding connection date upgrade te trailer".split()
)
"""Headers that frame the message or name the place: a secret that happens to equal one is not looked for there."""
_BY_MEMBER = {name.replace("-", ""): name for name in (*_AUTHORIZATIONS, "cookie", "set-cookie")}


@dataclass(slots=True)
class Found:
    """What was replaced in one exchange."""

    echoes: Echoes = field(default_factory=Echoes)
    counts: dict[str, int] = field(default_factory=dict)
    unscannable: list[str] = field(default_factory=list)

    def count(self, place: str) -> None:
        """Note one replacement at ``place``."""
        self.counts[place] = self.counts.get(place, 0) + 1


class Redactor:
    """Replaces secrets by pseudonyms made with ``key``. One per session; not bound to a thread, keeps no exchange."""

    def __init__(self, key: bytes, policy: RedactionPolicy | None = None) -> None:
        self._key = key
        self._policy = policy or RedactionPolicy()
        self._pseudonyms: dict[str, str] = {}
        self._header_kinds: dict[bytes, str] = {}
        self._issued: set[str] = set()
        self._learning = False
        self._bodies = BodyRedactor(self._policy)

    def exchange(self, exchange: Exchange) -> Exchange:
        """``exchange`` without its secrets; the very same object when there was nothing to do. Never raises."""
        found = Found()
        try:
            return self._redacted(exchange, found)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, nothing unsearched may be written
            return _closed(exchange, f"redaction failed: {type(error).__name__}")

    def leave(self, exchange: Exchange) -> None:
        """Take the values at the secret places of ``exchange`` for pseudonyms, and leave them as they are from now on.

        For a replay: what is sent was redacted when it was recorded, and comes back in what the build answers and
        asks. Redacted a second time it would no longer equal the recording. Never raises.
        """
        self._learning = True
        try:
            self.exchange(exchange)
        finally:
            self._learning = False

    # -- one secret -----------------------------------------------------------------------------------------------

    def _hide(self, found: Found, place: str, value: str, name: str = "") -> str:
        """The pseudonym of ``value``, remembered for the search of echoes; ``name`` is that of a cookie."""
        if not value:
            return value
        if self._learning:
            self._issued.add(value)
            return value
        if value in self._issued:
            return value
        new = self._pseudonyms.get(value)
        if new is None:
            if len(self._pseudonyms) >= _REMEMBERED:
                self._pseudonyms.clear()
            new = self._pseudonyms[value] = pseudonym(self._key, value)
        found.count(place)
        found.echoes.add(value, new, name)
        return new

    def _hide_number(self, found: Found, place: str, literal: str) -> str:
        if self._learning or literal in self._issued:
            self._issued.add(literal)
            return literal
        new = number_pseudonym(self._key, literal)
        found.count(place)
        found.echoes.add(literal, new)
        return new

    # -- an exchange ----------------------------------------------------------------------------------------------

    def _redacted(self, exchange: Exchange, found: Found) -> Exchange:
        request, response = exchange.request, exchange.response
        request_headers = self._headers(found, "request.header", request.headers)
        request_trailers = self._headers(found, "request.trailer", request.trailers)
        target = self._target(found, request.target)
        response_headers: Headers = ()
        response_trailers: Headers = ()
        if response is not None:
            response_headers = self._headers(found, "response.header", response.headers)
            response_trailers = self._headers(found, "response.trailer", response.trailers)
        sent = self._body(found, "request", request.body, request.headers)
        received = self._body(found, "response", response.body, response.headers) if response is not None else Body(b"")

        notes: Mapping[str, Any] = exchange.notes
        if found.echoes:
            request_headers = self._echoes_in_headers(found, "request.header", request_headers)
            response_headers = self._echoes_in_headers(found, "response.header", response_headers)
            request_trailers = self._echoes_in_headers(found, "request.trailer", request_trailers)
            response_trailers = self._echoes_in_headers(found, "response.trailer", response_trailers)
            target = self._counted(found, "request.target", target, found.echoes.in_text(target))
            sent.replace_echoes(found.echoes, lambda: found.count("echo request.body"))
            received.replace_echoes(found.echoes, lambda: found.count("echo response.body"))
            if notes:
                notes = found.echoes.in_value(notes)
        request_body = sent.encoded(found.unscannable)
        response_body = received.encoded(found.unscannable)
        if not found.counts and not found.unscannable:
            return exchange
        more: dict[str, Any] = {"redacted": found.counts} if found.counts else {}
        if found.unscannable:
            more["unscannable"] = found.unscannable
        return replace(
            exchange,
            request=replace(
                request, target=target, headers=request_headers, body=request_body, trailers=request_trailers
            ),
            response=replace(response, headers=response_headers, body=response_body, trailers=response_trailers)
            if response is not None
            else None,
            body_truncated=exchange.body_truncated or bool(found.unscannable),
            notes={**notes, **more},
        )

    def _headers(self, found: Found, place: str, headers: Headers) -> Headers:
        changed: list[tuple[bytes, bytes]] | None = None
        for index, (name, value) in enumerate(headers):
            kind = self._header_kinds.get(name)
            if kind is None:
                kind = self._header_kind(name)
            if kind and value:
                text, charset = _header_text(value)
                new = self._header_value(found, f"{place} {name.decode('latin-1').lower()}", kind, text)
                if new != text:
                    changed = changed if changed is not None else list(headers)
                    changed[index] = (name, new.encode(charset, "surrogateescape"))
        return headers if changed is None else tuple(changed)

    def _header_kind(self, raw: bytes) -> str:
        """What to do with a header: "" nothing, else its lower-case name (a special form) or "value"."""
        name = raw.lower().decode("latin-1")
        kind = ""
        if name in _URL_HEADERS:
            kind = "url"
        if self._policy.is_secret_header(name):
            kind = name if name in _AUTHORIZATIONS or name in ("cookie", "set-cookie") else "value"
        if len(self._header_kinds) >= _REMEMBERED:
            self._header_kinds.clear()
        self._header_kinds[raw] = kind
        return kind

    def _header_value(self, found: Found, place: str, kind: str, text: str) -> str:
        def named(name: str, value: str) -> str:
            return value if self._policy.kept(name) else self._hide(found, place, value, name)

        if kind in _AUTHORIZATIONS:
            return authorization(text, lambda value: self._hide(found, place, value))
        if kind == "cookie":
            return cookie(text, named)
        if kind == "set-cookie":
            return set_cookie(text, named)
        if kind == "url":
            return in_urls(text, lambda name, value: self._hide_field(found, place, name, value))
        return self._hide(found, place, text)

    def _hide_field(self, found: Found, place: str, name: str, value: str) -> str:
        """The value of a query, form or multipart field: replaced when its name says so, or a cookie said it."""
        if self._policy.is_secret_field(name):
            return self._hide(found, place, value)
        echoed = found.echoes.of_name(name, value)
        if echoed is not None:
            found.count(f"echo {place}")
            return echoed
        return value

    def _hide_member(self, found: Found, place: str, name: str, value: str) -> str:
        """A string under a secret JSON member; one named like a header is read like that header."""
        kind = _BY_MEMBER.get(name)
        return self._header_value(found, place, kind, value) if kind else self._hide(found, place, value)

    def _target(self, found: Found, target: bytes) -> bytes:
        path, mark, query = target.partition(b"?")
        if not mark:
            return target
        return path + mark + self._fields(found, "request.query", query)

    def _fields(self, found: Found, place: str, raw: bytes) -> bytes:
        if b"=" not in raw:
            return raw
        pieces = raw.decode("latin-1").split("&")
        for index, piece in enumerate(pieces):
            name, equals, value = piece.partition("=")
            if value:
                plain = _plain_name(name)
                where = f"{place} {plain}"
                new = through_percent(value, _field_hider(self, found, where, plain), plus=True)
                pieces[index] = f"{name}{equals}{new}"
        return "&".join(pieces).encode("latin-1")

    def _body(self, found: Found, side: str, raw: bytes, headers: Headers) -> Body:
        if not raw:
            return Body(raw)
        return self._bodies.search(raw, headers, _Sink(self, found, side))

    def _echoes_in_headers(self, found: Found, place: str, headers: Headers) -> Headers:
        out: list[tuple[bytes, bytes]] = []
        for name, value in headers:
            new = value if name.lower() in _STRUCTURAL else found.echoes.in_text(value)
            if new != value:
                found.count(f"echo {place} {name.decode('latin-1').lower()}")
            out.append((name, new))
        return tuple(out)

    def _counted(self, found: Found, place: str, before: bytes, after: bytes) -> bytes:
        if after != before:
            found.count(f"echo {place}")
        return after


@dataclass(slots=True)
class _Sink:
    """Carries what is found in one body back here."""

    redactor: Redactor
    found: Found
    side: str

    @property
    def echoes(self) -> Echoes:
        return self.found.echoes

    def closed(self, reason: str) -> None:
        self.found.unscannable.append(reason)

    def string(self, place: str, name: str, value: str) -> str:
        return self.redactor._hide_member(self.found, f"{self.side}.body {place}", name, value)

    def number(self, place: str, literal: str) -> str:
        return self.redactor._hide_number(self.found, f"{self.side}.body {place}", literal)

    def fields(self, query: bytes) -> bytes:
        return self.redactor._fields(self.found, f"{self.side}.form", query)

    def part(self, name: str, value: str) -> str:
        return self.redactor._hide_field(self.found, f"{self.side}.part {name}", name, value)

    def echoed(self) -> None:
        self.found.count(f"echo {self.side}.body")


def _field_hider(redactor: Redactor, found: Found, place: str, name: str) -> Callable[[str], str]:
    return lambda value: redactor._hide_field(found, place, name, value)


def _plain_name(name: str) -> str:
    if "%" not in name and "+" not in name:
        return name
    from urllib.parse import unquote_plus

    return unquote_plus(name)


def _header_text(value: bytes) -> tuple[str, str]:
    """UTF-8 where it is that, so that a secret equals the same one in a JSON body; else byte for byte."""
    try:
        return value.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return value.decode("latin-1"), "latin-1"


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
