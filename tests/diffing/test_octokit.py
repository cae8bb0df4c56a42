"""Recall and false alarms on real traffic that nobody here wrote: GitHub's answers, re-recorded from 2017 to 2026.

Of each pair, ``normalized`` tells what people called volatile: a leaf that differs raw and not normalized is noise, one
that differs in both is drift. Nothing here knows GitHub: the two recordings are turned into a recording and a run.
The floors are what was measured, rounded down; a later issue raises them.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from captures.decoding import JsonBody, decode
from captures.jsonpaths import normalised
from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from captures.templates import Templates
from diffing.builtins import HOP_BY_HOP
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.flatten import same
from diffing.model import Judgement

DATA = Path(__file__).parents[3] / "shared" / "data" / "octokit"
IGNORED = HOP_BY_HOP | {"set-cookie", "content-length", "content-encoding"}  # framing follows from the rest
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/octokit is not beside this checkout"),
]


@dataclass
class Tally:
    """Counts of one kind of pair."""

    pairs: int = 0
    clean: int = 0
    noisy_leaves: int = 0  # differ raw, not normalized
    false_alarms: int = 0  # … and were reported
    drifted_leaves: int = 0  # differ in both
    found: int = 0  # … and were reported, or stand under something that was
    alarms: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)


def test_recall_and_false_alarms_per_kind_of_pair(capsys: pytest.CaptureFixture[str]) -> None:
    tallies = {"noise": Tally(), "drift": Tally()}
    for path in sorted(DATA.glob("*.json.xz")):
        recordings = json.loads(lzma.decompress(path.read_bytes()))
        for pair in recordings["pairs"]:
            before, after = (recordings["recordings"][pair[side]] for side in ("before", "after"))
            _count(tallies[pair["kind"]], before, after)
    with capsys.disabled():
        print()
        print("| pairs | clean | noisy leaves | false alarms | drifted leaves | found | recall |")
        for kind, tally in tallies.items():
            recall = tally.found / tally.drifted_leaves if tally.drifted_leaves else 1.0
            print(
                f"| {kind} {tally.pairs} | {tally.clean} | {tally.noisy_leaves} | {tally.false_alarms} | "
                f"{tally.drifted_leaves} | {tally.found} | {recall:.3f} |"
            )
            print("  alarms:", tally.alarms.most_common(6))
            print("  missed:", tally.missed.most_common(6))
    noise, drift = tallies["noise"], tallies["drift"]
    assert noise.false_alarms <= 0.02 * noise.noisy_leaves
    assert drift.false_alarms <= 0.03 * drift.noisy_leaves
    assert drift.found >= 0.94 * drift.drifted_leaves


def _count(tally: Tally, before: dict[str, Any], after: dict[str, Any]) -> None:
    tally.pairs += 1
    clean = True
    for judgement, label in _judged(before, after):
        noisy, drifted = label
        reported = {
            finding.path if finding.path.startswith("$") else finding.location for finding in judgement.findings
        }
        clean = clean and not reported
        tally.noisy_leaves += len(noisy)
        tally.drifted_leaves += len(drifted)
        for leaf in noisy:
            if leaf in reported:
                tally.false_alarms += 1
                tally.alarms[f"{judgement.endpoint} {leaf}"[-60:]] += 1
        for leaf in drifted:
            if any(leaf == at or leaf.startswith((f"{at}.", f"{at}[")) or at == "response.status" for at in reported):
                tally.found += 1
            else:
                tally.missed[leaf[-60:]] += 1
    tally.clean += clean


def _judged(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[Judgement, tuple[set[str], set[str]]]]:
    rows = list(zip(before["raw"], after["raw"], before["normalized"], after["normalized"], strict=False))
    if not len(before["raw"]) == len(after["raw"]) == len(before["normalized"]) == len(after["normalized"]):
        rows = [row for row in rows if len({(one["method"], one["status"]) for one in row[:2]}) == 1]
    pairs = []
    for at, (old, new, _, _) in enumerate(rows, 1):
        if old["method"] != new["method"]:
            continue
        pairs.append((_exchange(at, old), _exchange(at + 1000, new), rows[at - 1]))
    templates = Templates.infer((one.request.method, one.request.target) for one, _, _ in pairs)
    started = {
        0: min((one.timing.started for one, _, _ in pairs), default=0.0),
        1: min((other.timing.started for _, other, _ in pairs), default=0.0),
    }
    context = Context(
        endpoint_of=lambda one: templates.endpoint(one.request.method, one.request.target),
        recorded_started=lambda _: started[0],
        replayed_started=lambda _: started[1],
    )
    for one, _, _ in pairs:
        learn_recorded(one, context)
    for one, other, _ in pairs:
        learn_pair(one, other, context)
    for one, other, row in pairs:
        yield compare_exchange(one, other, context), _labels(*row)


def _labels(old: Any, new: Any, old_normalized: Any, new_normalized: Any) -> tuple[set[str], set[str]]:
    """(noisy places, drifted places).

    A place that the people's normalising dropped altogether (most headers GitHub added over the years) has no label:
    whether it differs by nature, they never said.
    """
    raw = _differing(old["response"], new["response"]) | _headers(old, new)
    normalized = _differing(old_normalized["response"], new_normalized["response"]) | _headers(
        old_normalized, new_normalized
    )
    labelled = _places(old_normalized) & _places(new_normalized)
    return (raw - normalized) & labelled, raw & normalized


def _places(one: Any) -> set[str]:
    found = {f"response.header {name}" for name in _header_map(one)}
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(one["response"], ())]
    while stack:
        item, path = stack.pop()
        found.add(normalised(path))
        if isinstance(item, dict):
            stack.extend((child, (*path, name)) for name, child in item.items())
        elif isinstance(item, list):
            stack.extend((child, (*path, at)) for at, child in enumerate(item))
    return found


def _differing(left: Any, right: Any) -> set[str]:
    found: set[str] = set()
    stack: list[tuple[Any, Any, tuple[str | int, ...]]] = [(left, right, ())]
    while stack:
        one, other, path = stack.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            for name in one.keys() | other.keys():
                if name in one and name in other:
                    stack.append((one[name], other[name], (*path, name)))
                else:
                    found.add(normalised((*path, name)))
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            stack.extend((one[at], other[at], (*path, at)) for at in range(len(one)))
        elif not same(one, other):
            found.add(normalised(path))
    return found


def _header_map(one: Any) -> dict[str, str]:
    flat = one.get("rawHeaders") or []
    if flat:
        return {str(flat[at]).lower(): str(flat[at + 1]) for at in range(0, len(flat) - 1, 2)}
    return {str(name).lower(): str(value) for name, value in (one.get("headers") or {}).items()}


def _headers(old: Any, new: Any) -> set[str]:
    left, right = _header_map(old), _header_map(new)
    return {
        f"response.header {name}"
        for name in left.keys() | right.keys()
        if left.get(name) != right.get(name) and name not in IGNORED
    }


def _exchange(identity: int, one: Any) -> Exchange:
    headers: Headers = tuple(
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in _header_map(one).items()
        if name not in ("content-encoding", "content-length")
    )
    at = _moment(_header_map(one).get("date"))
    body = one["response"]
    data = b"" if body in ("", None) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    sent = one.get("body") or ""
    request = sent.encode() if isinstance(sent, str) else json.dumps(sent).encode()
    kind: Headers = ((b"content-type", b"application/json"),) if not isinstance(sent, str) else ()
    exchange = Exchange(
        id=identity,
        direction=Direction.INBOUND,
        request=Request(one["method"].upper(), "https", "api.github.com", 443, one["path"].encode(), kind, request),
        response=Response(one["status"], headers, data),
        timing=Timing(at, at, at, at + 1),
    )
    assert not data or isinstance(decode(data, headers), JsonBody) or isinstance(body, str)
    return exchange


def _moment(text: str | None) -> float:
    if not text:
        return 1.5e9
    return parsedate_to_datetime(text).timestamp()
