"""The pytest plugin, always in a pytest process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from captures.service import free_port
from replayer.pin_file import dump
from replayer.pin_make import Made, make_pins
from tests.replayer.tapes import SHOP, order_tape

COMMAND = " ".join(SHOP)
SIMPLE = """\
pin: 1
request: {line: GET /nothing}
expect:
  status: 404
  json: {error: no such order}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the two pins of the order tape."""
    folder = tmp_path / "project"
    for made in make_pins(order_tape(tmp_path / "shop.sqlite"), None):
        assert isinstance(made, Made)
        path = folder / "pins" / made.file
        path.parent.mkdir(parents=True)
        path.write_text(dump(made.pin), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str, module: bool = False) -> subprocess.CompletedProcess[str]:
    """``pytest`` as a user starts it (``module``: ``python -m pytest``, which puts the folder on the path)."""
    start = [sys.executable, "-m", "pytest"] if module else [str(Path(sys.executable).with_name("pytest"))]
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(
        [*start, "-p", "no:cacheprovider", *arguments],
        cwd=folder, env=env, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip


def counts(result: subprocess.CompletedProcess[str]) -> dict[str, int]:
    last = result.stdout.strip().splitlines()[-1]
    return {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error|deselected)", last)}


@contextmanager
def shop(mode: str = "") -> Iterator[str]:
    """A shop that somebody else started; its URL."""
    from captures.service import Service

    port = free_port()
    with Service.start([*SHOP, *([mode] if mode else [])], os.environ, port=port) as service:
        service.wait_ready(20)
        yield f"http://127.0.0.1:{port}"


@pytest.mark.slow
def test_pins_hold_against_the_build_they_were_made_from(project: Path) -> None:
    result = run(project, "pins", f"--retape-command={COMMAND}")
    assert counts(result) == {"passed": 2}, result.stdout
    assert "retape: pins run against: " in result.stdout


@pytest.mark.slow
def test_a_drift_fails_with_the_finding_and_no_traceback(project: Path) -> None:
    result = run(project, "pins", f"--retape-command={COMMAND} amount", "--junitxml=out.xml")
    assert counts(result) == {"passed": 1, "failed": 1}, result.stdout
    assert (
        "outbound.request.body.value-changed at outbound payments POST /charges request.body $.amount" in result.stdout
    )
    assert "pinned   25\n    replayed 26" in result.stdout
    assert "reproduce: pytest pins/POST-orders/201-1.yaml" in result.stdout
    assert "Traceback" not in result.stdout
    assert "pytest_plugin.py" not in result.stdout
    failed = ElementTree.parse(project / "out.xml").getroot().find(".//failure")
    assert failed is not None
    assert "value-changed" in (failed.text or "")


@pytest.mark.slow
def test_n_plus_one_is_seen(project: Path) -> None:
    result = run(project, "pins", "-k", "201", f"--retape-command={COMMAND} n+1")
    assert "outbound.repeated" in result.stdout
    assert counts(result) == {"failed": 1, "deselected": 1}


@pytest.mark.slow
def test_xdist_workers_each_have_their_build(project: Path) -> None:
    result = run(project, "pins", "-n", "2", f"--retape-command={COMMAND}")
    assert counts(result) == {"passed": 2}, result.stdout


@pytest.mark.slow
def test_isolated_pins_each_have_a_fresh_build(project: Path) -> None:
    """The second build dies on POST as the first did: a pin that follows a dead one has a build of its own."""
    (project / "pins" / "simple.yaml").write_text(SIMPLE, encoding="utf-8")
    arguments = ["pins", "-k", "201 or simple", f"--retape-command={COMMAND} die"]
    assert counts(run(project, *arguments)) == {"failed": 2, "deselected": 1}
    assert counts(run(project, *arguments, "--retape-isolate")) == {"failed": 1, "passed": 1, "deselected": 1}


@pytest.mark.slow
def test_last_failed_and_exit_first_and_ini(project: Path) -> None:
    (project / "pytest.ini").write_text(f"[pytest]\nretape_command = {COMMAND} amount\n", encoding="utf-8")
    arguments = ["pins", "-p", "cacheprovider"]
    assert counts(run(project, *arguments)) == {"passed": 1, "failed": 1}
    again = run(project, *arguments, "--lf")
    assert counts(again)["failed"] == 1
    assert "passed" not in counts(again)
    assert counts(run(project, *arguments, "-x", "--ff")) == {"failed": 1}


@pytest.mark.slow
def test_a_running_target_is_compared_without_its_calls(project: Path) -> None:
    (project / "pins" / "simple.yaml").write_text(SIMPLE, encoding="utf-8")
    with shop() as url:
        result = run(project, "pins", "-k", "simple", f"--retape-target={url}")
    assert counts(result)["passed"] == 1, result.stdout
    assert "neither stubbed nor checked" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--retape-command=python -c 'raise SystemExit(3)'"], "exited with code 3 before it was ready"),
        (["--retape-command=no-such-command-here"], "There is no command 'no-such-command-here'"),
        (["--retape-command='"], "--retape-command cannot be read"),
        (["--retape-target=http://127.0.0.1:1"], "Nothing answers at http://127.0.0.1:1"),
        ([], "There is no build to run this pin against."),
    ],
)
def test_no_build_is_a_failure_that_says_so(project: Path, arguments: list[str], says: str) -> None:
    result = run(project, "pins", *arguments)
    assert counts(result) == {"failed": 2}, result.stdout
    assert says in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.slow
def test_a_build_that_dies_is_no_green(project: Path) -> None:
    result = run(project, "pins", f"--retape-command={COMMAND} die")
    assert counts(result) == {"failed": 2}, result.stdout
    assert "the build exited with code 7" in result.stdout


@pytest.mark.slow
def test_a_bad_pin_fails_alone_and_names_its_line(project: Path) -> None:
    (project / "pins" / "bad.yaml").write_text(SIMPLE.replace("status", "sttus"), encoding="utf-8")
    (project / "pins" / "simple.yaml").write_text(SIMPLE, encoding="utf-8")
    (project / "pins" / "other.yaml").write_text("name: not ours\n", encoding="utf-8")
    result = run(project, "pins", "-k", "bad or simple", f"--retape-command={COMMAND}")
    assert counts(result) == {"passed": 1, "failed": 1, "deselected": 2}, result.stdout
    assert "bad.yaml:4: unknown key 'sttus' in expect. Did you mean \"status\"?" in result.stdout


@pytest.mark.slow
def test_nothing_that_a_pin_says_steers_the_terminal_or_the_ci_runner(project: Path) -> None:
    hostile = r'"\e[31m\n::error::x ##[error]y \u202e"'
    pin = SIMPLE.replace("pin: 1\n", f"pin: 1\nname: {hostile}\n").replace(
        "error: no such order", f"{hostile}: {hostile}"
    )
    (project / "pins" / "hostile.yaml").write_text(pin, encoding="utf-8")
    (project / "pins" / "wrong.yaml").write_text(pin.replace("expect:", f"{hostile}: 1\nexpect:"), encoding="utf-8")
    result = run(project, "pins", "-k", "hostile or wrong", f"--retape-command={COMMAND}")
    assert counts(result)["failed"] == 2, result.stdout
    assert "pin: \\x1b[31m" in result.stdout
    assert not [mark for mark in ("\x1b", "\n::", "##[", "\u202e") if mark in result.stdout], result.stdout


@pytest.mark.slow
def test_comments_may_come_first_and_a_pin_without_its_line_fails(project: Path) -> None:
    (project / "pins" / "simple.yaml").write_text(f"# why\n\n---\n{SIMPLE}", encoding="utf-8")
    (project / "pins" / "lost.yaml").write_text(SIMPLE.replace("pin: 1\n", "name: lost\n"), encoding="utf-8")
    (project / "pins" / "other.yaml").write_text("request: {}\nstages: []\n", encoding="utf-8")
    result = run(project, "pins", "-k", "lost or simple", f"--retape-command={COMMAND}")
    assert counts(result) == {"passed": 1, "failed": 1, "deselected": 2}, result.stdout
    assert "lost.yaml:1: this reads like a pin (request: and expect:) but has no pin: line." in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("module", [False, True])
def test_a_project_with_modules_named_like_ours_is_untouched(tmp_path: Path, module: bool) -> None:
    (tmp_path / "captures.py").write_text("VALUE = 1\n", encoding="utf-8")
    (tmp_path / "recorder.py").write_text("VALUE = 2\n", encoding="utf-8")
    (tmp_path / "diffing.py").write_text("VALUE = 3\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "config.yaml").write_text("a: 1\n", encoding="utf-8")
    (tmp_path / "test_it.py").write_text(
        "import captures, recorder, diffing, sys\n"
        "def test_it():\n"
        "    assert captures.VALUE + recorder.VALUE + diffing.VALUE == 6\n"
        "    assert 'click' not in sys.modules and 'yaml' not in sys.modules\n",
        encoding="utf-8",
    )
    result = run(tmp_path, module=module)
    assert counts(result) == {"passed": 1}, result.stdout + result.stderr
    assert "retape:" not in result.stdout


@pytest.mark.slow
def test_pins_hold_beside_modules_named_like_ours(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the working directory, which ``python -m pytest`` puts first, and in PYTHONPATH; a test imports them, too."""
    names = ("captures", "diffing", "recorder", "replayer")
    for name in names:
        (project / f"{name}.py").write_text("VALUE = 1\n", encoding="utf-8")
    test = f"import {', '.join(names)}\ndef test_it(): assert {' + '.join(f'{name}.VALUE' for name in names)} == 4\n"
    (project / "test_it.py").write_text(test, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(project))
    result = run(project, f"--retape-command={COMMAND}", module=True)
    assert counts(result) == {"passed": 3}, result.stdout


