"""Kinto, recorded under its own client library, replayed into an empty store: clean. And against another release.

Sign-up and login, ids made by client and server, ETags that later writes are conditional on, page tokens, 412, 403 and
404: every value that the service makes anew has to be carried into the requests that follow, or all of it ends in 4xx.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from captures.model import Direction
from captures.store import Capture
from tests.end_to_end import software
from tests.end_to_end.processes import Bench, read_report

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

HERE = Path(__file__).parent / "kinto"
ENVIRONMENT = {"PYTHONHASHSEED": "1"}  # Kinto answers with the order of its sets, which is another at every start
NEW_IN_26 = {
    # "1.23 (2025-04-16): Added config field to the root URL endpoint" (Kinto, docs/api, Changelog)
    ("warning", "response.body $.http_api_version"),
    ("info", "response.body $.config"),
    ("warning", "response.body $.project_version"),
}


def command(release: str) -> list[str]:
    tools = software.python_tools(name=f"kinto-{release}")
    return [str(tools / "kinto"), "start", "--ini", str(HERE / "kinto.ini"), "--port", "{port}"]


@pytest.fixture
def capture(bench: Bench) -> Path:
    path = bench.work / "kinto.sqlite"
    recording = bench.record(path, "--inbound", "0", command=command("20"), env=ENVIRONMENT)
    python = software.python_tools(name="kinto-26") / "python"
    session = bench.start(python, HERE / "session.py", f"{recording.inbound}/v1").finished(120).expect(0)
    assert session.stdout.endswith("done\n")
    recording.stop()
    with Capture.open(path) as recorded:
        statuses = {one.response.status for one in recorded.exchanges(direction=Direction.INBOUND) if one.response}
    assert statuses == {200, 201, 403, 404, 412}
    return path


def test_an_empty_store_answers_as_recorded_and_another_release_shows_what_is_new(bench: Bench, capture: Path) -> None:
    report = bench.work / "report.json"
    run = ("replay", capture, "--report", f"json={report}", "--")
    bench.run(*run, *command("20"), seconds=150, env=ENVIRONMENT).expect(0)
    result = read_report(report)
    assert (result["verdict"], result["reasons"], result["groups"]) == ("clean", [], [])
    assert result["ledger"]["recorded"] == result["ledger"]["replayed"] > 30

    bench.run(*run, *command("26"), seconds=150, env=ENVIRONMENT).expect(1)
    result = read_report(report)
    assert {(group["level"], group["location"]) for group in result["groups"]} == NEW_IN_26
    assert {group["endpoint"] for group in result["groups"]} == {"GET /v1/"}
    assert result["ledger"]["drifted"] == 2  # both requests for the root, and no storm behind them
    assert result["reasons"] == []
