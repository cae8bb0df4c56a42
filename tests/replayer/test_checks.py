"""Isolation and the clock, as the doctor sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from captures.doctor.findings import Outcome
from captures.errors import UsageError
from replayer import checks, faketime
from replayer.checks import IN_A_CONTAINER, permission
from replayer.isolation import Namespace


@pytest.mark.slow
def test_isolation_is_really_tried() -> None:
    (one,) = checks.isolation()
    try:
        Namespace.open().close()
        assert one.outcome is Outcome.OK
    except UsageError:
        assert one.outcome is Outcome.WARNING
        assert one.command


@pytest.mark.parametrize(
    ("switches", "command"),
    [
        ({}, IN_A_CONTAINER),
        ({"user/max_user_namespaces": "63000"}, IN_A_CONTAINER),
        ({"user/max_user_namespaces": "0"}, "sudo sysctl user.max_user_namespaces=15000"),
        (
            {"kernel/apparmor_restrict_unprivileged_userns": "1", "user/max_user_namespaces": "63000"},
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_switch_that_is_off_is_named(tmp_path: Path, switches: dict[str, str], command: str) -> None:
    for name, value in switches.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{value}\n")
    assert permission(tmp_path) == command


def test_without_libfaketime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faketime, "find_library", lambda: None)
    (one,) = checks.faketime(tmp_path)
    assert (one.outcome, one.command) == (Outcome.WARNING, "apt-get install faketime")
