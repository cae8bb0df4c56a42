"""Secrets in bodies of every kind: found by name and by form, and spliced out, every other byte kept.

A body that should be searched and cannot be (a content coding that cannot be taken off, JSON that is none, a charset
that cannot be read, more findings than can be replaced) is closed: nothing of it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

from captures.formats import jsonspans, jsontext, multipart
from captures.formats.codings import content_decoded, content_encoded
from captures.formats.mediatypes import content_type_parameters, is_text, media_type, might_be_json, parameters
from captures.formats.mediatypes import is_json as says_json
from captures.model import Headers, header
from captures.redacting import secret_pairs
from captures.redacting.bounds import Bounds, Unsearchable
from captures.redacting.detectors import Detectors
from captures.redacting.secret_echoes import Echoes
from captures.redacting.secret_json import JsonRedactor
from captures.redacting.secret_names import NEEDLES, RedactionPolicy, normal
from captures.redacting.secret_text import decoded, encoded

_FIELD = rb"[A-Za-z0-9_.%\[\]-]{1,80}=[^\s<>{}\"&]*"
_FORM = re.compile(_FIELD + rb"(?:&" + _FIELD + rb")*\s*")
_EVENT = re.compile(rb"(?<![^\r\n])data:[ ]?([^\r\n]*)")
_EVENT_LINES = re.compile(rb"(?<![^\r\n])data:[^\r\n]*(?:(?:\r\n|\r|\n)data:[^\r\n]*)+")
"""Lines that make one text together."""
_HEADER = re.compile(rb"(?m)^([A-Za-z][A-Za-z0-9_-]{0,80})(:[ \t]{0,9})([^\r\n]+)")
_NO_JSON = re.compile(rb"\s*(?!(?:true|false|null)\s*\Z)[<A-Za-z]")
_MOST_OF_A_FILE = 65_536
_LONGEST_NAME = 80
_MOST_PARTS = 5  # levels of multipart in multipart
_LINES = frozenset(f"application/{name}" for name in ("x-ndjson", "ndjson", "jsonl", "x-jsonlines", "json-seq"))
_OPAQUE = ("image/", "video/", "audio/", "font/")
_DRAWN = ("image/svg",)


@dataclass(slots=True)
class Body:
    """A body under redaction: ``raw`` as received, ``data`` decoded (None: not needed so far)."""

    raw: bytes
    headers: Headers = ()
    data: bytes | None = None
    changed: bool = False
    closed: bool = False  # could not be searched: it is not kept

    def decoded(self) -> bytes:
        """``data``: what stood in ``raw`` without its content codings, until it changed. Raises ``ValueError``."""
        if self.data is None:
            self.data = content_decoded(self.raw, self.headers)
        return self.data

    def replace_echoes(self, echoes: Echoes, count: Callable[[], None], bounds: Bounds) -> None:
        """Replace the secrets that were found elsewhere in the exchange. Media are not searched.

        Raises :class:`Unsearchable`; the body is closed then.
        """
        if not self.raw or self.closed or _is_opaque(media_type(self.headers)):
            return
        try:
            data = self.decoded()
        except ValueError:
            return  # closed before
        try:
            new = echoes.in_text(data, bounds)
        except Unsearchable:
            self.closed = True
            raise
        if new != data:
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
        """The pseudonym of the string ``value`` at ``place`` (of JSON its path), under the normalised ``name``."""

    def number(self, place: str, literal: str, detector: str = "") -> str:
        """The same for a number as written, which ``detector`` found if no name did."""

    def fields(self, query: bytes, place: str = "") -> bytes:
        """A form with its secret values replaced; ``place``: where in the body it stands, if it is no body itself."""

    def part(self, name: str, value: str) -> str:
        """The content of multipart field ``name``, replaced if it is secret."""

    def text(self, value: str, place: str, name: str, *, urls: bool = True) -> str:
        """Text of any sort with what is secret by its form, or in a URL by its name, replaced; ``name`` is its own."""

    @property
    def bounds(self) -> Bounds:
        """What may still be done for the body."""

    @property
    def exact(self) -> bool:
        """Whether every finding is to be told with its place, whatever that costs."""

    def fixed(self, value: str) -> str:
        """The same where lengths stand before texts: what is replaced keeps its own."""

    def echoed(self) -> None:
        """One more cookie's value stood under the cookie's name."""


class BodyRedactor:
    """Finds the secrets in bodies, by one policy."""

    __slots__ = ("_detectors", "_json", "_policy", "_text")

    def __init__(self, policy: RedactionPolicy, detectors: Detectors | None = None) -> None:
        self._policy = policy
        self._detectors = detectors or Detectors(policy.detectors, policy.patterns)
        self._json = JsonRedactor(policy, self._detectors)
        self._text = self._json.texts

    def json(self, data: bytes, hooks: Hooks) -> bytes:
        """JSON text with its secrets replaced. Raises ``ValueError`` where it cannot be searched."""
        return self._json.replaced(data, None, hooks)

    def inside(self, value: str, place: str, name: str, hooks: Hooks) -> str:
        """A string with the secrets in it replaced: it may be JSON itself, or hold a URL or a token."""
        return self._json.inside(value, place, name, hooks)

    def search(self, raw: bytes, headers: Headers, hooks: Hooks) -> Body:
        """``raw`` with its secrets replaced. Never raises ``ValueError``."""
        body = Body(raw, headers)
        kind = media_type(headers)
        if _is_opaque(kind):
            return body
        try:
            data = body.decoded()
            new = self._searched(data, kind, headers, hooks)
        except ValueError as error:
            why = f"declared {kind}: {error}" if body.data is not None else f"content coding: {error}"
            hooks.closed(f"{hooks.side}.body: {why}")
            body.closed = True
            return body
        body.changed = new != data
        body.data = new
        return body

    def _searched(self, data: bytes, kind: str, headers: Headers, hooks: Hooks, depth: int = 0) -> bytes:
        """``data``, content codings off. Raises ``ValueError`` where it cannot be searched."""
        if kind == "application/x-www-form-urlencoded":
            return self._form(data, hooks)
        if kind.startswith("multipart/"):
            return self._multipart(data, headers, hooks, depth)
        charset = content_type_parameters(headers).get("charset")
        if kind in _LINES or (is_json(kind) and jsontext.is_sequence(data)):
            lines = data.split(b"\n")
            return b"\n".join(self._line(line, hooks) if line.strip() else line for line in lines)
        if is_json(kind):
            if data[:1] not in (b"{", b"[", b'"') and _FORM.fullmatch(data):
                return hooks.fields(data)
            if _NO_JSON.match(data) and (data.lstrip()[:1] == b"<" or b"{" not in data) and _is_plain(data):
                return self._of_text(data, "text/plain", charset, hooks)
            return self._json.replaced(data, charset, hooks)
        if is_text(kind) or kind.startswith(_DRAWN):
            return self._of_text(data, kind, charset, hooks)
        if (not kind and data.lstrip()[:1] in (b"{", b"[")) or (kind and might_be_json(kind, data)):
            try:
                return self._json.replaced(data, None, hooks)
            except Unsearchable:
                raise
            except ValueError:
                pass  # nothing said that it was JSON
        if _FORM.fullmatch(data):
            return hooks.fields(data)
        if _is_plain(data):
            return self._of_text(data, "text/plain", charset, hooks)
        return self._binary(data, hooks)

    def _of_text(self, data: bytes, kind: str, charset: str | None, hooks: Hooks) -> bytes:
        """A body of text: events and what looks like JSON or a form by name, then all of it by name and by form."""
        if kind == "text/event-stream":
            data = _EVENT_LINES.sub(lambda match: self._event(match[0], hooks), data)
            data = _EVENT.sub(
                lambda match: match[0][: match.start(1) - match.start()] + self._of_text(match[1], "", None, hooks),
                data,
            )
            text = data.decode("latin-1")
            new_text = hooks.text(text, "", "") if self._detectors.may_find(data) else text
            return data if new_text == text else new_text.encode("latin-1", "backslashreplace")
        new = self._structured(data, hooks, form=not kind or kind == "text/plain") if kind != "text/css" else None
        if new is not None:
            return new
        if not self._may_hold(data) and not self._detectors.may_find(data) and not _names_encoding(data, charset):
            return data
        mark, text, encoding = decoded(data, charset)
        return mark + encoded(self._text.replaced(text, kind, hooks), encoding)

    def _event(self, lines: bytes, hooks: Hooks) -> bytes:
        """An event of several lines, whose JSON may be cut between a name and its value."""
        said = [match[1] for match in _EVENT.finditer(lines)]
        whole = b"\n".join(said)
        if whole.lstrip()[:1] not in (b"{", b"["):
            return lines
        new = iter(self._of_text(whole, "", None, hooks).split(b"\n"))
        return _EVENT.sub(lambda match: match[0][: match.start(1) - match.start()] + next(new, b""), lines)

    def _form(self, data: bytes, hooks: Hooks) -> bytes:
        """What is called a form and may be none: what clients send call it so where nobody says what it is."""
        first = data.lstrip()[:1]
        if first in (b"{", b"["):
            new = self._structured(data, hooks, form=False)
            if new is not None:
                return new
        if (first == b"<" or b"\n" in data.strip()) and _is_plain(data):
            return self._of_text(hooks.fields(data), "text/plain", None, hooks)
        return hooks.fields(data)

    def _structured(self, data: bytes, hooks: Hooks, *, form: bool) -> bytes | None:
        """``data``, which nobody said is JSON or a form, read as such if it is; None where it is neither."""
        if data.lstrip()[:1] in (b"{", b"["):
            try:
                new = self._json.replaced(data, None, hooks)
            except Unsearchable:
                raise
            except ValueError:
                return None
            # What was not parsed, for want of a member's name, may be no JSON: a hash of Ruby.
            return None if new == data and self._may_hold(data) and not _is_whole(data) else new
        return hooks.fields(data) if form and _FORM.fullmatch(data) else None

    def _line(self, line: bytes, hooks: Hooks) -> bytes:
        mark = line[: line.startswith(b"\x1e")]  # RFC 7464
        return mark + self._json.replaced(line[len(mark) :], None, hooks)

    def _may_hold(self, data: bytes) -> bool:
        lower = data.lower()
        return bool(self._policy.query or self._policy.json) or any(needle in lower for needle in _TEXT_NEEDLES)

    def _binary(self, data: bytes, hooks: Hooks) -> bytes:
        """Bytes of no known kind: what is known by its form, each replaced by something of its length."""
        text = data.decode("latin-1")
        new = hooks.fixed(text)
        return data if new == text else new.encode("latin-1")

    def _multipart(self, data: bytes, headers: Headers, hooks: Hooks, depth: int) -> bytes:
        if depth >= _MOST_PARTS:
            raise ValueError(f"multipart in multipart, more than {_MOST_PARTS} levels deep")
        pieces: list[bytes] = []
        position = 0
        try:
            parts = multipart.split(data, headers)
        except ValueError:
            if self._may_hold(data):
                raise
            return self._binary(data, hooks)
        apart = self._named_apart(parts) if secret_pairs.may_hold(data) else {}
        for index, part in enumerate(parts):
            content = self._part(part, hooks, depth, apart.get(index, ""))
            pieces += (self._head(data[position : part.start], hooks), content)
            position = part.end
        return b"".join((*pieces, data[position:]))

    def _head(self, head: bytes, hooks: Hooks) -> bytes:
        """What stands before a part's content: its own headers, and the name of a file."""
        if self._detectors.may_find(head):
            head = hooks.text(head.decode("latin-1"), "part", "", urls=False).encode("latin-1", "backslashreplace")

        def new(match: re.Match[bytes]) -> bytes:
            name, value = match[1].decode("latin-1"), match[3].decode("utf-8", "surrogateescape")
            if not self._policy.is_secret_header(name):
                return match[0]
            hidden = hooks.string(f"part header {name.lower()}", normal(name), value)
            return match[1] + match[2] + hidden.encode("utf-8", "surrogateescape")

        return _HEADER.sub(new, head)

    def _named_apart(self, parts: Sequence[multipart.RawPart]) -> dict[int, str]:
        pairs = [(_part_name(part), part.body[:_LONGEST_NAME].decode("utf-8", "replace")) for part in parts]
        policy = self._policy
        return secret_pairs.named_apart(pairs, lambda name: bool(policy.secrecy(name)) or policy.is_secret_field(name))

    def _part(self, part: multipart.RawPart, hooks: Hooks, depth: int, called: str) -> bytes:
        """``called``: what another part says this one is."""
        kind = media_type(part.headers)
        name = called or _part_name(part)
        if self._policy.is_secret_field(name) and part.filename is not None:
            if len(part.body) > _MOST_OF_A_FILE:
                raise ValueError("a file under the name of a secret is too large to replace")
            return hooks.part(name, part.body.decode("latin-1")).encode("latin-1")
        if part.filename is None and (not kind or kind == "text/plain"):
            if not kind and part.body.lstrip()[:1] in (b"{", b"["):
                try:
                    return self._json.replaced(part.body, None, hooks)
                except Unsearchable:
                    raise
                except ValueError:
                    pass  # nothing said that it was JSON
            return hooks.part(name, part.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        if self._policy.secrecy(name):
            return hooks.part(name, part.body.decode("utf-8")).encode("utf-8")
        if _is_opaque(kind):
            return part.body
        return self._searched(part.body, kind, part.headers, hooks, depth + 1)


_TEXT_NEEDLES = (
    *(needle for needle in NEEDLES if b'"' not in needle),
    *(b"sid", b"sig", b"eyj", b"bearer ", b"basic "),
)


def is_json(kind: str) -> bool:
    """Like that of ``formats.mediatypes``, and what else has JSON in its name: ``application/x-amz-json-1.1``."""
    return says_json(kind) or ("json" in kind and kind not in _LINES)


def _is_opaque(kind: str) -> bool:
    return kind.startswith(_OPAQUE) and not kind.startswith(_DRAWN)


def _is_whole(data: bytes) -> bool:
    """Whether ``data`` is a JSON text."""
    try:
        jsonspans.replaced(data.decode("utf-8"), lambda _: None)
    except ValueError:
        return False
    return True


def _is_plain(data: bytes) -> bool:
    """Whether a body without a type is text."""
    try:
        return b"\0" not in data.rstrip(b"\0") and bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _names_encoding(data: bytes, charset: str | None) -> bool:
    """Whether ``data`` may be in an encoding in which a look for ASCII finds nothing."""
    return b"\0" in data[:64] or bool(charset and charset.lower().startswith(("utf-16", "utf-32", "utf_", "ibm", "cp")))


def _part_name(part: multipart.RawPart) -> str:
    """The name of a part, in the extended notation too (RFC 8187)."""
    if part.name:
        return part.name
    value = header(part.headers, "content-disposition") or b""
    charset, _, encoded_name = parameters(value.decode("latin-1")).get("name*", "").partition("'")
    return unquote(encoded_name.partition("'")[2], encoding="latin-1" if charset.lower() == "iso-8859-1" else "utf-8")
