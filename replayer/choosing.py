"""Which recorded exchanges a replay is about, and which others those cannot do without.

``--only id:79`` is of no use when exchange 79 orders a cart that nobody filled: what made the cart, filled it, and
logged in is sent first, and not judged (``notes["setup"]``). A shard sends every earlier change, whichever shard
judges it. A tier is a part of the recording as well: it brings what it needs, and sends it in an order of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from captures.errors import EmptyCapture, UsageError
from captures.model import Direction, Session
from captures.routes.endpoints import Endpoints
from captures.spans import spans_of
from captures.store import Capture
from captures.unready import unready
from captures.writer import is_being_written
from replayer.chains import Chains
from replayer.plan import ReplayPlan, TierName
from replayer.prerequisites import SAFE, History


@dataclass(frozen=True, slots=True)
class Chosen:
    """Ids of inbound exchanges."""

    send: list[int]  # everything to send, in that order: the recorded one, but in a tier
    setup: frozenset[int] = frozenset()  # of these: sent for the others' sake and not judged
    spans: list[list[int]] = field(default_factory=list)  # what is judged: see captures.spans
    tier: Mapping[str, Any] | None = None  # what a tier says of itself in the run
    notes: tuple[str, ...] = ()


def chosen(source: Capture, sessions: list[Session], plan: ReplayPlan) -> Chosen:
    """What to replay; nothing for a shard that has no part of it. Raises :class:`EmptyCapture`."""
    growing = is_being_written(source.path)  # then also what has a lower id may come later: it began, and goes on
    listed = ",".join(str(session.id) for session in sessions) or "NULL"
    where = f"FROM exchange WHERE direction = 'inbound' AND session IN ({listed})"
    matching = 0
    early = unready(source, sessions)
    if plan.only is None and plan.shard is None:
        among = [row["id"] for row in source.query(f"SELECT id {where} ORDER BY id")]
        ids = [identity for identity in among if identity not in early]
    else:
        endpoints = Endpoints.of(source, plan.endpoints) if plan.only is not None else Endpoints()
        known = {session.id for session in sessions}
        among, ids = [], []
        for exchange in source.exchanges(direction=Direction.INBOUND):
            if exchange.session not in known or exchange.id in early:
                continue
            among.append(exchange.id)
            if plan.only is None or plan.only.matches(exchange, endpoints.endpoint_of(exchange)):
                matching += 1
                if plan.shard is None or plan.shard.holds(exchange):
                    ids.append(exchange.id)
    none_here = plan.shard is not None and matching > 0 and not ids
    if (ids or none_here) and plan.tier.name is TierName.SMOKE:
        from replayer.tiers.choosing import smoke

        part = smoke(source, plan, frozenset(ids))
        return Chosen(part.send, part.setup, spans_of(part.judged, None if growing else among), part.meta, part.notes)
    if none_here:
        return Chosen([])
    spans = spans_of(ids, None if growing else among)
    if ids and plan.only is None and plan.shard is None:
        return Chosen(ids, spans=spans)
    if ids:
        listed_sessions = {session.id for session in sessions}
        setup = _setup(source, listed_sessions, ids, Chains(plan.chains), whole=plan.shard is not None)
        return Chosen(sorted({*ids, *setup}), setup, spans)
    if not sessions and source.sessions():
        came_from = next((str(one.meta["source"]) for one in source.sessions() if one.meta.get("source")), "")
        raise UsageError(
            f"{source.path} is a run: the result of a replay, not a recording.",
            hint=f"Replay the capture it came from{f': {came_from}' if came_from else ''}.",
        )
    if plan.only is not None and source.count(Direction.INBOUND):
        raise EmptyCapture(
            f"No inbound exchange of {source.path} matches --only {plan.only.text!r}.",
            hint=f"List them: retape capture ls {source.path}",
        )
    raise EmptyCapture(
        f"{source.path} holds no inbound exchange to replay.",
        hint="Record some with: retape record --inbound LISTEN=TARGET -o CAPTURE",
    )


def _setup(source: Capture, sessions: set[int], ids: list[int], chains: Chains, *, whole: bool) -> frozenset[int]:
    """What the exchanges ``ids`` need to be sent before them and is not among them.

    ``whole``: every change recorded before the last of them counts as needed. A shard's answers (a count, a list)
    show what other shards' connections changed, and no id in a request says so.
    """
    history = History(chains=chains)
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
