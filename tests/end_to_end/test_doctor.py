"""``retape doctor`` on this machine: the clients that are really here, what it leaves behind, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.processes import Bench, Finished

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

LONG = ("--timeout", "90", "--format", "json")  # a machine that tests on both cores is slow


def checks(finished: Finished) -> dict[str, Any]:
    """Each check by its name's first word, which names the client."""
    value = json.loads(finished.stdout)
    assert value["schema"] == 1
    assert value["ok"] is (finished.code == 0)
    for one in value["checks"]:
        assert one["outcome"] in ("ok", "warning", "problem")
        assert one["says"]
        assert "\n" not in one["says"]
        assert one["command"] or one["outcome"] != "problem", "one command for each problem"
    return {one["check"].split()[0]: one for one in reversed(value["checks"])}


def test_every_client_of_this_machine_is_tried(bench: Bench, third_party: Path, tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    path = f"{os.environ['PATH']}:{third_party}"
    env = {"PATH": path, "HOME": str(home), "TMPDIR": str(temporary)}
    shutil.rmtree(bench.state)  # it makes its own
    found = checks(bench.run("doctor", *LONG, env=env, seconds=170).expect(0))
    assert {name for name, one in found.items() if one["outcome"] == "problem"} == set()
    for name in ("python", "tls", "sqlite", "mitmproxy", "disk", "clock", "privacy"):
        assert found[name]["outcome"] == "ok", found[name]
    for name in ("requests", "httpx", "curl", "git", "wget", "java"):
        assert "trusts the CA and goes through the proxy, also to loopback" in found[name]["says"], found[name]
    assert "trusts the CA and goes through the proxy, but never to loopback" in found["go"]["says"]
    assert "--dependency" in found["go"]["command"]
    assert found["node"]["says"].startswith("trusts the CA and ")
    assert list(home.iterdir()) == list(temporary.iterdir()) == list(bench.work.iterdir()) == []
    state = {file.name: file.stat().st_mode & 0o777 for file in bench.state.iterdir()}
    assert state.pop("mitmproxy-ca.pem") == 0o600
    mended = {name for name in state if name.startswith("libfaketime-")}  # as a replay keeps it
    assert state.keys() - mended <= {"retape-ca.crt", ".gitignore"}


def test_what_is_not_here_is_said(bench: Bench, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    found = checks(bench.run("doctor", *LONG, env={"PATH": str(empty)}, seconds=170).expect(0))
    assert found["clients"]["says"] == "not found here, so not tried: curl, git, wget, node, java, go"
    assert "curl" not in found


def test_a_taken_port_and_a_wrong_configuration_are_problems(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (bench.work / "retape.toml").write_text(f'[record]\noutbound = "{port}"\nmetrics = 0\n')
        found = checks(bench.run("doctor", *LONG, env={"PATH": "/nonexistent"}, seconds=170).expect(1))
        assert found["port"]["outcome"] == "problem"
        assert f"--outbound 127.0.0.1:{port} is taken" in found["port"]["says"]
        assert found["port"]["command"] == f"ss -ltnp 'sport = :{port}'"
    (bench.work / "retape.toml").write_text("[record]\noutbuond = 1\n")
    done = bench.run("doctor", "--timeout", "90", env={"PATH": "/nonexistent"}, seconds=170).expect(1)
    assert 'unknown key "outbuond"' in done.stdout
    assert "sqlite" in done.stdout, "everything else is looked at all the same"


def test_mitmproxy_is_not_needed(bench: Bench) -> None:
    """It is asked for by name alone, so that the doctor runs where only ``pip install retape`` was done."""
    code = (
        "import sys; sys.modules['mitmproxy'] = None; import retape;"
        "code = retape.run(['doctor', '--timeout', '90']); print(code, file=sys.stderr); sys.exit(code)"
    )
    env = {**bench.environment, "PATH": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=bench.work, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mitmproxy" in done.stdout
