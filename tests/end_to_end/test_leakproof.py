"""No byte of a replay reaches a dependency: real servers stand where they were, and count who comes.

By proxy variables alone a client that ignores them does get through (and the report says so); with ``--isolate`` it
does not. Whatever way such a replay ends, nothing of it stays.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from captures.errors import UsageError
from captures.model import Direction
from captures.service import free_port
from captures.store import Capture
from replayer.isolation import Namespace
from tests.end_to_end import caller, captures_made, dependency
from tests.end_to_end.processes import Bench, Finished, Running, read_report, wait_until
from tests.end_to_end.standing import standing

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

COMMAND = (sys.executable, str(Path(caller.__file__)), "{port}")
SERVICE = Path(__file__).with_name("service.py")
CODES = ("apple", "pear")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A capture of ``caller.py``, and where its dependencies were."""

    capture: Path
    stock: int
    rates: int
    certificate: Path  # of the one over TLS
    environment: dict[str, str]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Recorded once; the dependencies are gone when the tests run."""
    bench = Bench(tmp_path_factory.mktemp("recorded"))
    try:
        trusted, served = dependency.make_authority(bench.folder)
        stock, rates = free_port(), free_port()
        script = Path(dependency.__file__)
        servers = [
            bench.start(sys.executable, script, stock).wait_port(stock),
            bench.start(sys.executable, script, rates, served).wait_port(rates),
        ]
        environment = {"STOCK_URL": f"http://127.0.0.1:{stock}", "RATES_URL": f"https://127.0.0.1:{rates}"}
        capture = bench.folder / "made.sqlite"
        recording = bench.record(capture, "--upstream-ca", trusted, command=COMMAND, env=environment)
        with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
            for code in CODES:
                assert client.get(f"/price/{code}").status_code == 200, str(recording.process)
        recording.stop()
        for server in servers:
            server.terminate()
        yield Recorded(capture, stock, rates, served, environment)
    finally:
        bench.close()


@pytest.fixture
def isolation() -> None:
    """Skips where no network namespace can be made."""
    try:
        Namespace.open().close()
    except UsageError as error:
        pytest.skip(error.message)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay came to, and how many connections arrived where the dependencies were."""

    finished: Finished
    report: dict[str, Any]
    at_stock: int
    at_rates: int

    def notes(self) -> str:
        """The report's notes."""
        return " ".join(self.report["notes"])

    def nobody_came(self) -> None:
        """Fail when a connection arrived."""
        assert (self.at_stock, self.at_rates) == (0, 0), f"the replay reached a dependency\n{self.finished}"


def replay(bench: Bench, recorded: Recorded, *build: str, options: tuple[str, ...] = ()) -> Outcome:
    """Replay while real servers stand where the dependencies were. ``build``: how the new build behaves."""
    report = bench.folder / "report.json"
    with standing(recorded.stock) as stock, standing(recorded.rates, recorded.certificate) as rates:
        finished = bench.run(
            "replay", recorded.capture, "-o", bench.folder / "run.sqlite", "--report", f"json={report}", *options,
            "--", *COMMAND, *build,
            env=recorded.environment,
        )  # fmt: skip
        return Outcome(finished, read_report(report), stock.accepted, rates.accepted)


@pytest.mark.parametrize("isolate", [(), ("--isolate",)], ids=["", "isolated"])
@pytest.mark.parametrize(
    ("build", "options", "code"),
    [
        ((), (), 0),
        (("--again",), (), 1),  # the recorded answers are used up
        (("--again",), ("--exhausted", "miss"), 1),
        (("--elsewhere",), (), 1),
        (("--elsewhere",), ("--on-miss", "strict"), 1),
        (("--distrust",), (), 1),  # given up at TLS connect
    ],
    ids=["same", "used up", "used up and missed", "elsewhere", "elsewhere and missed", "distrust"],
)
@pytest.mark.usefixtures("isolation")
def test_what_goes_by_the_proxy_reaches_no_dependency(
    bench: Bench,
    recorded: Recorded,
    isolate: tuple[str, ...],
    build: tuple[str, ...],
    options: tuple[str, ...],
    code: int,
) -> None:
    outcome = replay(bench, recorded, *build, options=(*options, *isolate))
    outcome.nobody_came()
    outcome.finished.expect(code)
    assert outcome.report["ledger"]["replayed"] == len(CODES)


def test_without_isolation_a_client_that_ignores_the_proxy_gets_through_and_the_report_says_it_may(
    bench: Bench, recorded: Recorded
) -> None:
    """The servers do count: what the next test shows is not their deafness."""
    outcome = replay(bench, recorded, "--direct")
    assert outcome.at_stock == len(CODES)
    assert outcome.at_rates == len(CODES)
    outcome.finished.expect(1)
    assert "a client that ignores them is not held back" in outcome.notes()
    assert "network namespace" not in outcome.notes()


