"""Chains: the values this build made anew, which later requests carried them, and where a chain broke. Bounded.

The run says of each request what the replay put into it and which exchange that came from; a value is looked up at its
source in both captures. What was not sent because its source had failed is told with that source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from captures.errors import CaptureError, ConfigError
from captures.flows.drawing import short
from captures.formats.decoding import JsonBody, decode
from captures.formats.jsontext import MAX_NESTING
from captures.jsonpaths import compile_path
from captures.model import Exchange
from captures.store import Capture
from captures.visible import visible
from diffing.reports.messages import request_line
from diffing.reports.text import clip

CHAINS = 300  # drawn: those used most
USES = 12  # requests shown of each
READ = 200_000  # requests of the run looked at
BROKEN = 200  # exchanges not sent that are listed

_ORIGIN = re.compile(r"chained from exchange ([0-9]+)(?: (.*))?", re.DOTALL)


@dataclass(slots=True)
class _Chain:
    """One place of one recorded answer, and the requests that carried what this build put there."""

    source: int  # recorded
    place: str
    used: int = 0
    uses: dict[int, list[str]] = field(default_factory=dict)  # recorded exchange -> where in its request


def view(recorded: Capture | None, replayed: Capture | None) -> dict[str, Any]:
    """The data of the view. Ids are those of recorded exchanges."""
    if replayed is None:
        return {"chains": [], "broken": [], "kept": [], "why": "The run's file was not at hand."}
    meta = _meta(replayed)
    chains, kept, cut = _read(replayed)
    ordered = sorted(chains.values(), key=lambda chain: (-chain.used, chain.source, chain.place))
    shown = sorted(ordered[:CHAINS], key=lambda chain: (chain.source, chain.place))
    broken = _broken(meta.get("withheld") or (), replayed)
    known = _Lines(recorded)
    made = len(meta.get("bindings") or ()) + len(meta.get("named_bindings") or ())
    return {
        "made": made,
        "total": len(ordered),
        "requests": len({exchange for chain in ordered for exchange in chain.uses}),
        "cut": cut,
        "chains": [_row(chain, known, recorded, replayed) for chain in shown],
        "broken": [
            [exchange, known.of(exchange), source, known.of(source), visible(clip(why, 400))]
            for exchange, source, why in broken[:BROKEN]
        ],
        "broken_more": max(0, len(broken) - BROKEN),
        "kept": [[exchange, known.of(exchange), where, why] for exchange, where, why in kept[:BROKEN]],
    }


def _meta(replayed: Capture) -> dict[str, Any]:
    """What the last replay in the file says of itself; of a merged run, that of all shards together."""
    replays = [session for session in replayed.sessions() if session.mode == "replay"]
    if not replays:
        return {}
    meta = dict(replays[-1].meta)
    for shard in (meta.get("shards") or {}).values():
        for name in ("bindings", "named_bindings", "withheld"):
            meta[name] = [*(meta.get(name) or ()), *(shard.get(name) or ())]
    return meta


def _read(replayed: Capture) -> tuple[dict[tuple[int, str], _Chain], list[tuple[int, str, str]], bool]:
    """The chains, what could not be carried on, and whether more requests were there than are looked at."""
    chains: dict[tuple[int, str], _Chain] = {}
    kept: list[tuple[int, str, str]] = []
    rows = replayed.query(
        "SELECT replay_of, json_extract(notes, '$.changes') AS changes FROM exchange "
        "WHERE direction = 'inbound' AND replay_of IS NOT NULL AND json_extract(notes, '$.changes') IS NOT NULL "
        f"ORDER BY id LIMIT {READ + 1}"
    )
    looked = 0
    for row in rows:
        looked += 1
        for where, why in _changes(row["changes"]):
            origin = _ORIGIN.fullmatch(why)
            if origin is not None:
                key = int(origin[1]), origin[2] or ""
                chain = chains.setdefault(key, _Chain(*key))
                if row["replay_of"] not in chain.uses:
                    chain.used += 1
                chain.uses.setdefault(row["replay_of"], []).append(where)
            elif why.startswith("not changed") and len(kept) < BROKEN:
                kept.append((row["replay_of"], visible(where), visible(clip(why, 300))))
    return chains, kept, looked > READ


def _changes(text: str) -> Iterator[tuple[str, str]]:
    for change in json.loads(text):
        if isinstance(change, dict):
            yield str(change.get("where", "")), str(change.get("why", ""))


def _broken(withheld: Iterable[Any], replayed: Capture) -> list[tuple[int, int, str]]:
    reasons = {entry.exchange: entry.reason for entry in replayed.skipped()}
    return [(int(exchange), int(source), reasons.get(int(exchange), "")) for exchange, source in withheld]


def _row(chain: _Chain, known: _Lines, recorded: Capture | None, replayed: Capture) -> dict[str, Any]:
    uses = list(chain.uses.items())[:USES]
    return {
        "source": chain.source,
        "line": known.of(chain.source),
        "place": visible(chain.place),
        "values": _values(chain, recorded, replayed),
        "used": chain.used,
        "uses": [[exchange, known.of(exchange), visible(", ".join(dict.fromkeys(where)))] for exchange, where in uses],
    }


def _values(chain: _Chain, recorded: Capture | None, replayed: Capture) -> list[str] | None:
    """The beginnings of the recorded value and of the new one, where the place is one of a JSON answer."""
    if recorded is None or not chain.place.startswith("$"):
        return None
    try:
        sides = [
            _at(recorded.exchange(chain.source), chain.place), _at(replayed.answer_to(chain.source), chain.place)
        ]  # fmt: skip
    except (CaptureError, ConfigError):
        return None
    return [visible(short(side)) for side in sides if side is not None] if None not in sides else None


def _at(exchange: Exchange, place: str) -> str | None:
    if exchange.response is None:
        return None
    body = decode(exchange.response.body, exchange.response.headers, MAX_NESTING)
    if not isinstance(body, JsonBody):
        return None
    found = next((value for _, value in compile_path(place).find(body.value)), None)
    return str(found) if isinstance(found, str | int) else None


class _Lines:
    """The request lines of recorded exchanges, each looked up once."""

    def __init__(self, recorded: Capture | None) -> None:
        self._recorded = recorded
        self._known: dict[int, str] = {}

    def of(self, identity: int) -> str:
        """``POST /login``; "" where the recording is not at hand."""
        if identity not in self._known:
            found = next(self._recorded.exchanges(ids=[identity]), None) if self._recorded is not None else None
            self._known[identity] = clip(request_line(found), 120) if found is not None else ""
        return self._known[identity]
