"""The data inside the HTML page: one index that is decoded on opening, and chunks that are decoded when looked at.

The index holds what the first view and the search need; a chunk of groups their evidence and commands; a chunk of
exchanges (:mod:`diffing.reports.detail`) both sides of each in full. A chunk is base64 of gzip of JSON: ASCII without
``<``, so nothing captured can end the element it stands in, and a tenth of the size.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from captures.errors import CaptureError
from captures.model import Exchange, Session
from captures.store import Capture
from captures.visible import visible
from diffing.messages.startup import PLACES
from diffing.model import Column, Finding, Group, Judgement, Result
from diffing.outcome.reproduce import shell_word
from diffing.reports import coverage
from diffing.reports.detail import exchange_detail
from diffing.reports.packing import encoded, packed
from diffing.reports.text import clip
from diffing.reports.values import NOTHING
from diffing.reports.wording import (
    COLUMNS,
    decision_said,
    meaning,
    name_of,
    rule_snippet,
    shown_values,
    statement,
    title,
    verdict_sentence,
    verdict_word,
)

EXTRA, UNATTRIBUTED = (
    "exchange.extra",
    "outbound.unattributed",
)  # classes whose findings' ids are not a recorded inbound
GROUP = "@GROUP@"  # stands for a fingerprint in a command
EXAMPLES = 5  # of one group, embedded in full
IDS = 200  # exchange ids listed per group
PACK = 64  # groups in one chunk
MOST = 8_000  # exchanges embedded: each costs a millisecond to align, whatever it weighs
BUDGET = 18 * 1024 * 1024  # characters of embedded exchanges; the page stays under 25 MiB


def index(result: Result, recorded: Capture | None, replayed: Capture | None) -> dict[str, Any]:
    """What the page shows first."""
    found, missed = coverage.misses(replayed)
    return {
        "verdict": result.verdict,
        "decide": _commands(result),
        "word": verdict_word(result),
        "sentence": verdict_sentence(result),
        "exit": result.exit_code,
        "ledger": asdict(result.ledger),
        "columns": [list(column) for column in COLUMNS],
        "reasons": [visible(reason) for reason in result.reasons],
        "notes": [visible(note) for note in result.notes],
        "sides": sides(result, recorded, replayed),
        "about": _about(result),
        "groups": [_row(group, position) for position, group in enumerate(result.groups)],
        "endpoints": [
            [visible(row.endpoint), row.recorded, row.replayed, *_columns(row), row.groups]
            for row in coverage.by_endpoint(result)
        ],
        "unlisted": max(0, result.ledger.recorded - len(result.judgements)),
        "stubs": asdict(result.stubs),
        "misses": [
            {
                "id": m.exchange,
                "cause": m.caused_by,
                "to": m.to,
                "line": m.line,
                "why": [list(w) for w in m.explanation],
            }
            for m in found
        ],
        "missed": missed,
        "unanswered": [
            [words, visible(reason), len(ids), ids[:IDS]]
            for column, words in ((Column.FAILED, "failed"), (Column.NOT_REPLAYED, "not replayed"))
            for reason, ids in coverage.skipped_reasons(result.judgements, column)
        ],
    }


def _columns(row: coverage.EndpointCoverage) -> list[int]:
    return [row.columns[Column(name)] for name, _ in COLUMNS]


def _row(group: Group, position: int) -> dict[str, Any]:
    example = group.examples[0] if group.examples else group
    return {
        "id": group.fingerprint,
        "pack": position // PACK,
        "class": visible(group.class_id),
        "title": title(group.class_id),
        "kind": group.kind.value,
        "level": group.level.value,
        "endpoint": visible(group.endpoint),
        "location": visible(group.location),
        **_values(example, 160),
        "count": group.count,
        "exchanges": max(group.spread, len(group.exchanges)),
        "decision": group.decision.value if group.decision else None,
        "origin": group.origin.value if group.origin else None,
    }


def _values(of: Group | Finding, limit: int) -> dict[str, str | None]:
    before, after = shown_values(of, limit)
    return {"from": None if before == NOTHING else before, "to": None if after == NOTHING else after}


def sides(result: Result, recorded: Capture | None, replayed: Capture | None) -> list[dict[str, str]]:
    """What was compared with what: file, build and time of both sides. File names only, no folders of the machine."""
    found = []
    for label, path, capture in (
        ("Recorded", result.recorded_path, recorded),
        ("Replayed", result.replayed_path, replayed),
    ):
        sessions = capture.sessions() if capture else []
        side = {
            "label": label,
            "file": name_of(path),
            "build": next((_build(session) for session in sessions if _build(session)), ""),
            "when": _when(sessions) if sessions else "",
        }
        if any((side["file"], side["build"], side["when"])):
            found.append(side)
    return found


def _commands(result: Result) -> dict[str, str]:
    """What to type about a group, by verb, beside the run: names of files, as where they lie is nobody's business."""
    run, recording = (shell_word(name_of(path)) for path in (result.replayed_path, result.recorded_path))
    if not result.replayed_path:
        return {}
    known = bool(result.meta.get("replayed", {}).get("source"))
    named = "" if known else f" --recorded {recording}"
    verbs = {verb: f"retape {verb} {run} {GROUP}{named}" for verb in ("accept", "ignore", "reject")}
    shown = {**verbs, "pin": f"retape pin {recording} --only id:", "review": f"retape review {run}{named}"}
    return {verb: visible(command) for verb, command in shown.items()}


