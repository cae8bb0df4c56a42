"""Entries of a history, made up: each differs from a usual run in what is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diffing.history.entry import Build, Entry, SeenEndpoint, SeenGroup

BEGAN = 1_780_000_000.0
HOUR = 3_600.0


def group(name: str = "aaaaaaaaaaaa", endpoint: str = "GET /orders/{id}", **other: Any) -> SeenGroup:
    """A group that stands open."""
    usual = SeenGroup(name, "response.body.value-changed", "warning", endpoint, "response.body $.total", 3, open=True)
    return replace(usual, **other)


def endpoint(name: str = "GET /orders/{id}", **other: Any) -> SeenEndpoint:
    """An endpoint that was sent to ten times."""
    return replace(SeenEndpoint(name, 10, 10, 0, 0, 0.01), **other)


def entry(number: int, *groups: SeenGroup, **other: Any) -> Entry:
    """Run ``number``, an hour after the one before it."""
    usual = Entry(
        run=f"run{number}",
        at=BEGAN + number * HOUR,
        seconds=10.0,
        capture="c0ffee",
        capture_name="shop.sqlite",
        file=f"run{number}.sqlite",
        build=Build(git=f"{number:040x}", started="5e7"),
        tier="full",
        part="",
        verdict="drift" if groups else "clean",
        exit_code=1 if groups else 0,
        reasons=0,
        ledger={"recorded": 20, "replayed": 20, "same": 20},
        recording=(20, 2),
        groups=groups,
        endpoints=(endpoint(), endpoint("POST /orders")),
    )
    return replace(usual, **other)
