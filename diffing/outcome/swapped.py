"""Drift that is none of the build's: it was given the answer that another request had got when it was recorded.

Calls of several open requests that carry no trace header cannot be told apart, so identical ones may be answered in
another order than in the recording. What differs as those answers differ is not judged, and the run says so: it is
neither drift nor clean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from captures.formats.decoding import JsonBody, TextBody, decode
from captures.model import CauseHow, Exchange
from diffing.model import ABSENT, Column, Finding, Judgement
from diffing.openanswers import OpenAnswers
from diffing.outcome.fingerprints import family
from diffing.place import presentable

NODES = 2_000  # values of one answer that are looked at
SLACK = 0.05  # seconds by which the clocks of two connections may disagree
_NAME = re.compile(r"\.([^.\[\]]+)$|\[[^\]]*\]$")
_FOLLOWING = frozenset({"value-changed", "array-item-added", "array-item-removed", "array-order", "array-multiplicity"})


@dataclass(frozen=True, slots=True)
class Swap:
    """The answers that one call may have had: ``then``, when it was recorded, and ``now``."""

    name: str  # "inventory GET /next"
    then: tuple[Exchange, ...]
    now: tuple[Exchange, ...]
    certain: bool  # what it got now cannot be its own: it was recorded while this request was not open

    @property
    def reason(self) -> str:
        """Why what rests on it is not judged, and what to do."""
        return (
            f"a call to {self.name} was given {'' if self.certain else 'what may be '}the recorded answer of another "
            "request: identical calls of requests that were open at once cannot be told apart (have the service pass "
            "on a trace header such as traceparent, or record and replay one request at a time)"
        )


def swaps(
    recorded: Exchange,
    recorded_calls: Sequence[Exchange],
    replayed_calls: Sequence[Exchange],
    like: Callable[[int], tuple[Exchange, ...]],
    name_of: Callable[[Exchange], str],
) -> Iterator[Swap]:
    """The calls of one inbound exchange whose answers may be another's. ``like``: the recorded calls that ask the same
    and are open to question, of which the answers differ (:class:`diffing.openanswers.OpenAnswers`)."""
    seen: set[int] = set()
    for call in recorded_calls:
        if call.id in seen:
            continue
        pool = like(call.id)
        if not pool:
            continue
        ids = {one.id for one in pool}
        seen |= ids
        own = tuple(one for one in recorded_calls if one.id in ids and _certain(one))
        within = own or tuple(one for one in pool if _within(one, recorded))
        given = [one for one in replayed_calls if one.replay_of in ids]
        known = tuple(one for one in given if _certain(one))
        now = known if known and len(known) == len(given) else pool
        outside = all(one.replay_of not in {other.id for other in within} for one in known)
        yield Swap(name_of(call), within or pool, now, bool(known) and bool(within) and outside)


def judged_apart(
    judgement: Judgement,
    recorded: Exchange,
    calls: tuple[Sequence[Exchange], Sequence[Exchange]],
    answers: OpenAnswers,
    name_of: Callable[[Exchange], str],
) -> Judgement:
    """``judgement`` of ``recorded`` without what rests on swapped answers. ``calls``: recorded and replayed ones."""
    if not judgement.findings or not answers.groups:
        return judgement
    return without_swapped(judgement, tuple(swaps(recorded, *calls, answers.like, name_of)))


def without_swapped(judgement: Judgement, found: Sequence[Swap]) -> Judgement:
    """``judgement`` with what rests on ``found`` as not judged rather than as drift."""
    kept: list[Finding] = []
    reasons: dict[str, None] = {}
    for finding in judgement.findings:
        swap = next((swap for swap in found if _rests_on(finding, swap)), None)
        if swap is None:
            kept.append(finding)
        else:
            reasons.setdefault(swap.reason)
    if not reasons:
        return judgement
    inconclusive = (*judgement.inconclusive, *(reason for reason in reasons if reason not in judgement.inconclusive))
    if kept:
        return replace(judgement, findings=tuple(kept), inconclusive=inconclusive)
    reason = "could not be judged: " + "; ".join(inconclusive)
    return replace(judgement, findings=(), inconclusive=inconclusive, column=Column.FAILED, reason=reason)


def _certain(call: Exchange) -> bool:
    cause = call.cause
    if cause is None or cause.exchange is None:
        return False
    return cause.how is not CauseHow.AMBIGUOUS and not cause.how.is_guess


def _within(call: Exchange, inbound: Exchange) -> bool:
    """Whether ``call`` was recorded while ``inbound`` was open."""
    ended = inbound.timing.ended
    started = call.timing.started
    return started >= inbound.timing.started - SLACK and (ended is None or started <= ended + SLACK)


def _rests_on(finding: Finding, swap: Swap) -> bool:
    one, other = finding.recorded, finding.replayed
    if finding.class_id.startswith("response.status."):
        return any(_statuses(one, other, then, now) for then in swap.then for now in swap.now)
    if swap.certain and family(finding.class_id).rpartition(".")[2] in _FOLLOWING and finding.path != "response":
        return True
    sides = [_values(call) for call in swap.then], [_values(call) for call in swap.now]
    return any(
        _explains(then.get(path, ABSENT), now.get(path, ABSENT), path, finding)
        for then in sides[0]
        for now in sides[1]
        for path in then.keys() | now.keys()
    )


def _statuses(one: Any, other: Any, then: Exchange, now: Exchange) -> bool:
    """Whether the statuses of a finding are told by those of two answers: passed on, or one good and one bad."""
    before, after = (_status(call) for call in (then, now))
    if before == after or type(one) is not int or type(other) is not int:
        return False
    return (one, other) == (before, after) or (
        (one < 400) != (other < 400) and _good(one) == _good(before) != _good(after)
    )


def _good(status: int) -> bool:
    return 0 < status < 400


def _status(call: Exchange) -> int:
    return call.response.status if call.response is not None and call.failure is None else 0


def _explains(then: Any, now: Any, path: str, finding: Finding) -> bool:
    """Whether the two answers differ at ``path`` as the two sides of ``finding`` do."""
    if _alike(then, now):
        return False
    one, other = finding.recorded, finding.replayed
    if _alike(then, one) and _alike(now, other):
        telling = all(type(value) in (str, int, float) for value in (then, now))
        return telling or _last(path) == _last(finding.path)
    if type(one) is str and type(other) is str and all(type(value) in (str, int) for value in (then, now)):
        words = rf"(?<![\w.]){re.escape(str(then))}(?![\w.])" if str(then) else ""
        return bool(words) and re.sub(words, lambda _: str(now), one) == other
    return False


def _alike(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _last(path: str) -> str:
    match = _NAME.search(path)
    return (match[1] or "[]") if match else path


def _values(call: Exchange) -> dict[str, Any]:
    """Every value of an answer by its path, as findings show values."""
    if call.response is None:
        return {}
    body = decode(call.response.body, call.response.headers)
    if isinstance(body, TextBody):
        return {"$": presentable(body.text)}
    found: dict[str, Any] = {}
    stack: list[tuple[Any, str]] = [(body.value, "$")] if isinstance(body, JsonBody) else []
    while stack and len(found) < NODES:
        value, path = stack.pop()
        found[path] = presentable(value)
        if type(value) is dict:
            stack.extend((child, f"{path}.{name}") for name, child in value.items())
        elif type(value) is list:
            stack.extend((child, f"{path}[{index}]") for index, child in enumerate(value))
    return found
