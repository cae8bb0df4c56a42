"""json-server behind json-server-auth, from npm: passwords, bearer tokens and row owners, replayed into an empty store.

The recording holds pseudonyms of the passwords and tokens. A replay signs up with them, is given tokens of its own at
the login, and carries these into every request that follows.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from captures.model import Direction
from captures.store import Capture
from tests.end_to_end.processes import Bench, read_report

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

HERE = Path(__file__).parent / "node"
NEW_IN_2_1 = {  # "register and login return user data besides access token" (json-server-auth, CHANGELOG, 2.1.0)
    ("POST /login", "response.body $.user", "info"),
    ("POST /register", "response.body $.user", "info"),
}


def command(release: str) -> list[str]:
    return ["node", str(HERE / "guarded.js"), release]


@pytest.fixture
def environment(node_path: Path) -> dict[str, str]:
    return {"NODE_PATH": str(node_path)}


@pytest.fixture
def capture(bench: Bench, environment: dict[str, str]) -> Path:
    path = bench.work / "notes.sqlite"
    recording = bench.record(path, "--inbound", "0", command=command("before"), env=environment)
    session = bench.start("node", HERE / "session.js", recording.inbound).finished(60).expect(0)
    assert session.stdout == "done\n"
    recording.stop()
    with Capture.open(path) as recorded:
        asked = list(recorded.exchanges(direction=Direction.INBOUND))
    assert {one.response.status for one in asked if one.response} >= {200, 201, 400, 401, 403, 404}
    assert b"correct horse battery" not in path.read_bytes()
    return path


def test_an_empty_store_answers_as_recorded_and_the_next_release_shows_its_news(
    bench: Bench, capture: Path, environment: dict[str, str]
) -> None:
    report = bench.work / "report.json"
    run = ("replay", capture, "--report", f"json={report}")
    bench.run(*run, "--", *command("before"), env=environment).expect(0)
    result = read_report(report)
    assert (result["verdict"], result["reasons"], result["groups"]) == ("clean", [], [])
    assert result["ledger"]["recorded"] == result["ledger"]["replayed"] > 20

    bench.run(*run, "--fail-on", "info", "--", *command("now"), env=environment).expect(1)
    result = read_report(report)
    assert {(group["endpoint"], group["location"], group["level"]) for group in result["groups"]} == NEW_IN_2_1
    assert result["reasons"] == []


def test_every_pin_of_it_holds_on_a_fresh_build(bench: Bench, capture: Path, environment: dict[str, str]) -> None:
    """Posts are of user 2, so two sign up first; a user is read after it was changed, a post after it is gone."""
    pins = bench.work / "pins"
    made = bench.run("pin", capture, "-o", pins).expect(0)
    assert "pseudonym" not in made.stderr  # each log-in has its sign-up
    build = shlex.join(command("before"))
    words = (sys.executable, "-m", "pytest", "-q", pins, "--retape-isolate", f"--retape-command={build}")
    done = bench.start(*words, env={**bench.environment, **environment}).finished(300).expect(0)
    assert f"{len(made.stdout.split())} passed" in done.stdout
