"""Which groups an approval covers, and what is said of one that no longer does what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from diffing.contract.profile import Profile
from diffing.model import ABSENT, Approval, ApprovalState, Decision, Finding, Group, Level
from diffing.outcome.grouping import Grouping
from diffing.outcome.verdict import fails
from diffing.review.approvals import approval_of
from diffing.review.standing import decided, sentences

TODAY = date(2026, 11, 30)
HERE = "2026-11-21T09:30:00.000000Z"
LATER = "2026-11-22T09:30:00.000000Z"


def renamed(endpoint: str, at: int, *, source: str = "") -> Finding:
    """A product's name that changed, and the places that repeat it."""
    return Finding(
        "response.body.value-changed", endpoint, "response.body $.name", "$.name", "a", "b", at, "", follows=source
    )


def lost(endpoint: str, at: int) -> Finding:
    return Finding(
        "response.header.security-lost",
        endpoint,
        "response.header x-frame-options",
        "x-frame-options",
        "DENY",
        ABSENT,
        at,
    )


def grouped(*findings: Finding, judged: int = 3) -> tuple[Group, ...]:
    grouping = Grouping()
    grouping.add(findings)
    return grouping.groups(Profile(), {f"GET /{number}": 1 for number in range(judged)})


SOURCE = "GET /0 response.body $.name"
ONE = (renamed("GET /0", 1),)
THREE = (*ONE, renamed("GET /1", 2, source=SOURCE), renamed("GET /2", 3, source=SOURCE))
FOUR = (*THREE, renamed("GET /3", 4, source=SOURCE))
TWO_HEADERS = (lost("GET /0", 1), lost("GET /1", 2))
EVERY_HEADER = (*TWO_HEADERS, lost("GET /2", 3))
EXTRA = Finding("outbound.extra", "GET /0", "outbound pay POST /c", "", 0, 1, 1)
REPEATED = replace(EXTRA, class_id="outbound.repeated", recorded=1, replayed=2, exchange=2)


def body(change: str, recorded: object, replayed: object) -> tuple[Finding, ...]:
    return (Finding(f"response.body.{change}", "GET /0", "response.body $.a", "$.a", recorded, replayed, 1),)


LEFT_OUT = body("null-left-out", None, ABSENT)
GONE = body("field-removed", 5, ABSENT)
FORM = body("number-form", 1.0, 1)
VALUE = body("value-changed", 1, 999)
TEXT = body("string-form", "a", "A")
WORD = body("value-changed", "a", "b")
NULL_CAME = body("null-changed", 5, None)
NULL_WENT = body("null-changed", None, 5)
NULL = body("became-null", 5, None)


@pytest.mark.parametrize(
    ("accepted", "now", "open_groups"),
    [
        pytest.param(ONE, ONE, 0, id="the same"),
        pytest.param(THREE, THREE, 0, id="folded"),
        pytest.param(THREE, ONE, 0, id="fewer places"),
        pytest.param(THREE, THREE[1:], 0, id="the source itself is gone: its repeats stand alone"),
        pytest.param(THREE, FOUR, 1, id="one place more"),
        pytest.param(ONE, THREE, 1, id="now at three"),
        pytest.param(EVERY_HEADER, TWO_HEADERS, 0, id="no longer everywhere"),
        pytest.param(TWO_HEADERS, EVERY_HEADER, 1, id="everywhere is more"),
        pytest.param(EVERY_HEADER, EVERY_HEADER, 0, id="everywhere"),
        pytest.param((EXTRA, REPEATED), (EXTRA,), 0, id="one cause that shows in two ways, in one"),
        pytest.param((REPEATED,), (EXTRA, REPEATED), 0, id="and in both"),
        pytest.param((EXTRA,), (REPEATED,), 1, id="but an extra call is no repeated one"),
        pytest.param(LEFT_OUT, GONE, 1, id="who let nulls be left out has not let the field go"),
        pytest.param(LEFT_OUT, (*LEFT_OUT, *GONE), 1, id="nor where both show"),
        pytest.param(body("null-left-out", ABSENT, None), LEFT_OUT, 1, id="a null that came is none that went"),
        pytest.param(body("null-left-out", ABSENT, None), GONE, 1, id="and no field that went"),
        pytest.param(GONE, (*LEFT_OUT, *GONE), 0, id="who let the field go has let its nulls go"),
        pytest.param(GONE, LEFT_OUT, 0, id="and them alone"),
        pytest.param(FORM, VALUE, 1, id="who let 1.0 be written 1 has not let it be 999"),
        pytest.param(FORM, (*FORM, *VALUE), 1, id="nor both"),
        pytest.param(VALUE, FORM, 0, id="another value may be written differently"),
        pytest.param(TEXT, WORD, 1, id="another case is no other word"),
        pytest.param(NULL_WENT, NULL, 1, id="who let a null become a value has not let a value become null"),
        pytest.param(NULL_CAME, NULL, 0, id="which only the evidence tells apart"),
    ],
)
def test_an_approval_holds_however_the_change_is_folded(
    accepted: tuple[Finding, ...], now: tuple[Finding, ...], open_groups: int
) -> None:
    approvals = [approval_of(group, Decision.ACCEPTED) for group in grouped(*accepted)]
    groups, uses = decided(grouped(*now), approvals, TODAY, HERE, partial=False)
    assert sum(group.open for group in groups) == open_groups
    assert all((group.approval is None) == group.open for group in groups)
    assert {use.state for use in uses} <= {ApprovalState.USED, ApprovalState.UNMATCHED}


