"""What a body says, read by its headers: content codings off, then JSON, text, form, multipart or bytes.

Total: any bytes with any headers decode to one of the types below, :class:`Undecodable` among them. What is declared
to be of a kind and is not, is :class:`Undecodable` (and compared as bytes, which the report says) rather than guessed.
What is plainly JSON is JSON, where its type says nothing else.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from captures.formats import jsontext, multipart
from captures.formats.codings import content_decoded
from captures.formats.jsontext import MAX_NESTING, Literal, Number
from captures.formats.mediatypes import content_type_parameters, is_json, is_text, media_type, might_be_json
from captures.model import Headers

__all__ = [
    "Decoded",
    "EmptyBody",
    "JsonBody",
    "TextBody",
    "FormBody",
    "MultipartBody",
    "Part",
    "BinaryBody",
    "Undecodable",
    "Number",
    "Literal",
    "decode",
    "content_decoded",
    "media_type",
    "form_fields",
    "json_text",
]

MAX_MULTIPART_DEPTH = 5


@dataclass(frozen=True, slots=True)
class EmptyBody:
    """No bytes."""


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A JSON text. ``value``: dict, list, str, int, :class:`Number`, bool, None; strings may hold lone surrogates."""

    value: Any
    duplicates: tuple[str, ...]  # JSON paths of keys that stand twice in one object; the last one is in ``value``
    text: str  # as written, without a byte order mark
    defects: tuple[str, ...] = ()  # "NaN at $.ratio": read as :class:`Literal`, though no JSON


@dataclass(frozen=True, slots=True)
class TextBody:
    """Any other text: plain, HTML, XML, JavaScript, CSV, NDJSON."""

    text: str  # without a byte order mark
    media_type: str
    charset: str  # the one it was decoded with, lower case


@dataclass(frozen=True, slots=True)
class FormBody:
    """``application/x-www-form-urlencoded``: decoded names and values in order, repetitions kept."""

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body. The boundary is nowhere in it."""

    name: str  # of Content-Disposition; "" when there is none
    filename: str | None
    headers: Headers
    body: bytes
    content: Decoded


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """``multipart/*``: the parts in order."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class BinaryBody:
    """Bytes of any other type, content codings off."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A body that is not what its headers say. ``data`` is what could be had: codings off where they came off."""

    reason: str
    data: bytes


Decoded = EmptyBody | JsonBody | TextBody | FormBody | MultipartBody | BinaryBody | Undecodable


def decode(body: bytes, headers: Headers, nesting: int = MAX_NESTING) -> Decoded:
    """What ``body`` says, going by ``headers``; never raises.

    ``nesting``: levels of JSON the caller can follow. Who walks without recursion may ask for ``jsontext.DEEPEST``.
    """
    return _decode(body, headers, 0, nesting)


def _decode(body: bytes, headers: Headers, depth: int, nesting: int) -> Decoded:
    if not body:
        return EmptyBody()
    try:
        data = content_decoded(body, headers)
    except ValueError as error:
        return Undecodable(f"content coding: {error}", body)
    if not data:
        return EmptyBody()
    kind = media_type(headers)
    try:
        if not kind:
            return _sniffed(data, nesting)
        if kind.startswith("application/grpc"):
            return BinaryBody(data, kind)  # frames, of JSON in ``application/grpc+json``
        if is_json(kind):
            charset = content_type_parameters(headers).get("charset")
            if jsontext.is_sequence(data):
                lines = _text(data, kind, charset)
                for line in lines.text.split("\n"):
                    if line.strip():
                        jsontext.read(line, nesting)
                return lines
            return _json(json_text(data, charset), nesting)
        if kind == "application/x-www-form-urlencoded":
            return FormBody(form_fields(data))
        if kind.startswith("multipart/"):
            if depth >= MAX_MULTIPART_DEPTH:
                raise ValueError(f"nested more than {MAX_MULTIPART_DEPTH} levels deep")
            return MultipartBody(
                tuple(
                    Part(
                        part.name,
                        part.filename,
                        part.headers,
                        part.body,
                        _decode(part.body, part.headers, depth + 1, nesting),
                    )
                    for part in multipart.split(data, headers)
                )
            )
        if is_text(kind):
            return _text(data, kind, content_type_parameters(headers).get("charset"))
    except ValueError as error:
        return Undecodable(f"declared {kind}: {error}", data)
    if might_be_json(kind, data):
        try:
            return _json(json_text(data), nesting)
        except ValueError:
            pass  # nothing said it was JSON
    return BinaryBody(data, kind)


def json_text(data: bytes, charset: str | None = None) -> str:
    """``data`` as JSON text: by byte order mark, else UTF-8/16/32 told by its zeros, else the declared charset.

    UTF-8 goes before what is declared, as recipients do it (RFC 8259, 8.1 and 11). Raises ``ValueError``.
    """
    if data.isascii() and b"\0" not in data:
        return data.decode("ascii")
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if charset and charset.lower() not in ("utf-8", "utf8"):
            return _decoded_as(data, charset)
        raise ValueError(f"not valid {encoding} at byte {error.start}") from error


def form_fields(data: bytes) -> tuple[tuple[str, str], ...]:
    """Names and values of a form body or a query, ``+`` and ``%XX`` decoded; what is no UTF-8 shows as ``\\xNN``."""
    pairs = (piece.partition(b"=") for piece in data.split(b"&") if piece)
    return tuple((_unquoted(name), _unquoted(value)) for name, _, value in pairs)


def _unquoted(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "backslashreplace")


def _json(text: str, nesting: int) -> JsonBody:
    reading = jsontext.read(text, nesting)
    return JsonBody(reading.value, reading.duplicates, text, reading.defects)


def _sniffed(data: bytes, nesting: int) -> Decoded:
    start = data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1]
    if start in (b"{", b"["):
        try:
            return _json(json_text(data), nesting)
        except ValueError:
            pass  # nothing said it was JSON
    if not _CONTROL.search(data):
        try:
            return TextBody(data.decode("utf-8-sig"), "", "utf-8")
        except UnicodeDecodeError:
            pass
    return BinaryBody(data, "")


_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark starts with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_HTML_ENCODING = re.compile(rb"""<meta[^>]*?\bcharset\s*=\s*["']?\s*([A-Za-z0-9._-]+)""", re.IGNORECASE)


def _text(data: bytes, kind: str, charset: str | None) -> TextBody:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return TextBody(_decoded_as(data, encoding), kind, encoding.removesuffix("-sig"))
    if charset:
        return TextBody(_decoded_as(data, charset), kind, charset.lower())
    try:
        return TextBody(data.decode("utf-8"), kind, "utf-8")
    except UnicodeDecodeError:
        pass
    inside = _XML_ENCODING.search(data[:1024]) or _HTML_ENCODING.search(data[:1024])
    if inside:
        return TextBody(_decoded_as(data, inside[1].decode("ascii")), kind, inside[1].decode("ascii").lower())
    # RFC 2616 (3.7.1) had ISO 8859-1 as the default of text; every byte has a meaning in it, so nothing is lost.
    return TextBody(data.decode("latin-1"), kind, "iso-8859-1")


def _decoded_as(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        raise ValueError(f"not valid {charset[:40]} at byte {error.start}") from error
    except (LookupError, ValueError) as error:  # unknown, not a text encoding, or a NUL in the name
        raise ValueError(f"unknown charset {charset[:40]!r}") from error
