"""The recorded build replayed beside the new one: three runs at once, of which the diff tells whose drift it is.

Each build has a stub server, ids and a run file of its own. A baseline that is started (``--baseline-cmd``) is started
twice: what it answers differently to itself is nobody's regression.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from captures.errors import TargetError, UsageError
from diffing.baseline.beside import NAMES, path_beside
from replayer.events import Event, Notice, TargetDied
from replayer.loops import run as run_loop
from replayer.plan import ReplayPlan, RunOutcome
from replayer.run import Replay, prepared
from replayer.turns import Turns


@dataclass(frozen=True, slots=True)
class Beside:
    """``outcome`` is the new build's; ``baselines`` are the runs of the recorded one, whatever they came to."""

    outcome: RunOutcome
    baselines: tuple[Path, ...]


def baseline_plans(plan: ReplayPlan) -> list[ReplayPlan]:
    """What is replayed beside ``plan``: one baseline that runs already, or two that are started."""
    if plan.baseline_target is not None and plan.baseline_command:
        raise UsageError("--baseline-cmd and --baseline-target are two ways to name one build.", hint="Give one.")
    count = 2 if plan.baseline_command else 1
    return [
        replace(
            plan,
            output=path_beside(plan.output, name),
            command=tuple(plan.baseline_command),
            target=plan.baseline_target,
            stub_listen=None,
            baseline_command=(),
            baseline_target=None,
            label="",
        )
        for name in NAMES[:count]
    ]


def replay_beside(capture: Path, plan: ReplayPlan, on_event: Callable[[Event], None]) -> Beside:
    """Replay ``capture`` against the new build and against the baseline, side by side.

    Raises what :func:`replayer.run.replay` raises; a message about the baseline says so.
    """
    plans = [plan, *baseline_plans(plan)]
    with ExitStack() as stack:
        sides: list[Replay] = []
        turns = Turns(len(plans)) if plan.concurrency == 1 else None
        for number, one in enumerate(plans):
            heard = on_event if number == 0 else _muted(on_event, NAMES[number - 1])
            sides.append(stack.enter_context(prepared(capture, one, heard, turns, number)))
        outcomes = run_loop(_together(sides, turns))
    return Beside(outcomes[0], tuple(outcome.run for outcome in outcomes[1:]))


async def _together(sides: list[Replay], turns: Turns | None) -> list[RunOutcome]:
    """The outcomes of all; one that is interrupted interrupts the others, one that fails ends them."""

    async def one(number: int, side: Replay) -> RunOutcome:
        try:
            outcome = await side.run()
        except TargetError as error:
            if number:
                brief = f"The baseline: {error.brief}" if error.brief else ""
                raise TargetError(f"The baseline: {error.message}", hint=error.hint, brief=brief) from error
            raise
        finally:
            if turns is not None:
                turns.leave(number)
        if outcome.interrupted:
            for task in tasks:
                if task is not asyncio.current_task():
                    task.cancel()
        return outcome

    tasks: list[asyncio.Task[RunOutcome]] = []
    tasks += [asyncio.create_task(one(number, side)) for number, side in enumerate(sides)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            if task.exception() is not None:
                break
        else:
            return [task.result() for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [task.result() for task in tasks]  # raises the first one's error


def _muted(on_event: Callable[[Event], None], name: str) -> Callable[[Event], None]:
    """Of a baseline only what a person must know."""

    def heard(event: Event) -> None:
        if isinstance(event, TargetDied):
            on_event(Notice(f"the {name}: {event.reason}"))

    return heard
