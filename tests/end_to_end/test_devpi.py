"""devpi, a caching package index, recorded under the real pip; then a new, empty one whose upstream is gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from captures.model import CauseHow, Direction
from captures.service import free_port
from captures.store import Capture
from tests.end_to_end import package_index
from tests.end_to_end.processes import Bench, read_report

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

WANTED = ["alpha", "delta", "beta<3"]
FILES = {
    "alpha-2.0-py3-none-any.whl",
    "beta-2.1-py3-none-any.whl",
    "gamma_tools-0.3-py3-none-any.whl",
    "delta-4.0.tar.gz",
}


def test_an_empty_devpi_without_its_upstream_is_served_wholly_from_stubs(bench: Bench, third_party: Path) -> None:
    packages = bench.folder / "packages"
    package_index.publish(packages)
    port = free_port()
    upstream = package_index.serve(bench, third_party, packages, port)
    empty = package_index.make_mirror(bench, third_party, f"http://127.0.0.1:{port}/simple/")
    first, second = bench.folder / "devpi-first", bench.folder / "devpi-second"
    for folder in (first, second):
        shutil.copytree(empty, folder)

    capture = bench.folder / "devpi.sqlite"
    recording = bench.record(
        capture, "--inbound", "0", command=package_index.devpi_command(third_party, first, "{port}")
    )
    index = f"{recording.inbound}/{package_index.ADMIN}/mirror/+simple/"
    downloaded = bench.folder / "downloaded"
    package_index.download(bench, third_party, index, downloaded, WANTED).expect(0)
    recording.stop()
    assert {file.name for file in downloaded.iterdir()} == FILES
    for file in downloaded.iterdir():
        assert file.read_bytes() == (packages / file.name).read_bytes()

    with Capture.open(capture) as recorded:
        inbound = recorded.count(Direction.INBOUND)
        outbound = list(recorded.exchanges(direction=Direction.OUTBOUND))
        assert recorded.check() == []
    assert inbound == 8  # a page and a file of each of four projects
    assert len(outbound) >= 8
    assert {one.request.port for one in outbound} == {port}
    assert {one.cause.how for one in outbound if one.cause} == {CauseHow.WINDOW}

    upstream.terminate()
    report = bench.folder / "report.json"
    bench.run(
        "replay", capture, "-o", bench.folder / "run.sqlite", "--report", f"json={report}",
        "--", *package_index.devpi_command(third_party, second, "{port}"),
    ).expect(0)  # fmt: skip
    result = read_report(report)
    assert (result["verdict"], result["reasons"]) == ("clean", [])
    assert result["ledger"]["replayed"] == result["ledger"]["recorded"] == inbound
    assert result["stubs"] == {"served": len(outbound), "missed": 0, "unused": 0}
    used = {rule["id"] for rule in result["rules"] if rule["used"]}
    assert used - {"builtin.list-order"} == {"builtin.date"}, used  # devpi writes Vary in the order of a set
