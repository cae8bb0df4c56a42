"""The messages of one exchange for people and as JSON: a part of ``retape capture show``."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import islice
from typing import Any

from captures.model import Exchange, Message
from captures.store import Capture
from captures.visible import visible

SHOWN = 100  # characters of a message on its line
BYTES = 24  # of one that is no text
PREFIX = 5  # bytes before a gRPC message: whether it is compressed, and its length


def lines(capture: Capture, exchange: Exchange, limit: int) -> Iterator[str]:
    """The first ``limit`` messages of ``exchange``, one per line; nothing where it has none.

    A line says when (since the exchange began), from whom (``>`` the client, ``<`` the server), what kind, how many
    bytes, and how it begins.
    """
    count = capture.message_count(exchange.id)
    if not count:
        return
    yield f"messages: {count:,}"
    for message in islice(capture.messages(exchange.id), limit):
        after = message.at - exchange.timing.started
        side = f"{'>' if message.from_client else '<'} {visible(message.kind):<6}"
        yield f"  {after:>+10.3f} s  {side}  {len(message.body):>9,} bytes  {_begins(message)}".rstrip()
    if count > limit:
        yield f"  ... {count - limit:,} more (--limit N shows more of them)"


def as_json(capture: Capture, exchange: Exchange, limit: int) -> Iterator[dict[str, Any]]:
    """The same, JSON-able: ``text`` where the body is UTF-8, else ``base64``."""
    for message in islice(capture.messages(exchange.id), limit):
        told: dict[str, Any] = {
            "seq": message.seq,
            "from_client": message.from_client,
            "kind": message.kind,
            "at": message.at,
            "size": len(message.body),
        }
        text = _text(message)
        if text is not None:
            told["text"] = text
        else:
            told["base64"] = base64.b64encode(message.body).decode("ascii")
        yield told


def _text(message: Message) -> str | None:
    if message.kind in ("binary", "grpc"):
        return None
    try:
        return message.body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _begins(message: Message) -> str:
    text = _text(message)
    if text is not None:
        text = " ".join(text.split())
        return visible(text if len(text) <= SHOWN else text[: SHOWN - 1] + "…")
    data = message.body
    said = ""
    if message.kind == "grpc":
        said = "compressed  " if data[:1] == b"\x01" else "trailers  " if data[:1] == b"\x80" else ""
        data = data[PREFIX:]
    row = data[:BYTES]
    shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    return f"{said}{row.hex(' ')}  {shown}{'…' if len(data) > BYTES else ''}".rstrip()
