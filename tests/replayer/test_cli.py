"""``retape replay`` through the front door, in this process: options, exit codes, and what each stream gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import retape
from captures.model import Direction
from captures.service import free_port
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.replayer.tapes import SHOP, Tape, order_tape, request, response, run_of


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shop_tape(tmp_path: Path) -> Path:
    """A recording of the real shop, so that replaying it is clean: a run made into a recording."""
    path = order_tape(tmp_path / "made.sqlite")
    _, run, _ = run_of(path)
    with Tape(tmp_path / "c.sqlite") as tape:
        for one in run:
            tape.writer.put(_recorded(one))
    return tmp_path / "c.sqlite"


def _recorded(exchange: Any) -> Any:
    from dataclasses import replace

    return replace(exchange, replay_of=None, notes={})


@pytest.mark.slow
def test_a_clean_replay_and_a_drift(shop_tape: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = retape.run(["replay", "c.sqlite", "-o", "run.sqlite", "--report", "json", "--", *SHOP])
    out, err = capfd.readouterr()
    report = json.loads(out)
    assert (code, report["verdict"], report["groups"]) == (0, "clean", [])
    assert "2 exchanges replayed; the run is run.sqlite" in err
    code = retape.run(
        ["replay", "c.sqlite", "-o", "run.sqlite", "--report", "json=new/folder/r.json", "-q", "--", *SHOP, "amount"]
    )
    out, err = capfd.readouterr()
    report = json.loads(Path("new/folder/r.json").read_text())
    assert "wrote new/folder/r.json (and made the folder new)" in err
    assert (code, report["verdict"]) == (1, "drift")
    assert [group["location"] for group in report["groups"]] == [
        "outbound payments POST /charges request.body $.amount"
    ]
    assert out == ""
    assert "replaying" not in err
    _accepted_and_replayed_again(report["groups"][0]["fingerprint"])


def _accepted_and_replayed_again(fingerprint: str) -> None:
    """What the rules file decides is noted in the run, and a run that brings a decision along decides nothing."""
    Path("retape.rules.toml").write_text(
        f'[[approvals]]\nfingerprint = "{fingerprint}"\ndecision = "accepted"\nauthor = "dana"\nreason = "meant"\n'
    )
    words = ["replay", "c.sqlite", "-o", "run.sqlite", "--report", "json=r.json", "-q", "--", *SHOP, "amount"]
    assert retape.run(words) == 0
    with Capture.open(Path("run.sqlite")) as run:
        (row,) = run.query("SELECT fingerprint, decision, who, reason FROM decision")
    assert tuple(row.values()) == (fingerprint, "accepted", "dana", "meant")
    Path("retape.rules.toml").unlink()
    assert retape.run(["diff", "c.sqlite", "run.sqlite", "--report", "json=r.json"]) == 1


@pytest.mark.slow
def test_the_run_goes_into_the_state_folder_and_the_terminal_report_to_stdout(
    shop_tape: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert retape.run(["replay", "c.sqlite", "--only", "method:GET", "--", *SHOP]) in (0, 1)
    out, _ = capfd.readouterr()
    (run,) = Path("state/runs").glob("*.sqlite")
    assert run.name in out
    with Capture.open(run) as capture:
        sent = list(capture.exchanges(direction=Direction.INBOUND))
        assert [(one.request.method, one.notes.get("setup")) for one in sent] == [("POST", True), ("GET", None)]
        assert capture.sessions()[0].meta["only"] == "method:GET"
    assert "1 recorded, 1 replayed" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["replay", "gone.sqlite", "--target", "http://127.0.0.1:1"], 2, ["gone.sqlite", "retape record"]),
        (["replay", "c.sqlite"], 2, ["--target"]),
        (["replay", "c.sqlite", "--target", "http://h/path"], 2, ["more than scheme, host and port"]),
        (["replay", "c.sqlite", "--target", "http://127.0.0.1:1", "--shard", "3/2"], 2, ["3/2", "1/4"]),
        (["replay", "c.sqlite", "--target", "http://127.0.0.1:1", "--header", "Cookie s3cret"], 2, ["'Name: value'"]),
        (["replay", "c.sqlite", "--target", "http://127.0.0.1:1", "--report", "pdf"], 2, ["pdf"]),
        (["replay", "c.sqlite", "--target", "http://127.0.0.1:1", "--only", "nonsense:1"], 2, ["nonsense"]),
        (["replay", "c.sqlite", "-o", "c.sqlite", "--target", "http://127.0.0.1:1"], 2, ["the capture itself"]),
        (["replay", "c.sqlite", "-o", "other.sqlite", "--target", "http://127.0.0.1:1"], 2, ["is a recording"]),
        (["replay", "empty.sqlite", "--target", "http://127.0.0.1:1"], 5, ["empty.sqlite", "no inbound"]),
        (["replay", "c.sqlite", "--", "no-such-program"], 2, ["no-such-program"]),
        (["replay", "c.sqlite", "-o", "r.sqlite", "--baseline-cmd", "python3 'x", "--", *SHOP], 2, ["no closing quot"]),
        (
            ["replay", "c.sqlite", "-o", "r.sqlite", "--baseline-cmd", "no-such-thing x", "--", *SHOP],
            2,
            ["no-such-thing"],
        ),
        (
            ["replay", "c.sqlite", "--", "python", "-c", "raise SystemExit('boom: no database')"],
            3,
            ["boom: no database"],
        ),
        (["stub", "empty.sqlite"], 5, ["no outbound"]),
        (["replay", "run.sqlite", "--target", "http://127.0.0.1:1"], 2, ["is a run", "came from: c.sqlite"]),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    tmp_path: Path, arguments: list[str], code: int, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    order_tape(tmp_path / "c.sqlite")
    order_tape(tmp_path / "other.sqlite")
    with Tape(tmp_path / "empty.sqlite"):
        pass
    with CaptureWriter(tmp_path / "run.sqlite", mode="replay", meta={"source": "c.sqlite"}):
        pass
    before = (tmp_path / "other.sqlite").read_bytes()
    assert retape.run(arguments) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert all(word in err for word in words), err
    assert "Traceback" not in err
    assert err.count("no database") == words.count("boom: no database")  # once: it was on stderr already
    assert "s3cret" not in err
    assert not Path("r.sqlite").exists()
    assert (tmp_path / "other.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[replay]\ntimout = 3\n", ['"timout"', 'Did you mean "timeout"']),
        ('[replay]\ntimeout = "long"\n', ['retape.toml:2 [replay]: timeout = "long" must be a time']),
        ('[replay]\nhost = "mine"\n', ['must be one of "recorded", "target"']),
        ('[replay]\nheaders = "X: 1"\n', ["headers must be a list"]),
        ('[redact]\nheader = ["X"]\n', ['"header"']),
    ],
)
def test_a_wrong_configuration_is_refused_before_anything_starts(
    tmp_path: Path, toml: str, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    order_tape(tmp_path / "c.sqlite")
    Path("retape.toml").write_text(toml)
    assert retape.run(["replay", "c.sqlite", "-o", "run.sqlite", "--", *SHOP]) == 2
    _, err = capfd.readouterr()
    assert all(word in err for word in words), err
    assert not Path("run.sqlite").exists()


@pytest.mark.slow
def test_settings_come_from_the_configuration(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Tape(tmp_path / "c.sqlite") as tape:
        tape.inbound(request(target="/raw"), response(200, {}))
    Path("retape.toml").write_text('[replay]\nheaders = ["X-Env: test"]\nhost = "target"\nfail_on = "error"\n')
    retape.run(["replay", "c.sqlite", "-o", "run.sqlite", "--", *SHOP])
    with Capture.open("run.sqlite") as run:
        (one,) = run.exchanges()
    assert (b"X-Env", b"test") in one.request.headers
    assert {change["where"] for change in one.notes["changes"]} == {"header x-env", "header host"}


def test_a_target_that_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("replayer.launch.PATIENCE", 0.1)
    order_tape(tmp_path / "c.sqlite")
    port = free_port()
    assert retape.run(["replay", "c.sqlite", "--target", f"http://127.0.0.1:{port}"]) == 3
    assert str(port) in capfd.readouterr().err


@pytest.mark.slow
def test_a_dying_target_is_inconclusive_and_keeps_the_ledger(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    order_tape(tmp_path / "c.sqlite")
    assert retape.run(["replay", "c.sqlite", "-o", "r.sqlite", "--report", "json", "--", *SHOP, "die"]) == 3
    report = json.loads(capfd.readouterr().out)
    assert report["verdict"] == "inconclusive"
    assert report["ledger"]["recorded"] == 2
    assert "stopped answering" in report["reasons"][0]


@pytest.mark.slow
def test_an_interruption_is_told_and_the_run_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import os
    import signal

    from replayer.bound import Bound

    with Tape(tmp_path / "c.sqlite") as tape:
        for _ in range(300):
            tape.inbound(request(target="/login"), response(200, {}))
    absorb = Bound.absorb

    def interrupt(self: Any, recorded: Any, raw: Any, written: Any) -> None:
        absorb(self, recorded, raw, written)
        if recorded.id == 5:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Bound, "absorb", interrupt)
    assert retape.run(["replay", "c.sqlite", "-o", "run.sqlite", "--", *SHOP]) == 130
    _, err = capfd.readouterr()
    assert "interrupted after" in err
    assert "retape diff c.sqlite run.sqlite" in err


def test_no_report_takes_the_place_of_the_capture_or_the_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    order_tape(tmp_path / "c.sqlite")
    before = (tmp_path / "c.sqlite").read_bytes()
    for place in ("c.sqlite", "run.sqlite"):
        code = retape.run(["replay", "c.sqlite", "-o", "run.sqlite", "--report", f"html={place}", "--", "true"])
        assert (code, f"The report {place} would replace" in capfd.readouterr().err) == (2, True)
    assert (tmp_path / "c.sqlite").read_bytes() == before
    assert not (tmp_path / "run.sqlite").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--only", "path:/nothing", "--", *SHOP], 5),
        (["--", "no-such-program"], 2),
        (["--", "python", "-c", "raise SystemExit('no database')"], 3),
    ],
)
def test_a_replay_that_does_not_begin_leaves_the_older_run(
    tmp_path: Path, arguments: list[str], code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    order_tape(tmp_path / "c.sqlite")
    retape.run(["replay", "c.sqlite", "-q", "-o", "run.sqlite", "--", *SHOP])
    before = Path("run.sqlite").read_bytes()
    assert retape.run(["replay", "c.sqlite", "-q", "-o", "run.sqlite", *arguments]) == code
    assert Path("run.sqlite").read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("run.sqlite*")) == ["run.sqlite"]
    assert retape.run(["replay", "c.sqlite", "-q", "-o", "run.sqlite", "--only", "id:1", "--", *SHOP]) in (0, 1)
    with Capture.open("run.sqlite") as run:
        assert [session.meta["only"] for session in run.sessions()] == ["id:1"]
    assert sorted(path.name for path in tmp_path.glob("run.sqlite*")) == ["run.sqlite"]


def test_a_run_that_another_process_writes_is_refused_and_untouched(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    order_tape(tmp_path / "c.sqlite")
    with CaptureWriter(tmp_path / "run.sqlite", mode="replay") as writer:
        assert retape.run(["replay", "c.sqlite", "-q", "-o", "run.sqlite", "--", *SHOP]) == 2
        assert "being written by another retape process" in capfd.readouterr().err
        with Capture.open("run.sqlite") as run:
            assert [session.id for session in run.sessions()] == [writer.session]
