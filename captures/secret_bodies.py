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
from urllib.parse import unquote

from captures import jsonspans, jsontext, multipart
from captures.codings import content_decoded, content_encoded
from captures.jsonpaths import generalised
from captures.mediatypes import content_type_parameters, is_text, media_type, parameters
from captures.mediatypes import is_json as says_json
from captures.model import Headers, header
from captures.secret_echoes import Echoes
from captures.secret_names import NEEDLES, RedactionPolicy, Secrecy, looks_opaque, normal

_MEMBER = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"[ \t\r\n]*:', re.DOTALL)
_ESCAPED_MEMBER = re.compile(rb'\\"([^"\\]{1,80})\\+"[ \t]*:')
"""In a JSON text that stands in a JSON string, once or twice over."""
_PAIR = re.compile(rb'"(?:[Nn]ame|[Kk]ey)"[ \t\r\n]*:[ \t\r\n]*"([^"\\]{1,80})"')
_PARAMETER = re.compile(rb"[?&;#]([A-Za-z0-9_.%\[\]-]{1,80})=")
_LOOSE_MEMBER = re.compile(rb"[{,\s](?:'([^'\"\\]{1,80})'|([A-Za-z_][\w-]{0,80}))\s*:")
_USER_IN_URL = re.compile(rb":(?://|\\/\\/)[^/\s\"@?#]{1,300}@")
_INTERESTING = re.compile(r'eyJ|earer |EARER |asic |://|:\\/\\/|\\"|\\u0022|[?&#;][^=&#;?]{1,80}=')
_FIELD = rb"[A-Za-z0-9_.%\[\]-]{1,80}=[^\s<>{}\"&]*"
_FORM = re.compile(_FIELD + rb"(?:&" + _FIELD + rb")*\s*")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_EVENT = re.compile(rb"(?m)^data:[ ]?([^\r\n]*)")
_LOWER = bytes(range(256)).lower()
_NOISE = b"0123456789.,:;{}[]_-/+\\\r\n\t"
"""In no needle: a text without them is shorter, so that the many looks for needles cost less."""
_MOST_OF_A_FILE = 65_536
_DEEPEST = 2
_LINES = frozenset(f"application/{name}" for name in ("x-ndjson", "ndjson", "jsonl", "x-jsonlines", "json-seq"))
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

    def text(self, value: str) -> str:
        """Text of any sort with what is secret by its form, or in a URL by its name, replaced."""

    def echoed(self) -> None:
        """One more cookie's value stood under the cookie's name."""


