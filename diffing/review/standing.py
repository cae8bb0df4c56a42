"""What the approvals of the rules file say of the groups of one run: which they decide, which no longer hold and why.

An approval covers a group when every part of it is covered: a rename that people accepted at three places and that now
stands at four is open again, and says which place is new. A rejection counts wherever one part is rejected.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from datetime import date

from captures.wording import counted
from diffing.baseline.origins import steady, unsteady
from diffing.model import (
    RE_RECORDED,
    Approval,
    ApprovalState,
    ApprovalUse,
    Decision,
    Group,
    Level,
    Part,
    Result,
)
from diffing.outcome.fingerprints import fingerprint
from diffing.outcome.verdict import decide
from diffing.review.approvals import change_of

NEW_PLACES = 3  # named of a group that is covered in part
SINGLY = 3  # approvals of which each is a sentence of its own
NAMED = 12  # of more
_MANY = {
    ApprovalState.EXPIRED: "have expired",
    ApprovalState.SUPERSEDED: "held until the capture was recorded again, which it was",
    ApprovalState.UNMATCHED: "match nothing any more (retape undecide takes them out)",
}


def decided(
    groups: Iterable[Group],
    approvals: Sequence[Approval],
    today: date,
    recording: str,
    *,
    partial: bool,
    unseen: Container[str] = (),
) -> tuple[tuple[Group, ...], tuple[ApprovalUse, ...]]:
    """``groups`` with their decisions, and what became of each approval.

    ``recording``: the identity of the recording compared. ``partial``: that an approval matches nothing does not mean
    anything. ``unseen``: fingerprints of which the same is true.
    """
    lapsed = {number: state for number, one in enumerate(approvals) if (state := _lapsed(one, today, recording))}
    by_name: dict[str, list[int]] = {}
    for number, approval in enumerate(approvals):
        for name in approval.names:
            by_name.setdefault(name, []).append(number)
    met: dict[int, dict[str, None]] = {}
    told = []
    for group in groups:
        parts = group.parts or (Part((group.fingerprint,), f"{group.endpoint} {group.location}"),)
        found = [[number for name in part.names for number in by_name.get(name, ())] for part in parts]
        for numbers in found:
            for number in numbers:
                met.setdefault(number, {})[group.fingerprint] = None
        told.append(_with(group, parts, found, approvals, lapsed) if any(found) else group)
    uses = []
    for number, approval in enumerate(approvals):
        state = lapsed.get(number) or (ApprovalState.USED if number in met else ApprovalState.UNMATCHED)
        if state is not ApprovalState.UNMATCHED or not (partial or approval.fingerprint in unseen):
            uses.append(ApprovalUse(approval, state, tuple(met.get(number, ()))))
    lost = sum(use.state is ApprovalState.UNMATCHED for use in uses)
    return tuple(told), tuple(_near(use, told) if lost <= SINGLY else use for use in uses)


def _near(use: ApprovalUse, groups: Iterable[Group]) -> ApprovalUse:
    """``use`` with the group that it may be about: more traffic can change how a path is templated."""
    if use.state is not ApprovalState.UNMATCHED or not use.approval.change:
        return use
    tails = ((group.fingerprint, change_of(group).removeprefix(group.endpoint)) for group in groups if group.open)
    return replace(use, near=next((name for name, tail in tails if tail and use.approval.change.endswith(tail)), ""))


def without_run(approvals: Sequence[Approval], today: date, recording: str) -> tuple[ApprovalUse, ...]:
    """Those of ``approvals`` that do not hold, whatever a run would show; ``recording``: "" where none is at hand."""
    uses = decided((), approvals, today, recording, partial=True)[1]
    return tuple(use for use in uses if use.state is not ApprovalState.USED)


def latencies(endpoints: Iterable[str]) -> frozenset[str]:
    """Fingerprints of what only a baseline beside the run can show, and not each time."""
    names = ("performance.slower", "performance.faster")
    return frozenset(fingerprint(name, endpoint, "performance", "") for endpoint in endpoints for name in names)


def _with(
    group: Group,
    parts: Sequence[Part],
    found: Sequence[Sequence[int]],
    approvals: Sequence[Approval],
    lapsed: dict[int, ApprovalState],
) -> Group:
    live = [[approvals[number] for number in numbers if number not in lapsed] for numbers in found]
    rejected = [one for those in live for one in those if one.decision is Decision.REJECTED]
    if rejected:
        return replace(group, decision=Decision.REJECTED, approval=rejected[-1], reopened="")
    if all(live):
        return replace(group, decision=Decision.ACCEPTED, approval=live[0][-1], reopened="")
    some = [those[-1] for those in live if those]
    if some:
        new = [part.place for part, those in zip(parts, live, strict=True) if not those]
        more = f" and {counted(len(new) - NEW_PLACES, 'more place')}" if len(new) > NEW_PLACES else ""
        why = f"{_by(some[0])} at {len(parts) - len(new)} of {counted(len(parts), 'place')}; new: "
        return _open(group, f"{why}{', '.join(new[:NEW_PLACES])}{more}")
    number = next(number for numbers in found for number in reversed(numbers))
    return _open(group, lapse(approvals[number], lapsed[number]))


def _open(group: Group, why: str) -> Group:
    return replace(group, decision=None, approval=None, reopened=why)


def _lapsed(approval: Approval, today: date, recording: str) -> ApprovalState | None:
    if isinstance(approval.until, date):
        return ApprovalState.EXPIRED if approval.until < today else None
    if approval.until == RE_RECORDED and recording > approval.recording:
        return ApprovalState.SUPERSEDED
    return None


def lapse(approval: Approval, state: ApprovalState) -> str:
    """Why an approval no longer holds: ``accepted by dana until 2026-12-31, which is over``."""
    if state is ApprovalState.EXPIRED:
        return f"{_by(approval)} until {approval.until}, which is over"
    return f"{_by(approval)} until the capture was recorded again, which it was"


def _by(approval: Approval) -> str:
    return f"{approval.decision.value}{f' by {approval.author}' if approval.author else ''}"


def sentences(uses: Iterable[ApprovalUse]) -> tuple[str, ...]:
    """What is to be said of approvals that did not do what they say: one sentence each, of many one for all."""
    by_state: dict[ApprovalState, list[ApprovalUse]] = {}
    for use in uses:
        if use.state is not ApprovalState.USED:
            by_state.setdefault(use.state, []).append(use)
    said: list[str] = []
    for state, those in by_state.items():
        if len(those) <= SINGLY:
            said += map(_sentence, those)
            continue
        names = " ".join(one.approval.fingerprint for one in those[:NAMED])
        more = f" and {len(those) - NAMED:,} more" if len(those) > NAMED else ""
        said.append(f"{len(those):,} approvals {_MANY[state]}: {names}{more}.")
    return tuple(said)


def _sentence(use: ApprovalUse) -> str:
    approval = use.approval
    what = f"Approval {approval.fingerprint}{f' ({approval.change})' if approval.change else ''}"
    if use.state is not ApprovalState.UNMATCHED:
        return f"{what} was {lapse(approval, use.state)}."
    near = f" Group {use.near} is the same change at another endpoint." if use.near else ""
    return f"{what} matches nothing any more: retape undecide {approval.fingerprint} takes it out.{near}"


def redecided(result: Result, approvals: Sequence[Approval], today: date, fail_on: Level) -> Result:
    """``result``, which was compared without approvals, under ``approvals``."""
    groups, uses = decided(
        result.groups,
        approvals,
        today,
        result.recording_id,
        partial=result.partial,
        unseen=latencies({judgement.endpoint for judgement in result.judgements}),
    )
    reasons = (*steady(result.reasons), *unsteady(groups, fail_on))
    verdict, exit_code = decide(result.ledger, groups, reasons, fail_on, idle=result.exit_code == 0)
    return replace(
        result,
        groups=groups,
        reasons=reasons,
        approvals=uses,
        notes=(*result.notes, *sentences(uses)),
        verdict=verdict,
        exit_code=exit_code,
    )
