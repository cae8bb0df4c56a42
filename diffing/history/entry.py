"""One run as the history keeps it: what it was of, its verdict, ledger, groups and endpoints. Pure.

Places and counts only: no recorded or replayed value, no header, no reason (which may quote one) is in an entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from diffing.model import Column, Group, Origin, Result

MOST_GROUPS = 200  # of one entry, worst first
MOST_ENDPOINTS = 400
LONGEST = 300  # characters of one text


@dataclass(frozen=True, slots=True)
class SeenGroup:
    """A drift group of a run, without its values."""

    fingerprint: str
    class_id: str
    level: str
    endpoint: str
    location: str
    exchanges: int
    open: bool  # speaks against the build: nobody let it pass, and no baseline has a part in it
    decision: str = ""
    origin: str = ""

    @property
    def flaky(self) -> bool:
        """Whether the baseline of that run differed from itself there."""
        return self.origin == Origin.FLAKY.value


@dataclass(frozen=True, slots=True)
class SeenEndpoint:
    """An endpoint of a run: its ledger, and the median time of an answer in seconds."""

    endpoint: str
    recorded: int
    replayed: int
    drifted: int
    failed: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """What was replayed against. Equal ones are the same build, as far as can be told."""

    label: str = ""
    git: str = ""  # commit
    dirty: bool = False  # there were changes beside it
    started: str = ""  # digest of the command, or the target

    @property
    def name(self) -> str:
        """For people: the label, or a short commit; "" when neither is known."""
        return self.label or (f"{self.git[:9]}{'+' if self.dirty else ''}" if self.git else "")

    @property
    def certain(self) -> bool:
        """Whether two runs that say this were made with one build."""
        return bool(self.label or (self.git and not self.dirty))


@dataclass(frozen=True, slots=True)
class Entry:
    """One judged run."""

    run: str  # digest: the same run judged again has the same
    at: float  # when the replay began, Unix seconds
    seconds: float | None  # how long it took
    capture: str  # identity of the recording
    capture_name: str  # its file's name
    file: str  # the run's file's name
    build: Build
    tier: str  # "full" or "smoke"
    part: str  # what of the recording, in words: "--only …", "shard 2/4"; "" for all that the tier means
    verdict: str
    exit_code: int
    reasons: int  # how many things could not be judged
    ledger: Mapping[str, int]
    recording: tuple[int, int]  # exchanges and endpoints of the whole recording
    groups: tuple[SeenGroup, ...] = ()
    more_groups: int = 0  # that are not listed
    endpoints: tuple[SeenEndpoint, ...] = ()
    three_way: bool = False  # a baseline ran beside the build
    rules: str = ""  # digest of the configuration it was replayed under

    @property
    def open_groups(self) -> tuple[SeenGroup, ...]:
        """Those that speak against the build."""
        return tuple(group for group in self.groups if group.open)

    @property
    def covered(self) -> int:
        """Endpoints of which something was sent."""
        return sum(one.replayed > 0 for one in self.endpoints)

    @property
    def like(self) -> tuple[object, ...]:
        """Runs that are alike in this asked one build the same; what differs between them moves by itself."""
        return self.capture, self.build, self.tier, self.part, self.rules

    def to_json(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """From :meth:`to_json`. Raises ``ValueError``, ``TypeError`` or ``KeyError`` for anything else."""
        value = json.loads(text)
        return cls(
            **{
                **value,
                "build": Build(**value["build"]),
                "recording": (int(value["recording"][0]), int(value["recording"][1])),
                "groups": tuple(SeenGroup(**group) for group in value["groups"]),
                "endpoints": tuple(SeenEndpoint(**endpoint) for endpoint in value["endpoints"]),
            }
        )


def entry_of(
    result: Result,
    *,
    run: Sequence[object],
    capture: str,
    at: float,
    ended: float | None,
    selected: str = "",
    three_way: bool = False,
) -> Entry:
    """The entry for ``result``. ``run``: what names its replay. ``selected``: what ``diff`` looked at alone."""
    meta: Mapping[str, Any] = result.meta.get("replayed") or {}
    part = [f"--only {text}" for text in (meta.get("only"), selected) if text]
    part += [f"shard {meta['shard']}"] if meta.get("shard") else []
    part += [f"--limit {limit}"] if (limit := result.tier.get("limit")) else []
    told = (*run, capture, *part)
    return Entry(
        run=_digest(told),
        at=at,
        seconds=max(0.0, ended - at) if ended is not None else None,
        capture=capture,
        capture_name=_short(_name(result.recorded_path)),
        file=_short(_name(result.replayed_path)),
        build=_build(meta),
        tier=str(result.tier.get("name", "full")),
        part=_short(", ".join(dict.fromkeys(part))),
        verdict=result.verdict,
        exit_code=result.exit_code,
        reasons=len(result.reasons),
        ledger=asdict(result.ledger),
        recording=result.recording,
        groups=tuple(_seen(group) for group in result.groups[:MOST_GROUPS]),
        more_groups=max(0, len(result.groups) - MOST_GROUPS),
        endpoints=tuple(_endpoints(result)),
        three_way=three_way,
        rules=str(meta.get("rules_digest") or "")[:12],
    )


def _seen(group: Group) -> SeenGroup:
    return SeenGroup(
        group.fingerprint,
        group.class_id,
        group.level.value,
        _short(group.endpoint),
        _short(group.location),
        max(group.spread, len(group.exchanges)) or group.count,
        group.open,
        group.decision.value if group.decision else "",
        group.origin.value if group.origin else "",
    )


def _endpoints(result: Result) -> Iterable[SeenEndpoint]:
    kept = sorted(result.endpoints, key=lambda one: (-one.columns[Column.DRIFTED], -one.recorded, one.endpoint))
    for one in kept[:MOST_ENDPOINTS]:
        yield SeenEndpoint(
            _short(one.endpoint),
            one.recorded,
            one.replayed,
            one.columns[Column.DRIFTED],
            one.columns[Column.FAILED],
            round(one.seconds, 6) if one.seconds is not None else None,
        )


def _build(meta: Mapping[str, Any]) -> Build:
    started = meta.get("command") or meta.get("target") or ""
    label, git = meta.get("label"), meta.get("git")
    return Build(
        _short(label) if isinstance(label, str) else "",
        git[:64] if isinstance(git, str) else "",
        bool(meta.get("dirty")),
        _digest([started])[:12] if started else "",
    )


def _digest(words: Iterable[object]) -> str:
    return hashlib.sha256(json.dumps(list(words), default=str).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
