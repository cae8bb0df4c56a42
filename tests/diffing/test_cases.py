"""The corpus: each case is a pair of answers, what surrounds it, and exactly the findings and rules that come of it.

A case is ``name``, ``recorded`` and ``replayed`` (bodies: text, or ``{"base64": …}``), and of these what it needs:

- ``findings``: (change, exact path) of every finding in a body · or ``classes``: whole class ids
- ``rules``: every rule that accepted something, or ``any_rules``: true
- ``given``: rules of the user · ``evidence``: words that the findings' evidence has
- ``near``: the class (a change, or whole) that the case narrowly misses
- ``status``, ``reason``, ``content_type``, ``headers``, ``trailers``, ``failure``: one for both sides, or a pair; a
  header may have a list of values
- ``request``: ``{method, target, body, headers, content_type}``, one for both sides or a pair
- ``samples``: further recorded answers, bodies or ``{body, target, sent, status, times}``; with ``times``, ``{n}`` in a
  body or target counts up

What only says something about bodies is also judged as the request of an outbound call, unless ``side`` says
"response" or "outbound".

A file is one test; ``--case TEXT`` judges only the cases with TEXT in their names.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from diffing.classes import all_classes, class_of
from diffing.model import Column
from diffing.rulebook.builtins import BUILTIN_RULES
from tests.corpus import try_each
from tests.diffing.pairs import judge_case

SIDES = {"response": "response.body", "outbound": "outbound.request.body"}
FILES: dict[str, list[dict[str, Any]]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "cases").glob("*.json"))
}
_ALL = [case for cases in FILES.values() for case in cases]
KEYS = {"name", "recorded", "replayed", "given", "findings", "classes", "rules", "any_rules", "samples"} | {
    *("status", "content_type", "headers", "request", "evidence", "side", "near", "reason", "trailers", "failure")
}
ONE_SIDED = {"classes", "status", "headers", "request", "reason", "trailers", "failure"}
"""What makes a case one of a response only."""


def sides(case: dict[str, Any]) -> tuple[str, ...]:
    """What the bodies of ``case`` are judged as."""
    if "side" in case:
        return (case["side"],)
    return ("response",) if ONE_SIDED & set(case) else ("response", "outbound")


def expected_classes(case: dict[str, Any], side: str) -> list[str]:
    """The class of every finding that ``case`` expects."""
    if "classes" in case:
        return list(case["classes"])
    return [_class(word, side) for word, _ in case.get("findings", ())]


def _class(word: str, side: str) -> str:
    if word == "identity":
        return SIDES[side].replace("body", "identity")
    return word if "." in word else f"{SIDES[side]}.{word}"


def _path(path: str) -> str:
    """``$.a`` and ``response.body`` of either side."""
    if not path.startswith("outbound "):
        return path
    return path.partition(" request.body")[2].strip() or "response.body"


def check(case: dict[str, Any], side: str) -> None:
    """Fail unless exactly that is found which ``case`` expects."""
    assert set(case) <= KEYS
    judgement = judge_case(case, outbound=side == "outbound")
    if "classes" in case:
        assert Counter(finding.class_id for finding in judgement.findings) == Counter(case["classes"])
    else:
        found = Counter((finding.class_id, _path(finding.path)) for finding in judgement.findings)
        assert found == Counter((_class(word, side), path) for word, path in case.get("findings", ()))
    if not case.get("any_rules"):
        assert set(judgement.rules) == set(case.get("rules", ()))
    assert case.get("evidence", "") in " · ".join(finding.evidence for finding in judgement.findings)
    given = {rule["id"] for rule in case.get("given", ())}
    assert set(judgement.rules) - given <= {rule.id for rule in BUILTIN_RULES}
    expected = Column.DRIFTED if judgement.findings else Column.SAME_BY_RULE if judgement.rules else Column.SAME
    assert judgement.column is (Column.FAILED if "response.failed" in case.get("classes", ()) else expected)
    if "near" in case:
        assert class_of(_class(case["near"], side)).id not in {finding.class_id for finding in judgement.findings}
    for finding in judgement.findings:
        class_of(finding.class_id)


@pytest.mark.parametrize("file", FILES)
def test_cases(file: str, wanted: str) -> None:
    try_each(((f"{file}: {case['name']}", partial(check, case, sides(case)[0])) for case in FILES[file]), wanted)


@pytest.mark.slow  # the other side waits for the whole run: the fast tier has seconds
@pytest.mark.parametrize("file", [file for file, cases in FILES.items() if any(len(sides(case)) > 1 for case in cases)])
def test_cases_as_outbound_calls(file: str, wanted: str) -> None:
    both = [(case, side) for case in FILES[file] for side in sides(case)[1:]]
    try_each(((f"{file}: {case['name']} ({side})", partial(check, case, side)) for case, side in both), wanted)


def test_every_class_has_a_case_and_one_that_narrowly_misses() -> None:
    """Of what two answers or two calls' bodies can do; ``exchange.*`` and ``outbound.*`` have tests of their own."""
    fired: Counter[str] = Counter()
    missed: set[str] = set()
    for case in _ALL:
        for side in sides(case):
            fired.update(set(expected_classes(case, side)))
            if "near" in case:
                missed.add(_class(case["near"], side))
    assert len(_ALL) >= 400
    covered = [one.id for one in all_classes() if one.id.startswith(("response.", "outbound.request.body."))]
    assert [one for one in covered if not fired[one]] == []
    assert [one for one in covered if fired[one] + (one in missed) < 2] == []
