"""What a replay tells while it runs, in order. The engine emits, a progress display or a test consumes.

Targets in events are those of the capture (redacted) unless an event says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from captures.model import FailureKind


@dataclass(frozen=True, slots=True)
class Started:
    """The build is ready; sending begins."""

    total: int  # recorded inbound exchanges of the selection
    target: str
    run: Path


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth knowing that is no failure: the capture is still growing, another redaction key."""

    sentence: str


@dataclass(frozen=True, slots=True)
class ExchangeDone:
    """A request was sent and came to something."""

    recorded: int
    replayed: int  # id in the run
    request: str  # "GET /orders/17"
    status: int | None
    failure: FailureKind | None
    seconds: float
    done: int  # sent or passed over so far
    total: int
    lag: float | None = None  # seconds it went out after it was due; None without a schedule


@dataclass(frozen=True, slots=True)
class Passed:
    """A recorded exchange was not replayed."""

    recorded: int
    reason: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Beat:
    """Time goes by, whether or not something came back."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StubMiss:
    """The build made a call that no recorded one answers."""

    call: str  # redacted
    inbound: int | None  # recorded id
    nearest: int | None  # recorded id of the nearest call


@dataclass(frozen=True, slots=True)
class Distrusted:
    """The build's HTTP client refused our certificate: it does not know the CA."""

    server: str
    why: str


@dataclass(frozen=True, slots=True)
class TargetDied:
    """The build went away; what is left is not replayed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """Somebody asked for an end before all was sent (Ctrl-C, SIGTERM)."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The run is written."""

    run: Path
    replayed: int
    not_replayed: int
    reasons: tuple[str, ...]  # why the run cannot be called conclusive
    lag: Mapping[str, float] | None = None  # p50, p99, max in seconds; None without a schedule
    lost: str = ""  # what could not be written, and why


Event = Started | Notice | ExchangeDone | Passed | Beat | StubMiss | Distrusted | TargetDied | Stopping | Finished