def test_a_group_that_is_covered_in_part_says_what_is_new() -> None:
    approvals = [approval_of(grouped(*THREE)[0], Decision.ACCEPTED, author="dana")]
    (group,), _ = decided(grouped(*FOUR), approvals, TODAY, HERE, partial=False)
    assert group.reopened == "accepted by dana at 3 of 4 places; new: GET /3 response.body $.name"


def test_a_rejection_of_one_place_fails_the_whole_whatever_its_level() -> None:
    whole = grouped(*THREE)[0]
    approvals = [
        approval_of(whole, Decision.ACCEPTED),
        Approval(whole.places[1].fingerprint, Decision.REJECTED, reason="no"),
    ]
    (group,), _ = decided([replace(whole, level=Level.INFO)], approvals, TODAY, HERE, partial=False)
    assert (group.decision, group.approval) == (Decision.REJECTED, approvals[1])
    assert fails(group, Level.ERROR)
    assert not fails(replace(group, decision=None), Level.WARNING)


@pytest.mark.parametrize(
    ("until", "recording", "state", "why"),
    [
        (None, LATER, ApprovalState.USED, ""),
        (date(2026, 11, 30), LATER, ApprovalState.USED, ""),
        (date(2026, 11, 29), HERE, ApprovalState.EXPIRED, "accepted by dana until 2026-11-29, which is over"),
        ("re-recorded", HERE, ApprovalState.USED, ""),
        (
            "re-recorded",
            LATER,
            ApprovalState.SUPERSEDED,
            "accepted by dana until the capture was recorded again, which it was",
        ),
    ],
)
def test_how_long_it_holds(until: date | str | None, recording: str, state: ApprovalState, why: str) -> None:
    group = grouped(*ONE)[0]
    approval = approval_of(group, Decision.ACCEPTED, author="dana", until=until, recording=HERE)
    (told,), (use,) = decided([group], [approval], TODAY, recording, partial=False)
    assert (use.state, use.groups, told.open, told.reopened) == (state, (group.fingerprint,), bool(why), why)
    assert len(sentences([use])) == (1 if why else 0)


def test_what_matches_nothing_is_told_but_not_of_a_part() -> None:
    approval = approval_of(grouped(*ONE)[0], Decision.ACCEPTED)
    _, uses = decided([], [approval], TODAY, HERE, partial=False)
    assert [use.state for use in uses] == [ApprovalState.UNMATCHED]
    assert f"retape undecide {approval.fingerprint}" in sentences(uses)[0]
    assert decided([], [approval], TODAY, HERE, partial=True)[1] == ()
    assert decided([], [approval], TODAY, HERE, partial=False, unseen={approval.fingerprint})[1] == ()


def test_a_decision_of_the_run_itself_stays_where_the_file_says_nothing() -> None:
    group = replace(grouped(*ONE)[0], decision=Decision.ACCEPTED)
    assert decided([group], [], TODAY, HERE, partial=False)[0][0].decision is Decision.ACCEPTED
    rejected = Approval(group.fingerprint, Decision.REJECTED)
    assert decided([group], [rejected], TODAY, HERE, partial=False)[0][0].decision is Decision.REJECTED


def test_an_approval_that_lost_its_group_names_the_same_change_at_another_endpoint() -> None:
    group = grouped(renamed("GET /goods/pen", 1))[0]
    approval = approval_of(group, Decision.ACCEPTED)
    now = grouped(renamed("GET /goods/{name}", 1), replace(renamed("GET /a", 2), location="response.body $.other"))
    _, (use,) = decided(now, [approval], TODAY, HERE, partial=False)
    (near,) = [group.fingerprint for group in now if group.endpoint == "GET /goods/{name}"]
    assert (use.state, use.near) == (ApprovalState.UNMATCHED, near)
    assert sentences([use])[0].endswith(f"Group {near} is the same change at another endpoint.")


def test_many_that_lapsed_are_one_sentence() -> None:
    approvals = [Approval(f"{number:012x}", Decision.ACCEPTED, until=date(2020, 1, 1)) for number in range(20)]
    _, uses = decided([], approvals, TODAY, HERE, partial=False)
    (sentence,) = sentences(uses)
    assert sentence.startswith("20 approvals have expired: 000000000000 000000000001 ")
    assert sentence.endswith(" and 8 more.")
