"""What a smoke run says of itself: how much it left out, of what, and which drift it could miss for that. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from captures.wording import counted
from replayer.plan import Tier
from replayer.tiers.cover import Cover, uncovered

MOST = 200
"""Endpoints, and behaviours that are not covered, that a run lists; they are counted all the same."""

_KINDS = {
    "answer": ("kind of answer", "kinds of answer"),
    "call": ("kind of outbound call", "kinds of outbound call"),
    "calls": ("number of calls", "numbers of calls"),
    "chain": ("chain of values", "chains of values"),
    "messages": ("kind of message", "kinds of message"),
    "not replayable": ("kind that cannot be replayed", "kinds that cannot be replayed"),
}


def meta_of(cover: Cover, sent: Sequence[int], tier: Tier) -> dict[str, Any]:
    """What the run keeps. ``sent``: of the cover, in all shards together."""
    there = set(sent)
    chosen = Counter(step.endpoint for step in cover.steps if step.exchange in there)
    missing = list(uncovered(cover, there))
    left = sorted(
        ((name, count, chosen.get(name, 0)) for name, count in cover.recorded.items() if count > chosen.get(name, 0)),
        key=lambda row: (row[2] - row[1], row[0]),
    )
    kinds = Counter(kind for kind, _ in missing)
    return {
        "name": tier.name.value,
        "limit": tier.limit,
        "of": cover.total,
        "covering": len(cover.steps),
        "sent": len(there),
        "left_out": max(0, cover.total - len(there)),
        "endpoints": [{"endpoint": name, "recorded": count, "sent": taken} for name, count, taken in left[:MOST]],
        "uncovered": [{"kind": kind, "what": what} for kind, what in missing[:MOST]],
        "uncovered_kinds": dict(sorted(kinds.items())),
    }


def notes_of(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """The same in sentences."""
    sent, covering, left = meta["sent"], meta["covering"], meta["left_out"]
    which = f"those at most risk of the {covering:,} that" if sent < covering else "which"
    notes = [
        f"Smoke tier: {sent:,} of {counted(meta['of'], 'exchange')}, {which} show every endpoint, status, shape of "
        "answer, outbound call, failure and chain of values of the recording."
    ]
    if meta["uncovered_kinds"]:
        notes.append(f"Not covered within --limit {meta['limit']}: {_kinds(meta['uncovered_kinds'])} ({_named(meta)}).")
    if left:
        notes.append(
            f"Left out: {counted(left, 'exchange')} that differ from these in values alone (most: {_most(meta)}). "
            "A drift that only some values show, such as a rounding or a rare product, may be among them: --tier full."
            if not meta["uncovered_kinds"]
            else f"Left out: {counted(left, 'exchange')} (most: {_most(meta)}): --tier full sends them."
        )
    return tuple(notes)


def _kinds(kinds: Mapping[str, int]) -> str:
    return ", ".join(counted(count, *_KINDS.get(kind, (kind, f"{kind}s"))) for kind, count in kinds.items())


def _named(meta: Mapping[str, Any]) -> str:
    return _some((row["what"] for row in meta["uncovered"]), sum(meta["uncovered_kinds"].values()))


def _most(meta: Mapping[str, Any]) -> str:
    rows = [f"{row['recorded'] - row['sent']:,} of {row['endpoint']}" for row in meta["endpoints"]]
    return ", ".join(rows[:3])


def _some(words: Iterable[str], total: int) -> str:
    shown = list(words)[:3]
    more = total - len(shown)
    return "; ".join(shown) + (f"; and {more:,} more" if more > 0 else "")
