"""Bodies as a pin writes them, and back to wire bytes. Pure.

The most readable form that loses nothing is taken: every form is tried by turning it back and comparing. For a request
the bytes must come out equal (before content coding); for an expected response the JSON value must.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from captures.errors import ConfigError
from captures.formats.codings import content_encoded
from captures.formats.decoding import Decoded, JsonBody, TextBody, content_decoded, decode
from captures.formats.mediatypes import content_type_parameters
from captures.model import Headers
from replayer import pin_notation, pin_yaml
from replayer.pins import Body

LARGE = 4096
"""Bytes from which on a binary in ``expect`` is given by its digest."""

LAYOUTS = ("", "ascii", "spaced", "spaced ascii", "indent 2", "indent 4", "indent 2 ascii", "indent 4 ascii")


def written(body: bytes, headers: Headers, *, exact: bool) -> Body:
    """``body`` (as on the wire) in the form a pin shows it. ``exact``: the bytes matter (it will be sent)."""
    if not body:
        return Body()
    try:
        data = content_decoded(body, headers)
        if exact:
            content_encoded(data, headers, body)  # a coding nobody here can put on again is kept as it came
    except ValueError:
        return Body("base64", body, "encoded")
    if not data:
        return Body()
    decoded = decode(body, headers)
    if isinstance(decoded, JsonBody) and not decoded.duplicates and not decoded.defects:
        value = escaped(decoded.value)
        layout = next((name for name in LAYOUTS if json_bytes(decoded.value, name) == data), None) if exact else ""
        if layout is not None and _survives(value):
            return Body("json", value, layout)
    text = _text(decoded, data, headers)
    if text is not None:
        return text
    if not exact and len(data) > LARGE:
        return Body("sha256", hashlib.sha256(data).hexdigest())
    return Body("base64", data)


def wire(body: Body, headers: Headers) -> bytes:
    """The bytes of ``body``, notation already resolved, content codings of ``headers`` put on.

    Raises ``ValueError`` with one sentence when the text cannot be written in the declared charset or coding.
    """
    if body.form in ("empty", "sha256"):
        return b""
    if body.form == "base64":
        data: bytes = body.value
    elif body.form == "json":
        data = json_bytes(body.value, body.layout)
        if (charset := _charset(body, headers)) != "utf-8":
            data = _encoded(data.decode("utf-8", "surrogatepass"), charset)
    else:
        text = body.value.replace("\n", "\r\n") if "crlf" in body.layout else body.value
        data = _encoded(text, _charset(body, headers))
    if body.layout == "encoded":
        return data
    return content_encoded(data, headers, data)


def escaped(value: Any) -> Any:
    """A JSON value with its strings as literals of a pin. Keys are always literal."""
    if isinstance(value, str):
        return pin_notation.escape(value)
    if isinstance(value, dict):
        return {key: escaped(child) for key, child in value.items()}
    if isinstance(value, list):
        return [escaped(child) for child in value]
    return value


def json_bytes(value: Any, layout: str = "") -> bytes:
    """JSON text of ``value`` in UTF-8; ``Decimal`` numbers are written with their own digits."""
    words = layout.split()
    ascii_only = "ascii" in words
    indent = int(words[words.index("indent") + 1]) if "indent" in words else None
    comma, colon = (", ", ": ") if "spaced" in words else (",", ": " if indent else ":")
    pieces = "".join(_json(value, ascii_only, indent, comma, colon, 0))
    return pieces.encode("utf-8", "surrogatepass")


def _json(value: Any, ascii_only: bool, indent: int | None, comma: str, colon: str, depth: int) -> Iterator[str]:
    if isinstance(value, Decimal):
        yield pin_yaml.number_text(value)
    elif isinstance(value, dict | list):
        brackets = "{}" if isinstance(value, dict) else "[]"
        if not value:
            yield brackets
            return
        line = "\n" + " " * (indent * (depth + 1)) if indent else ""
        yield brackets[0] + line
        children = value.items() if isinstance(value, dict) else ((None, child) for child in value)
        for index, (key, child) in enumerate(children):
            if index:
                yield comma + line
            if key is not None:
                yield json.dumps(key, ensure_ascii=ascii_only) + colon
            yield from _json(child, ascii_only, indent, comma, colon, depth + 1)
        yield ("\n" + " " * (indent * depth) if indent else "") + brackets[1]
    else:
        yield json.dumps(value, ensure_ascii=ascii_only)


def _survives(value: Any) -> bool:
    """Whether YAML brings ``value`` back exactly, numbers and strings told apart."""
    try:
        text = pin_yaml.write({"json": value})
        return _same(pin_yaml.read(text, "").plain()["json"], value)
    except (ValueError, RecursionError, ConfigError):
        return False


def _same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def _text(decoded: Decoded, data: bytes, headers: Headers) -> Body | None:
    layout: list[str] = []
    charset = content_type_parameters(headers).get("charset", "utf-8")
    if isinstance(decoded, TextBody) and decoded.charset == "iso-8859-1" != charset:
        charset = "iso-8859-1"  # text that declares nothing and is no UTF-8
        layout.append("latin-1")
    try:
        text = data.decode(charset)
        if text.encode(charset) != data or _UNREADABLE.search(text):
            return None
    except (UnicodeError, LookupError):
        return None
    if "\r\n" in text and not _LONE_END.search(text):
        text = text.replace("\r\n", "\n")
        layout.append("crlf")
    value = pin_notation.escape(text)
    return Body("text", value, " ".join(layout)) if _survives(value) else None


_UNREADABLE = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f\ufeff\ud800-\udfff]")
_LONE_END = re.compile(r"(?<!\r)\n|\r(?!\n)")


def _charset(body: Body, headers: Headers) -> str:
    if "latin-1" in body.layout:
        return "iso-8859-1"
    return content_type_parameters(headers).get("charset", "utf-8").lower()


def _encoded(text: str, charset: str) -> bytes:
    try:
        return text.encode(charset)
    except (UnicodeEncodeError, LookupError) as error:
        raise ValueError(f"the body cannot be written in the declared charset {charset[:40]!r}") from error


def base64_lines(data: bytes) -> str:
    """Base64 in lines of 76 characters; a single line when it fits in one."""
    text = base64.b64encode(data).decode("ascii")
    lines = [text[start : start + 76] for start in range(0, len(text), 76)]
    return "\n".join(lines) + ("\n" if len(lines) > 1 else "")


def from_base64(text: str) -> bytes:
    """The inverse; white space is ignored. Raises ``ValueError``."""
    return base64.b64decode("".join(text.split()), validate=True)