@pytest.mark.slow
def test_what_really_shadows_a_library_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "yaml.py").write_text("raise ImportError('this is mine')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(project))
    result = run(project, "pins", f"--retape-command={COMMAND}")
    assert counts(result) == {"failed": 2}, result.stdout
    assert "cannot start in this environment: ImportError: this is mine" in result.stdout
    assert "Look at PYTHONPATH" in result.stdout


OWN_TESTS = """\
import httpx, pytest, requests

CHARGES = "https://payments.test/charges"
RECORDED = {"order_id": "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11", "amount": 25, "at": 1_780_000_000.0}

def test_what_the_build_calls(retape_target, retape_stubs):
    items = {"items": [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]}
    answer = httpx.post(retape_target + "/orders", json=items, trust_env=False)
    assert answer.status_code == 201
    assert retape_stubs.assert_called("POST", "/charges", times=1)[0].json["amount"] == 25
    retape_stubs.assert_no_misses()

@pytest.mark.retape_capture("shop.sqlite")
def test_clients_of_a_capture(retape_stubs, monkeypatch):
    retape_stubs.apply(monkeypatch)
    assert requests.post(CHARGES, json=RECORDED).json()["id"] == "pay_8f3k2m9x"
    assert httpx.post(CHARGES, json=RECORDED).status_code == 200
    assert retape_stubs.calls[0].header("content-type") == "application/json"
    assert httpx.get("http://elsewhere.test/").status_code == 502
    assert [call.url for call in retape_stubs.misses] == ["http://elsewhere.test/"]
    with pytest.raises(AssertionError, match="1 calls that no stub answers"):
        retape_stubs.assert_no_misses()

async def ask(url, body):
    import aiohttp
    async with aiohttp.ClientSession(trust_env=True) as client:
        async with client.post(url, json=body) as answer:
            return answer.status

@pytest.mark.retape_capture("pins")
def test_aiohttp(retape_stubs, monkeypatch):
    import asyncio
    retape_stubs.apply(monkeypatch)
    assert asyncio.run(ask("http://payments.test/charges", {})) == 502
    with pytest.raises(AssertionError, match="expected at least one call"):
        retape_stubs.assert_called("GET", "nowhere")
"""


@pytest.mark.slow
def test_fixtures_for_tests_that_people_write(project: Path) -> None:
    (project / "test_own.py").write_text(OWN_TESTS, encoding="utf-8")
    order_tape(project / "shop.sqlite")
    (project / "conftest.py").write_text(CONFTEST.format(COMMAND), encoding="utf-8")
    result = run(project, f"--retape-command={COMMAND}", "--strict-markers", "-n", "0")
    assert counts(result) == {"passed": 5}, result.stdout
    assert (project / "starts").read_text(encoding="utf-8") == "1"
    ignored = run(project, "test_own.py", "-k", "what_the_build")
    assert "retape_stubs has nothing to answer from" in ignored.stdout
    assert "Traceback" not in ignored.stdout


CONFTEST = """\
import pytest

@pytest.fixture(scope="session")
def retape_command():
    with open("starts", "a") as file:
        file.write("1")
    return {!r}
"""


@pytest.mark.slow
def test_chosen_by_marker_name_and_node_id(project: Path) -> None:
    for name, tags in (("one", "[smoke, slow]"), ("two", "\n- smoke  # quick\n- eu-1")):
        (project / "pins" / f"{name}.yaml").write_text(f"pin: 1\ntags: {tags}\n{SIMPLE[7:]}", encoding="utf-8")
    listing = ["--collect-only", "-q", "--strict-markers"]
    for chosen, names in (
        (["-m", "smoke and not slow"], ["pins/two.yaml::two"]),
        (["-m", "not retape"], []),
        (["-k", "200"], ["pins/GET-orders-id/200-5.yaml::200-5"]),
        (["pins/one.yaml::one"], ["pins/one.yaml::one"]),
    ):
        result = run(project, *chosen, *listing)
        assert [line for line in result.stdout.splitlines() if "::" in line] == names, result.stdout


@pytest.mark.slow
def test_update_writes_each_file_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    path = project / "pins" / "POST-orders" / "201-1.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("amount: 25", "amount: 99  # cents?"), encoding="utf-8")
    (project / "pins" / "simple.yaml").write_text(SIMPLE[: SIMPLE.index("expect")], encoding="utf-8")
    result = run(project, "pins", "-n", "2", "--retape-update=all", f"--retape-command={COMMAND}")
    assert counts(result) == {"passed": 3}, result.stdout
    assert "status: 404" in (project / "pins" / "simple.yaml").read_text(encoding="utf-8")
    assert result.stdout.count("201-1.yaml") == 1  # under "pins updated"
    assert path.read_text(encoding="utf-8") == before.replace("amount: 25", "amount: 25  # cents?")
    assert "say new, changed or all" in run(project, "--retape-update", "pins").stderr
    monkeypatch.setenv("CI", "1")
    refused = run(project, "pins", "--retape-update", f"--retape-command={COMMAND}")
    assert (refused.returncode, "CI is set" in refused.stderr) == (4, True)


def test_the_plugin_imports_only_pytest_and_the_standard_library() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import retape_pytest;"
        "print(sorted(name for name in set(sys.modules) - before if name.split('.')[0] not in sys.stdlib_module_names))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert {name.partition(".")[0] for name in eval(result.stdout)} == {"retape_pytest"}
