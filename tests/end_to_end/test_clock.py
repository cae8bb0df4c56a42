"""``--clock recorded``: what was valid when it was recorded is valid when it is replayed, a year later.

The recordings are made by a recorder, a service and a client that all live 400 days ago.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from captures.model import Direction
from captures.service import free_port
from captures.store import Capture
from replayer.faketime import SHARED_MEMORY, find_library, tidy, variables, working
from tests.end_to_end import caller, dependency
from tests.end_to_end.processes import Bench, Finished, read_report

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.slow,
    pytest.mark.skipif(find_library() is None, reason="libfaketime is not installed"),
]

AGO = 400 * 86_400  # seconds
KEY = b"a key that only the tests know, and that is long enough"  # as in dated.py and node/dated.js
NODE = ("node", str(Path(__file__).parent / "node" / "dated.js"))
KEEP = '[redact]\nkeep = ["authorization", "signature"]\n'


@pytest.fixture(autouse=True)
def _no_shared_memory_left() -> Iterator[None]:
    """Remove what the recorders of this file leave: they live under libfaketime, and some are killed."""
    yield
    for name in os.listdir(SHARED_MEMORY):
        process = name.rpartition("_")[2]
        if "faketime_" in name and process.isdigit() and not Path(f"/proc/{process}").exists():
            tidy(int(process))


def long_ago() -> float:
    """The time of the recordings."""
    return time.time() - AGO


def in_the_past(bench: Bench) -> dict[str, str]:
    """Variables that put a process there."""
    library = find_library()
    assert library is not None
    return variables(working(library, bench.state), -AGO, {})


def token(user: str, now: float) -> str:
    """A JSON Web Token (RFC 7519, HS256) of ten seconds ago that is valid for two minutes.

    A replay is quicker than its recording: a token of this very second would come before it was issued.
    """

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = {"sub": user, "iat": int(now) - 10, "nbf": int(now) - 10, "exp": int(now) + 120}
    signed = ".".join(part(json.dumps(value).encode()) for value in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{part(hmac.digest(KEY, signed.encode(), hashlib.sha256))}"


def link(name: str, now: float) -> str:
    """A link that the service itself would have given out, from an e-mail of a minute ago."""
    expires = int(now) + 50
    return f"/files/{name}?expires={expires}&signature={hmac.digest(KEY, f'{name} {expires}'.encode(), 'sha256').hex()}"


def replay(bench: Bench, capture: Path, command: tuple[str, ...], *options: str) -> tuple[Finished, dict[str, Any]]:
    """Replay today; how it ended, and its report."""
    report, run = bench.folder / "report.json", bench.folder / "run.sqlite"
    finished = bench.run("replay", *options, capture, "-o", run, "--report", f"json={report}", "--", *command)
    return finished, read_report(report)


def statuses(run: Path) -> list[int]:
    """What a run's requests were answered with."""
    with Capture.open(run) as capture:
        return [one.response.status if one.response else 0 for one in capture.exchanges(direction=Direction.INBOUND)]


def gunicorn(third_party: Path) -> tuple[str, ...]:
    """``dated.py``: forked workers with threads."""
    return (
        str(third_party / "gunicorn"), "--chdir", str(Path(__file__).parent), "--workers", "2", "--threads", "2",
        "--bind", "127.0.0.1:{port}", "dated:app",
    )  # fmt: skip


def recorded_tokens(bench: Bench, command: tuple[str, ...]) -> Path:
    """A capture of ``dated.py`` from 400 days ago: two users, each with a token of their own, and one without."""
    (bench.work / "retape.toml").write_text(KEEP)
    capture = bench.folder / "tokens.sqlite"
    recording = bench.record(capture, "--inbound", "0", command=command, env=in_the_past(bench))
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        for user in ("ada", "grace"):
            headers = {"Authorization": f"Bearer {token(user, long_ago())}"}
            assert client.get("/me", headers=headers).status_code == 200, str(recording.process)
        assert client.get("/me").status_code == 401
    recording.stop()
    with Capture.open(capture) as made:
        assert abs(made.sessions()[0].started - long_ago()) < 3600
    return capture


