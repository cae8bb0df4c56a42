"""Details of many exchanges in few compressed chunks: alike neighbours cost a third of what each costs alone. Pure."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

EXCHANGES = 8  # in one chunk at most: what is decoded to show one of them
RAW = 200_000  # characters of JSON after which a chunk is closed


@dataclass(frozen=True, slots=True)
class Chunk:
    """``name`` is the id of the element that holds ``data``; ``keys`` are the exchanges in it."""

    name: str
    data: str
    keys: tuple[str, ...]


def encoded(value: Any) -> str:
    """``value`` as base64(gzip(JSON)), the same bytes every time."""
    return compressed(json.dumps(value, ensure_ascii=True, separators=(",", ":")))


def compressed(text: str) -> str:
    """ASCII text as base64(gzip)."""
    return base64.b64encode(gzip.compress(text.encode("ascii"), compresslevel=9, mtime=0)).decode("ascii")


def packed(details: Iterable[tuple[str, Any]], room: int) -> Iterator[Chunk]:
    """``(key, detail)`` in chunks, in the order given, until ``room`` characters are taken. Each key only once."""
    taken, number = 0, 0
    held: dict[str, str] = {}

    def chunk() -> Chunk:
        members = ",".join(f"{json.dumps(key)}:{text}" for key, text in held.items())
        return Chunk(f"e-{number}", compressed(f"{{{members}}}"), tuple(held))

    for key, detail in details:
        held[key] = json.dumps(detail, ensure_ascii=True, separators=(",", ":"))
        if len(held) < EXCHANGES and sum(map(len, held.values())) < RAW:
            continue
        full = chunk()
        yield full
        held.clear()
        number += 1
        taken += len(full.data)
        if taken >= room:
            return
    if held:
        yield chunk()