TOLD = ("command", "target", "only", "shard", "label", "git", "fail_on")  # of the run's meta; no paths, no secrets


def _about(result: Result) -> list[list[str]]:
    """What else the run says of itself, as labels and values."""
    rows: list[list[str]] = []
    for key, value in result.meta.items():
        inner = value.items() if isinstance(value, Mapping) else [("", value)]
        for name, what in inner:
            if (name or key) not in TOLD or what in (None, "", []):
                continue
            text = shlex.join(map(str, what)) if isinstance(what, list | tuple) else str(what)
            rows.append([f"{key} {name}".strip().replace("_", " ").capitalize(), clip(visible(text), 400)])
    return rows


def _when(sessions: Sequence[Session]) -> str:
    start = datetime.fromtimestamp(sessions[0].started, UTC)
    ended = sessions[-1].ended
    text = start.strftime("%Y-%m-%d %H:%M:%S")
    if ended is None:
        return f"{text} UTC, not ended"
    end = datetime.fromtimestamp(ended, UTC)
    same_day = end.date() == start.date()
    return f"{text} to {end.strftime('%H:%M:%S' if same_day else '%Y-%m-%d %H:%M:%S')} UTC"


def _build(session: Session) -> str:
    meta = session.meta
    commit = str(meta.get("git") or "")[:12] + " with changes" * bool(meta.get("git") and meta.get("dirty"))
    words = [*(meta.get(key) for key in ("label", "service", "build")), commit, meta.get("version")]
    return clip(visible(" ".join(str(word) for word in words if isinstance(word, str | int) and word != "")), 120)


def chunks(
    result: Result, recorded: Capture | None, replayed: Capture | None, *, rules: bool = True
) -> Iterator[tuple[str, str]]:
    """``(element id, encoded data)`` of the exchanges of examples, then of the groups, both several at once.

    Every group gets its first example before any gets a second: where the budget ends, evidence is thinner everywhere
    instead of missing from the last groups. ``rules``: with the rule that would let each group pass.
    """
    where: dict[str, str] = {}
    for chunk in packed(islice(_details(result, recorded, replayed), MOST), BUDGET):
        where |= dict.fromkeys(chunk.keys, chunk.name)
        yield chunk.name, chunk.data
    for start in range(0, len(result.groups), PACK):
        pack = {group.fingerprint: _group(group, where, rules=rules) for group in result.groups[start : start + PACK]}
        yield f"g-{start // PACK}", encoded(pack)


