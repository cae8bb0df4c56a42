"""What is wrong with a folder of pins, told from the files alone: ``retape pin check``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from captures.errors import ConfigError
from captures.redacting.redaction import Redactor
from captures.wording import counted
from replayer import pin_yaml
from replayer.pin_file import as_data, load
from replayer.pin_run import PinOutcome, PinRunner
from replayer.pin_words import references
from replayer.pinning.finding import files_under, is_pin, reads_like_pin
from replayer.pinning.logins import MENDING, unknown_logins
from replayer.pinning.secrets import secrets_in
from replayer.pins import Pin

KINDS = {
    "invalid": "cannot be read: a mistake, or a format that this Retape does not read",
    "no-pin": "a YAML file that is no pin, or has lost its first line",
    "new": "nothing is expected yet",
    "duplicate": "the same request and the same expectation as another pin",
    "secret": "what redaction would replace stands there literally",
    "login": "a pseudonym stands in place of the password of a log-in, which only a build knows that takes any",
    "unused-stub": "a stub that no call of the build reaches; known only where the pins are run, with -- CMD",
    "unused-name": "a value is bound and nothing refers to it",
}
"""Every kind of finding, and what it says."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is wrong. Never holds a value of a pin that may be a secret."""

    kind: str
    file: str
    message: str
    line: int = 1
    next: str = ""  # what to do

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}: {self.message}"


@dataclass(frozen=True, slots=True)
class Checked:
    """The result."""

    pins: Sequence[tuple[Path, Pin]]
    found: Sequence[Found]


def check(paths: Iterable[Path], redactor: Redactor) -> Checked:
    """Look through the YAML files at and below ``paths``. Raises :class:`UsageError` for one that is not there."""
    pins: list[tuple[Path, Pin]] = []
    found: list[Found] = []
    for file in dict.fromkeys(file for path in paths for file in files_under(path)):
        if not is_pin(file):
            found.append(_no_pin(file))
            continue
        try:
            pins.append((file, load(file)))
        except ConfigError as error:
            where, _, message = error.message.partition(": ")
            line = where.rpartition(":")[2]
            known = line.isdigit()
            text = message if known else error.message
            found.append(Found("invalid", str(file), text.rstrip("."), int(line) if known else 1, error.hint))
    for file, pin in pins:
        found += _of_one(file, pin, redactor)
    found += _duplicates(pins)
    return Checked(pins, sorted(found, key=lambda one: (one.file, one.line, one.kind)))


def _no_pin(file: Path) -> Found:
    if reads_like_pin(file):
        return Found("no-pin", str(file), "it reads like a pin and does not begin with pin: 1", next="Add that line.")
    return Found("no-pin", str(file), "this YAML file is no pin, and pytest passes it over", next="Move it elsewhere.")


def _of_one(file: Path, pin: Pin, redactor: Redactor) -> Iterator[Found]:
    where = str(file)
    if pin.expect is None:
        step = f"Let it be written: retape pin update {where} --only new -- CMD"
        yield Found("new", where, "it expects nothing yet", next=step)
    for place, count in sorted(secrets_in(pin, redactor).items()):
        step = (
            "Write «string» where it is compared, ${NAME} in a header; if it is only an example, name it in [redact]."
        )
        text = f"{counted(count, 'value')} that redaction would replace at {place}"
        yield Found("secret", where, text, _line(pin, place), step)
    for step_name, request in unknown_logins(pin):
        text = f"{step_name or 'it'} logs in ({request.method} {request.target}) with a pseudonym for a password"
        line = pin.lines.get("setup" if step_name else "request", 1)
        yield Found("login", where, text, line, f"{MENDING[0].upper()}{MENDING[1:]}.")
    used = references(pin)
    for number, step_ in enumerate(pin.setup, 1):
        for name, _ in step_.bind:
            if name not in used:
                text = f"setup step {number} binds {name}, and nothing refers to it"
                yield Found("unused-name", where, text, pin.lines.get("setup", 1), "Take it out.")


def _line(pin: Pin, place: str) -> int:
    part = "stubs" if place.startswith("stub ") else "setup" if place.startswith("setup ") else None
    return pin.lines.get(part or ("expect" if place.startswith("response") else "request"), 1)


def _duplicates(pins: Sequence[tuple[Path, Pin]]) -> Iterator[Found]:
    first: dict[str, Path] = {}
    for file, pin in pins:
        data = as_data(pin)
        said = {key: data[key] for key in ("setup", "request", "expect", "stubs") if key in data}
        digest = hashlib.sha256(pin_yaml.write(said).encode()).hexdigest()
        if digest in first:
            text = f"the same request and the same expectation as {first[digest]}"
            yield Found("duplicate", str(file), text, pin.lines.get("request", 1), "Remove one of the two.")
        else:
            first[digest] = file


def run_with(checked: Checked, runner: PinRunner) -> list[Found]:
    """What was found, with what running the pins shows: stubs that are not called, log-ins that this build takes."""
    found = list(checked.found)
    for file, pin in checked.pins:
        logs_in = any(one.kind == "login" and one.file == str(file) for one in found)
        if not (pin.stubs or logs_in):
            continue
        outcome = runner.run(pin)
        found += unused_stubs(file, pin, outcome)
        if outcome.holds:
            found = [one for one in found if one.kind != "login" or one.file != str(file)]
    return found


def unused_stubs(file: Path, pin: Pin, outcome: PinOutcome) -> Iterator[Found]:
    """The stubs of ``pin`` that the build did not call. What could not be run says nothing of them."""
    came = outcome.came
    if came is None or not came.calls_seen:
        return
    called = {call.stub for call in came.calls}
    for index, stub in enumerate(pin.stubs):
        if index not in called:
            text = f"the build does not call {stub.request.method} of {stub.dependency} (stub {index + 1})"
            step = f"retape pin update {file} -- CMD takes it out, if that is meant."
            yield Found("unused-stub", str(file), text, pin.lines.get("stubs", 1), step)
