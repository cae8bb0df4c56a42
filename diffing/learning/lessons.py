"""What was learnt from repetition, as values: proposals of rules, and everything said of places that get none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Demands:
    """How sure a proposal must be."""

    confidence: float = 0.95
    min_samples: int = 5


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule that would hold, with what it rests on. ``p``: how likely a place at rest is to look so."""

    endpoint: str
    location: str
    expect: str
    params: Mapping[str, Any]
    evidence: str
    moved: int
    samples: int
    p: float


@dataclass(frozen=True, slots=True)
class Statement:
    """Something said of a place that is no proposal."""

    endpoint: str
    location: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Lessons:
    """What was learnt. Each list is sorted by endpoint and location."""

    proposals: tuple[Proposal, ...] = ()
    covered: tuple[Statement, ...] = ()  # today's rules accept it
    refused: tuple[Statement, ...] = ()  # it moves, and a rule would hide more than that
    undecided: tuple[Statement, ...] = ()  # too little to say
    constant: tuple[Statement, ...] = ()  # differs from the recording alike in all runs
    calls: tuple[Statement, ...] = ()  # outbound calls that come and go
    unjudged: tuple[str, ...] = ()
    runs: int = 0  # 0: the capture alone
    subjects: int = 0  # recorded requests of which at least two answers could be compared
    samples: int = 0  # comparisons of two answers in turn
