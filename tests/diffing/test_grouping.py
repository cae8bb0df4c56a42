"""One cause, one group; one exchange, one finding per cause."""

from __future__ import annotations

from typing import Any

from diffing.folding import fold
from diffing.grouping import Grouping, fingerprint
from diffing.model import ABSENT, Decision, Finding, Group
from diffing.profile import Profile
from tests.diffing.pairs import exchange, judge


def finding(class_id: str, location: str = "response.body $.a", one: Any = 1, other: Any = 2, at: int = 1) -> Finding:
    return Finding(class_id, "GET /a", location, "$.a", one, other, at, evidence="e")


def grouped(*findings: Finding, decisions: dict[str, Decision] | None = None) -> list[Group]:
    grouping = Grouping()
    grouping.add(findings)
    return list(grouping.groups(Profile(), {"GET /a": 9}, decisions or {}))


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


def test_worst_first_and_decisions_by_fingerprint() -> None:
    name = fingerprint("response.body.field-added", "GET /a", "response.body $.a", "")
    groups = grouped(
        finding("response.body.field-added", one=ABSENT),
        finding("response.body.value-changed"),
        finding("response.body.field-removed", other=ABSENT),
        decisions={name: Decision.ACCEPTED},
    )
    assert [group.level.value for group in groups] == ["error", "warning", "info"]
    assert groups[2].decision is Decision.ACCEPTED


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


def test_refusals_that_became_successes_are_security() -> None:
    one, other = exchange("{}", status=403), exchange("{}", status=200, replayed=True)
    assert [found.class_id for found in judge(one, other).findings] == ["response.status.error-to-success"]
