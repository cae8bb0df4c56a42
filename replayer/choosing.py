"""Which recorded exchanges a replay is about, and which others those cannot do without.

``--only id:79`` is of no use when exchange 79 orders a cart that nobody filled: what made the cart, filled it, and
logged in is sent first, and not judged (``notes["setup"]``). A shard sends every earlier change, whichever shard
judges it.
"""

from __future__ import annotations

from dataclasses import dataclass

from captures.errors import EmptyCapture
from captures.model import Direction, Session
from captures.store import Capture
from captures.templates import Templates
from replayer.plan import ReplayPlan
from replayer.prerequisites import SAFE, History


@dataclass(frozen=True, slots=True)
class Chosen:
    """Ids of inbound exchanges."""

    send: list[int]  # everything to send, in recorded order
    setup: frozenset[int] = frozenset()  # of these: sent for the others' sake and not judged


def chosen(source: Capture, sessions: list[Session], plan: ReplayPlan) -> Chosen:
    """What to replay. Raises :class:`EmptyCapture`."""
    listed = ",".join(str(session.id) for session in sessions) or "NULL"
    where = f"FROM exchange WHERE direction = 'inbound' AND session IN ({listed})"
    if plan.only is None and plan.shard is None:
        ids = [row["id"] for row in source.query(f"SELECT id {where} ORDER BY id")]
    else:
        rows = source.query(f"SELECT method, target {where}")
        templates = Templates.infer(
            ((row["method"], row["target"].encode("latin-1")) for row in rows), explicit=plan.endpoints
        )
        known = {session.id for session in sessions}
        ids = [
            exchange.id
            for exchange in source.exchanges(direction=Direction.INBOUND)
            if exchange.session in known
            and (plan.shard is None or plan.shard.holds(exchange))
            and (
                plan.only is None
                or plan.only.matches(exchange, templates.endpoint(exchange.request.method, exchange.request.target))
            )
        ]
    if ids and plan.only is None and plan.shard is None:
        return Chosen(ids)
    if ids:
        setup = _setup(source, {session.id for session in sessions}, ids, whole=plan.shard is not None)
        return Chosen(sorted({*ids, *setup}), setup)
    if not sessions and source.sessions():
        raise EmptyCapture(
            f"{source.path} is a run: the result of a replay, not a recording.", hint="Replay the capture it came from."
        )
    if plan.only is not None and source.count(Direction.INBOUND):
        raise EmptyCapture(
            f"No inbound exchange of {source.path} matches --only {plan.only.text!r}.",
            hint=f"List them: retape capture ls {source.path}",
        )
    if plan.shard is not None and source.count(Direction.INBOUND):
        raise EmptyCapture(f"Shard {plan.shard.index}/{plan.shard.count} of {source.path} holds no inbound exchange.")
    raise EmptyCapture(
        f"{source.path} holds no inbound exchange to replay.",
        hint="Record some with: retape record --inbound LISTEN=TARGET -o CAPTURE",
    )


def _setup(source: Capture, sessions: set[int], ids: list[int], *, whole: bool) -> frozenset[int]:
    """What the exchanges ``ids`` need to be sent before them and is not among them.

    ``whole``: every change recorded before the last of them counts as needed. A shard's answers (a count, a list)
    show what other shards' connections changed, and no id in a request says so.
    """
    history = History()
    wanted = list(ids)
    for exchange in source.exchanges(direction=Direction.INBOUND):
        if exchange.id > ids[-1]:
            break
        if exchange.session in sessions:
            history.add(exchange)
            if whole and exchange.request.method not in SAFE:
                wanted.append(exchange.id)
    needed = {step for identity in wanted for step in history.setup_for(identity)}
    return frozenset(needed | set(wanted)) - frozenset(ids)
