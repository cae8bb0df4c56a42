from __future__ import annotations

import json
from dataclasses import replace

from diffing.model import Acceptance
from diffing.reports import hidden
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.story import NASTY


def test_each_rule_shows_values_it_let_pass_and_why_the_users_own_first(story: Story) -> None:
    place = "drop-etag", "GET /a", "response.header etag"
    uuids = "volatile.uuid", "GET /a", "response.body $.id"
    result = replace(
        story.result,
        rules=(("volatile.uuid", 7), ("drop-etag", 2), ("builtin.http-version", 1)),
        rule_places={uuids: 7, place: 2},
        rule_examples={
            place: ((4, Acceptance(("drop-etag",), place[2], place[2], "a", NASTY, "any")),),
            uuids: ((5, Acceptance(("volatile.uuid",), uuids[2], "$.id", "x", "y", "uuid v4; named id")),),
        },
    )
    view = hidden.view(result)
    assert [(rule["id"], rule["own"], rule["used"]) for rule in view["rules"]] == [
        ("drop-etag", True, 2),
        ("volatile.uuid", False, 7),
        ("builtin.http-version", False, 1),
    ]
    assert view["total"] == 10
    own, built, whole = view["rules"]
    assert own["asserts"] == "any"
    assert built["places"] == [["GET /a", "response.body $.id", 7, [[5, "$.id", '"x"', '"y"', "uuid v4; named id"]]]]
    assert whole["places"] == []
    assert "\x1b" not in json.dumps(own, ensure_ascii=False)


def test_places_and_examples_are_bounded(story: Story) -> None:
    places = {("volatile.uuid", f"GET /{number}", "response.body $.id"): 1 for number in range(60)}
    one = Acceptance(("volatile.uuid",), "response.body $.id", "$.id", 1, 2)
    result = replace(
        story.result,
        rules=(("volatile.uuid", 60),),
        rule_places=places,
        rule_examples=dict.fromkeys(places, ((1, one),) * 40),
    )
    (rule,) = hidden.view(result)["rules"]
    assert (len(rule["places"]), rule["more"]) == (hidden.PLACES, 10)
    assert sum(len(examples) for *_, examples in rule["places"]) == hidden.EXAMPLES