@dataclass(slots=True)
class BodyRedactor:
    """Finds the secrets in bodies, by one policy."""

    policy: RedactionPolicy
    _secret: dict[bytes, Secrecy] = field(default_factory=dict)  # by raw member name

    def search(self, raw: bytes, headers: Headers, hooks: Hooks) -> Body:
        """``raw`` with what stands under secret names replaced. Never raises ``ValueError``."""
        body = Body(raw, headers)
        kind = media_type(headers)
        form = kind == "application/x-www-form-urlencoded"
        if kind and not form and not is_json(kind) and kind not in _LINES and not kind.startswith("multipart/"):
            return self._of_text(body, kind, hooks) if is_text(kind) else body
        try:
            data = body.data = content_decoded(raw, headers)
            if form:
                new = hooks.fields(data)
            elif kind.startswith("multipart/"):
                new = self._multipart(data, headers, hooks)
            elif kind in _LINES or (is_json(kind) and jsontext.is_sequence(data)):
                lines = data.split(b"\n")
                new = b"\n".join(self._line(line, hooks) if line.strip() else line for line in lines)
            elif kind or data.lstrip()[:1] in (b"{", b"["):
                new = self._json(data, content_type_parameters(headers).get("charset"), hooks)
            elif _FORM.fullmatch(data):
                new = hooks.fields(data)
            else:
                return self._of_text(body, kind, hooks)
        except ValueError as error:
            if not kind or (kind.startswith("multipart/") and body.data is not None and not self._may_hold(body.data)):
                return body  # nothing said that it was JSON; nothing in it is named like a secret
            hooks.closed(f"{hooks.side}.body: declared {kind}: {error}")
            body.closed = True
            return body
        body.changed = new != data
        body.data = new
        return body

    def inside(self, value: str, hooks: Hooks, depth: int = 0) -> str:
        """A string with the secrets in it replaced: it may be JSON itself, or hold a URL or a token."""
        if depth < _DEEPEST and value.lstrip()[:1] in ("{", "[") and '"' in value:
            try:
                return self._spliced(value, hooks, depth + 1)
            except ValueError:
                pass  # only text, after all
        return hooks.text(value)

    def _of_text(self, body: Body, kind: str, hooks: Hooks) -> Body:
        """A body of text: events and what looks like JSON or a form by name, the rest by the form of credentials."""
        try:
            data = body.data = content_decoded(body.raw, body.headers)
        except ValueError:
            return body
        new = data
        if kind == "text/event-stream":
            new = _EVENT.sub(
                lambda match: match[0][: match.start(1) - match.start()] + self._tolerant(match[1], hooks), data
            )
        elif kind == "text/plain":
            new = self._tolerant(data, hooks)
        if new == data and (b"eyJ" in data or b"earer " in data or b"asic " in data or _user_in_url(data)):
            new = _loosely(data, hooks)
        body.changed = new != data
        body.data = new
        return body

    def _tolerant(self, data: bytes, hooks: Hooks) -> bytes:
        """``data``, which nobody said is JSON or a form, read as such if it is."""
        if data.lstrip()[:1] in (b"{", b"["):
            try:
                return self._json(data, None, hooks)
            except ValueError:
                return data
        return hooks.fields(data) if _FORM.fullmatch(data) else data

    def _line(self, line: bytes, hooks: Hooks) -> bytes:
        mark = line[: line.startswith(b"\x1e")]  # RFC 7464
        return mark + self._json(line[len(mark) :], None, hooks)

    def _json(self, data: bytes, charset: str | None, hooks: Hooks) -> bytes:
        mark, encoding = _encoding(data)
        if encoding == "utf-8" and not self._mentions(data, hooks.echoes):
            if not data.isascii():
                _refuse_binary(data)
            elif data[:1] not in (b"{", b"[", b'"') and _FORM.fullmatch(data):
                return hooks.fields(data)
            return data
        try:
            text = data[len(mark) :].decode(encoding)
        except UnicodeDecodeError:
            if not charset:
                raise
            encoding = _known(charset)
            text = data.decode(encoding)
        return mark + self._spliced(text, hooks).encode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")

    def _spliced(self, text: str, hooks: Hooks, depth: int = 0) -> str:
        named = hooks.echoes.names
        pairs = self._pairs(text)

        def choose(scalar: jsonspans.Scalar) -> str | None:
            if not (scalar.is_string or scalar.is_number):
                return None
            name = self._secret_above(scalar)
            if name is None and pairs and scalar.place and str(scalar.place[-1]).lower() == "value":
                name = self._secret_in_pair(pairs.get(scalar.place[:-1], ""), scalar)
            if name is None and not any(path.covers(scalar.place) for path in self.policy.json):
                last = scalar.place[-1] if scalar.place else None
                if isinstance(last, str) and last in named and scalar.is_string:
                    value = scalar.string()
                    echoed = hooks.echoes.of_name(last, value)
                    if echoed is not None and echoed != value:
                        hooks.echoed()
                        return jsonspans.quoted(echoed, scalar.literal)
                if len(scalar.literal) < 10 or not scalar.is_string or not _INTERESTING.search(scalar.literal):
                    return None
                if isinstance(last, str) and self.policy.kept(last):
                    return None
                value = scalar.string()
                inner = self.inside(value, hooks, depth)
                return jsonspans.quoted(inner, scalar.literal) if inner != value else None
            place = generalised(scalar.place)
            if scalar.is_number:
                return hooks.number(place, scalar.literal)
            value = scalar.string()
            new = hooks.string(place, name or "", value)
            return jsonspans.quoted(new, scalar.literal) if new != value else None

        return jsonspans.replaced(text, choose)

    def _secret_above(self, scalar: jsonspans.Scalar) -> str | None:
        """The normalised name of the nearest member at or above ``scalar`` that makes it secret."""
        nearest = True
        for step in reversed(scalar.place):
            if isinstance(step, str):
                secrecy = self._secrecy(step.encode("utf-8", "surrogatepass"))
                if secrecy is Secrecy.ALL:
                    return normal(step)
                text = bool(secrecy) and nearest and scalar.is_string
                if text and (secrecy is Secrecy.TEXT or looks_opaque(scalar.string())):
                    return normal(step)
                nearest = False
        return None

    def _pairs(self, text: str) -> dict[tuple[str | int, ...], str]:
        """The places of objects like ``{"name": "password", "value": ...}``, with that name."""
        if not any(map(self._secrecy, _PAIR.findall(text.encode("utf-8", "surrogatepass")))):
            return {}
        found: dict[tuple[str | int, ...], str] = {}
        for scalar in jsonspans.scalars(text):
            if scalar.is_string and scalar.place and str(scalar.place[-1]).lower() in ("name", "key"):
                name = scalar.string()
                if self.policy.secrecy(name):
                    found[scalar.place[:-1]] = name
        return found

    def _secret_in_pair(self, name: str, scalar: jsonspans.Scalar) -> str | None:
        if scalar.is_string:
            return normal(name) if self.policy.is_secret_value(name, scalar.string()) else None
        return normal(name) if self.policy.is_secret_member(name) else None

    def _mentions(self, data: bytes, echoes: Echoes) -> bool:
        """Whether UTF-8 JSON may hold a secret by name, by configured path, or by a cookie's name."""
        paths = [
            path for path in self.policy.json if all(name.encode("utf-8", "replace") in data for name in path.names())
        ]
        cookies = [quoted for name in echoes.names if (quoted := f'"{name}"'.encode("utf-8", "surrogatepass")) in data]
        escapes = b"\\u" if self.policy.json else b"\\u00"  # the well-known names are ASCII
        if not paths and not cookies and escapes not in data:
            lean = data.translate(_LOWER, _NOISE)
            if b"eyj" in lean or b"bearer " in lean or b"basic " in lean or _user_in_url(data):
                return True
            signed = b"=" in data and (b"sig=" in lean or b"sid=" in lean)
            for needle in () if signed else NEEDLES:
                if needle in lean:
                    break
            else:
                if not signed:
                    return False
        if cookies or any(not path.names() for path in paths):
            return True
        members = set(_MEMBER.findall(data))
        if any(map(self._secrecy, members)) or self._mentions_inside(data, bare=not members):
            return True
        # A member name written with escapes may be any of those asked for.
        escaped = bool(self.policy.json) and any(b"\\" in member for member in members)
        return escaped or any(
            all(name.encode("utf-8", "replace") in members for name in path.names()) for path in paths
        )

    def _mentions_inside(self, data: bytes, *, bare: bool) -> bool:
        """Whether a secret is named in a string (JSON in JSON, a URL, a pair), or in what is no JSON at all."""
        if b'\\"' in data and any(map(self._secrecy, _ESCAPED_MEMBER.findall(data))):
            return True
        if b"\\u0022" in data or any(map(self._secrecy, _PAIR.findall(data))):
            return True
        if b"=" in data and any(name == b"key" or self._secrecy(name) for name in _PARAMETER.findall(data)):
            return True
        if (b"'" not in data and not bare) or data.lstrip()[:1] not in (b"{", b"["):
            return False
        return any(self._secrecy(quoted or word) for quoted, word in _LOOSE_MEMBER.findall(data))

    def _may_hold(self, data: bytes) -> bool:
        lower = data.lower()
        return bool(self.policy.query or self.policy.json) or any(needle in lower for needle in NEEDLES)

    def _secrecy(self, raw: bytes) -> Secrecy:
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
            known = self._secret[raw] = self.policy.secrecy(name)
        return known

    def _multipart(self, data: bytes, headers: Headers, hooks: Hooks) -> bytes:
        pieces: list[bytes] = []
        position = 0
        for part in multipart.split(data, headers):
            kind = media_type(part.headers)
            new = part.body
            name = _part_name(part)
            if self.policy.is_secret_field(name) and part.filename is not None:
                if len(part.body) > _MOST_OF_A_FILE:
                    raise ValueError("a file under the name of a secret is too large to replace")
                new = hooks.part(name, part.body.decode("latin-1")).encode("latin-1")
            elif self.policy.is_secret_field(name) or self.policy.secrecy(name):
                value = part.body.decode("utf-8")
                new = hooks.part(name, value).encode("utf-8")
            elif is_json(kind):
                new = self._json(part.body, content_type_parameters(part.headers).get("charset"), hooks)
            elif kind == "application/x-www-form-urlencoded":
                new = hooks.fields(part.body)
            elif not kind and part.body.lstrip()[:1] in (b"{", b"["):
                try:
                    new = self._json(part.body, None, hooks)
                except ValueError:
                    new = part.body  # nothing said that it was JSON
            elif b"eyJ" in part.body or b"earer " in part.body or b"asic " in part.body or _user_in_url(part.body):
                new = _loosely(part.body, hooks)
            pieces += (data[position : part.start], new)
            position = part.end
        return b"".join((*pieces, data[position:]))


