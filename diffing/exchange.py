"""One recorded exchange and the one that answers to it, judged: a pure function of both, the rules and the profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from captures.formats.decoding import JsonBody, decode
from captures.formats.openstreams import whole_events
from captures.model import Exchange, Failure, FailureKind, Request, Response, lower_name
from diffing.contract.errorshape import judged_as_error
from diffing.contract.leaks import find_leaks
from diffing.contract.profile import Profile
from diffing.contract.statuses import compare_statuses
from diffing.messages.asking import Echoed, OwnHosts, Replaced
from diffing.messages.bodies import compare_bodies, learn_body
from diffing.messages.carried import learn_told
from diffing.messages.credentials import HandedOut, wanting
from diffing.messages.headers import compare_headers, compare_trailers
from diffing.messages.outbound import compare_calls, learn_call, pair_calls
from diffing.messages.ownwork import accept_own_work, accept_sent_numbers
from diffing.messages.validators import find_kept_validator
from diffing.model import ABSENT, Column, Judgement
from diffing.outcome.folding import fold
from diffing.place import BUDGET, BudgetSpentError, Lessons, Place, Verdicts
from diffing.rulebook.rules import RuleBook
from diffing.values.embedded import learn_request, path_context
from diffing.values.identity import Identity
from diffing.values.moments import Clock
from diffing.values.movement import Movements
from diffing.values.names import Hint, hint_of
from diffing.values.numbers import integer_key
from diffing.values.volatile import Shape, spoken

_OF_THE_MOMENT = frozenset({"volatile.timestamp", "volatile.duration", "volatile.host"})
"""Rules for what an answer says of when and where it was made: the thing that it is about may be the same."""


def plain_endpoint(exchange: Exchange) -> str:
    """Method and path as they are: the endpoint where there are no templates."""
    return f"{exchange.request.method} {exchange.request.target.partition(b'?')[0].decode('latin-1')}"


def plain_call(exchange: Exchange) -> str:
    """The same for an outbound call, with the dependency's name."""
    return f"{exchange.dependency or exchange.request.host} {plain_endpoint(exchange)}"


@dataclass(frozen=True, slots=True)
class Context:
    """What the comparison of any pair rests on. The defaults fit a single pair (a pin): see :func:`learn_exchange`."""

    rules: RuleBook = field(default_factory=RuleBook)
    profile: Profile = field(default_factory=Profile)
    identity: Identity = field(default_factory=Identity)
    endpoint_of: Callable[[Exchange], str] = plain_endpoint
    call_of: Callable[[Exchange], str] = plain_call
    recorded_started: Callable[[Exchange], float] = lambda exchange: exchange.timing.started
    replayed_started: Callable[[Exchange], float] = lambda exchange: exchange.timing.started
    replayed_ahead: float = 0.0  # seconds by which the new build's clock was set forward (backward: negative)
    known_dependencies: frozenset[str] = frozenset()
    handed_out: HandedOut = field(default_factory=HandedOut)
    movements: Movements = field(default_factory=dict)  # (scope, location) -> what the recorded build's own replays say
    budget: int = BUDGET
    shapes: dict[str, Shape | None] = field(default_factory=dict)  # of values seen lately
    lessons: Lessons = field(default_factory=dict)  # of texts seen lately
    trace: bool = False  # keep every accepted place in the judgement: :attr:`diffing.model.Judgement.accepted`
    handed: tuple[tuple[str, str], ...] = ()  # authorities of the listeners for dependencies, recorded and replayed
    target_went_away: bool = False  # resets are then the target's end, not an answer to this request


