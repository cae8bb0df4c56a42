"""Bad input through the real command line: one clear sentence and a next step, the right exit code, nothing lost.

What goes wrong while something runs (interrupts, a full disk) is in ``test_interrupted.py``.
"""

from __future__ import annotations

import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from captures.model import Direction
from captures.service import free_port
from captures.store import Capture
from tests.end_to_end import captures_made
from tests.end_to_end.processes import Bench, Finished, Running, read_report

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

SERVICE = Path(__file__).with_name("service.py")
NOWHERE = "http://127.0.0.1:9"
DIES = (sys.executable, "-c", "import sys; print('boom: no database', file=sys.stderr); sys.exit(7)")


def serve(bench: Bench, *options: object) -> tuple[Running, str]:
    """``service.py`` running, and its URL."""
    port = free_port()
    return bench.start(sys.executable, SERVICE, port, *options).wait_port(port), f"http://127.0.0.1:{port}"


def has_next_step(finished: Finished) -> Finished:
    """Fail unless stderr gives a hint, and stdout nothing."""
    assert "hint: " in finished.stderr, str(finished)
    assert finished.stdout == "", str(finished)
    return finished


# -- files that are no captures ----------------------------------------------------------------------------------------


def _text(path: Path) -> None:
    path.write_text("These are my notes.\n" * 20)


def _nothing_in_it(path: Path) -> None:
    path.touch()


def _other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE friend (name TEXT)")
    connection.close()


def _flipped(path: Path) -> None:
    captures_made.items(path, 400, padding=400)
    with path.open("r+b") as file:
        # Most pages but the schema's, so that every reader meets one.
        for offset in range(8 * 4096, path.stat().st_size - 4096, 4096):
            file.seek(offset)
            head = file.read(64)
            file.seek(offset)
            file.write(bytes(byte ^ 0xA5 for byte in head))


def _cut_off(path: Path) -> None:
    captures_made.items(path, 400, padding=400)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _cut_off_early(path: Path) -> None:
    captures_made.items(path, 3)
    with path.open("r+b") as file:
        file.truncate(60)


def _newer(path: Path) -> None:
    captures_made.items(path, 3)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


FILES: list[tuple[str, Callable[[Path], None], tuple[str, ...]]] = [
    ("a text file", _text, ("not a retape capture",)),
    ("an empty file", _nothing_in_it, ("not a retape capture",)),
    ("another application's database", _other_database, ("another application",)),
    ("bytes flipped", _flipped, ("damaged",)),
    ("cut off in the middle", _cut_off, ("damaged",)),
    ("cut off in its first page", _cut_off_early, ("cut off",)),
    ("from a newer Retape", _newer, ("newer", "pip install -U retape")),
]


@pytest.mark.parametrize(("make", "words"), [file[1:] for file in FILES], ids=[file[0] for file in FILES])
def test_a_file_that_cannot_be_read(bench: Bench, make: Callable[[Path], None], words: tuple[str, ...]) -> None:
    path = bench.folder / "given.sqlite"
    make(path)
    before = path.read_bytes()
    good = captures_made.items(bench.folder / "good.sqlite", 2)
    _, url = serve(bench)
    for arguments in (("replay", path, "--target", url), ("diff", good, path), ("capture", "ls", path)):
        has_next_step(bench.run(*arguments).expect(2).says(path.name, *words))
    verified = bench.run("capture", "verify", path).expect(2).says("hint: ")
    for word in words:  # of a damaged file its findings are data
        assert word.lower() in (verified.stdout + verified.stderr).lower(), str(verified)
    assert path.read_bytes() == before


@pytest.mark.parametrize("make", [_text, _other_database, _newer])
def test_recording_into_a_file_that_is_something_else(bench: Bench, make: Callable[[Path], None]) -> None:
    path = bench.folder / "given.sqlite"
    make(path)
    before = path.read_bytes()
    bench.run("record", "--inbound", f"0={NOWHERE}", "-o", path, "--for", "0.1s").expect(2).says(path.name)
    assert path.read_bytes() == before


def test_a_file_that_is_not_there(bench: Bench) -> None:
    has_next_step(bench.run("replay", "gone.sqlite", "--target", NOWHERE).expect(2).says("gone.sqlite"))


def test_nothing_to_replay(bench: Bench) -> None:
    empty = captures_made.items(bench.folder / "empty.sqlite", 0)
    has_next_step(bench.run("replay", empty, "--target", NOWHERE).expect(5).says(empty.name))
    some = captures_made.items(bench.folder / "some.sqlite", 3)
    has_next_step(bench.run("replay", some, "--only", "path:/nowhere", "--target", NOWHERE).expect(5).says("/nowhere"))


# -- targets and commands ----------------------------------------------------------------------------------------------


