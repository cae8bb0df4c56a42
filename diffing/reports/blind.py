"""Blind spots: what this run could not check, why, and what it did check without finding anything missing.

One honest view of what is told in many places: reasons, coverage, the recording's own counters, links that are guesses,
calls that were not stubbed, what isolation did not enforce.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from captures import leftout
from captures.model import GUESSES, CauseHow
from captures.store import Capture
from captures.visible import visible
from captures.wording import counted
from diffing.model import Column, Result
from diffing.reports import coverage
from diffing.reports.text import clip

ITEMS = 60  # of one spot
IDS = 30  # exchange ids named with one item


@dataclass(frozen=True, slots=True)
class Spot:
    """One thing a run may be blind to. Without ``items`` and ``said`` it was looked at, and nothing was missing."""

    title: str
    fine: str  # what is said where nothing was missing
    items: tuple[str, ...] = ()
    said: str = ""  # what it means for the verdict
    count: int = 0  # of what was not seen

    @property
    def blind(self) -> bool:
        """Whether something was not seen."""
        return bool(self.items or self.said)


def view(result: Result, recorded: Capture | None, replayed: Capture | None) -> dict[str, Any]:
    """Blind spots first, then what was looked at."""
    spots = list(_spots(result, recorded, replayed))
    return {
        "blind": [
            [
                one.title,
                visible(one.said),
                [visible(clip(item, 500)) for item in one.items[:ITEMS]],
                max(0, len(one.items) - ITEMS),
            ]
            for one in spots
            if one.blind
        ],
        "fine": [[one.title, visible(one.fine)] for one in spots if not one.blind],
    }


def _spots(result: Result, recorded: Capture | None, replayed: Capture | None) -> Iterator[Spot]:
    run = _mapping(result.meta.get("replayed"))
    yield Spot("Reasons", "Nothing made the verdict uncertain.", result.reasons, _uncertain(result))
    yield _never_replayed(result)
    yield _not_replayed(result)
    yield _partial(run)
    yield from _of_recording(recorded)
    yield _bodies(result, recorded, replayed)
    yield _links(recorded)
    yield _calls(result, run)
    yield _isolation(run)
    latency = (
        "" if result.latency is not None else "There was no baseline beside the new build: nothing is said of speed."
    )
    yield Spot("Latency", "Both builds were measured beside each other.", said=latency)


def _uncertain(result: Result) -> str:
    return "What could not be judged. A run with such a reason is never clean." if result.reasons else ""


def _never_replayed(result: Result) -> Spot:
    rows = result.endpoints or coverage.by_endpoint(result)
    never = [
        f"{row.endpoint} ({counted(row.recorded, 'recorded exchange')})"
        for row in rows
        if not row.replayed and row.recorded
    ]
    _, endpoints = result.recording
    judged = len(result.endpoints)
    beyond = endpoints - judged if endpoints > judged > 0 else 0
    if beyond:
        never.append(f"{counted(beyond, 'endpoint')} more of the recording, which this run was not about")
    said = "Nothing is known of the new build's answers there." if never else ""
    return Spot(
        "Endpoints never replayed", "Every endpoint of the recording was asked for at least once.", tuple(never), said
    )


def _not_replayed(result: Result) -> Spot:
    items = []
    for column, words in ((Column.NOT_REPLAYED, "not replayed"), (Column.FAILED, "failed")):
        for reason, ids in coverage.skipped_reasons(result.judgements, column):
            named = " ".join(f"#{one}" for one in ids[:IDS]) + (" …" if len(ids) > IDS else "")
            items.append(f"{counted(len(ids), 'exchange')} {words}: {reason} ({named})")
    count = result.ledger.not_replayed + result.ledger.failed
    said = f"{counted(count, 'exchange')} of {result.ledger.recorded:,} gave no answer to compare." if count else ""
    return Spot("Exchanges without an answer", "Every exchange was sent and answered.", tuple(items), said)


def _partial(run: Mapping[str, Any]) -> Spot:
    items = [f"--{name} {run[name]}" for name in ("only", "shard") if run.get(name)]
    said = "Only a part of the recording was replayed." if items else ""
    return Spot("Selection", "The whole recording was replayed.", tuple(items), said)


def _of_recording(recorded: Capture | None) -> Iterator[Spot]:
    sessions = recorded.sessions() if recorded is not None else []
    left = tuple(sentence for session in sessions for sentence in leftout.sentences(session.meta))
    yield Spot(
        "Traffic left out of the recording",
        "Neither filters nor a sample left anything out.",
        tuple(dict.fromkeys(left)),
        "What was not recorded cannot be replayed." if left else "",
    )  # fmt: skip
    dropped = sum(session.dropped for session in sessions)
    said = f"{counted(dropped, 'exchange')} passed while recording and could not be written." if dropped else ""
    yield Spot("Lost while recording", "The recorder dropped nothing.", said=said)


def _bodies(result: Result, recorded: Capture | None, replayed: Capture | None) -> Spot:
    items = []
    for capture, where in ((recorded, "recording"), (replayed, "run")):
        cut = _count(capture, "body_truncated != 0")
        if cut:
            items.append(f"{counted(cut, 'exchange')} of the {where} kept only a part of a body")
    unjudged: dict[str, list[int]] = {}
    for judgement in result.judgements:
        for reason in judgement.inconclusive:
            unjudged.setdefault(reason, []).append(judgement.exchange)
    for reason, ids in sorted(unjudged.items(), key=lambda entry: -len(entry[1])):
        named = " ".join(f"#{one}" for one in ids[:IDS]) + (" …" if len(ids) > IDS else "")
        items.append(f"{counted(len(ids), 'exchange')}: {reason} ({named})")
    said = "What is not there in full, or cannot be decoded, was not compared." if items else ""
    return Spot("Bodies", "Every body was kept whole and could be decoded.", tuple(items), said)


def _links(recorded: Capture | None) -> Spot:
    how: dict[str, int] = {}
    if recorded is not None:
        rows = recorded.query(
            "SELECT cause_how, COUNT(*) AS n FROM exchange WHERE direction = 'outbound' GROUP BY cause_how"
        )
        how = {str(row["cause_how"]): row["n"] for row in rows}
    items = [
        f"{counted(how[one.value], 'call')} by {one.value.replace('-', ' ')}" for one in GUESSES if how.get(one.value)
    ]
    if how.get(CauseHow.AMBIGUOUS.value):
        items.append(f"{counted(how[CauseHow.AMBIGUOUS.value], 'call')} that several open requests may have made")
    said = (
        "Such a call may belong to another request than the one it was laid to; it is judged leniently."
        if items
        else ""
    )
    return Spot("Guessed links", "Every outbound call's cause is certain, or it has none.", tuple(items), said)


def _calls(result: Result, run: Mapping[str, Any]) -> Spot:
    items = []
    if run.get("stubbed") is False:
        items.append("The build's outbound calls did not go to the stubs: none of them was seen or judged.")
    if result.stubs.missed:
        items.append(f"{counted(result.stubs.missed, 'call')} got no recorded answer: what follows is not as recorded.")
    return Spot(
        "Dependencies", "Every outbound call was answered from the recording.", tuple(items),
        "Behaviour after such a call may differ for that alone." if items else "",
    )  # fmt: skip


def _isolation(run: Mapping[str, Any]) -> Spot:
    if not run or run.get("isolated"):
        return Spot("Isolation", "The build had no network but the stubs.")
    enforced = tuple(str(statement) for statement in run.get("enforced") or ())
    return Spot(
        "Isolation", "", enforced,
        "The build's network was not taken away: a client that ignores proxy settings could reach what it liked, "
        "unseen. --isolate closes that.",
    )  # fmt: skip


def _count(capture: Capture | None, where: str) -> int:
    if capture is None:
        return 0
    return int(next(capture.query(f"SELECT COUNT(*) AS n FROM exchange WHERE {where}"))["n"])


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