def learn_recorded(exchange: Exchange, context: Context, *, asked_again: bool = True) -> None:
    """Count one recorded exchange, inbound or outbound, into the context's profile.

    ``asked_again``: False for a request known to stand only once in the recording, whose answer nothing is like.
    """
    profile = context.profile
    if exchange.direction == "outbound":
        names = {lower_name(name) for name, _ in exchange.request.headers}
        profile.add_headers(f"outbound {context.call_of(exchange)}", names)
        scope = f"outbound {context.call_of(exchange)}"
        learn_body(profile, scope, exchange.request.body, exchange.request.headers, request=exchange.id)
        learn_told(profile, scope, exchange.request.headers, exchange.request.target)
        return
    context.handed_out.learn(exchange)
    endpoint = context.endpoint_of(exchange)
    profile.endpoints[endpoint] = profile.endpoints.get(endpoint, 0) + 1
    asked = profile.writes.asked(exchange.session, exchange.request)
    if not asked_again:
        asked = None
    if exchange.response is not None and not exchange.body_truncated:
        scope = f"{endpoint} {exchange.response.status}"
        profile.add_headers(scope, {lower_name(name) for name, _ in exchange.response.headers})
        learn_body(profile, scope, exchange.response.body, exchange.response.headers, asked, _request_number(exchange))
        learn_told(profile, scope, exchange.response.headers)


def _request_number(exchange: Exchange) -> int:
    """Equal for equal requests."""
    request = exchange.request
    return crc32(request.body, crc32(request.target, crc32(request.method.encode("utf-8", "surrogatepass"))))


def learn_pair(
    recorded: Exchange,
    replayed: Exchange,
    context: Context,
    recorded_calls: Sequence[Exchange] = (),
    replayed_calls: Sequence[Exchange] = (),
) -> None:
    """Note which new identifiers stand for which recorded ones in this pair."""
    place = _place(recorded, replayed, context, learning=True)
    _learn_requests(recorded.request, replayed.request, place)
    verdicts = Verdicts(budget=context.budget)
    try:
        old, new = recorded.response, replayed.response
        if old is not None and new is not None and old.status == new.status:
            _compare_responses(place, verdicts, recorded, old, replayed, new)
        for ours, theirs in pair_calls(recorded_calls, replayed_calls, context.call_of)[0]:
            learn_call(place, verdicts, ours, theirs, context.call_of(ours))
    except BudgetSpentError:
        pass  # judging will meet it again, and say so


def compare_exchange(
    recorded: Exchange,
    replayed: Exchange,
    context: Context,
    recorded_calls: Sequence[Exchange] = (),
    replayed_calls: Sequence[Exchange] = (),
) -> Judgement:
    """Judge one pair. ``recorded_calls`` and ``replayed_calls`` are the outbound exchanges each side caused.

    The context must have seen the recording (:func:`learn_recorded`) and the pairs (:func:`learn_pair`) before.
    """
    if not recorded_calls and not replayed_calls and _nothing_differs(recorded, replayed):
        return Judgement(recorded.id, replayed.id, context.endpoint_of(recorded), Column.SAME)
    place = _place(recorded, replayed, context)
    unjudged = wanting(recorded, replayed, context.handed_out)
    if unjudged:
        return Judgement(
            exchange=recorded.id,
            replayed=replayed.id,
            endpoint=place.endpoint,
            column=Column.FAILED,
            reason=f"could not be judged: {unjudged}",
            inconclusive=(unjudged,),
        )
    verdicts = Verdicts(
        budget=context.budget, trace=[] if context.trace else None, arranged=[] if context.trace else None
    )
    old, new = recorded.response, replayed.response
    reason = ""
    failed = False
    try:
        if old is None or recorded.failure is not None:
            _recorded_failure(place, verdicts, recorded, replayed)
        elif new is None or (replayed.failure is not None and not _both_cut(recorded, replayed)):
            failed = True
            reason = _failure_sentence(replayed.failure)
            _failed(place, verdicts, recorded, replayed, reason, context)
        else:
            _compare_responses(place, verdicts, recorded, old, replayed, new)
        if recorded_calls or replayed_calls:
            asked = (recorded.request, replayed.request)
            known = context.known_dependencies
            cut_off = failed and not verdicts.findings  # the target was gone: it had no time to make the rest
            compare_calls(
                place, verdicts, recorded_calls, replayed_calls, context.call_of, known, asked, made_only=cut_off
            )
    except BudgetSpentError:
        verdicts.inconclusive.append(f"its bodies are too large to compare (more than {context.budget:,} values)")
    accept_own_work(place, verdicts, recorded, replayed)
    accept_sent_numbers(place, verdicts)
    findings = fold(verdicts.findings)
    if failed:
        column = Column.FAILED
    elif findings:
        column = Column.DRIFTED
    elif verdicts.inconclusive:
        column, reason = Column.FAILED, "could not be judged: " + "; ".join(verdicts.inconclusive)
    else:
        column = Column.SAME_BY_RULE if verdicts.rules else Column.SAME
    return Judgement(
        exchange=recorded.id,
        replayed=replayed.id,
        endpoint=place.endpoint,
        column=column,
        findings=findings,
        rules=dict(verdicts.rules),
        places=dict(verdicts.places),
        accepted=tuple(verdicts.trace or ()),
        arranged=tuple(verdicts.arranged or ()),
        reason=reason,
        inconclusive=tuple(verdicts.inconclusive),
    )


