"""The corpus: each case is two JSON bodies, the rules given, and exactly the findings and rules that come of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from diffing.builtins import BUILTIN_RULES
from diffing.classes import class_of
from diffing.model import Column
from tests.diffing.pairs import judge_json

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]
KEYS = {"name", "recorded", "replayed", "given", "findings", "classes", "rules", "any_rules", "samples"}


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    assert set(case) <= KEYS
    judgement = judge_json(case["recorded"], case["replayed"], case.get("given"), *case.get("samples", ()))
    if "classes" in case:
        assert Counter(finding.class_id for finding in judgement.findings) == Counter(case["classes"])
    else:
        found = Counter((finding.class_id, finding.path) for finding in judgement.findings)
        assert found == Counter((f"response.body.{word}", path) for word, path in case.get("findings", ()))
    if not case.get("any_rules"):
        assert set(judgement.rules) == set(case.get("rules", ()))
    for finding in judgement.findings:
        class_of(finding.class_id)
    given = {rule["id"] for rule in case.get("given", ())}
    assert set(judgement.rules) - given <= {rule.id for rule in BUILTIN_RULES}
    expected = Column.DRIFTED if judgement.findings else Column.SAME_BY_RULE if judgement.rules else Column.SAME
    assert judgement.column is expected
