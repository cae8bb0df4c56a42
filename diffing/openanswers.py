"""Identical recorded calls with different answers, of which nobody knows which request each belonged to.

A recording under parallel load without trace headers holds them: the nth such call of a replay gets the nth answer,
whoever makes it. So does a replay of several requests at once whose calls carry no trace header.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Self

from captures.model import GUESSES, CauseHow, Exchange
from captures.store import Capture

AROUND = 50  # answers looked at on either side of the one that was served


@dataclass(frozen=True, slots=True)
class OpenAnswers:
    """Groups of recorded calls that ask for the same, by each of their ids."""

    source: Capture
    groups: dict[int, tuple[int, ...]] = field(default_factory=dict)  # id -> all of its group, ascending

    @classmethod
    def of(cls, source: Capture, run: Capture, session: int | None) -> Self:
        """Those of ``source``, as the replay ``session`` of ``run`` was answered. Mostly there are none."""
        unsure = {how.value for how in (CauseHow.AMBIGUOUS, *GUESSES)}
        hows = ", ".join(f"'{how}'" for how in sorted(unsure))
        which = "" if session is None else f" AND session = {session}"
        unclear = {
            row["replay_of"]
            for row in run.query(
                f"SELECT replay_of FROM exchange WHERE direction = 'outbound' AND cause_how IN ({hows}) "
                f"AND replay_of IS NOT NULL{which}"
            )
        }
        asked: dict[Hashable, list[tuple[int, Hashable]]] = {}
        where = "" if unclear else f" AND cause_how IN ({hows})"
        for row in source.query(
            "SELECT id, session, method, scheme, host, port, target, request_body, response_body, status, failure, "
            f"cause_how FROM exchange WHERE direction = 'outbound'{where} ORDER BY id"
        ):
            if row["cause_how"] not in unsure and row["id"] not in unclear:
                continue
            names = ("session", "method", "scheme", "host", "port", "target", "request_body")
            answer = row["response_body"], row["status"], row["failure"]
            asked.setdefault(tuple(row[name] for name in names), []).append((row["id"], answer))
        groups: dict[int, tuple[int, ...]] = {}
        for calls in asked.values():
            if len({answer for _, answer in calls}) > 1:
                ids = tuple(identity for identity, _ in calls)
                groups.update(dict.fromkeys(ids, ids))
        return cls(source, groups)

    def like(self, call: int) -> tuple[Exchange, ...]:
        """The recorded calls that ask for what ``call`` (recorded id) does, itself among them; empty: it is certain."""
        ids = self.groups.get(call, ())
        at = bisect_left(ids, call)
        near = ids[max(0, at - AROUND) : at + AROUND + 1]
        return tuple(self.source.exchanges(ids=near)) if near else ()
