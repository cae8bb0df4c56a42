"""One recorded exchange and the one that answers to it, judged: a pure function of both, the rules and the profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from captures.decoding import EmptyBody, JsonBody, decode, form_fields
from captures.model import Exchange, Failure, Request, Response, header
from diffing.bodies import compare_bodies, learn_body
from diffing.credentials import wanting
from diffing.embedded import learn_request, path_context, strings_in
from diffing.folding import fold
from diffing.headers import compare_headers, compare_trailers
from diffing.identity import Identity
from diffing.model import ABSENT, Column, Judgement
from diffing.moments import Clock
from diffing.names import Hint, hint_of
from diffing.outbound import call_place, compare_calls, pair_calls
from diffing.place import BUDGET, BudgetSpentError, Place, Verdicts
from diffing.profile import Profile
from diffing.rules import RuleBook
from diffing.scalars import integer_key


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
    known_dependencies: frozenset[str] = frozenset()
    budget: int = BUDGET
    target_went_away: bool = False  # resets are then the target's end, not an answer to this request


def learn_recorded(exchange: Exchange, context: Context) -> None:
    """Count one recorded exchange, inbound or outbound, into the context's profile."""
    profile = context.profile
    if exchange.direction == "outbound":
        learn_body(profile, f"outbound {context.call_of(exchange)}", exchange.request.body, exchange.request.headers)
        return
    endpoint = context.endpoint_of(exchange)
    profile.endpoints[endpoint] = profile.endpoints.get(endpoint, 0) + 1
    asked = profile.writes.asked(exchange.session, exchange.request)
    if exchange.response is not None and not exchange.body_truncated:
        scope = f"{endpoint} {exchange.response.status}"
        profile.add_headers(scope, {name.decode("latin-1").lower() for name, _ in exchange.response.headers})
        learn_body(profile, scope, exchange.response.body, exchange.response.headers, asked)


def learn_pair(
    recorded: Exchange,
    replayed: Exchange,
    context: Context,
    recorded_calls: Sequence[Exchange] = (),
    replayed_calls: Sequence[Exchange] = (),
) -> None:
    """Note which new identifiers stand for which recorded ones in this pair."""
    place = replace(_place(recorded, replayed, context), learning=True)
    _learn_requests(recorded.request, replayed.request, place)
    verdicts = Verdicts(budget=context.budget)
    try:
        old, new = recorded.response, replayed.response
        if old is not None and new is not None and old.status == new.status:
            _compare_responses(place, verdicts, recorded, old, replayed, new)
        for ours, theirs in pair_calls(recorded_calls, replayed_calls, context.call_of)[0]:
            call = call_place(place, ours, theirs, context.call_of(ours))
            compare_bodies(
                call,
                verdicts,
                (ours.request.body, ours.request.headers),
                (theirs.request.body, theirs.request.headers),
            )
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
    place = _place(recorded, replayed, context)
    unjudged = wanting(recorded, replayed)
    if unjudged:
        return Judgement(
            exchange=recorded.id,
            replayed=replayed.id,
            endpoint=place.endpoint,
            column=Column.FAILED,
            reason=f"could not be judged: {unjudged}",
            inconclusive=(unjudged,),
        )
    verdicts = Verdicts(budget=context.budget)
    old, new = recorded.response, replayed.response
    reason = ""
    failed = False
    try:
        if old is None or recorded.failure is not None:
            _recorded_failure(place, verdicts, recorded, replayed)
        elif new is None or replayed.failure is not None:
            failed = True
            reason = _failure_sentence(replayed.failure)
            _failed(place, verdicts, recorded, replayed, reason, context)
        else:
            _compare_responses(place, verdicts, recorded, old, replayed, new)
        if not failed:
            compare_calls(place, verdicts, recorded_calls, replayed_calls, context.call_of, context.known_dependencies)
    except BudgetSpentError:
        verdicts.inconclusive.append(f"its bodies are too large to compare (more than {context.budget:,} values)")
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
        reason=reason,
        inconclusive=tuple(verdicts.inconclusive),
    )


