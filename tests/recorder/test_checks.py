"""Ports and mitmproxy, as the doctor sees them."""

from __future__ import annotations

import importlib.metadata
import os
import socket
import tomllib
from pathlib import Path

import pytest

from captures.doctor.findings import Outcome
from recorder.checks import NEWEST, OLDEST, holder, mitmproxy, ports
from recorder.listeners import parse_inbound, parse_outbound

ROOT = Path(__file__).parents[2]


def test_a_port_that_is_taken_names_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        (one,) = ports([parse_outbound(str(number))])
        assert one.outcome is Outcome.PROBLEM
        assert f"(pid {os.getpid()})" in one.says
        assert one.command == f"ss -ltnp 'sport = :{number}'"
    (one,) = ports([parse_outbound(str(number))])
    assert one.outcome is Outcome.OK
    assert holder(number) == ""


def test_each_port_that_is_asked_for_is_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free, metrics = 0, ("127.0.0.1", taken.getsockname()[1])
        found = list(ports([parse_inbound("0=http://127.0.0.1:9", None), parse_outbound(str(free))], metrics))
    assert [(one.check, one.outcome) for one in found] == [(f"port {metrics[1]}", Outcome.PROBLEM)]
    assert "--metrics" in found[0].says


def test_addresses_that_cannot_be() -> None:
    found = [*ports([parse_outbound("192.0.2.1:8080"), parse_outbound("no.such.host.invalid:8080")])]
    assert [one.outcome for one in found] == [Outcome.PROBLEM, Outcome.PROBLEM]
    assert "cannot be listened on" in found[0].says
    assert "no host of that name" in found[1].says


@pytest.mark.parametrize(
    ("version", "outcome"),
    [("11.0.2", Outcome.OK), ("12.2.3", Outcome.OK), ("11.0.1", Outcome.PROBLEM), ("13.0.0", Outcome.PROBLEM),
     ("10.4.2", Outcome.PROBLEM), ("", Outcome.WARNING)],
)  # fmt: skip
def test_mitmproxy(monkeypatch: pytest.MonkeyPatch, version: str, outcome: Outcome) -> None:
    def installed(_: str) -> str:
        if not version:
            raise importlib.metadata.PackageNotFoundError
        return version

    monkeypatch.setattr(importlib.metadata, "version", installed)
    (one,) = mitmproxy()
    assert one.outcome is outcome
    assert one.command == ("" if outcome is Outcome.OK else "pip install 'retape[record]'")


def test_the_range_is_the_one_that_is_installed_from() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = f"mitmproxy>={'.'.join(map(str, OLDEST))},<{'.'.join(map(str, NEWEST))}"
    assert project["optional-dependencies"]["record"] == [wanted]
