"""What one build answered to one request again and again: recorded, and in every replay of the same build.

Two comparisons are made of it. *Recorded against each run* is what a replay of the next build will be judged by. *Run
against run* is of one build by definition (A/A): what differs there moves by itself, while what differs from the
recording alike in all runs is another build, or another state of its data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from captures.model import Direction, Exchange, Request
from captures.routes.templates import Templates
from captures.store import Capture
from diffing.comparison import Comparison, DiffOptions, Pair, prepared
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Finding, Judgement
from diffing.rulebook import builtins
from diffing.rulebook.rules import current
from diffing.values.chained import certain_pairs
from diffing.values.identity import Identity
from diffing.walk.orders import Writes

LONGEST = 20
"""Answers to one and the same recorded request that are looked at."""

CallName = Callable[[Exchange], str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, with the outbound calls that were made for it."""

    exchange: Exchange
    calls: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """Two answers of a :class:`Repetition`, by their positions, and what their comparison came to."""

    one: int
    other: int
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Repetition:
    """The answers to one request, oldest first; None where there is none to compare. Of runs, 0 is the recording."""

    subject: Hashable
    endpoint: str
    answers: tuple[Answer | None, ...]
    call_of: CallName
    judged: tuple[Judged, ...] = ()


@dataclass(slots=True)
class Runs:
    """Runs of one build beside the capture they were made from. Made by :func:`opened`."""

    comparisons: list[Comparison]
    steps: list[Context] = field(default_factory=list)  # run i against run i + 1

    def repetitions(self) -> Iterator[Repetition]:
        """Every recorded exchange that some run answers, with all comparisons made."""
        for pairs in self._together():
            repetition = self._repetition(pairs)
            judged = [
                Judged(0, number, compare_exchange(pair.recorded, pair.replayed, comparison.context_for(pair.replayed),
                                                   pair.recorded_calls, pair.replayed_calls))
                for number, (pair, comparison) in enumerate(zip(pairs, self.comparisons, strict=True), 1)
                if pair is not None and pair.replayed is not None
            ]  # fmt: skip
            for number, context in enumerate(self.steps, 1):
                step = _step(repetition.answers[number], repetition.answers[number + 1])
                if step is not None:
                    one, other = step
                    context = replace(context, endpoint_of=lambda _, name=repetition.endpoint: name)  # type: ignore[misc]
                    judgement = compare_exchange(one.exchange, other.exchange, context, one.calls, other.calls)
                    judged.append(Judged(number, number + 1, judgement))
            yield replace(repetition, judged=tuple(judged))

    def answers(self) -> Iterator[Repetition]:
        """The same without the comparisons."""
        return (self._repetition(pairs) for pairs in self._together())

    def outside(self) -> list[tuple[Finding, ...]]:
        """What each run's calls outside of any request differ in from the recorded ones."""
        return [
            tuple(comparison.pools.judge(comparison.context).findings) if comparison.pools is not None else ()
            for comparison in self.comparisons
        ]

    def unjudged(self) -> list[str]:
        """What makes the runs inconclusive: what each says of itself, and that they may not be of one build."""
        found: dict[str, None] = {}
        if len({repr((one.meta.get("command"), one.meta.get("target"))) for one in self.comparisons}) > 1:
            found["the runs were made with different commands, and are taken for runs of one build"] = None
        for number, comparison in enumerate(self.comparisons, 1):
            for reason in comparison.meta.get("inconclusive") or ():
                found[f"run {number}: {reason}"] = None
        return list(found)

    def learn(self) -> None:
        """Note for every two runs in turn which new identifiers of the one stand for which of the other."""
        for one, other in zip(self.comparisons, self.comparisons[1:], strict=False):
            identity = Identity()
            old, new = dict(certain_pairs(one.meta, [1])), dict(certain_pairs(other.meta, [1]))
            identity.bind((old[name], new[name]) for name in old if name in new and old[name] != new[name])
            self.steps.append(
                replace(
                    one.context,
                    identity=identity,
                    recorded_started=one.run.started,
                    replayed_started=other.run.started,
                    target_went_away=one.context.target_went_away or other.context.target_went_away,
                )
            )
        if not self.steps:
            return
        for pairs in self._together(setup=True):
            repetition = self._repetition(pairs)
            for number, context in enumerate(self.steps, 1):
                step = _step(repetition.answers[number], repetition.answers[number + 1])
                if step is not None:
                    learn_pair(step[0].exchange, step[1].exchange, context, step[0].calls, step[1].calls)

    def _together(self, *, setup: bool = False) -> Iterator[tuple[Pair | None, ...]]:
        """The pairs of all runs that are about the same recorded exchange, in recorded order."""
        streams = [comparison.pairs(setup=setup) for comparison in self.comparisons]
        heads: list[Pair | None] = [next(stream, None) for stream in streams]
        while True:
            waiting = [pair.recorded.id for pair in heads if pair is not None]
            if not waiting:
                return
            first = min(waiting)
            here = tuple(pair if pair is not None and pair.recorded.id == first else None for pair in heads)
            yield here
            heads = [
                next(stream, None) if pair is not None else head
                for stream, pair, head in zip(streams, here, heads, strict=True)
            ]

    def _repetition(self, pairs: tuple[Pair | None, ...]) -> Repetition:
        first = next(pair for pair in pairs if pair is not None)
        calls = next((pair.recorded_calls for pair in pairs if pair is not None and pair.replayed is not None), ())
        answers = [
            Answer(pair.replayed, pair.replayed_calls) if pair is not None and pair.replayed is not None else None
            for pair in pairs
        ]
        context = self.comparisons[0].context
        return Repetition(
            subject=first.recorded.id,
            endpoint=context.endpoint_of(first.recorded),
            answers=(Answer(first.recorded, calls), *answers),
            call_of=context.call_of,
        )