def _details(
    result: Result, recorded: Capture | None, replayed: Capture | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    judgements = {judgement.exchange: judgement for judgement in result.judgements}
    examples = [group.examples[:EXAMPLES] for group in result.groups]
    done: set[str] = set()
    for finding in (*(one[0] for one in examples if one), *(finding for one in examples for finding in one[1:])):
        key = _key(finding)
        if key in done:
            continue
        done.add(key)
        detail = _exchange(finding, judgements.get(finding.exchange), recorded, replayed)
        if detail:
            yield key, detail


def _group(group: Group, where: Mapping[str, str], *, rules: bool) -> dict[str, Any]:
    return {
        "decided": visible(decision_said(group)),
        "meaning": meaning(group.class_id),
        "statement": statement(group),
        "evidence": visible(group.evidence),
        "because": group.because,
        "whose": visible(group.origin_evidence),
        "examples": [_example(finding, where) for finding in group.examples[:EXAMPLES]],
        "ids": list(group.exchanges[:IDS]),
        "curl": visible(group.curl, lines=True),
        "command": visible(group.command, lines=True),
        "rule": rule_snippet(group) if rules else "",
    }


def _example(finding: Finding, where: Mapping[str, str]) -> dict[str, Any]:
    key = _key(finding)
    return {
        "exchange": finding.exchange,
        "key": key,
        "in": where.get(key),
        "path": visible(finding.path),
        **_values(finding, 2_000),
        "evidence": visible(finding.evidence),
        "calls": [finding.outbound_recorded, finding.outbound_replayed],
    }


def _key(finding: Finding) -> str:
    """The name of the finding's exchange. A letter says whose id it is: two captures number independently."""
    if finding.class_id == UNATTRIBUTED or finding.endpoint in PLACES:
        return f"u-{finding.outbound_recorded or 0}-{finding.outbound_replayed or 0}"
    return f"{'r' if finding.class_id == EXTRA else 'x'}-{finding.exchange}"


def _exchange(
    finding: Finding, judgement: Judgement | None, recorded: Capture | None, replayed: Capture | None
) -> dict[str, Any]:
    if finding.class_id == UNATTRIBUTED or finding.endpoint in PLACES:
        before, after = _find(recorded, finding.outbound_recorded), _find(replayed, finding.outbound_replayed)
        ours, theirs = ([call] if call else [] for call in (before, after))
        return exchange_detail(before, after, ours, theirs, (finding,), loose=True)
    if finding.class_id == EXTRA:
        after = _find(replayed, finding.exchange)
        return exchange_detail(None, after, (), _calls(replayed, after, ()), (finding,))
    before = _find(recorded, finding.exchange)
    after = _find(replayed, judgement.replayed if judgement else None)
    findings = judgement.findings if judgement else (finding,)
    return exchange_detail(
        before,
        after,
        _calls(recorded, before, [one.outbound_recorded for one in findings]),
        _calls(replayed, after, [one.outbound_replayed for one in findings]),
        findings,
        judgement=judgement,
    )


def _calls(capture: Capture | None, by: Exchange | None, named: Iterable[int | None]) -> list[Exchange]:
    """The calls ``by`` caused, and those findings name although their cause is not certain."""
    if capture is None or by is None:
        return []
    calls = {call.id: call for call in capture.caused_by(by.id)}
    others = {identity for identity in named if identity is not None} - calls.keys()
    calls |= {call.id: call for call in capture.exchanges(ids=others)} if others else {}
    return [calls[identity] for identity in sorted(calls)]


def _find(capture: Capture | None, identity: int | None) -> Exchange | None:
    if capture is None or identity is None:
        return None
    try:
        return capture.exchange(identity)
    except CaptureError:
        return None  # the report was asked for with another capture: the finding stands, only its detail is missing