def is_json(kind: str) -> bool:
    """Like that of ``captures.mediatypes``, and what else has JSON in its name: ``application/x-amz-json-1.1``."""
    return says_json(kind) or ("json" in kind and kind not in _LINES)


def _part_name(part: multipart.RawPart) -> str:
    """The name of a part, in the extended notation too (RFC 8187)."""
    if part.name:
        return part.name
    value = header(part.headers, "content-disposition") or b""
    charset, _, encoded = parameters(value.decode("latin-1")).get("name*", "").partition("'")
    return unquote(encoded.partition("'")[2], encoding="latin-1" if charset.lower() == "iso-8859-1" else "utf-8")


def _user_in_url(data: bytes) -> bool:
    return b"@" in data and (b"://" in data or b":\\/\\/" in data) and _USER_IN_URL.search(data) is not None


def _loosely(data: bytes, hooks: Hooks) -> bytes:
    """Text in whatever charset: what is looked for in it is ASCII."""
    text = data.decode("latin-1")
    new = hooks.text(text)
    return data if new == text else new.encode("latin-1", "backslashreplace")


def _refuse_binary(data: bytes) -> None:
    """Raises ``ValueError`` for what is declared JSON and is no text: a coding may hide what it holds."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        foreign = sum(byte > 0x7F for byte in data)  # a text in an old charset has some, compressed bytes half
        if _CONTROLS.search(data) or (3 * foreign > len(data) and data.lstrip()[:1] not in (b"{", b"[")):
            raise


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