def _compare_responses(
    place: Place, verdicts: Verdicts, recorded: Exchange, old: Response, replayed: Exchange, new: Response
) -> None:
    _statuses(place, verdicts, old, new)
    if recorded.body_truncated or replayed.body_truncated:
        side = "recording" if recorded.body_truncated else "run"
        verdicts.inconclusive.append(f"its body is only kept in part in the {side}")
        equal = False
    else:
        equal = compare_bodies(place, verdicts, (old.body, old.headers), (new.body, new.headers))
    compare_headers(place, verdicts, (recorded.request, old), (replayed.request, new), bodies_equal=equal)
    compare_trailers(place, verdicts, old.trailers, new.trailers)
    if old.http_version != new.http_version:
        verdicts.rule("builtin.http-version")


def _statuses(place: Place, verdicts: Verdicts, old: Response, new: Response) -> None:
    if old.status == new.status:
        if old.reason != new.reason and old.reason and new.reason and old.http_version == new.http_version:
            one, other = old.reason.decode("latin-1"), new.reason.decode("latin-1")
            verdicts.find(place, "response.reason", "response.reason", "response.reason", one, other)
        return
    rule = next(iter(place.rules.for_part("response.status")), None)
    evidence = ""
    if rule is not None:
        complaint = rule.matcher.complaint(old.status, new.status)
        if complaint is None:
            verdicts.rule(rule.id)
            return
        evidence = f"{complaint} ({rule.id})"
    if old.status // 100 == new.status // 100:
        class_id = "response.status.code"
    elif old.status // 100 == 4 and new.status // 100 == 2:
        class_id = "response.status.error-to-success"
    else:
        class_id = "response.status.class"
    verdicts.find(place, class_id, "response.status", "response.status", old.status, new.status, evidence)


def _recorded_failure(place: Place, verdicts: Verdicts, recorded: Exchange, replayed: Exchange) -> None:
    old = recorded.failure.kind.value if recorded.failure else "no response"
    if replayed.response is not None and replayed.failure is None:
        new = f"status {replayed.response.status}"
        verdicts.find(place, "response.recovered", "response", "response", f"failed: {old}", new)
    elif replayed.failure is not None and replayed.failure.kind.value != old:
        new = replayed.failure.kind.value
        verdicts.find(place, "response.failed-differently", "response", "response", f"failed: {old}", f"failed: {new}")


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


def _place(recorded: Exchange, replayed: Exchange, context: Context) -> Place:
    endpoint = context.endpoint_of(recorded)
    status = recorded.response.status if recorded.response else 0
    return Place(
        endpoint=endpoint,
        scope=f"{endpoint} {status}",
        exchange=recorded.id,
        then=Clock(context.recorded_started(recorded), recorded.timing.ended or recorded.timing.started),
        now=Clock(context.replayed_started(replayed), replayed.timing.ended or replayed.timing.started),
        identity=context.identity,
        profile=context.profile,
        rules=context.rules.for_endpoint(endpoint),
        hosts=_own_hosts(recorded.request, replayed.request),
        echoed=_echoed(recorded.request, replayed.request),
        session=recorded.session,
    )


def _own_hosts(old: Request, new: Request) -> tuple[tuple[str, str], ...]:
    pairs = [(f"{old.host}:{old.port}", f"{new.host}:{new.port}")]
    left, right = header(old.headers, "host"), header(new.headers, "host")
    if left and right:
        pairs.append((left.decode("latin-1"), right.decode("latin-1")))
    return tuple(dict.fromkeys(pairs))


def _inputs(request: Request) -> set[str]:
    """What a request says: segments of its path, values of its query, scalars of its body."""
    path, _, query = request.target.partition(b"?")
    found = {piece for piece in path.decode("latin-1").split("/") if piece}
    found.update(value for _, value in form_fields(query))
    body = decode(request.body, request.headers) if request.body else EmptyBody()
    if isinstance(body, JsonBody):
        strings_in(body.value, found)
    return found


def _echoed(old: Request, new: Request) -> frozenset[str]:
    """Inputs that both requests have: where the recording answered with one of them, the replay must as well."""
    return frozenset(value for value in _inputs(old) & _inputs(new) if len(value) >= 5 or value.isdigit())


def _learn_requests(old: Request, new: Request, place: Place) -> None:
    """What the replay sent in place of what was recorded is certain: it is bound."""
    left, right = old.target.decode("latin-1"), new.target.decode("latin-1")
    if left != right:
        place.identity.bind(
            (one, other) for one, other in learn_request(left, right) if not (one.isdigit() and other.isdigit())
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
                place.identity.bind([(one, other)])
            elif type(one) is int and type(other) is int and one != other and names and hint_of(names[-1]) is Hint.ID:
                place.identity.bind([(integer_key(one, names, place), integer_key(other, names, place))])