@pytest.mark.parametrize("more", [(), ("--again",), ("--elsewhere",)], ids=["", "again", "elsewhere"])
@pytest.mark.usefixtures("isolation")
def test_isolated_a_client_that_ignores_the_proxy_reaches_nothing(
    bench: Bench, recorded: Recorded, more: tuple[str, ...]
) -> None:
    outcome = replay(bench, recorded, "--direct", *more, options=("--isolate",))
    outcome.nobody_came()
    outcome.finished.expect(1)
    assert outcome.report["verdict"] == "drift"
    assert outcome.report["ledger"]["replayed"] == len(CODES)
    assert {group["class"] for group in outcome.report["groups"]} == {"response.status.class"}
    told = json.dumps(outcome.report["groups"])
    assert "calls that it no longer makes come with it: " in told, "the calls that failed are to be seen"
    assert "network namespace of its own, whose only way out is the stub server" in outcome.notes()
    assert "not held back by them" not in outcome.notes()
    with Capture.open(bench.folder / "run.sqlite") as run:
        answers = [one.response for one in run.exchanges(direction=Direction.INBOUND)]
        assert all(one is not None and one.status == 502 and b"refused" in one.body for one in answers)


@pytest.mark.parametrize("isolate", [(), ("--isolate",)], ids=["", "isolated"])
@pytest.mark.usefixtures("isolation")
def test_a_dependency_of_the_configuration_is_handed_over_in_its_variable(
    bench: Bench, recorded: Recorded, isolate: tuple[str, ...]
) -> None:
    """A client that no proxy variable reaches, and a recording that knew of no listeners."""
    lines = [
        f'{name.lower()} = {{ url = "{recorded.environment[f"{name}_URL"]}", env = "{name}_URL" }}'
        for name in ("STOCK", "RATES")
    ]
    (bench.work / "retape.toml").write_text("\n".join(["[dependencies]", *lines, ""]))
    outcome = replay(bench, recorded, "--direct", options=isolate)
    outcome.nobody_came()
    outcome.finished.expect(0)
    assert outcome.report["stubs"] == {"served": 2 * len(CODES), "missed": 0, "unused": 0}
    assert "listeners of the stub server: rates (RATES_URL), stock (STOCK_URL)" in outcome.notes()


def test_a_build_that_runs_already_cannot_be_isolated(bench: Bench, recorded: Recorded) -> None:
    run = bench.folder / "run.sqlite"
    refused = bench.run("replay", "--isolate", recorded.capture, "--target", "http://127.0.0.1:9", "-o", run)
    refused.expect(2).says("one that runs already has its network", "hint:", "-- CMD")
    assert not run.exists(), "nothing was begun without it"


# -- how it ends -------------------------------------------------------------------------------------------------------


def processes_of(text: str) -> list[int]:
    """The processes whose command line holds ``text``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if text.encode() in line:
                found.append(int(entry.name))
    return found


def network_of(process: int | str) -> str | None:
    """The network namespace of a process; None when it is gone."""
    try:
        return os.readlink(f"/proc/{process}/ns/net")
    except OSError:
        return None


def inhabitants(network: str) -> list[str]:
    """The processes in a network namespace."""
    numbers = [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [number for number in numbers if network_of(number) == network]


def kept_by_mounts() -> set[str]:
    """Namespaces that a mount keeps alive."""
    return {line for line in Path("/proc/self/mountinfo").read_text().splitlines() if " nsfs " in line}


def started(bench: Bench, *options: str) -> tuple[Running, str]:
    """A slow isolated replay in its midst, and a word that all its processes have in their command lines."""
    mark = str(shutil.copy(SERVICE, bench.folder / "the_build.py"))
    behind = f"import time; time.sleep(600)  # {mark}"
    shell = f"setsid {sys.executable} -c '{behind}' & exec {sys.executable} {mark} {{port}}"
    capture = captures_made.slow(bench.folder / "slow.sqlite", 40, 0.2)
    run = bench.folder / "run.sqlite"
    running = bench.retape("replay", "--isolate", *options, capture, "-o", run, "--", "sh", "-c", shell)

    def replayed() -> int:
        if not run.exists():
            return 0
        with Capture.open(run) as growing:
            return growing.count(Direction.INBOUND)

    running.wait_for(lambda: replayed() >= 2, "two exchanges are replayed")
    assert len(processes_of(mark)) >= 3, "the replay, the build, and what that left behind"
    return running, mark


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.usefixtures("isolation")
def test_nothing_stays_of_an_isolated_replay(bench: Bench, signum: int) -> None:
    mounted = kept_by_mounts()
    running, mark = started(bench)
    inside = {network_of(process) for process in processes_of(mark)} - {network_of("self"), None}
    (network,) = inside
    assert network is not None
    first = inhabitants(network)[0]
    with open(f"/proc/{first}/ns/net"):  # its number is not given to another while we look
        running.interrupt(signum=signum, group=signum != signal.SIGKILL)
        finished = running.finished()
        assert finished.code == (-signal.SIGKILL if signum == signal.SIGKILL else 130), str(finished)
        wait_until(lambda: not processes_of(mark), "every process of the replay is gone")
        wait_until(lambda: not inhabitants(network), "nobody is in its network namespace")
    assert kept_by_mounts() == mounted
