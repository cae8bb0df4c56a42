"""What a check says: fine, a warning or a problem, in one sentence, with the one command that mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How it stands."""

    OK = "ok"
    WARNING = "warning"  # something will be missing or needs to be known; recording works
    PROBLEM = "problem"  # recording or replaying fails, or leaks


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    check: str  # what was looked at: "sqlite", "port 8080", "curl 7.88.1"
    outcome: Outcome
    says: str
    command: str = ""  # what to run about it


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at. What it raises is a problem of its own."""

    name: str
    look: Callable[[], Iterable[Finding]]


def fine(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, Outcome.OK, says)


def warning(check: str, says: str, command: str = "") -> Finding:
    """Something to know."""
    return Finding(check, Outcome.WARNING, says, command)


def problem(check: str, says: str, command: str = "") -> Finding:
    """Something to mend."""
    return Finding(check, Outcome.PROBLEM, says, command)
