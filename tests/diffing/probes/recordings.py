"""Writes a recording and a run of it, and judges them as the command does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from captures.model import Cause, CauseHow, Direction, Exchange, Request, Response, Timing
from captures.writer import CaptureWriter
from tests.diffing.pairs import NOW, THEN
from tests.diffing.probes.messages import encoded, headers_of, outbound
from tests.diffing.probes.verdicts import Verdict, judge_captures

RUN = 30.0  # seconds a run takes


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange: its request ("GET /users/100"), the answer, and the calls it made."""

    request: str
    answer: Any = field(default_factory=dict)
    sent: Any = ""
    headers: dict[str, Any] = field(default_factory=dict)
    content_type: str = "application/json"
    calls: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Shop:
    """A probe of two whole captures: what ``rows`` gives for side 0, recorded, and side 1, replayed."""

    name: str
    why: str
    rows: Callable[[int], list[Row]]
    owner: str
    topic: str
    severity: str = "critical"
    expect: str = "drift"
    lasting: float = 1_800.0  # seconds the recording took

    def as_probe(self) -> dict[str, Any]:
        """What a probe of a JSON file would say."""
        told = {key: getattr(self, key) for key in ("name", "why", "owner", "topic", "severity", "expect")}
        return {**told, "shop": self}


class Recordings:
    """Makes and judges captures in ``folder``; a recording that several probes share is written once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recorded: dict[str, tuple[Path, list[list[int]]]] = {}

    def judged(self, shop: Shop) -> Verdict:
        """Judge the run of ``shop`` against its recording."""
        rows = shop.rows(0)
        key = f"{shop.lasting} {rows}"
        if key not in self._recorded:
            path = self._folder / f"recorded-{len(self._recorded)}.retape"
            self._recorded[key] = path, write_rows(path, rows, shop.lasting, None)
        path, ids = self._recorded[key]
        replayed = self._folder / "replayed.retape"
        replayed.unlink(missing_ok=True)
        write_rows(replayed, shop.rows(1), RUN, ids)
        return judge_captures(path, replayed)


def write_rows(
    path: Path,
    rows: list[Row],
    lasting: float,
    recorded: list[list[int]] | None,
    meta: dict[str, Any] | None = None,
) -> list[list[int]]:
    """Write the rows; give the ids of each exchange and its calls. ``recorded``: those of the recording."""
    replaying = recorded is not None
    began = NOW if replaying else THEN
    mode = "replay" if replaying else "record"
    written: list[list[int]] = []
    with CaptureWriter(path, mode=mode, meta=meta or {"bindings": []}, now=lambda: began) as writer:
        for n, row in enumerate(rows):
            of = recorded[n] if recorded is not None else []
            at = began + n * lasting / max(1, len(rows))
            ids = [writer.reserve_id()]
            writer.put(replace(_inbound(row, at, replaying), id=ids[0], replay_of=of[0] if of else None))
            for called, told in enumerate(row.calls, 1):
                ids.append(writer.reserve_id())
                begun = at + told.get("after", 0)
                call = replace(
                    outbound(told, called, replayed=replaying),
                    id=ids[-1],
                    timing=Timing(begun, begun, begun + 0.01, begun + 0.01),
                    cause=Cause(CauseHow.WINDOW, ids[0], "one open"),
                    replay_of=of[called] if called < len(of) else None,
                )
                writer.put(call)
            written.append(ids)
    return written


def _inbound(row: Row, at: float, replaying: bool) -> Exchange:
    method, _, target = row.request.partition(" ")
    port = 6000 if replaying else 5000
    host = {"Host": f"127.0.0.1:{port}"}
    kind = "application/json" if row.sent else ""
    request = Request(
        method, "http", "127.0.0.1", port, target.encode(), headers_of(host, kind), encoded(row.sent or "")
    )
    response = Response(200, headers_of(row.headers, row.content_type), encoded(row.answer))
    timing = Timing(at, at, at + 0.05, at + 0.05)
    return Exchange(id=0, direction=Direction.INBOUND, request=request, response=response, timing=timing)
