"""One cause, one group; one exchange, one finding per cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from diffing.contract.profile import Profile
from diffing.model import ABSENT, Finding, Group
from diffing.outcome.fingerprints import fingerprint
from diffing.outcome.folding import fold
from diffing.outcome.grouping import Grouping
from tests.diffing.pairs import exchange, judge


def finding(class_id: str, location: str = "response.body $.a", one: Any = 1, other: Any = 2, at: int = 1) -> Finding:
    return Finding(class_id, "GET /a", location, "$.a", one, other, at, evidence="e")


def grouped(*findings: Finding) -> list[Group]:
    grouping = Grouping()
    grouping.add(findings)
    return list(grouping.groups(Profile(), {"GET /a": 9}))


def test_the_values_do_not_make_the_group() -> None:
    groups = grouped(
        *(finding("response.body.value-changed", one=at, other=-at, at=at) for at in (3, 1, 2)),
        finding("response.body.value-changed", one="a", other="b"),
    )
    assert [(group.count, group.exchanges) for group in groups] == [(3, (1, 2, 3)), (1, (1,))]
    assert groups[0].evidence == "e; in 3 of 9 replayed exchanges"


def test_what_has_no_partner_is_not_counted_among_the_replayed() -> None:
    group = grouped(finding("exchange.missing", "exchange", at=1), finding("exchange.missing", "exchange", at=2))[0]
    assert group.evidence == "e; beside 9 with a partner"


def test_a_number_that_is_only_written_differently_joins_the_changed_value_of_its_place() -> None:
    groups = grouped(finding("response.body.number-form"), finding("response.body.value-changed"))
    assert [(group.class_id, group.count) for group in groups] == [("response.body.value-changed", 2)]
    assert len(grouped(finding("response.body.number-form"))) == 1


def test_worst_first() -> None:
    groups = grouped(
        finding("response.body.field-added", one=ABSENT),
        finding("response.body.value-changed"),
        finding("response.body.field-removed", other=ABSENT),
    )
    assert [group.level.value for group in groups] == ["error", "warning", "info"]
    assert groups[2].fingerprint == fingerprint("response.body.field-added", "GET /a", "response.body $.a", "")


def test_examples_are_capped() -> None:
    group = grouped(*(finding("response.body.value-changed", at=at) for at in range(50)))[0]
    assert (len(group.examples), len(group.exchanges)) == (5, 50)


def test_another_status_brings_its_body_and_headers_along() -> None:
    one = exchange('{"id": 1, "items": [1, 2]}')
    other = exchange('{"error": "x"}', status=500, replayed=True)
    findings = judge(one, other).findings
    assert [found.class_id for found in findings] == ["response.status.class"]
    assert "3 differences of body and headers come with it" in findings[0].evidence


def test_outbound_drift_stands_beside_a_changed_status() -> None:
    kept = fold([finding("response.status.class"), finding("outbound.extra"), finding("response.body.value-changed")])
    assert [found.class_id for found in kept] == ["response.status.class", "outbound.extra"]


def broken_off(*others: Finding, status: int = 500) -> tuple[Finding, ...]:
    """A status that became ``status``, with a call no longer made and ``others``."""
    answer = replace(finding("response.status.class", "response.status"), recorded=201, replayed=status)
    return fold([answer, finding("outbound.missing", "outbound stock GET /items/{id}"), *others])


def test_calls_that_a_failed_exchange_no_longer_makes_are_part_of_its_failure() -> None:
    kept = broken_off(*(finding("outbound.fewer", f"outbound stock GET /{name}") for name in "abc"))
    assert [found.class_id for found in kept] == ["response.status.class"]
    named = "come with it: stock GET /items/{id}, stock GET /a, stock GET /b and 1 more"
    assert named in kept[0].evidence
    down = fold([finding("response.failed", "response"), finding("outbound.missing", "outbound stock GET /a")])
    assert [found.class_id for found in down] == ["response.failed"]


@pytest.mark.parametrize("status", [200, 402])
def test_a_call_no_longer_made_stands_beside_an_answer_that_is_no_failure(status: int) -> None:
    kept = broken_off(status=status)
    assert [found.class_id for found in kept] == ["response.status.class", "outbound.missing"]


@pytest.mark.parametrize(
    ("change", "left"), [("request.body.value-changed", 3), ("extra", 3), ("request.header-added", 2)]
)
def test_a_failed_exchange_whose_other_calls_drifted_shows_all_of_them(change: str, left: int) -> None:
    kept = broken_off(finding(f"outbound.{change}", "outbound stock GET /a"))
    assert len(kept) == left


def test_refusals_that_became_successes_are_security() -> None:
    one, other = exchange("{}", status=403), exchange("{}", status=200, replayed=True)
    assert [found.class_id for found in judge(one, other).findings] == ["response.status.error-to-success"]


def repeating(location: str, source: str, at: int = 1, class_id: str = "response.body.value-changed") -> Finding:
    return replace(finding(class_id, location, "Acme Anvil", "Acme Hammer", at), follows=source)


def test_places_that_only_repeat_a_change_join_its_source() -> None:
    source = repeating("response.body $.name", "")
    groups = grouped(
        *(repeating(f"response.body $.{name}", "GET /a response.body $.name") for name in ("title", "url", "x", "y")),
        source,
    )
    assert [(group.location, group.count) for group in groups] == [("response.body $.name", 5)]
    assert groups[0].fingerprint == grouped(source)[0].fingerprint
    assert "the same change at GET /a response.body $.title, " in groups[0].evidence
    assert "and 1 more place" in groups[0].evidence


def test_a_place_that_also_changes_by_itself_stays_a_group() -> None:
    groups = grouped(
        repeating("response.body $.name", ""),
        repeating("response.body $.title", "GET /a response.body $.name"),
        repeating("response.body $.title", "", at=2),
    )
    assert [group.location for group in groups] == ["response.body $.title", "response.body $.name"]


def test_what_is_worse_than_its_source_or_has_none_stays_a_group() -> None:
    worse = repeating("outbound p POST /c request.body $.name", "GET /a response.body $.name", 1, "outbound.missing")
    orphan = repeating("response.body $.title", "GET /b response.body $.name")
    assert len(grouped(repeating("response.body $.name", ""), worse, orphan)) == 3


@pytest.mark.parametrize(
    ("answers", "groups"),
    [(1, ["(every endpoint)", "GET /d"]), (2, ["GET /a", "GET /b", "GET /c", "GET /d"])],
    ids=["only another status, which hides headers", "one that keeps its header"],
)
def test_a_header_lost_wherever_it_could_be_seen_is_one_group(answers: int, groups: list[str]) -> None:
    grouping = Grouping()
    for at, endpoint in enumerate(("GET /a", "GET /b", "GET /c")):
        grouping.add([replace(finding("response.header.removed", "response.header x-a", at=at), endpoint=endpoint)])
    grouping.add([replace(finding("response.status.class", "response.status", 200, 500, at=9), endpoint="GET /d")])
    judged = {"GET /a": 1, "GET /b": 1, "GET /c": 1, "GET /d": answers}
    assert [group.endpoint for group in grouping.groups(Profile(), judged)] == groups


def test_a_change_that_other_endpoints_repeat_is_counted_among_all_of_theirs() -> None:
    grouping = Grouping()
    grouping.add([finding("response.body.value-changed", "response.body $.name")])
    for at in (2, 3):
        one = repeating("response.body $.product", "GET /a response.body $.name", at=at)
        grouping.add([replace(one, endpoint="GET /b")])
    (group,) = grouping.groups(Profile(), {"GET /a": 1, "GET /b": 4, "GET /c": 7})
    assert group.spread == 3
    assert "in 3 of 5 replayed exchanges" in group.evidence