@contextmanager
def opened(capture: Path, runs: Sequence[Path], options: DiffOptions) -> Iterator[Runs]:
    """``runs`` of one build, ready to be compared with ``capture`` and with one another.

    Raises what :func:`diffing.comparison.prepared` raises.
    """
    with ExitStack() as stack:
        several = Runs([stack.enter_context(prepared(capture, run, options)) for run in runs])
        several.learn()
        yield several


class Recording:
    """A capture alone: the answers to identical safe requests, with no write to their resource in between."""

    def __init__(self, capture: Capture, options: DiffOptions) -> None:
        self._capture = capture
        inbound = list({(one.request.method, one.request.target): None for one in self._inbound()})
        templates = Templates.infer(inbound, options.endpoints)
        self._context = Context(
            rules=current(options.rules, options.day)[0],
            endpoint_of=lambda exchange: templates.endpoint(exchange.request.method, exchange.request.target),
            budget=options.budget,
        )
        self._groups = self._asked()

    def repetitions(self) -> Iterator[Repetition]:
        """Every request that was asked more than once, each answer compared with the one before."""
        for repetition in self.answers():
            judged: list[Judged] = []
            for number, (one, other) in enumerate(zip(repetition.answers, repetition.answers[1:], strict=False)):
                if one is None or other is None:
                    continue
                # Nothing ties the ids of one answer to those of another answer's neighbours: each pair stands alone.
                context = replace(self._context, identity=Identity())
                learn_pair(one.exchange, other.exchange, context)
                judged.append(Judged(number, number + 1, compare_exchange(one.exchange, other.exchange, context)))
            yield replace(repetition, judged=tuple(judged))

    def answers(self) -> Iterator[Repetition]:
        """The same without the comparisons."""
        for subject, ids in self._groups:
            answers = tuple(Answer(exchange) for exchange in self._capture.exchanges(ids=ids))
            yield Repetition(
                subject, self._context.endpoint_of(answers[0].exchange), answers, self._context.call_of
            )  # fmt: skip

    def _inbound(self) -> Iterator[Exchange]:
        return self._capture.exchanges(direction=Direction.INBOUND)

    def _asked(self) -> list[tuple[Hashable, list[int]]]:
        writes = Writes()
        groups: dict[bytes, list[int]] = {}
        for exchange in self._inbound():
            learn_recorded(exchange, self._context)
            asked = writes.asked(exchange.session, exchange.request)
            if asked is None or exchange.response is None or exchange.failure is not None:
                continue
            told = [(call.request.target, call.response and (call.response.status, call.response.body))
                    for call in self._capture.caused_by(exchange.id)]  # fmt: skip
            key = hashlib.sha256(
                repr((asked, _asker(exchange.request), told)).encode("utf-8", "surrogatepass")
            ).digest()
            ids = groups.setdefault(key, [])
            if len(ids) < LONGEST:
                ids.append(exchange.id)
        return [(key, ids) for key, ids in groups.items() if len(ids) > 1]


def _asker(request: Request) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that may make an answer another one: who asks, in which language, with which condition."""
    return tuple(
        sorted(
            (name.lower(), value)
            for name, value in request.headers
            if (text := name.decode("latin-1").lower()) not in builtins.HOP_BY_HOP
            and text not in ("date", "content-length", "user-agent")
            and not builtins.REQUEST_ID.fullmatch(text)
        )
    )


def _step(one: Answer | None, other: Answer | None) -> tuple[Answer, Answer] | None:
    """Two runs' answers as if the first were recorded: calls of both that one stub answered belong together."""
    if one is None or other is None:
        return None
    stubs: dict[int, list[int]] = {}
    for call in one.calls:
        if call.replay_of is not None:
            stubs.setdefault(call.replay_of, []).append(call.id)
    calls: list[Exchange] = []
    for call in other.calls:
        twins = stubs.get(call.replay_of) if call.replay_of is not None else None
        calls.append(replace(call, replay_of=twins.pop(0) if twins else None))
    return one, Answer(other.exchange, tuple(calls))
