"""The pytest plugin: collects pins and runs them against a build.

``pytest tests/pins --retape-command 'python app.py --port {port}'`` starts the build once, with the stubs of each pin
wired in; ``--retape-target URL`` uses one that runs, and then its outbound calls are neither stubbed nor compared.

Loaded into every pytest run of an environment that has Retape, so only pytest and the standard library are imported
here. Our other packages have general names; they are imported when the first pin runs, after a look that it is *ours*
that would be imported and not a ``captures.py`` of the project under test.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from diffing.model import Finding, Judgement
    from diffing.rulebook.rules import RuleBook
    from replayer.pin_run import PinRunner
    from replayer.pins import Pin

OURS = ("captures", "diffing", "replayer")
OPTIONS = (
    ("target", "URL", "URL of a running build to run pins against; its outbound calls are not stubbed or compared."),
    ("command", "CMD", "command that starts the build to run pins against; {port} in it becomes a free port."),
    ("ready", "URL|PATH", "the build is ready when this answers below 500 (default: its port accepts a connection)."),
    ("ready-timeout", "SECONDS", "how long the build may take to start (default: 60)."),
    ("fail-on", "LEVEL", "fail a pin from this level of drift: error, warning or info (default: warning)."),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Each option has a twin in the ini file: ``retape_command = …``. Plain strings, which xdist can hand on."""
    group = parser.getgroup("retape", "pins: recorded exchanges as tests (retape)")
    for name, metavar, text in OPTIONS:
        group.addoption(f"--retape-{name}", metavar=metavar, default=None, help=text)
        parser.addini(f"retape_{name.replace('-', '_')}", text, default="")
    text = "start the command anew for every pin, for builds whose answers depend on what other pins left behind."
    group.addoption("--retape-isolate", action="store_true", default=False, help=text)
    parser.addini("retape_isolate", text, type="bool", default=False)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Says against what pins run, and what that leaves unchecked."""
    command, target = _option(config, "command"), _option(config, "target")
    if command:
        return f"retape: pins run against: {command}" + (f" (at {target})" if target else "")
    if target:
        return (
            f"retape: pins run against {target}; the calls it makes to its dependencies are neither stubbed nor "
            "checked (--retape-command does both)"
        )
    return None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A YAML file that begins with ``pin:`` is a pin; one that only reads like a pin is a failing one."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    try:
        with file_path.open("rb") as file:
            start = file.read(SNIFFED).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return None
    if not _begins_as_pin(start) and not (_REQUEST.search(start) and _EXPECT.search(start)):
        return None
    return PinFile.from_parent(parent, path=file_path)


SNIFFED = 4096  # bytes
_REQUEST = re.compile(rb"^request:(?:\s|$)", re.MULTILINE)
_EXPECT = re.compile(rb"^expect:(?:\s|$)", re.MULTILINE)


def _begins_as_pin(start: bytes) -> bool:
    """Whether the first line that says something is ``pin: …``."""
    lines = (line.strip() for line in start.splitlines())
    said = next((line for line in lines if line and not line.startswith((b"#", b"---", b"%"))), b"")
    return said.startswith(b"pin:")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the build."""
    target = session.config.stash.get(_TARGET, None)
    if target is not None:
        target.close()


class PinFailed(Exception):
    """A pin that does not hold, or could not be judged; the message is the whole report."""


class PinFile(pytest.File):
    """One pin file: one test."""

    def collect(self) -> Iterator[pytest.Item]:
        """The item, not read yet: what is wrong with a file is said when it runs, and the others run anyway."""
        yield PinItem.from_parent(self, name=self.path.stem)


