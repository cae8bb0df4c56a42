"""Learning from repetition: the recorded build replayed against its own capture, as often as asked for.

Each replay is an ordinary one, with a service started afresh, and its run is kept. What the runs say is worked out in
``diffing.learning.learner``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from captures.errors import CaptureError, UsageError
from captures.store import Capture
from diffing.comparison import DiffOptions
from diffing.learning.learner import Learner
from diffing.learning.lessons import Demands, Lessons
from diffing.learning.repetition import Recording, Runs, opened
from replayer.events import Event
from replayer.plan import ReplayPlan, RunOutcome
from replayer.run import replay


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The replays that were made. ``runs`` leaves out what came to nothing."""

    runs: tuple[Path, ...]
    outcomes: tuple[RunOutcome, ...] = ()
    interrupted: bool = False


def rehearse(
    capture: Path,
    plan: ReplayPlan,
    times: int,
    output: Callable[[int], Path],
    on_start: Callable[[int], None],
    on_event: Callable[[Event], None],
) -> Rehearsal:
    """Replay ``capture`` as ``plan`` says, ``times`` over; run n is written to ``output(n)``. Ctrl-C ends it early.

    Raises what :func:`replayer.run.replay` raises; an interrupted replay is no error.
    """
    outcomes: list[RunOutcome] = []
    interrupted = False
    for number in range(1, times + 1):
        try:
            on_start(number)
            outcomes.append(replay(capture, replace(plan, output=output(number)), on_event))
        except KeyboardInterrupt:  # while no exchange was under way
            interrupted = True
        if interrupted or outcomes[-1].interrupted:
            break
    runs = tuple(outcome.run for outcome in outcomes if outcome.replayed)
    return Rehearsal(runs, tuple(outcomes), interrupted or any(outcome.interrupted for outcome in outcomes))


def learn(capture: Path, runs: Sequence[Path], options: DiffOptions, demands: Demands) -> Lessons:
    """What ``runs`` of the recorded build say, or the capture alone when there are none.

    Raises :class:`UsageError` for a run of another capture or one given twice, and what :class:`Capture` raises.
    """
    if not runs:
        with Capture.open(capture) as source:
            recording = Recording(source, options)
            return _learnt(recording, Learner(0), demands)
    for number, run in enumerate(runs):
        _check(capture, run)
        if any(run.samefile(other) for other in runs[:number]):
            raise UsageError(
                f"{run} is given twice: one run does not bear itself out.",
                hint=f"Make another: retape replay {capture} -- CMD",
            )
    with opened(capture, runs, options) as several:
        return _learnt(several, Learner(len(runs)), demands)


def _learnt(source: Runs | Recording, learner: Learner, demands: Demands) -> Lessons:
    for repetition in source.repetitions():
        learner.judge(repetition)
    for repetition in source.answers():
        learner.observe(repetition)
    if isinstance(source, Runs):
        learner.pooled(source.outside())
        return learner.lessons(demands, source.unjudged())
    return learner.lessons(demands)


def _check(capture: Path, run: Path) -> None:
    with Capture.open(run) as opened_run:
        if not any(session.mode == "replay" for session in opened_run.sessions()):
            raise UsageError(
                f"{run} is a recording, not a run of {capture}.", hint=f"Make one: retape replay {capture} -- CMD"
            )
    if capture.exists() and run.samefile(capture):
        raise CaptureError(f"{run} is the capture itself.", hint="Give --run a run of it.")
