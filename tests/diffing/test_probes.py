"""Adversarial probes: small changes a person would be stopped by, and honest noise nobody wants to read about.

Where the corpus in ``cases`` pins down what exactly is said, a probe says only what a person would decide: ``drift``
(warning or error, or inconclusive), ``seen`` (at least an info) or ``quiet`` (no more than an info).

A file ``probes/*.json`` has a ``topic``, its ``owner`` (A: evidence and second signals, B: headers, credentials, calls
and identity, C: values with parts and the noise in bodies), a ``severity`` (critical, major, minor, noise; a probe may
have its own), and ``probes``, each with:

- ``name``, ``why`` (what a person would say), ``expect``; ``class`` or ``level`` where it matters which finding it is
- ``recorded`` and ``replayed``: a string is the body's text, anything else is JSON (``messages.built`` lists the ``$``
  objects). Recorded at 2026-11-20T09:00:00Z, replayed at 2026-11-21T12:00:00Z
- ``status``, ``headers``, ``trailers``, ``content_type``: one for both sides or ``{"recorded": …, "replayed": …}``;
  ``request``: ``{method, target, headers, body}`` or "POST /orders", each member likewise
- ``samples``: further recorded bodies, or ``{"times": 12, "body": …}``
- ``calls``: the outbound calls of both sides, ``[[…], […]]``, each ``{request, to, headers, body, after}``
- ``running``: since how many seconds the recording and the run had been running
- ``exchanges``: several pairs in one context. Without ``recorded`` a pair has one ``body`` (and list of ``calls``) in
  which ``<order:uuid>`` and the like are made anew on each side: see :mod:`tests.diffing.probes.fresh`

Whole captures with one defect in them are built in :mod:`tests.diffing.probes.shops`.

``probes/known.toml`` lists what the comparison gets wrong today. Such a probe must fail: take its line out when it
passes. The probes of a topic that must pass are one test; ``--case TEXT`` (such as "A critical") judges those with TEXT
in their names. ``-k "[A and known" --runxfail`` shows the explanation of each that does not pass yet.
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import try_each
from tests.diffing.probes.messages import judge_probe
from tests.diffing.probes.recordings import Recordings
from tests.diffing.probes.shops import SHOPS
from tests.diffing.probes.verdicts import Verdict

FOLDER = Path(__file__).parent / "probes"
KNOWN: dict[str, str] = tomllib.loads((FOLDER / "known.toml").read_text(encoding="utf-8"))
SEVERITIES = ("critical", "major", "minor", "noise")
CONTEXT = {"recorded", "replayed", "status", "headers", "trailers", "content_type", "request", "samples", "calls"}
KEYS = CONTEXT | {"name", "why", "expect", "class", "level", "severity", "owner", "running", "exchanges"}


def _probes() -> Iterator[dict[str, Any]]:
    for path in sorted(FOLDER.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        shared = {key: told[key] for key in ("owner", "topic", "severity")}
        for probe in told["probes"]:
            assert set(probe) <= KEYS, probe["name"]
            yield {**shared, **probe}


PROBES = [*_probes(), *(shop.as_probe() for shop in SHOPS)]


def _head(probe: dict[str, Any]) -> str:
    return f"{probe['owner']} {probe['severity']}: {probe['topic']}: {probe['name']}"


def _topics() -> dict[str, list[dict[str, Any]]]:
    """The probes that must pass, by owner and topic."""
    found: dict[str, list[dict[str, Any]]] = {}
    for probe in PROBES:
        if probe["name"] not in KNOWN:
            found.setdefault(f"{probe['owner']}: {probe['topic']}", []).append(probe)
    return found


TOPICS = _topics()


def _known() -> Iterator[Any]:
    for probe in PROBES:
        if probe["name"] in KNOWN:
            told = f"{KNOWN[probe['name']]} (when this passes, remove it from probes/known.toml)"
            # Only a wrong verdict is known: a crash in a known probe is news.
            mark = pytest.mark.xfail(strict=True, raises=AssertionError, reason=told)
            yield pytest.param(probe, id=f"{_head(probe)} (known)", marks=mark)


@pytest.fixture(scope="module")
def recordings() -> Iterator[Recordings]:
    """The recordings of whole captures, each made once; in memory where possible: closing one waits for the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Recordings(Path(folder))


def _topic(name: str) -> Any:
    """Whole captures take long."""
    return pytest.param(name, marks=pytest.mark.slow) if ": captures, " in name else name


@pytest.mark.parametrize("topic", map(_topic, TOPICS))
def test_probes(topic: str, recordings: Recordings, wanted: str) -> None:
    try_each(((_head(probe), partial(check, probe, recordings)) for probe in TOPICS[topic]), wanted)


@pytest.mark.parametrize("probe", _known())
def test_known(probe: dict[str, Any], recordings: Recordings) -> None:
    check(probe, recordings)


def check(probe: dict[str, Any], recordings: Recordings) -> None:
    """Fail, saying what a person would say, unless the comparison decides like one."""
    verdict = recordings.judged(probe["shop"]) if "shop" in probe else judge_probe(probe)
    said = f"{probe['why']}\nexpected {probe['expect']}, got {verdict.level}:\n{verdict.explained}"
    if not _as_expected(probe, verdict):
        raise AssertionError(said)


def _as_expected(probe: dict[str, Any], verdict: Verdict) -> bool:
    if probe["expect"] == "quiet":
        return verdict.word != "drift"
    loud_enough = verdict.word == "drift" or (probe["expect"] == "seen" and verdict.word == "seen")
    return loud_enough and probe.get("level", verdict.level) == verdict.level and _has_class(probe, verdict)


def _has_class(probe: dict[str, Any], verdict: Verdict) -> bool:
    return "class" not in probe or probe["class"] in verdict.classes


def test_the_probes_are_well_formed() -> None:
    names = Counter(probe["name"] for probe in PROBES)
    assert [name for name, count in names.items() if count > 1] == []
    assert sorted(set(KNOWN) - set(names)) == []
    assert all(reason and "\n" not in reason for reason in KNOWN.values())
    for probe in PROBES:
        assert probe["owner"] in ("A", "B", "C")
        assert probe["severity"] in SEVERITIES
        assert probe["expect"] in ("drift", "seen", "quiet")
        assert (probe["severity"] == "noise") == (probe["expect"] == "quiet"), probe["name"]
        assert probe["why"].endswith("."), probe["name"]
