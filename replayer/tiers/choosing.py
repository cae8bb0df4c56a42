"""What a smoke replay sends: the covering set in order of risk, cut for ``--limit``, ``--only`` and ``--shard``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from captures.model import Exchange
from captures.store import Capture
from replayer.plan import Order, ReplayPlan
from replayer.tiers.cover import Cover
from replayer.tiers.ordering import ordered
from replayer.tiers.smoke import cover_for, edges_of
from replayer.tiers.told import meta_of, notes_of


@dataclass(frozen=True, slots=True)
class Part:
    """Ids of inbound exchanges, and what the run says of them."""

    send: list[int]  # in this order
    setup: frozenset[int]
    judged: list[int]  # ascending
    meta: Mapping[str, Any]
    notes: tuple[str, ...]


def smoke(source: Capture, plan: ReplayPlan, ids: frozenset[int]) -> Part:
    """The smoke tier of ``source`` as ``plan`` asks for it. ``ids``: what ``--only`` and ``--shard`` leave."""
    among = plan.only

    def selected(exchange: Exchange, endpoint: str) -> bool:
        return among is not None and among.matches(exchange, endpoint)

    cover = cover_for(
        source, plan.endpoints, plan.chains, among=selected if among is not None else None, state=plan.tier.state
    )
    ranked = ordered(cover, plan.tier.past)  # what is cut off is what matters least, whoever sent it
    least = next((at + 1 for at, one in enumerate(ranked) if one in ids), 0)  # what it needs alone judges nothing
    some = ranked if plan.tier.limit is None else ranked[: max(plan.tier.limit, least if plan.shard is None else 0)]
    first = _in_order(source, plan, cover, frozenset(some))
    judged = [one for one in first if one in ids]
    send = _with_setup(cover, first, frozenset(judged), sharded=plan.shard is not None)
    setup = frozenset(send) - frozenset(judged)
    meta = meta_of(cover, first, plan.tier)
    return Part(send, setup, sorted(judged), meta, notes_of(meta))


def _in_order(source: Capture, plan: ReplayPlan, cover: Cover, some: frozenset[int]) -> tuple[int, ...]:
    """``some`` of the cover as they are sent: by risk, as far as ``--order`` lets one overtake another."""
    part = replace(cover, steps=tuple(step for step in cover.steps if step.exchange in some))
    recorded = [step.exchange for step in part.steps]
    if not plan.tier.by_risk or plan.order is Order.RECORDED:
        return tuple(recorded)
    return ordered(part, plan.tier.past, edges_of(source, recorded, plan.order, plan.chains))


def _with_setup(cover: Cover, order: Sequence[int], judged: frozenset[int], *, sharded: bool) -> list[int]:
    """What of ``order`` is sent for ``judged``. A shard sends every change before its last exchange: its answers show
    what other shards' clients changed, and no id in a request says so."""
    steps = {step.exchange: step for step in cover.steps}
    wanted = set(judged)
    stack = list(judged)
    while stack:
        for one in steps[stack.pop()].needs:
            if one not in wanted:
                wanted.add(one)
                stack.append(one)
    if sharded and judged:
        last = max(at for at, one in enumerate(order) if one in judged)
        changes = [one for one in order[:last] if steps[one].writes]
        wanted.update(changes)
        stack = changes
        while stack:
            for one in steps[stack.pop()].needs:
                if one not in wanted:
                    wanted.add(one)
                    stack.append(one)
    return [one for one in order if one in wanted]