def test_a_recorded_token_is_valid_at_the_recorded_time_and_not_at_the_real_one(
    bench: Bench, third_party: Path
) -> None:
    command = gunicorn(third_party)
    capture = recorded_tokens(bench, command)
    shared = set(os.listdir(SHARED_MEMORY))
    finished, report = replay(bench, capture, command, "--clock", "recorded")
    finished.expect(0)
    assert report["verdict"] == "clean"
    assert statuses(bench.folder / "run.sqlite") == [200, 200, 401]
    assert any("clock was set to the recording's" in note for note in report["notes"])
    left = {name for name in set(os.listdir(SHARED_MEMORY)) - shared if "faketime" in name}
    assert not {name for name in left if not Path(f"/proc/{name.rpartition('_')[2]}").exists()}, str(finished)

    finished, report = replay(bench, capture, command)
    finished.expect(1)
    assert report["verdict"] == "drift"
    assert statuses(bench.folder / "run.sqlite") == [401, 401, 401]


def test_a_recorded_link_has_not_expired_at_the_recorded_time(bench: Bench) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    (bench.work / "retape.toml").write_text(KEEP)
    capture = bench.folder / "links.sqlite"
    recording = bench.record(capture, "--inbound", "0", command=NODE, env=in_the_past(bench))
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        assert client.get(link("report", long_ago())).status_code == 200, str(recording.process)
        assert client.get("/links/invoice").status_code == 200
        assert client.get(link("report", long_ago() - 3600)).status_code == 403
    recording.stop()
    finished, report = replay(bench, capture, NODE, "--clock", "recorded")
    finished.expect(0)
    assert report["verdict"] == "clean"
    assert statuses(bench.folder / "run.sqlite") == [200, 200, 403]

    finished, report = replay(bench, capture, NODE)
    finished.expect(1)
    assert statuses(bench.folder / "run.sqlite") == [403, 200, 403]


def test_every_process_of_the_build_sees_one_time_and_timeouts_last_as_long_as_ever(
    bench: Bench, third_party: Path
) -> None:
    command = gunicorn(third_party)
    (bench.work / "retape.toml").write_text(KEEP)
    capture = bench.folder / "times.sqlite"
    recording = bench.record(capture, "--inbound", "0", command=command, env=in_the_past(bench))
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        for _ in range(6):
            assert client.get("/time").status_code == 200, str(recording.process)
    recording.stop()
    began = time.monotonic()
    finished, _ = replay(bench, capture, command, "--clock", "recorded")
    assert time.monotonic() - began < 150, str(finished)
    with Capture.open(capture) as made, Capture.open(bench.folder / "run.sqlite") as run:
        first = next(made.exchanges(direction=Direction.INBOUND)).timing.started
        shift = run.sessions()[-1].meta["clock"]
        seen = [
            (one.timing.started, json.loads(one.response.body))
            for one in run.exchanges(direction=Direction.INBOUND)
            if one.response is not None
        ]
    assert len(seen) == 6
    for started, said in seen:
        assert -1 < said["now"] - (started + shift) < 30, "the worker's clock"
        assert 0 <= said["child"] - said["now"] < 30, "the clock of a program it started"
    assert 0 <= seen[0][1]["now"] - first < 60, "the first request came at its time, or as much later as starting took"


@pytest.mark.parametrize("isolate", [(), ("--isolate",)], ids=["", "isolated"])
def test_the_stub_server_is_trusted_at_the_recorded_time(bench: Bench, isolate: tuple[str, ...]) -> None:
    """Its certificates are valid then, and fresh times in answers are recognised as the run's."""
    trusted, served = dependency.make_authority(bench.folder)
    stock, rates = free_port(), free_port()
    script = Path(dependency.__file__)
    servers = [
        bench.start(sys.executable, script, stock).wait_port(stock),
        bench.start(sys.executable, script, rates, served).wait_port(rates),
    ]
    command = (sys.executable, str(Path(caller.__file__)), "{port}")
    urls = {"STOCK_URL": f"http://127.0.0.1:{stock}", "RATES_URL": f"https://127.0.0.1:{rates}"}
    capture = bench.folder / "calls.sqlite"
    recording = bench.record(capture, "--upstream-ca", trusted, command=command, env=urls)
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        assert client.get("/price/apple").status_code == 200, str(recording.process)
    recording.stop()
    for server in servers:
        server.terminate()
    _move(capture, -AGO)
    report, run = bench.folder / "report.json", bench.folder / "run.sqlite"
    words = ("replay", "--clock", "recorded", *isolate, capture, "-o", run, "--report", f"json={report}")
    bench.run(*words, "--", *command, env=urls).expect(0)
    assert read_report(report)["stubs"] == {"served": 2, "missed": 0, "unused": 0}


def _move(capture: Path, seconds: float) -> None:
    """Let a recording have been made at another time: those of its exchanges are counted from the session's."""
    import sqlite3

    with sqlite3.connect(capture) as database:
        database.execute(f"UPDATE session SET started = started + ({seconds}), ended = ended + ({seconds})")
    database.close()
