"""Recordings of one API made again and again, with people's own word on what in them is volatile.

A folder of ``*.json`` or ``*.json.xz`` files, one scenario each::

    {"scenario": "...",
     "recordings": [{"date": "...", "raw": [interaction, ...], "normalized": [interaction, ...]}, ...],
     "pairs": [{"kind": "noise" | "drift", "before": i, "after": j, "subject": "..."}, ...]}

An interaction is nock's: ``scope, method, path, body, status, response, rawHeaders`` (or ``headers``). ``raw`` is what
was sent, ``normalized`` the same after people's hand-written normalising. So each pair of recordings is labelled: a
place that differs raw and not normalized is noise, one that differs in both is drift. Nothing here knows the API.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.labels import UNLABELLED, Json, Truth, aligned, document, header_lines, headers_of, label
from captures.errors import UsageError
from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from captures.routes.templates import Templates

FORMAT = 'Expected {"scenario", "recordings": [{"raw", "normalized"}, …], "pairs": [{"kind", "before", "after"}, …]}.'
REPLAYED = 1000  # added to the ids of the later recording's exchanges
UNDATED = 1.5e9


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request in two recordings."""

    endpoint: str
    recorded: Exchange
    replayed: Exchange
    before: Json  # status, headers and body as one document, for peers that compare documents
    after: Json
    truth: Truth
    labelled: bool  # False: people left it out, as they do with what only sets a scenario up


@dataclass(frozen=True, slots=True)
class Pair:
    """Two recordings of one scenario. ``noise``: both of one build, as far as people could see."""

    scenario: str
    noise: bool
    before: int
    after: int
    interactions: tuple[Interaction, ...]

    @property
    def name(self) -> str:
        """``labels 4→5``."""
        return f"{self.scenario} {self.before}→{self.after}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file."""

    path: Path
    name: str
    recordings: Sequence[Json] = field(repr=False)
    labels: tuple[tuple[bool, int, int], ...]  # noise, before, after

    def pairs(self) -> Iterator[Pair]:
        """Every labelled pair. Raises :class:`UsageError` naming the file when an interaction lacks something."""
        for noise, before, after in self.labels:
            yield self.pair(noise, before, after)

    def pair(self, noise: bool, before: int, after: int) -> Pair:
        """Two recordings side by side."""
        try:
            rows = tuple(_interactions(self.recordings[before], self.recordings[after]))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise UsageError(
                f"{self.path}: recordings {before} and {after} cannot be read ({type(error).__name__}: {error}).",
                hint="An interaction has method, path, status, response and rawHeaders or headers.",
            ) from error
        return Pair(self.name, noise, before, after, rows)


def everything(folder: Path) -> list[Exchange]:
    """Each interaction of each recording in ``folder`` as it was sent, numbered from 1. Raises as :func:`scenarios`."""
    raw = (one for scenario in scenarios(folder) for recording in scenario.recordings for one in recording["raw"])
    return [_exchange(number, one) for number, one in enumerate(raw, 1)]


def scenarios(folder: Path) -> list[Scenario]:
    """The files of ``folder``, by name. Raises :class:`UsageError` for no folder, no files, a broken file."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", hint="Name a folder of *.json or *.json.xz recordings.")
    paths = sorted(path for path in folder.iterdir() if path.name.endswith((".json", ".json.xz")))
    if not paths:
        raise UsageError(f"{folder} has no recordings.", hint="They are *.json or *.json.xz files.")
    return [_scenario(path) for path in paths]


def _scenario(path: Path) -> Scenario:
    try:
        data = path.read_bytes()
        value = json.loads(lzma.decompress(data) if path.name.endswith(".xz") else data)
        recordings = value["recordings"]
        labels = tuple((pair["kind"] == "noise", int(pair["before"]), int(pair["after"])) for pair in value["pairs"])
        for recording in recordings:
            recording["raw"], recording["normalized"]
        if any(not 0 <= at < len(recordings) for _, *sides in labels for at in sides):
            raise ValueError("a pair names a recording that is not there")
        return Scenario(path, str(value["scenario"]), recordings, labels)
    except (OSError, EOFError, lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no file of recordings ({type(error).__name__}: {error}).", hint=FORMAT) from error


def _interactions(before: Json, after: Json) -> Iterator[Interaction]:
    rows = aligned(before["raw"], after["raw"])
    normal_before = {old: before["normalized"][at] for old, at in aligned(before["raw"], before["normalized"])}
    normal_after = {new: after["normalized"][at] for new, at in aligned(after["raw"], after["normalized"])}
    made = [
        (_exchange(number, before["raw"][old]), _exchange(number + REPLAYED, after["raw"][new]), old, new)
        for number, (old, new) in enumerate(rows, 1)
    ]
    templates = Templates.infer((one.request.method, one.request.target) for one, _, _, _ in made)
    sent = _sent([(one, other) for one, other, _, _ in made])
    for one, other, old, new in made:
        endpoint = templates.endpoint(one.request.method, one.request.target)
        documents = document(before["raw"][old]), document(after["raw"][new])
        truth = None
        if old in normal_before and new in normal_after:
            truth = label(*documents, normal_before[old], normal_after[new], sent)
        yield Interaction(endpoint, one, other, *documents, truth or UNLABELLED, truth is not None)


def _sent(rows: Sequence[tuple[Exchange, Exchange]]) -> dict[str, str]:
    """Path segments that differ between the requests of the two recordings, longest first."""
    found: dict[str, str] = {}
    for one, other in rows:
        first, second = (side.request.target.decode().partition("?")[0].split("/") for side in (one, other))
        if len(first) == len(second):
            found.update((mine, theirs) for mine, theirs in zip(first, second, strict=True) if mine != theirs)
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def _exchange(identity: int, one: Json) -> Exchange:
    headers: Headers = tuple(
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in header_lines(one)
        if name not in ("content-encoding", "content-length")
    )
    date = headers_of(one).get("date")
    at = parsedate_to_datetime(date).timestamp() if date else UNDATED
    server = urlsplit(str(one.get("scope") or "https://recorded.test:443"))
    port = server.port or (80 if server.scheme == "http" else 443)
    asked = {str(name).lower(): str(value) for name, value in (one.get("reqheaders") or {}).items()}
    if not isinstance(one.get("body") or "", str):
        asked["content-type"] = "application/json"  # nock shows the value, not the text
    return Exchange(
        id=identity,
        direction=Direction.INBOUND,
        request=Request(
            str(one["method"]).upper(),
            server.scheme or "https",
            server.hostname or "recorded.test",
            port,
            str(one["path"]).encode(),
            tuple((name.encode(), value.encode("latin-1", "replace")) for name, value in asked.items()),
            _bytes(one.get("body") or ""),
        ),
        response=Response(one["status"], headers, _bytes(one["response"])),
        timing=Timing(at, at, at, at + 1),
    )


def _bytes(body: Json) -> bytes:
    if body in ("", None):
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
