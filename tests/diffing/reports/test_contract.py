from __future__ import annotations

from dataclasses import replace
from typing import Any

from diffing.model import Group, Standing
from diffing.reports import contract
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.story import MADE, ORDERS, profile


def rows(view: contract.ContractView, scope: str) -> dict[str, list[Any]]:
    ((found,),) = [[data[scope] for _, data in view.chunks if scope in data]]
    return {row[0]: row for row in found["rows"]}


def test_what_the_new_build_does_stands_beside_the_place(story: Story) -> None:
    view = contract.view(replace(story.result, profile=profile()))
    found = rows(view, f"{ORDERS} 200")
    (price,) = found["response.body $.items[*].price"][5]
    assert price == ["a3f8c21b9d04", 'Type changed: 18.40 → "18.40"', "error"]
    assert found["response.body $.discount"][1:3] == [6, 6]
    (amount,) = rows(view, "outbound payments POST /charges ")["outbound payments POST /charges request.body $.amount"][
        5
    ]
    assert amount[0] == "b71c9e0344fd"


def test_what_no_recorded_place_has_is_a_row_of_its_own_once(story: Story) -> None:
    view = contract.view(replace(story.result, profile=profile()))
    (links,) = rows(view, f"{ORDERS} 200")["response.body $.links"][5]
    assert links[0] == "1122aabb33cc"
    assert "response.body $.links" not in rows(view, f"{ORDERS} 404")


def test_scopes_that_differ_come_first_with_their_worst_level(story: Story) -> None:
    view = contract.view(replace(story.result, profile=profile()))
    assert [entry[0] for entry in view.data["scopes"]] == [ORDERS, "outbound payments POST /charges", ORDERS]
    assert [entry[4] > 0 for entry in view.data["scopes"]] == [True, True, False]
    assert view.data["scopes"][0][5] == "error"


def test_a_group_that_stands_at_several_places_is_beside_each(story: Story) -> None:
    first: Group = story.result.groups[0]
    places = tuple(
        Standing(first.fingerprint, first.class_id, endpoint, "response.header strict-transport-security", 1, 1, ())
        for endpoint in (ORDERS, MADE)
    )
    view = contract.view(replace(story.result, groups=(replace(first, places=places),), profile=profile()))
    assert rows(view, f"{ORDERS} 200")["response.header strict-transport-security"][5]


def test_without_a_profile_the_view_says_so(story: Story) -> None:
    view = contract.view(replace(story.result, profile=None))
    assert (view.data, view.chunks) == ({"scopes": [], "known": False}, ())
