"""Secrets in bodies: JSON, NDJSON, form and multipart, found by name and spliced out, every other byte kept.

Most bodies hold no name of a secret, and are told apart without being parsed: a look for a few short byte strings,
then at the set of member names, and only then a scan for places.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from captures import jsonspans, jsontext, multipart
from captures.codings import content_decoded, content_encoded
from captures.jsonpaths import generalised
from captures.mediatypes import content_type_parameters, is_json, media_type
from captures.model import Headers
from captures.secret_echoes import Echoes
from captures.secret_names import NEEDLES, RedactionPolicy, normal

_MEMBER = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"[ \t\r\n]*:', re.DOTALL)
_LINES = frozenset(("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"))
_OPAQUE = ("image/", "video/", "audio/", "font/")
_REMEMBERED = 20_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark this one starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(slots=True)
class Body:
    """A body under redaction: ``raw`` as received, ``data`` decoded (None: not needed so far)."""

    raw: bytes
    headers: Headers = ()
    data: bytes | None = None
    changed: bool = False
    closed: bool = False  # could not be searched: it is not kept

    def replace_echoes(self, echoes: Echoes, count: Callable[[], None]) -> None:
        """Replace the secrets that were found elsewhere in the exchange. Media are not searched."""
        if not self.raw or self.closed or media_type(self.headers).startswith(_OPAQUE):
            return
        if self.data is None:
            try:
                self.data = content_decoded(self.raw, self.headers)
            except ValueError:
                return  # what no reader can decode shows no secret; what is declared JSON was closed before
        new = echoes.in_text(self.data)
        if new != self.data:
            self.data = new
            self.changed = True
            count()

    def encoded(self, unscannable: list[str]) -> bytes:
        """The body to keep: as received, or with the same content codings as before; empty when it was closed."""
        if self.closed:
            return b""
        if not self.changed or self.data is None:
            return self.raw
        try:
            return content_encoded(self.data, self.headers, self.raw)
        except ValueError as error:
            unscannable.append(f"a redacted body could not be encoded again: {error}")
            return b""


class Hooks(Protocol):
    """What to do with what is found in one body."""

    side: str  # "request", "response"

    @property
    def echoes(self) -> Echoes:
        """The secrets found so far in the exchange."""

    def closed(self, reason: str) -> None:
        """The body could not be searched."""

    def string(self, place: str, name: str, value: str) -> str:
        """The pseudonym of the string ``value`` at JSON path ``place``, under the normalised member ``name``."""

    def number(self, place: str, literal: str) -> str:
        """The same for a number as written."""

    def fields(self, query: bytes) -> bytes:
        """A form with its secret values replaced."""

    def part(self, name: str, value: str) -> str:
        """The content of multipart field ``name``, replaced if it is secret."""

    def echoed(self) -> None:
        """One more cookie's value stood under the cookie's name."""


@dataclass(slots=True)
class BodyRedactor:
    """Finds the secrets in bodies, by one policy."""

    policy: RedactionPolicy
    _secret: dict[bytes, bool] = field(default_factory=dict)  # by raw member name

    def search(self, raw: bytes, headers: Headers, hooks: Hooks) -> Body:
        """``raw`` with what stands under secret names replaced. Never raises ``ValueError``."""
        body = Body(raw, headers)
        kind = media_type(headers)
        form = kind == "application/x-www-form-urlencoded"
        if kind and not form and not is_json(kind) and kind not in _LINES and not kind.startswith("multipart/"):
            return body
        try:
            data = body.data = content_decoded(raw, headers)
            if form:
                new = hooks.fields(data)
            elif kind.startswith("multipart/"):
                new = self._multipart(data, headers, hooks)
            elif kind in _LINES or (is_json(kind) and jsontext.is_sequence(data)):
                lines = data.split(b"\n")
                new = b"\n".join(self._json(line, None, hooks) if line.strip() else line for line in lines)
            elif kind or data.lstrip()[:1] in (b"{", b"["):
                new = self._json(data, content_type_parameters(headers).get("charset"), hooks)
            else:
                return body
        except ValueError as error:
            if not kind or (kind.startswith("multipart/") and body.data is not None and not self._may_hold(body.data)):
                return body  # nothing said that it was JSON; nothing in it is named like a secret
            hooks.closed(f"{hooks.side}.body: declared {kind}: {error}")
            body.closed = True
            return body
        body.changed = new != data
        body.data = new
        return body

    def _json(self, data: bytes, charset: str | None, hooks: Hooks) -> bytes:
        mark, encoding = _encoding(data)
        if encoding == "utf-8" and not self._mentions(data, hooks.echoes):
            return data
        try:
            text = data[len(mark) :].decode(encoding)
        except UnicodeDecodeError:
            if not charset:
                raise
            encoding = _known(charset)
            text = data.decode(encoding)
        return mark + self._spliced(text, hooks).encode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")

    def _spliced(self, text: str, hooks: Hooks) -> str:
        named = hooks.echoes.names

        def choose(scalar: jsonspans.Scalar) -> str | None:
            if not (scalar.is_string or scalar.is_number):
                return None
            name = self._secret_above(scalar.place)
            if name is None and not any(path.covers(scalar.place) for path in self.policy.json):
                last = scalar.place[-1] if scalar.place else None
                if isinstance(last, str) and last in named and scalar.is_string:
                    value = scalar.string()
                    echoed = hooks.echoes.of_name(last, value)
                    if echoed is not None and echoed != value:
                        hooks.echoed()
                        return jsonspans.quoted(echoed, scalar.literal)
                return None
            place = generalised(scalar.place)
            if scalar.is_number:
                return hooks.number(place, scalar.literal)
            value = scalar.string()
            new = hooks.string(place, name or "", value)
            return jsonspans.quoted(new, scalar.literal) if new != value else None

        return jsonspans.replaced(text, choose)

    def _secret_above(self, place: tuple[str | int, ...]) -> str | None:
        """The normalised name of the nearest secret member at or above ``place``."""
        for step in reversed(place):
            if isinstance(step, str) and self._is_secret(step.encode("utf-8", "surrogatepass")):
                return normal(step)
        return None

    def _mentions(self, data: bytes, echoes: Echoes) -> bool:
        """Whether UTF-8 JSON may hold a secret by name, by configured path, or by a cookie's name."""
        paths = [
            path for path in self.policy.json if all(name.encode("utf-8", "replace") in data for name in path.names())
        ]
        cookies = [quoted for name in echoes.names if (quoted := f'"{name}"'.encode("utf-8", "surrogatepass")) in data]
        escapes = b"\\u" if self.policy.json else b"\\u00"  # the well-known names are ASCII
        if not paths and not cookies and escapes not in data:
            lower = data.lower()
            if not any(needle in lower for needle in NEEDLES):
                return False
        if cookies or any(not path.names() for path in paths):
            return True
        members = set(_MEMBER.findall(data))
        if any(map(self._is_secret, members)):
            return True
        # A member name written with escapes may be any of those asked for.
        escaped = bool(self.policy.json) and any(b"\\" in member for member in members)
        return escaped or any(
            all(name.encode("utf-8", "replace") in members for name in path.names()) for path in paths
        )

    def _may_hold(self, data: bytes) -> bool:
        lower = data.lower()
        return bool(self.policy.query or self.policy.json) or any(needle in lower for needle in NEEDLES)

    def _is_secret(self, raw: bytes) -> bool:
        known = self._secret.get(raw)
        if known is None:
            if b"\\" in raw:
                try:
                    name = str(json.loads(b'"' + raw + b'"', strict=False))
                except ValueError:
                    name = raw.decode("utf-8", "replace")
            else:
                name = raw.decode("utf-8", "replace")
            if len(self._secret) >= _REMEMBERED:
                self._secret.clear()
            known = self._secret[raw] = self.policy.is_secret_member(name)
        return known

    def _multipart(self, data: bytes, headers: Headers, hooks: Hooks) -> bytes:
        pieces: list[bytes] = []
        position = 0
        for part in multipart.split(data, headers):
            kind = media_type(part.headers)
            new = part.body
            if self.policy.is_secret_field(part.name) and part.filename is None:
                value = part.body.decode("utf-8")
                new = hooks.part(part.name, value).encode("utf-8")
            elif is_json(kind):
                new = self._json(part.body, content_type_parameters(part.headers).get("charset"), hooks)
            elif kind == "application/x-www-form-urlencoded":
                new = hooks.fields(part.body)
            elif not kind and part.body.lstrip()[:1] in (b"{", b"["):
                try:
                    new = self._json(part.body, None, hooks)
                except ValueError:
                    new = part.body  # nothing said that it was JSON
            pieces += (data[position : part.start], new)
            position = part.end
        return b"".join((*pieces, data[position:]))


def _encoding(data: bytes) -> tuple[bytes, str]:
    """The byte order mark of a JSON text, and its encoding going by that or by its zeros."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return mark, encoding
    return b"", json.detect_encoding(data)


def _known(charset: str) -> str:
    try:
        return codecs.lookup(charset).name
    except (LookupError, ValueError) as error:
        raise ValueError(f"unknown charset {charset[:40]!r}") from error