def test_the_target_is_down(bench: Bench) -> None:
    capture = captures_made.items(bench.folder / "items.sqlite", 5)
    down = f"http://127.0.0.1:{free_port()}"
    has_next_step(bench.run("replay", capture, "--target", down, "--ready-timeout", "1").expect(3).says(down))


def test_the_target_dies_in_the_middle_and_the_ledger_is_kept(bench: Bench) -> None:
    capture = captures_made.items(bench.folder / "items.sqlite", 30)
    _, url = serve(bench, "--die-after", 10)
    run, report = bench.folder / "run.sqlite", bench.folder / "report.json"
    finished = bench.run("replay", capture, "--target", url, "-o", run, "--report", f"json={report}").expect(3)
    result = read_report(report)
    ledger = result["ledger"]
    assert result["verdict"] == "inconclusive", str(finished)
    assert result["reasons"]
    assert ledger["recorded"] == 30
    assert sum(ledger[name] for name in ("same", "same_by_rule", "drifted", "failed", "not_replayed")) == 30
    assert ledger["same"] + ledger["same_by_rule"] == 10
    # Two refused connections call a target dead; how many are accepted and reset while it dies is the kernel's choice.
    assert ledger["drifted"] == 0
    assert ledger["failed"] >= 2
    assert ledger["not_replayed"] > 0
    with Capture.open(run) as kept:
        skipped = kept.skipped()
        assert len(skipped) == ledger["not_replayed"]
        assert all(one.reason for one in skipped)
        assert kept.check() == []


def test_a_command_that_exits_at_once(bench: Bench) -> None:
    capture = captures_made.items(bench.folder / "items.sqlite", 2)
    has_next_step(bench.run("replay", capture, "--", *DIES).expect(3).says("code 7", "boom: no database"))
    made = bench.folder / "made.sqlite"
    has_next_step(
        bench.run("record", "--inbound", "0", "-o", made, "--", *DIES).expect(3).says("code 7", "boom: no database")
    )


def test_a_command_that_is_not_there(bench: Bench) -> None:
    capture = captures_made.items(bench.folder / "items.sqlite", 2)
    has_next_step(bench.run("replay", capture, "--", "no-such-program").expect(2).says("no-such-program"))
    made = bench.folder / "made.sqlite"
    has_next_step(bench.run("record", "--inbound", "0", "-o", made, "--", "no-such-program").expect(2))


@pytest.mark.parametrize("option", ["--inbound", "--outbound"])
def test_a_port_that_is_taken(bench: Bench, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listen = f"{port}={NOWHERE}" if option == "--inbound" else str(port)
        has_next_step(bench.run("record", option, listen, "-o", "made.sqlite").expect(2).says(option, str(port)))


def test_neither_target_nor_command(bench: Bench) -> None:
    capture = captures_made.items(bench.folder / "items.sqlite", 2)
    bench.run("replay", capture).expect(2).says("--target")
    has_next_step(bench.run("record", "-o", "made.sqlite").expect(2))


# -- rules and bodies --------------------------------------------------------------------------------------------------


def test_a_rules_file_with_an_unknown_key(bench: Bench) -> None:
    capture = captures_made.items(bench.folder / "items.sqlite", 2)
    _, url = serve(bench)
    (bench.work / "retape.rules.toml").write_text(
        '[[rules]]\nid = "price"\nendpiont = "GET /items/{id}"\nlocation = "$.price"\nexpect = "number"\n'
    )
    finished = has_next_step(bench.run("replay", capture, "--target", url).expect(2))
    finished.says('"endpiont"', 'did you mean "endpoint"')


def test_a_configuration_with_an_unknown_key(bench: Bench) -> None:
    (bench.work / "retape.toml").write_text('[record]\ninbuond = "8080"\n')
    finished = has_next_step(bench.run("record", "--inbound", f"0={NOWHERE}").expect(2))
    finished.says('"inbuond"', 'did you mean "inbound"')


def test_a_body_that_is_not_what_its_type_says(bench: Bench) -> None:
    """Equal bytes are the same whatever they call themselves; unequal ones that cannot be read are never clean."""
    for path, verdicts in (("/liar", ["clean"]), ("/liar/fresh", ["drift", "inconclusive"])):
        name = path.strip("/").replace("/", "-")
        capture, report = bench.folder / f"{name}.sqlite", bench.folder / f"{name}.json"
        _, url = serve(bench)
        recording = bench.record(capture, "--inbound", f"0={url}")
        with httpx.Client(trust_env=False, timeout=60) as client:
            answer = client.get(recording.inbound + path)
        recording.stop()
        with Capture.open(capture) as recorded:
            (one,) = recorded.exchanges(direction=Direction.INBOUND)
            assert one.response is not None
            assert one.response.body == answer.content
        finished = bench.run("replay", capture, "--target", url, "--report", f"json={report}")
        result = read_report(report)
        assert result["verdict"] in verdicts, str(finished)
        finished.expect({"clean": 0, "drift": 1, "inconclusive": 3}[result["verdict"]])
