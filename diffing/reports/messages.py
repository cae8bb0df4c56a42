"""The two messages of an exchange as the page shows them: heads, headers aligned, bodies aligned and as they were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from captures.formats.decoding import (
    BinaryBody,
    Decoded,
    FormBody,
    JsonBody,
    MultipartBody,
    Part,
    TextBody,
    Undecodable,
    content_decoded,
    decode,
)
from captures.formats.jsontext import DEEPEST, MAX_NESTING, deeper_than
from captures.model import Exchange, Headers, header
from captures.visible import visible
from diffing.reports.alignment import Mark, Row, align_json, align_text, folded
from diffing.reports.claims import Claims
from diffing.reports.text import clip, size_text
from diffing.reports.values import dump, same

RAW = 64 * 1024  # characters of one body in the page
DECODED = 8 * 1024 * 1024  # bytes: larger bodies are named by size and digest only
ROWS = 1_500  # rows of one body's difference in the page
HEX = 512  # bytes of a binary body shown


def request_line(exchange: Exchange) -> str:
    """``GET /orders/7?x=1``, cut and made visible."""
    return text_of(exchange.request.method.encode("utf-8", "replace") + b" " + exchange.request.target, 300)


def text_of(raw: bytes, limit: int = 4_000) -> str:
    return clip(visible(raw.decode("utf-8", "backslashreplace")), limit)


def head_of(exchange: Exchange | None) -> dict[str, Any] | None:
    if exchange is None:
        return None
    head: dict[str, Any] = {"id": exchange.id}
    if exchange.response:
        head["status"] = exchange.response.status
        head["reason"] = text_of(exchange.response.reason, 80)
    if exchange.failure:
        head["failure"] = f"{exchange.failure.kind.value} {visible(exchange.failure.detail)}".strip()
    if exchange.timing.ended is not None:
        head["ms"] = round((exchange.timing.ended - exchange.timing.started) * 1000, 1)
    if exchange.body_truncated:
        head["truncated"] = True
    return head


def header_rows(left: Headers, right: Headers, claims: Claims) -> list[list[Any]]:
    """``[mark, name, recorded, replayed, why a rule accepts it]`` in recorded order; duplicates meet their namesake."""
    there: dict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    for name, value in right:
        there[name.lower()].append((name, value))
    rows: list[list[Any]] = []

    def row(name: bytes, otherwise: Mark, value: bytes | None, other: bytes | None) -> list[Any]:
        word = name.decode("latin-1")
        sides = [None if text is None else text_of(text) for text in (value, other)]
        if claims.header_accepted(word):
            return [Mark.RULE.value, text_of(name), *sides, claims.header_words(word)]
        return [otherwise.value, text_of(name), *sides]

    for name, value in left:
        partners = there[name.lower()]
        if not partners:
            rows.append(row(name, Mark.REMOVED, value, None))
            continue
        _, other = partners.pop(0)
        rows.append(
            [Mark.SAME.value, text_of(name), text_of(value)]
            if other == value
            else row(name, Mark.CHANGED, value, other)
        )
    rows += [row(name, Mark.ADDED, None, value) for partners in there.values() for name, value in partners]
    return rows


def body_detail(left: bytes, left_head: Headers, right: bytes, right_head: Headers, claims: Claims) -> dict[str, Any]:
    """Two bodies aligned, and each as it was."""
    detail: dict[str, Any] = {"left": side_of(left, left_head), "right": side_of(right, right_head)}
    if left == right and header(left_head, "content-encoding") == header(right_head, "content-encoding"):
        detail["equal"] = True
    rows, form = _rows(left, left_head, right, right_head, claims)
    kept, lost = folded(rows, most=ROWS)
    detail |= {"form": form, "rows": [row.packed() for row in kept], "lost": lost}
    return detail


def _rows(left: bytes, left_head: Headers, right: bytes, right_head: Headers, claims: Claims) -> tuple[list[Row], str]:
    if len(left) > DECODED or len(right) > DECODED:
        return [], "too large"
    one, other = decode(left, left_head, DEEPEST), decode(right, right_head, DEEPEST)
    if isinstance(one, JsonBody) and isinstance(other, JsonBody):
        if same(one.value, other.value):
            return align_text(_lines_of(one), _lines_of(other), accepted=claims.ruled), "json"
        return align_json(one.value, other.value, claims.body_accepted, claims.decided), "json"
    accepted = claims.body_accepted((), ())
    return align_text(_lines_of(one), _lines_of(other), accepted=accepted), "text"


def _lines_of(body: Decoded) -> str:
    """A decoded body as lines of text to compare."""
    match body:
        case JsonBody() if deeper_than(body.value, MAX_NESTING):
            return body.text  # indented, its lines would be longer than what they say
        case JsonBody():
            return dump(body.value, indent=2, ascii_only=False)
        case TextBody(text=text):
            return text
        case FormBody(fields=fields):
            return "\n".join(f"{name} = {value}" for name, value in fields)
        case MultipartBody(parts=parts):
            return "\n".join(line for part in parts for line in _part_lines(part))
        case BinaryBody(data=data):
            return _hex(data)
        case Undecodable(reason=reason, data=data):
            return f"(not decodable: {reason})\n{_readable(data)}"
    return ""


def _part_lines(part: Part) -> Iterator[str]:
    name = f"name={part.name}" if part.name else "(no name)"
    yield f"--- part {name}" + (f" filename={part.filename}" if part.filename is not None else "")
    yield from (f"{text_of(key)}: {text_of(value)}" for key, value in part.headers)
    yield from _lines_of(part.content).splitlines()


def side_of(body: bytes, headers: Headers) -> dict[str, Any]:
    """One body as it was: size and digest of the wire bytes, and the start of its text after content coding."""
    side: dict[str, Any] = {"size": size_text(len(body))}
    if not body:
        return side
    side["sha256"] = sha256(body).hexdigest()
    side["type"] = text_of(header(headers, "content-type") or b"", 120)
    coding = header(headers, "content-encoding")
    if coding:
        side["coding"] = text_of(coding, 40)
    if len(body) > DECODED:
        side["cut"] = True
        return side
    try:
        data = content_decoded(body, headers)
    except ValueError as error:
        side["broken"] = visible(str(error))
        data = body
    text = _readable(data[: RAW * 4])
    side["raw"] = text[:RAW]
    if len(text) > RAW or len(data) > RAW * 4:
        side["cut"] = True
    return side


def _readable(data: bytes) -> str:
    """UTF-8 text where it mostly is text, else a hex dump."""
    sample = data[:2_000]
    if b"\x00" in sample or sample.decode("utf-8", "replace").count("\ufffd") > len(sample) // 20 + 1:
        return _hex(data)
    return visible(data.decode("utf-8", "backslashreplace"), lines=True)


def _hex(data: bytes) -> str:
    lines = []
    for start in range(0, min(len(data), HEX), 16):
        part = data[start : start + 16]
        printable = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:06x}  {part.hex(' '):<47}  {printable}")
    if len(data) > HEX:
        lines.append(f"… {size_text(len(data))} in all, sha256 {sha256(data).hexdigest()}")
    return "\n".join(lines)
