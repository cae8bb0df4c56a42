"""A Node service behind the launcher's proxy and CA settings: two HTTP clients nobody here wrote, HTTPS and HTTP."""

from __future__ import annotations

import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from captures.model import CauseHow, Direction
from captures.service import free_port
from captures.store import Capture
from tests.end_to_end import dependency
from tests.end_to_end.processes import Bench, Finished, Running, read_report

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

SERVICE = Path(__file__).parent / "node" / "server.js"
COMMAND = ("node", str(SERVICE))


@dataclass(frozen=True, slots=True)
class Recorded:
    """A capture of the Node service, and where its dependencies were."""

    capture: Path
    rates: int
    stock: int
    environment: dict[str, str]


@contextmanager
def listener(port: int) -> Iterator[list[str]]:
    """Stand at ``port`` and note every connection that arrives."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def accept() -> None:
            while not done.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                seen.append(f"{address}")
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield seen
        finally:
            done.set()
            thread.join()


def record(bench: Bench, node_path: Path) -> Recorded:
    """Record prices and orders; both dependencies are stopped afterwards."""
    trusted, served = dependency.make_authority(bench.folder)
    rates, stock = free_port(), free_port()
    script = Path(dependency.__file__)
    processes: list[Running] = [
        bench.start(sys.executable, script, rates, served).wait_port(rates),
        bench.start(sys.executable, script, stock).wait_port(stock),
    ]
    environment = {
        "NODE_PATH": str(node_path),
        "RATES_URL": f"https://127.0.0.1:{rates}",
        "STOCK_URL": f"http://127.0.0.1:{stock}",
    }
    capture = bench.folder / "node.sqlite"
    recording = bench.record(capture, "--inbound", "0", "--upstream-ca", trusted, command=COMMAND, env=environment)
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        for sku in ("apple", "pear", "fig"):
            assert client.get(f"/prices/{sku}").status_code == 200, str(recording.process)
        for count in (1, 3):
            assert client.post("/orders", json={"sku": "apple", "count": count}).status_code == 201
        assert client.get("/nothing").status_code == 404
    recording.stop()
    for process in processes:
        process.terminate()
    return Recorded(capture, rates, stock, environment)


def replay(bench: Bench, recorded: Recorded, report: Path, *options: str) -> Finished:
    """Replay against a second Node process, its dependencies stubbed."""
    return bench.run(
        "replay", recorded.capture, "-o", bench.folder / "run.sqlite", "--report", f"json={report}", *options,
        "--", *COMMAND,
        env=recorded.environment,
    )  # fmt: skip


def test_recorded_through_proxy_variables_and_replayed_without_any_dependency(bench: Bench, node_path: Path) -> None:
    recorded = record(bench, node_path)
    with Capture.open(recorded.capture) as capture:
        assert capture.count(Direction.INBOUND) == 6
        outbound = list(capture.exchanges(direction=Direction.OUTBOUND))
        calls = Counter((one.request.scheme, one.request.port) for one in outbound)
        assert calls == {("https", recorded.rates): 5, ("http", recorded.stock): 3}
        for one in outbound:
            assert one.failure is None
            assert one.cause is not None
            assert (one.cause.how, one.cause.exchange is None) == (CauseHow.WINDOW, False)

    report = bench.folder / "report.json"
    with listener(recorded.rates) as at_rates, listener(recorded.stock) as at_stock:
        finished = replay(bench, recorded, report)
    assert (at_rates, at_stock) == ([], []), f"a replay reached out to a dependency\n{finished}"
    finished.expect(0)
    result = read_report(report)
    assert result["verdict"] == "clean"
    assert result["ledger"]["replayed"] == result["ledger"]["recorded"] == 6
    assert result["stubs"] == {"served": 8, "missed": 0, "unused": 0}
    used = {rule["id"] for rule in result["rules"] if rule["used"]}
    assert used - {"builtin.date"} == {"volatile.timestamp"}  # a replay in the recorded second has the recorded Date


def test_a_call_nobody_recorded_is_a_miss_and_never_leaves_the_machine(bench: Bench, node_path: Path) -> None:
    recorded = record(bench, node_path)
    environment = {**recorded.environment, "RATES_URL": f"https://127.0.0.1:{recorded.rates}/v2"}  # the new build's
    report = bench.folder / "report.json"
    with listener(recorded.rates) as at_rates, listener(recorded.stock) as at_stock:
        moved = Recorded(recorded.capture, recorded.rates, recorded.stock, environment)
        finished = replay(bench, moved, report, "--on-miss", "strict")
    assert (at_rates, at_stock) == ([], []), f"a miss reached out to a dependency\n{finished}"
    finished.expect(1)
    result = read_report(report)
    assert result["verdict"] == "drift"
    assert result["stubs"]["missed"] >= 5
    assert any(group["kind"] == "outbound" for group in result["groups"])
