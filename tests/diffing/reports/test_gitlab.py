from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from diffing.model import Decision
from diffing.reports import gitlab
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.hostile import hostile
from tests.diffing.reports.story import clean, inconclusive

SCHEMA = {  # what GitLab reads of a Code Quality report
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1, "maxLength": 1100},
            "check_name": {"type": "string", "pattern": r"^[a-z0-9.-]+$"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{12,64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/.][^:]*$"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def entries(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)
    jsonschema.validate(found, SCHEMA)
    assert len({entry["fingerprint"] for entry in found}) == len(found), "GitLab takes equal ones for one"
    return list(found)


def test_an_entry_per_open_group_and_one_for_what_was_not_judged(story: Story) -> None:
    found = entries(gitlab.render(story.result))
    assert len(found) == 13 + 1
    assert found[0] == {
        "type": "issue",
        "check_name": "response.body.type-changed",
        "description": 'Type changed: GET /orders/{id} response.body $.items[*].price: 18.40 → "18.40" (6 exchanges)',
        "fingerprint": "a3f8c21b9d04",
        "severity": "critical",
        "location": {"path": "retape.rules.toml", "lines": {"begin": 1}},
    }
    assert found[-1]["check_name"] == "retape.inconclusive"
    assert "the body of exchange 25 was cut off" in found[-1]["description"]


@pytest.mark.parametrize(("level", "severity"), [("error", "critical"), ("warning", "major"), ("info", "info")])
def test_severities(level: str, severity: str, story: Story) -> None:
    groups = tuple(group for group in story.result.groups if group.level.value == level and group.open)
    found = entries(gitlab.render(replace(story.result, groups=groups, reasons=())))
    assert {entry["severity"] for entry in found} == {severity}


def test_fingerprints_do_not_move_with_values_or_counts(story: Story) -> None:
    groups = tuple(replace(group, recorded="x", replayed="y", count=1, examples=()) for group in story.result.groups)
    later = replace(story.result, groups=groups, reasons=("another one",))
    before, after = ([one["fingerprint"] for one in entries(gitlab.render(result))] for result in (story.result, later))
    assert before == after


def test_what_was_let_pass_is_no_entry(story: Story) -> None:
    groups = tuple(replace(group, decision=Decision.IGNORED) for group in story.result.groups)
    assert entries(gitlab.render(replace(story.result, groups=groups, reasons=()))) == []
    assert entries(gitlab.render(clean(story.result))) == []


def test_inconclusive_is_never_empty(story: Story) -> None:
    (entry,) = entries(gitlab.render(inconclusive(story.result)))
    assert entry["severity"] == "critical"


@pytest.mark.parametrize("count", [6, 50, 200])
def test_hostile_text_is_bounded_and_harmless(count: int, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitlab, "MOST", 100)
    text = gitlab.render(hostile(story.result, count))
    assert text.isascii()
    assert "##[" not in text
    assert len(entries(text)) == min(count, gitlab.MOST) + 1 + (count > gitlab.MOST)
