"""The process beside pytest: runs pins and lends stubs, asked and answered in lines of JSON.

A process of its own, so that nothing of ours is imported where the user's tests run: their ``captures.py``, their
pinned versions and their event loops stay theirs. ``retape_pytest.companion`` starts it and makes sure that here *our*
packages are found. It ends, and stops every build it started, when its standard input does: also where pytest was
killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

from captures.config import load as load_config
from captures.errors import ConfigError, RetapeError, TargetError, UsageError
from captures.visible import inert, visible
from diffing.model import Level
from diffing.options import rules_from
from diffing.rulebook.rules import RuleBook, current
from replayer.pin_file import load
from replayer.pin_run import PinRunner, RunnerPlan, dependencies_of
from replayer.pinning.lending import Loan, as_row, lend
from replayer.pinning.updating import update
from replayer.pinning.verdicts import told
from replayer.pins import Pin

Asked = Mapping[str, Any]
Said = dict[str, Any]


def harmless(text: str, *, lines: bool = False) -> str:
    """``text`` of pins and builds as pytest prints it: on a terminal, and in a log that a CI runner obeys."""
    return inert(visible(text, lines=lines))


@dataclass(slots=True)
class Companion:
    """Builds by how they are started, and who answers their calls."""

    runners: dict[str, PinRunner] = field(default_factory=dict)
    problems: dict[str, RetapeError] = field(default_factory=dict)  # what will not start the next time either
    loan: Loan | None = None
    lender: PinRunner | None = None

    def answer(self, asked: Asked) -> Said:
        """Do what is asked. Expected errors are said, not raised."""
        verbs: dict[str, Callable[[Asked], Said]] = {
            "run": self._run, "update": self._update,
            "target": self._target, "lend": self._lend, "calls": self._calls, "return": self._return,
        }  # fmt: skip
        try:
            said = verbs[asked["do"]](asked)
        except RetapeError as error:
            return {"error": harmless(error.message, lines=True), "hint": harmless(error.hint, lines=True)}
        if "lines" in said:
            said |= {"lines": [harmless(line) for line in said["lines"]], "name": harmless(said["name"])}
        return said

    def close(self) -> None:
        """Stop everything."""
        self._give_back()
        for runner in self.runners.values():
            runner.close()

    def _run(self, asked: Asked) -> Said:
        line = _level(asked["fail_on"])
        pin = load(Path(asked["path"]))
        runner = self._running(asked)
        endpoint = str(pin.source.get("endpoint") or f"{pin.request.method} {pin.request.target.partition('?')[0]}")
        verdict = told(runner.run(pin, endpoint), line)
        return {"failed": verdict.failed, "lines": verdict.lines, "findings": verdict.findings, "name": pin.name}

    def _update(self, asked: Asked) -> Said:
        done = update(Path(asked["path"]), self._running(asked), asked["only"], _level(asked["fail_on"]))
        if not done.asked:
            return self._run(asked)
        if done.text is None:
            lines = [f"not updated: {done.problem}"] if done.problem else []
            return {"failed": bool(done.problem), "lines": lines, "findings": (), "name": done.name}
        done.write()
        return {"failed": False, "lines": done.diff.splitlines(), "findings": (), "name": done.name, "updated": True}

    def _target(self, asked: Asked) -> Said:
        return {"url": self._running(asked).url}

    def _lend(self, asked: Asked) -> Said:
        self._give_back()
        runner = self._running(asked) if asked.get("command") else self._stubs(asked)
        variables = runner.variables()
        lent: list[Loan] = []
        lending = partial(lend, [Path(path) for path in asked["sources"]], _rules(asked))

        def desk_of() -> Any:
            lent.append(lending())
            return lent[0].desk

        runner.answer_from(desk_of)
        self.loan, self.lender = lent[0], runner
        return {"variables": variables}

    def _calls(self, asked: Asked) -> Said:
        del asked
        loan, lender = self.loan, self.lender
        if loan is None or lender is None:
            return {"calls": [], "unused": 0}
        return lender.on_loop(lambda: {"calls": [as_row(call) for call in loan.calls()], "unused": loan.unused()})

    def _return(self, asked: Asked) -> Said:
        del asked
        self._give_back()
        return {}

    def _give_back(self) -> None:
        if self.loan is not None and self.lender is not None:
            self.lender.answer_from(None)
            self.lender.on_loop(self.loan.close)
        self.loan = self.lender = None

    def _running(self, asked: Asked) -> PinRunner:
        """The build that ``asked`` says how to start, started the first time."""
        key = json.dumps([asked["command"], asked["target"], asked["ready"], asked["isolate"]])
        if key in self.problems:
            raise self.problems[key]
        if key not in self.runners:
            try:
                self.runners[key] = PinRunner.start(_plan(asked))
            except TargetError as error:
                self.problems[key] = error
                raise
        return self.runners[key]

    def _stubs(self, asked: Asked) -> PinRunner:
        if "" not in self.runners:
            self.runners[""] = PinRunner.stubs_only(_plan({**asked, "target": "http://stubs.invalid"}))
        return self.runners[""]


def _plan(asked: Asked) -> RunnerPlan:
    command, target = tuple(asked["command"]), str(asked["target"])
    if not command and not target:
        raise UsageError(
            "There is no build to run this pin against.",
            hint="Start one: --retape-command 'CMD {port}', or name one that runs: --retape-target URL",
        )
    return RunnerPlan(
        command=command,
        target=target,
        ready=asked["ready"] or None,
        ready_timeout=_seconds(asked["ready_timeout"]),
        dependencies=dependencies_of(_readable(asked["pins"])),
        rules=_rules(asked),
        isolate=bool(asked["isolate"]),
    )


def _readable(paths: list[str]) -> list[Pin]:
    pins: list[Pin] = []
    for path in paths:
        try:
            pins.append(load(Path(path)))
        except ConfigError:
            continue  # said when that one runs
    return pins


def _rules(asked: Asked) -> RuleBook:
    today = date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
    return current(rules_from(load_config(Path(asked["root"]))), today)[0]


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"--retape-ready-timeout {text} is not a number of seconds.") from error


def _level(text: str) -> Level:
    try:
        return Level(text)
    except ValueError as error:
        raise UsageError(f"--retape-fail-on {text} is no level.", hint="Say error, warning or info.") from error


def main(reading: IO[str], writing: IO[str]) -> None:
    """Answer every line until there is none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # pytest gets it, too, and closes our input
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    companion = Companion()
    try:
        for line in reading:
            writing.write(json.dumps(companion.answer(json.loads(line))) + "\n")
            writing.flush()
    finally:
        companion.close()


def serve() -> None:
    """:func:`main` on standard input and output; what anything else prints goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as writing:
        os.dup2(2, 1)
        main(sys.stdin, writing)


def _leave(number: int, frame: object) -> NoReturn:
    del frame
    raise SystemExit(128 + number)
