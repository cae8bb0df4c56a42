"""Runs of shards, cut out of whole runs: each shard's build minted ids of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from captures.model import Direction
from captures.store import Capture
from captures.writer import CaptureWriter


def shard_of(run: Path, path: Path, number: int, count: int, meta: Mapping[str, Any] | None = None) -> Path:
    """``run`` as if it were shard ``number``/``count``: of ``count`` exchanges one is judged, the others are setup."""
    with Capture.open(run) as whole:
        session = whole.sessions()[-1]
        said = {**session.meta, "shard": f"{number}/{count}", "source_digest": "d", "rules_digest": "r", **(meta or {})}
        with CaptureWriter(path, mode="replay", meta=said, now=lambda: session.started) as writer:
            inbound = 0
            for exchange in whole.exchanges():
                notes = dict(exchange.notes)
                if exchange.direction is Direction.INBOUND:
                    if inbound % count != number - 1:
                        notes["setup"] = True
                    inbound += 1
                while writer.reserve_id() != exchange.id:
                    pass
                assert writer.put(replace(exchange, notes=notes))
    return path
