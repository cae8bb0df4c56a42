from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from diffing.model import Result
from diffing.reports import json_report
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.story import clean, inconclusive, make_result

RESULT = make_result()


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(files("diffing.reports").joinpath("report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize(
    "result", [RESULT, clean(RESULT), inconclusive(RESULT)], ids=["drift", "clean", "inconclusive"]
)
def test_every_verdict_is_valid_by_the_published_schema(result: Result, validator: Draft202012Validator) -> None:
    text = json_report.render(result)
    document = json.loads(text)
    validator.validate(document)
    assert text.isascii()
    assert text.endswith("}\n")
    assert (document["schema"], document["verdict"], document["exit_code"]) == (1, result.verdict, result.exit_code)


def test_the_contract_of_the_design_is_kept(story: Story) -> None:
    document: dict[str, Any] = json.loads(json_report.render(story.result))
    assert list(document)[:8] == ["schema", "verdict", "exit_code", "ledger", "reasons", "groups", "rules", "stubs"]
    assert document["ledger"]["recorded"] == sum(
        document["ledger"][column] for column in ("same", "same_by_rule", "drifted", "failed", "not_replayed")
    )
    place = {"endpoint": "GET /orders/{id}", "location": "response.body $.id", "used": 12}
    assert document["rules"][0] == {"id": "volatile.identifier", "used": 12, "places": [place]}
    assert document["stubs"] == {"served": 7, "missed": 12, "unused": 1}
    first = document["groups"][0]
    assert {key: first[key] for key in ("fingerprint", "class", "kind", "level", "endpoint", "location", "count")} == {
        "fingerprint": "a3f8c21b9d04",
        "class": "response.body.type-changed",
        "kind": "contract",
        "level": "error",
        "endpoint": "GET /orders/{id}",
        "location": "response.body $.items[*].price",
        "count": 18,
    }
    assert first["exchanges"] == [1, 2, 3, 4, 5, 6]
    assert first["decision"] is None


def test_numbers_keep_their_digits_and_absence_is_not_null(story: Story) -> None:
    text = json_report.render(story.result)
    assert '"recorded": 18.40,' in text
    groups = {group["fingerprint"]: group for group in json.loads(text)["groups"]}
    removed, added = groups["71be02c9aa10"], groups["1122aabb33cc"]
    assert (removed["replayed"], removed["replayed_absent"]) == (None, True)
    assert "recorded_absent" not in removed
    assert (added["recorded"], added["recorded_absent"]) == (None, True)
    assert groups["f00dfeed0001"]["decision"] == "accepted"


def test_the_schema_refuses_what_it_should(validator: Draft202012Validator, story: Story) -> None:
    document = json.loads(json_report.render(story.result))
    document["groups"][0]["fingerprint"] = "not hex"
    document["groups"][1]["replayed"] = 1  # with replayed_absent
    del document["stubs"]
    assert len(list(validator.iter_errors(document))) == 3
