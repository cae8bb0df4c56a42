"""Redaction: no secret reaches the disk (law 8). Runs on every exchange before it is written.

In one exchange, in this order: headers and trailers known or configured to hold secrets; query, form, multipart and
JSON values under well-known or configured names; then every place where one of those secrets stands again (echoed in a
body, in the target, in another header). Each becomes its pseudonym (``captures.pseudonyms``); every other byte stays.

Nothing here raises. What should be searched and cannot be is not written: its body is emptied, the exchange is marked
``body_truncated`` and ``notes["unscannable"]`` says why. ``notes["redacted"]`` counts what was replaced, by place; a
replaced body may have another length than its Content-Length says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from captures.model import Exchange, Headers, Request, Response
from captures.pseudonyms import fingerprint, number_pseudonym, pseudonym
from captures.secret_bodies import Body, BodyRedactor
from captures.secret_echoes import Echoes
from captures.secret_headers import (
    authorization,
    basic_pair,
    cookie,
    in_free_text,
    in_urls,
    may_hold_credentials,
    protocols,
    set_cookie,
    through_percent,
)
from captures.secret_names import RedactionPolicy, Secrecy, looks_opaque

__all__ = ["RedactionPolicy", "Redactor", "fingerprint", "pseudonym"]

_REMEMBERED = 20_000
"""Pseudonyms and header names kept, so that a token sent with every request costs one HMAC."""

_URL_HEADERS = frozenset(
    "location content-location referer link refresh x-original-url x-rewrite-url x-original-uri "
    "x-forwarded-uri x-envoy-original-path".split()
)
_AUTHORIZATIONS = frozenset("authorization proxy-authorization x-authorization x-forwarded-authorization".split())
_STRUCTURAL = frozenset(
    b"host content-type content-length content-encoding transfer-encoding connection date upgrade te trailer".split()
)
"""Headers that frame the message or name the place: a secret that happens to equal one is not looked for there."""
_API_KEY = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])(?![0-9a-f]{8}-[0-9a-f]{4}-)[A-Za-z0-9_-]{16,}")
"""What a query parameter that is just called "key" holds when it is no name of a thing."""
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
        self._secrecies: dict[str, Secrecy] = {}  # of fields
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

    def _hide(self, found: Found, place: str, value: str, name: str = "", *, password: bool = False) -> str:
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
        found.echoes.add(value, new, name, password=password)
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
            if not kind and (b"eyJ" in value or b"earer " in value):
                kind = "free"
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
            if name.endswith("-authorization"):
                kind = "authorization"
        elif name == "sec-websocket-protocol" and not self._policy.kept(name):
            kind = "protocols"
        if len(self._header_kinds) >= _REMEMBERED:
            self._header_kinds.clear()
        self._header_kinds[raw] = kind
        return kind

    def _header_value(self, found: Found, place: str, kind: str, text: str) -> str:
        def named(name: str, value: str) -> str:
            return value if self._policy.kept(name) else self._hide(found, place, value, name)

        if kind in _AUTHORIZATIONS:
            new = authorization(text, lambda value: self._hide(found, place, value))
            if new != text:
                self._encoded_echoes(found, text, new)
            return new
        if kind == "cookie":
            new = cookie(text, named)
            if new != text and ";" in text:
                found.echoes.add(text, new)
            return new
        if kind == "set-cookie":
            return set_cookie(text, named)
        if kind == "url":
            return self._free(found, place, text)
        if kind == "free":
            return in_free_text(text, lambda value: self._hide(found, place, value))
        if kind == "protocols":
            return protocols(text, lambda value: self._hide(found, place, value))
        return self._hide(found, place, text)

    def _encoded_echoes(self, found: Found, before: str, after: str) -> None:
        """Look for the base64 text of Basic credentials too, and for a short password where it stands alone."""
        pairs = basic_pair(before), basic_pair(after)
        if pairs[0] is None or pairs[1] is None:
            return
        for old, new in ((before, after), (before.rstrip("="), after.rstrip("="))):
            found.echoes.add(old.split()[-1], new.split()[-1])
        found.echoes.add(pairs[0].partition(":")[2], pairs[1].partition(":")[2], password=True)

    def _free(self, found: Found, place: str, text: str) -> str:
        """Text of any sort: URLs with secrets in them, and credentials that are known by their form."""
        if may_hold_credentials(text):
            text = in_free_text(text, lambda value: self._hide(found, place, value))
        if "=" in text:
            oauth = "state=" in text or "grant_type=" in text
            text = in_urls(text, lambda name, value: self._hide_parameter(found, place, name, value, oauth))
        return text

    def _hide_parameter(self, found: Found, place: str, name: str, value: str, oauth: bool) -> str:
        """The value of a query parameter: like any field, and two names that are secret there only."""
        if (name == "key" and _API_KEY.fullmatch(value)) or (name == "code" and oauth):
            return value if self._policy.kept(name) else self._hide(found, place, value)
        return self._hide_field(found, place, name, value)

    def _hide_field(self, found: Found, place: str, name: str, value: str) -> str:
        """The value of a query, form or multipart field: replaced when its name says so, or a cookie said it."""
        secrecy = self._secrecies.get(name)
        if secrecy is None:
            secrecy = Secrecy.ALL if self._policy.is_secret_field(name) else self._policy.secrecy(name)
            if len(self._secrecies) >= _REMEMBERED:
                self._secrecies.clear()
            self._secrecies[name] = secrecy
        if secrecy >= Secrecy.TEXT or (secrecy is Secrecy.OPAQUE and looks_opaque(value)):
            return self._hide(found, place, value, password=_like_password(name))
        echoed = found.echoes.of_name(name, value)
        if echoed is not None:
            found.count(f"echo {place}")
            return echoed
        if len(value) > 10 and not self._policy.kept(name):
            if value[0] in "{[":
                return self._bodies.inside(value, _Sink(self, found, place.partition(".")[0]))
            if "eyJ" in value or " " in value or "://" in value:
                return self._free(found, place, value)
        return value

    def _hide_member(self, found: Found, place: str, name: str, value: str) -> str:
        """A string under a secret JSON member; one named like a header is read like that header."""
        kind = _BY_MEMBER.get(name)
        return (
            self._header_value(found, place, kind, value)
            if kind
            else self._hide(found, place, value, password=_like_password(name))
        )

    def _target(self, found: Found, target: bytes) -> bytes:
        path, mark, query = target.partition(b"?")
        if not mark:
            return target
        return path + mark + self._fields(found, "request.query", query)

    def _fields(self, found: Found, place: str, raw: bytes) -> bytes:
        if b"=" not in raw:
            return raw
        pieces = raw.decode("latin-1").split("&")
        query = place == "request.query"
        oauth = b"code=" in raw and any(piece.startswith(("state=", "grant_type=")) for piece in pieces)
        for index, piece in enumerate(pieces):
            name, equals, value = piece.partition("=")
            if value:
                plain = _plain_name(name)
                where = f"{place} {plain}"
                hider = _field_hider(self, found, where, plain)
                if (query and plain == "key") or (oauth and plain == "code"):
                    hider = _parameter_hider(self, found, where, plain, oauth)
                new = through_percent(value, hider, plus=True)
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

    def text(self, value: str) -> str:
        return self.redactor._free(self.found, f"{self.side}.body text", value)

    def echoed(self) -> None:
        self.found.count(f"echo {self.side}.body")


def _field_hider(redactor: Redactor, found: Found, place: str, name: str) -> Callable[[str], str]:
    return lambda value: redactor._hide_field(found, place, name, value)


def _parameter_hider(redactor: Redactor, found: Found, place: str, name: str, oauth: bool) -> Callable[[str], str]:
    return lambda value: redactor._hide_parameter(found, place, name, value, oauth)


def _like_password(name: str) -> bool:
    lower = name.lower()
    return "pass" in lower or "pwd" in lower


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
