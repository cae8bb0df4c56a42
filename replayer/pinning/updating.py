"""One pin brought up to date with what a build answers: run, amended, run again, and its file's new text.

An updated pin must hold at once: it is run a second time. What still differs then varies by itself on this build and
becomes a matcher; a pin that does not hold the third time either is left alone.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from captures.errors import ConfigError, UsageError
from captures.placing import put
from captures.visible import visible
from diffing.model import Level
from replayer.pin_file import as_data, dump, load, parse
from replayer.pin_run import NEW, PinOutcome, PinRunner
from replayer.pinning.amending import amended
from replayer.pinning.verdicts import told
from replayer.pinning.yaml_edit import edited
from replayer.pins import Pin

Only = Literal["new", "changed", "all"]
ONLY: tuple[Only, ...] = ("new", "changed", "all")
"""``new``: pins without an expectation; ``changed``: those that fail; ``all``: both, and what only informs."""


@dataclass(frozen=True, slots=True)
class Update:
    """What becomes of one pin. ``text``: of its file, None where nothing is written; then ``problem`` may say why."""

    path: Path
    name: str
    before: str = ""
    text: str | None = None
    problem: str = ""
    judged: bool = True  # False: the run failed or was inconclusive
    asked: bool = True  # False: it is not one of those to update, and was not run

    @property
    def diff(self) -> str:
        """Unified, as ``patch`` and people read it."""
        if self.text is None:
            return ""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.text.splitlines(keepends=True), str(self.path), str(self.path)
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

    def write(self) -> None:
        """Replace the file, unless somebody changed it meanwhile. Raises :class:`UsageError`."""
        assert self.text is not None
        try:
            now = self.path.read_text(encoding="utf-8")
            if now == self.text:
                return
            if now != self.before:
                raise UsageError(f"{self.path} was changed meanwhile; it is left alone.", hint="Run it again.")
            put(self.path, self.text)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}.") from error


def update(path: Path, runner: PinRunner, only: Only, fail_on: Level = Level.WARNING) -> Update:
    """Run the pin at ``path`` and say what its file should be. Raises :class:`ConfigError` where it is none."""
    pin = load(path)
    before = path.read_text(encoding="utf-8")
    if (only == "new") != (pin.expect is None) and only != "all":
        return Update(path, pin.name, before, asked=False)
    first = runner.run(pin)
    line = Level.INFO if only == "all" else fail_on
    if (problem := _unjudged(first)) is not None:
        return Update(path, pin.name, before, problem=problem, judged=False)
    if not told(first, line).failed:
        return Update(path, pin.name, before)
    try:
        wanted, why = _holding(pin, first, runner, line)
    except ValueError as error:
        return Update(path, pin.name, before, problem=visible(str(error)))
    if wanted is None:
        return Update(path, pin.name, before, problem=why)
    return Update(path, pin.name, before, _text(path, before, pin, wanted))


def _holding(pin: Pin, first: PinOutcome, runner: PinRunner, line: Level) -> tuple[Pin | None, str]:
    """The pin that says what ``first`` was and holds again; or None, and why there is none."""
    assert first.came is not None
    wanted = amended(pin, first.came, first.names)
    again = runner.run(wanted)
    if not told(again, line).failed:
        return wanted, ""
    if _unjudged(again) is None and again.came is not None:
        wanted = amended(wanted, again.came, again.names, varying=True)
        again = runner.run(wanted)
    verdict = told(again, line)
    if not verdict.failed:
        return wanted, ""
    found = "; ".join(verdict.findings[:3]) or "".join(verdict.lines[:1])
    return None, f"the build answers otherwise every time ({visible(found)}); say by hand what must hold there"


def _unjudged(outcome: PinOutcome) -> str | None:
    """Why nothing may be concluded from ``outcome``, or None."""
    if outcome.judgement is None:
        return None if outcome.problem == NEW else outcome.problem
    came = outcome.came
    if outcome.judgement.inconclusive:
        return outcome.judgement.inconclusive[0]
    if came is None or came.response is None or came.failure is not None:
        return "the build gave no complete answer"
    return None


def _text(path: Path, before: str, pin: Pin, wanted: Pin) -> str:
    """The file's new text: edited where that says what is wanted, else written anew."""
    try:
        text = edited(before, as_data(pin), as_data(wanted))
        if dump(parse(text, str(path))) == dump(wanted):
            return text
    except (ConfigError, AssertionError, ValueError, KeyError, IndexError):
        pass  # an unusual layout
    return dump(wanted)