def _nothing_differs(recorded: Exchange, replayed: Exchange) -> bool:
    """Whether both have one and the same whole answer."""
    return (
        recorded.response is not None
        and recorded.response == replayed.response
        and recorded.failure is replayed.failure is None
        and not (recorded.body_truncated or replayed.body_truncated)
    )


def _compare_responses(
    place: Place, verdicts: Verdicts, recorded: Exchange, old: Response, replayed: Exchange, new: Response
) -> None:
    compare_statuses(place, verdicts, recorded.request, old, new)
    if recorded.body_truncated or replayed.body_truncated:
        side = "recording" if recorded.body_truncated else "run"
        verdicts.inconclusive.append(f"its body is only kept in part in the {side}")
        equal = changed = False
    else:
        findings, rules = len(verdicts.findings), verdicts.rules.copy()
        equal = compare_bodies(place, verdicts, (old.body, old.headers), (new.body, new.headers))
        used = (verdicts.rules - rules).keys() - _OF_THE_MOMENT
        changed = len(verdicts.findings) > findings or any(rule.startswith("volatile.") for rule in used)
        if not equal and not place.learning:
            find_leaks(place, verdicts, (recorded.request, old), (replayed.request, new))
    compare_headers(place, verdicts, (recorded.request, old), (replayed.request, new), bodies_equal=equal)
    if changed and not place.learning:
        find_kept_validator(place, verdicts, recorded.request.method, old, new)
    compare_trailers(place, verdicts, old.trailers, new.trailers, (old.body, new.body))
    if old.http_version != new.http_version:
        verdicts.rule("builtin.http-version")
    if old.status == new.status >= 400:
        verdicts.findings = judged_as_error(verdicts.findings, old, new)


def _recorded_failure(place: Place, verdicts: Verdicts, recorded: Exchange, replayed: Exchange) -> None:
    old = recorded.failure.kind.value if recorded.failure else "no response"
    if _both_left(recorded, replayed):
        _compare_beginnings(place, verdicts, recorded, replayed)
        return
    if replayed.response is not None and replayed.failure is None:
        if recorded.response is not None:  # its head had come: no failure of the rest hides another status
            compare_statuses(place, verdicts, recorded.request, recorded.response, replayed.response)
        new = f"status {replayed.response.status}"
        why = "the recorded client went away before the answer was complete" if old == FailureKind.ABORTED else ""
        verdicts.find(place, "response.recovered", "response", "response", f"failed: {old}", new, why)
    elif replayed.failure is not None and replayed.failure.kind.value != old:
        new = replayed.failure.kind.value
        verdicts.find(place, "response.failed-differently", "response", "response", f"failed: {old}", f"failed: {new}")


def _both_cut(recorded: Exchange, replayed: Exchange) -> bool:
    """Whether both answers were longer than what is kept of one: no failure of the new build."""
    length = "response_body_length"
    return recorded.body_truncated and replayed.body_truncated and length in recorded.notes and length in replayed.notes


def _both_left(recorded: Exchange, replayed: Exchange) -> bool:
    """Whether the client went away from an answer that had begun, on both sides."""
    return all(
        one.response is not None and one.failure is not None and one.failure.kind is FailureKind.ABORTED
        for one in (recorded, replayed)
    )


