"""The pytest plugin: collects pins, runs them against a build, and lends its build and stubs to other tests.

``pytest tests/pins --retape-command 'python app.py --port {port}'`` starts the build once, with the stubs of each pin
wired in; ``--retape-target URL`` uses one that runs, and then its outbound calls are neither stubbed nor compared.

Loaded into every pytest run of an environment that has Retape. So this package bears a name that nobody else has,
imports pytest and the standard library only, and leaves the work to a process beside pytest, started with the first pin
or fixture that needs it: none of Retape's other packages, whose names are general, is ever imported here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from retape_pytest.collecting import UPDATED, PinFile, is_pin, reads_like_pin
from retape_pytest.fixtures import retape_command, retape_stubs, retape_target
from retape_pytest.settings import OPTIONS, SWITCHES, companion_of, option, updating

__all__ = ["retape_command", "retape_stubs", "retape_target"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Each option has a twin in the ini file: ``retape_command = …``. Plain strings, which xdist can hand on."""
    group = parser.getgroup("retape", "pins: recorded exchanges as tests (retape)")
    for name, metavar, text in OPTIONS:
        group.addoption(f"--retape-{name}", metavar=metavar, default=None, help=text)
        parser.addini(f"retape_{name.replace('-', '_')}", text, default="")
    text = "rewrite what differs in pins: those that fail (changed), those that expect nothing yet (new), or all."
    group.addoption("--retape-update", nargs="?", const="changed", default=None, metavar="new|changed|all", help=text)
    for name, text in SWITCHES:
        group.addoption(f"--retape-{name}", action="store_true", default=False, help=text)
        parser.addini(f"retape_{name}", text, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """The markers, for ``--strict-markers``; and no update where CI is set."""
    updating(config)
    config.addinivalue_line("markers", "retape: every pin (retape)")
    config.addinivalue_line(
        "markers", "retape_capture(path, …): the capture, pins or folders of pins that retape_stubs answers from"
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    """Says against what pins run, and what that leaves unchecked."""
    command, target = option(config, "command"), option(config, "target")
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
    return PinFile.from_parent(parent, path=file_path) if is_pin(start) or reads_like_pin(start) else None


SNIFFED = 4096  # bytes


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Which files were written; under xdist by whichever worker."""
    reports = [one for found in terminalreporter.stats.values() for one in found if hasattr(one, "user_properties")]
    written = sorted({value for one in reports for key, value in one.user_properties if key == UPDATED})
    if written:
        terminalreporter.section("pins updated (retape)")
        for path in written:
            terminalreporter.line(path)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the build."""
    companion_of(session.config).close()