class PinItem(pytest.Item):
    """One pin."""

    def runtest(self) -> None:
        """Send the request, compare what comes."""
        target = self.config.stash.get(_TARGET, None)
        if target is None:
            target = self.config.stash[_TARGET] = _Target(self.config)
        try:
            findings, passed = target.check(self)
        except _expected_errors() as error:
            hint = getattr(error, "hint", "")
            raise PinFailed(f"{error}\n{hint}" if hint else str(error)) from None
        if passed:
            self.add_report_section("call", "retape", passed)
        if findings:
            raise PinFailed(findings)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any, **__: Any) -> Any:
        """The report of a pin is its findings, not a traceback through our code."""
        if isinstance(excinfo.value, PinFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """File and title."""
        return self.path, None, f"pin {self.path.parent.name}/{self.path.stem}"

    def read(self) -> Pin:
        """The pin in the file. Raises ``ConfigError``."""
        from replayer.pin_file import load

        return load(self.path)


class _Target:
    """The build of this session (of this xdist worker), started when the first pin runs."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._runner: PinRunner | None = None
        self._problem = ""
        self._rules: RuleBook | None = None

    def check(self, item: PinItem) -> tuple[str, str]:
        """(report of a failing pin or "", remarks on a passing one). Raises ``RetapeError``."""
        _only_ours()
        pin = item.read()
        runner = self._running(item.session)
        endpoint = str(pin.source.get("endpoint") or f"{pin.request.method} {pin.request.target.partition('?')[0]}")
        outcome = runner.run(pin, endpoint)
        if outcome.judgement is None:
            return self._report(item, pin, [outcome.problem]), ""
        return self._judged(item, pin, outcome.judgement)

    def _judged(self, item: PinItem, pin: Pin, judged: Judgement) -> tuple[str, str]:
        from diffing.classes import class_of
        from diffing.model import Level

        line = Level(_option(self._config, "fail-on") or "warning").rank
        failing = [one for one in judged.findings if class_of(one.class_id).level.rank >= line]
        ordered = sorted(judged.findings, key=lambda one: -class_of(one.class_id).level.rank)
        lines = [text for one in ordered for text in _described(one)]
        lines += [f"could not be judged: {reason}" for reason in judged.inconclusive]
        for one in judged.findings:
            item.user_properties.append(("retape", f"{one.class_id} {one.location}"))
        if failing or judged.inconclusive:
            return self._report(item, pin, lines), ""
        return "", "\n".join(lines)

    def _report(self, item: PinItem, pin: Pin, lines: list[str]) -> str:
        where = item.path
        with suppress(ValueError):  # run from another folder
            where = item.path.relative_to(Path.cwd())
        words = ["pytest", str(where)]
        for name, _, _ in OPTIONS:
            value = self._config.getoption(f"--retape-{name}", None)
            if value:
                words.append(f"--retape-{name}={value}")
        if self._config.getoption("--retape-isolate"):
            words.append("--retape-isolate")
        body = "\n".join(line for text in lines for line in text.splitlines())
        return f"{body}\npin: {pin.name} ({where})\nreproduce: {shlex.join(words)}"

    def _running(self, session: pytest.Session) -> PinRunner:
        from captures.errors import TargetError, UsageError
        from replayer.pin_run import PinRunner, RunnerPlan

        if self._problem:
            raise TargetError(self._problem)
        if self._runner is None:
            command, target = _option(self._config, "command"), _option(self._config, "target")
            if not command and not target:
                raise UsageError(
                    "There is no build to run this pin against.",
                    hint="Start one: --retape-command 'CMD {port}', or name one that runs: --retape-target URL",
                )
            plan = RunnerPlan(
                command=_words(command),
                target=target,
                ready=_option(self._config, "ready") or None,
                ready_timeout=_seconds(_option(self._config, "ready-timeout") or "60"),
                dependencies=_dependencies(session),
                rules=_rules(self._config.rootpath),
                isolate=bool(self._config.getoption("--retape-isolate") or self._config.getini("retape_isolate")),
            )
            try:
                self._runner = PinRunner.start(plan)
            except TargetError as error:
                self._problem = str(error)  # it will not start for the next pin either
                raise
        return self._runner

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()
            self._runner = None


_TARGET = pytest.StashKey[_Target]()


def _option(config: pytest.Config, name: str) -> str:
    return str(config.getoption(f"--retape-{name}", None) or config.getini(f"retape_{name.replace('-', '_')}") or "")


def _words(command: str) -> tuple[str, ...]:
    from captures.errors import UsageError

    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--retape-command cannot be read: {error}.", hint="Check its quotes.") from error


def _seconds(text: str) -> float:
    from captures.errors import UsageError

    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"--retape-ready-timeout {text} is not a number of seconds.") from error


def _dependencies(session: pytest.Session) -> dict[str, tuple[str, str]]:
    """What the build must be told of before it starts, from all collected pins."""
    from captures.errors import ConfigError
    from replayer.pin_run import dependencies_of

    pins: list[Pin] = []
    for item in session.items:
        if isinstance(item, PinItem):
            try:
                pins.append(item.read())
            except ConfigError:
                continue  # said when that one runs
    return dependencies_of(pins)


def _rules(root: Path) -> RuleBook:
    from datetime import date

    from captures.config import load
    from diffing.options import rules_from
    from diffing.rulebook.rules import current

    today = date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
    return current(rules_from(load(root)), today)[0]


def _described(finding: Finding) -> Iterator[str]:
    """A finding as lines: level and class, place, both sides, why."""
    from diffing.classes import class_of
    from diffing.reports.text import visible
    from diffing.reports.values import shown_pair

    path = f" (at {finding.path})" if finding.path.startswith("$") and finding.path not in finding.location else ""
    yield f"{class_of(finding.class_id).level.value}: {finding.class_id} at {visible(finding.location)}{visible(path)}"
    pinned, came = shown_pair(finding.recorded, finding.replayed, 400)
    yield f"    pinned   {pinned}"
    yield f"    replayed {came}"
    if finding.evidence:
        yield f"    ({visible(finding.evidence)})"


def _only_ours() -> None:
    """Make sure that our packages are the ones an import would find. Raises :class:`PinFailed` naming the other."""
    home = Path(__file__).resolve().parent.parent
    for name in OURS:
        loaded = sys.modules.get(name)
        spec = loaded.__spec__ if loaded is not None and loaded.__spec__ is not None else find_spec(name)
        found = spec.origin if spec is not None else None
        if found is not None and Path(found).resolve().parent == home / name:
            continue
        if loaded is None and PathFinder.find_spec(name, [str(home)]) is not None and found is None:
            continue
        raise PinFailed(
            f"Pins cannot run here: {found or 'something else'} shadows Retape's own package {name!r}.\n"
            f"Rename it, or run the pins from another folder than {Path.cwd()}."
        )


def _expected_errors() -> type[Exception]:
    _only_ours()
    from captures.errors import RetapeError

    return RetapeError
