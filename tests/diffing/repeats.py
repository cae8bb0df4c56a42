"""A recording and runs of it written by hand: one list of answers per file, the same requests in each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Headers,
    Request,
    Response,
    Timing,
)
from captures.writer import CaptureWriter
from diffing.comparison import DiffOptions
from diffing.learning.learner import Learner
from diffing.learning.lessons import Demands, Lessons
from diffing.learning.repetition import opened

THEN = 1_790_000_000.0


@dataclass(frozen=True, slots=True)
class Call:
    """One outbound call; ``stub`` is its number among the recorded calls of its request, None for a new one."""

    target: str
    body: Any = None
    stub: int | None = 0


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. A body that is a string is sent as it is. ``failed``: the connection broke instead."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Headers = ()
    target: str = "/things/1"
    method: str = "GET"
    calls: tuple[Call, ...] = ()
    failed: bool = False
    sent: Headers = ()
    seconds: float = 0.05


@dataclass(slots=True)
class File:
    """A capture with the ids of its requests, and of the calls made for each."""

    path: Path
    inbound: list[int] = field(default_factory=list)
    calls: list[list[int]] = field(default_factory=list)


def write(
    path: Path,
    answers: Sequence[Said],
    source: File | None = None,
    *,
    later: float = 0.0,
    command: Sequence[str] = ("./build",),
) -> File:
    """Write a recording, or with ``source`` a run of it."""
    file = File(path)
    meta = {"source_sessions": [[1, THEN]], "stubbed": True, "command": list(command)} if source else {}
    began = THEN + later
    with CaptureWriter(path, mode="replay" if source else "record", meta=meta, now=lambda: began) as writer:
        for number, said in enumerate(answers):
            at = began + number / 10
            file.inbound.append(writer.reserve_id())
            file.calls.append([writer.reserve_id() for _ in said.calls])
            text = said.body if isinstance(said.body, str) else json.dumps(said.body)
            kind: Headers = ((b"Content-Type", b"text/plain" if isinstance(said.body, str) else b"application/json"),)
            writer.put(
                Exchange(
                    file.inbound[-1],
                    Direction.INBOUND,
                    Request(said.method, "http", "127.0.0.1", 80, said.target.encode(), ((b"Host", b"x"), *said.sent)),
                    Timing(at, at, at, at + said.seconds),
                    response=None if said.failed else Response(said.status, (*kind, *said.headers), text.encode()),
                    failure=Failure(FailureKind.RESET) if said.failed else None,
                    replay_of=source.inbound[number] if source else None,
                )
            )
            for own, call in zip(file.calls[-1], said.calls, strict=True):
                stub = source.calls[number][call.stub] if source and call.stub is not None else None
                writer.put(_call(own, call, file.inbound[-1], stub, at))
    return file


def learnt(folder: Path, recorded: Sequence[Said], *runs: Sequence[Said], demands: Demands | None = None) -> Lessons:
    """What the runs of the recording say."""
    source = write(folder / "recorded.sqlite", recorded)
    files = [
        write(folder / f"run{number}.sqlite", answers, source, later=3_600.0 * number)
        for number, answers in enumerate(runs, 1)
    ]
    learner = Learner(len(runs))
    with opened(source.path, [file.path for file in files], DiffOptions()) as several:
        for repetition in several.repetitions():
            learner.judge(repetition)
        for repetition in several.answers():
            learner.observe(repetition)
        learner.pooled(several.outside())
        return learner.lessons(demands or Demands(), several.unjudged())


def _call(own: int, call: Call, cause: int, stub: int | None, at: float) -> Exchange:
    sent = b"" if call.body is None else json.dumps(call.body).encode()
    kind: Headers = ((b"Content-Type", b"application/json"),) if sent else ()
    return Exchange(
        own,
        Direction.OUTBOUND,
        Request("POST", "http", "bank.test", 80, call.target.encode(), kind, sent),
        Timing(at + 0.01, at + 0.01, at + 0.02, at + 0.02),
        response=Response(200, ((b"Content-Type", b"application/json"),), b"{}"),
        dependency="bank",
        cause=Cause(CauseHow.WINDOW, cause, "by hand"),
        replay_of=stub,
    )