def _compare_beginnings(place: Place, verdicts: Verdicts, recorded: Exchange, replayed: Exchange) -> None:
    """Head, and of an event stream the events that both sides saw whole; where something else broke off is chance.

    Fewer events than recorded count as missing where the replay stayed for as long.
    """
    old, new = recorded.response, replayed.response
    if old is None or new is None:
        return
    compare_statuses(place, verdicts, recorded.request, old, new)
    then, now = whole_events(old)[1], whole_events(new)[1]
    stayed = _seconds(replayed) >= _seconds(recorded)
    most = then if stayed else min(then, now)
    equal = False
    if then and (now or stayed):
        ours, theirs = whole_events(old, most)[0], whole_events(new, most)[0]
        equal = compare_bodies(place, verdicts, (ours, old.headers), (theirs, new.headers))
    compare_headers(place, verdicts, (recorded.request, old), (replayed.request, new), bodies_equal=equal)


def _seconds(exchange: Exchange) -> float:
    return (exchange.timing.ended or exchange.timing.started) - exchange.timing.started


def _failed(
    place: Place, verdicts: Verdicts, recorded: Exchange, replayed: Exchange, reason: str, context: Context
) -> None:
    kind = replayed.failure.kind.value if replayed.failure else "reset"
    if kind in ("connect", "tls") or (context.target_went_away and kind in ("reset", "truncated", "aborted")):
        verdicts.inconclusive.append(f"the target could not be reached or went away ({kind})")
        return
    status = recorded.response.status if recorded.response else ABSENT
    verdicts.find(place, "response.failed", "response", "response", f"status {status}", f"failed: {kind}", reason)


def _failure_sentence(failure: Failure | None) -> str:
    if failure is None:
        return "no response"
    return f"{failure.kind.value}: {failure.detail}" if failure.detail else failure.kind.value


def _place(recorded: Exchange, replayed: Exchange, context: Context, *, learning: bool = False) -> Place:
    endpoint = context.endpoint_of(recorded)
    status = recorded.response.status if recorded.response else 0
    return Place(
        endpoint=endpoint,
        scope=f"{endpoint} {status}",
        exchange=recorded.id,
        then=Clock(context.recorded_started(recorded), recorded.timing.ended or recorded.timing.started),
        now=Clock.of(
            context.replayed_started(replayed),
            replayed.timing.ended or replayed.timing.started,
            context.replayed_ahead,
        ),
        identity=context.identity,
        profile=context.profile,
        rules=context.rules.for_endpoint(endpoint),
        hosts=OwnHosts(recorded.request, replayed.request, context.handed),
        echoed=Echoed(recorded.request, replayed.request),
        replaced=Replaced(recorded.request, replayed.request),
        learning=learning,
        session=recorded.session,
        movements=context.movements,
        shapes=context.shapes,
        lessons=context.lessons,
    )


def _learn_requests(old: Request, new: Request, place: Place) -> None:
    """What the replay sent in place of what was recorded is certain: it is bound.

    A word that a person chose is no id: a build that answers ``main`` where the recording asks for ``master`` has
    changed, and so has every other place that says so.
    """
    left, right = old.target.decode("latin-1"), new.target.decode("latin-1")
    if left != right:
        place.identity.bind(
            (one, other)
            for one, other in learn_request(left, right)
            if not (one.isdigit() and other.isdigit()) and not (spoken(one) or spoken(other))
        )
        for (name, one), (_, other) in zip(path_context(left), path_context(right), strict=False):
            if one != other and hint_of(name) is Hint.ID:
                place.identity.bind([(integer_key(one, (name,), place), integer_key(other, (name,), place))])
    if old.body == new.body:
        return
    before, after = decode(old.body, old.headers), decode(new.body, new.headers)
    if isinstance(before, JsonBody) and isinstance(after, JsonBody):
        stack: list[tuple[Any, Any, tuple[str, ...]]] = [(before.value, after.value, ())]
        while stack:
            one, other, names = stack.pop()
            if isinstance(one, dict) and isinstance(other, dict):
                stack.extend((one[name], other[name], (*names, name)) for name in one if name in other)
            elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
                stack.extend((item, twin, names) for item, twin in zip(one, other, strict=True))
            elif isinstance(one, str) and isinstance(other, str) and one != other and len(one) >= 3:
                if spoken(one) or spoken(other):
                    continue
                place.identity.bind([(one, other)])
            elif type(one) is int and type(other) is int and one != other and names and hint_of(names[-1]) is Hint.ID:
                place.identity.bind([(integer_key(one, names, place), integer_key(other, names, place))])
