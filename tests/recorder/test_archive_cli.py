"""``retape capture import`` and ``export``, as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mitmproxy.io import FlowReader

import retape
from captures.model import Direction
from captures.store import Capture
from tests.captures.making import JSON, capture, exchange
from tests.captures.test_har import entry


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAPE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(retape.cli, ["capture", *map(str, words)], catch_exceptions=True)


def failing(*words: str | Path) -> tuple[int, str]:
    """The exit code and stderr of the command as a process."""
    argv = [sys.executable, "-m", "retape", "capture", *map(str, words)]
    root = str(Path(retape.__file__).parent)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": root})
    return done.returncode, done.stderr


def har(path: Path, *entries: object) -> Path:
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "Firefox"}, "entries": list(entries)}}))
    return path


def test_a_har_becomes_a_capture_without_its_secrets(tmp_path: Path) -> None:
    secret = "fake-secret-0123456789"
    asked = {
        "headers": [{"name": "Authorization", "value": f"Bearer {secret}"}],
        "url": f"http://shop.test/?token={secret}",
    }
    path = har(tmp_path / "x.har", entry(asked), entry({"url": "data:x"}))
    done = run("import", path, "-o", "x.sqlite", "--label", "yesterday")
    assert done.exit_code == 0
    assert done.output == (
        "x.sqlite: 1 inbound and 0 outbound exchanges.\n"
        "not carried: 1 exchange: left out: an address that is not http or https (data:, blob:)\n"
    )
    assert secret.encode() not in Path("x.sqlite").read_bytes()
    with Capture.open("x.sqlite") as opened:
        meta = opened.sessions()[0].meta
        assert meta["imported"] == {"file": "x.har", "format": "har", "creator": "Firefox"}
        assert meta["label"] == "yesterday"
        assert len(list(opened.exchanges())) == 1


def test_json_for_programs(tmp_path: Path) -> None:
    done = run("import", har(tmp_path / "x.har", entry()), "-o", "x.sqlite", "--format", "json")
    assert json.loads(done.output) == {
        "capture": "x.sqlite", "session": 1, "inbound": 1, "outbound": 0, "complete": True, "losses": [],
    }  # fmt: skip
    done = run("export", "x.sqlite", "-o", "y.har", "--format", "json")
    assert json.loads(done.output) == {"file": "y.har", "format": "har", "exchanges": 1, "losses": []}


def test_a_capture_goes_out_in_both_formats_and_comes_back(tmp_path: Path) -> None:
    out = exchange(2, direction=Direction.OUTBOUND, dependency="pay", response_headers=JSON, response_body=b"{}")
    path = capture(
        tmp_path / "x.sqlite", exchange(1, method="POST", body=b"x", headers=((b"Content-Length", b"1"),)), out
    )
    for name in ("x.har", "x.flows"):
        assert run("export", path, "-o", name).exit_code == 0
        assert run("import", name, "-o", f"{name}.sqlite").exit_code == 0
        with Capture.open(f"{name}.sqlite") as opened:
            found = [(one.direction, one.request, one.response) for one in opened.exchanges()]
        with Capture.open(path) as opened:
            assert found == [(one.direction, one.request, one.response) for one in opened.exchanges()]
    run("export", path, "-o", "only.har", "--only", "direction:outbound")
    assert len(json.loads(Path("only.har").read_text())["log"]["entries"]) == 1


def test_mitmproxy_reads_our_har(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.sqlite", exchange(1, response_headers=JSON, response_body=b'{"a":1}'))
    run("export", path, "-o", "x.har")
    with Path("x.har").open("rb") as file:
        (flow,) = FlowReader(file).stream()
    assert flow.request.url == "http://shop/"  # type: ignore[attr-defined]
    assert flow.response.content == b'{"a":1}'  # type: ignore[attr-defined]


@pytest.mark.slow
def test_bad_input_gets_one_sentence(tmp_path: Path) -> None:
    made = capture(tmp_path / "x.sqlite", exchange(1))
    Path("text").write_text("hello")
    Path("some.har").write_text("{}")
    asked: tuple[tuple[tuple[str | Path, ...], int, str], ...] = (
        (("import", "nowhere", "-o", "y.sqlite"), 2, "nowhere cannot be read: No such file or directory."),
        (("import", "text", "-o", "y.sqlite"), 2, "text is neither a HAR file nor a flow file of mitmproxy."),
        (
            ("import", "some.har", "-o", "y.sqlite"),
            2,
            "some.har is not a HAR file: it has no log with entries.",
        ),
        (("import", made, "-o", "y.sqlite"), 2, f"{made} is a capture already."),
        (("export", made, "-o", "text"), 2, "text exists and will not be overwritten."),
        (
            ("export", made, "-o", "no/where.har"),
            2,
            "no/where.har cannot be written: No such file or directory.",
        ),
        (("export", made, "-o", "z.har", "--only", "id:99"), 5, f"{made} holds no exchange to export."),
    )
    for words, code, said in asked:
        exit_code, stderr = failing(*words)
        assert (exit_code, stderr.splitlines()[0]) == (code, f"retape: {said}")
    assert sorted(path.name for path in tmp_path.glob(".*")) == []
    assert not Path("y.sqlite").exists()
    assert not Path("z.har").exists()


def test_the_messages_of_a_websocket_come_in_without_their_secrets(tmp_path: Path) -> None:
    secret = "fake-secret-0123456789"
    said = [
        {"type": "send", "time": 1796040001.0, "opcode": 1, "data": json.dumps({"password": secret})},
        {"type": "receive", "time": 1796040002.0, "opcode": 1, "data": "welcome"},
    ]
    one = entry({"url": "wss://shop.test/chat"}, {"status": 101, "content": {"size": 0}}, _webSocketMessages=said)
    assert run("import", har(tmp_path / "x.har", one), "-o", "x.sqlite").exit_code == 0
    with Capture.open("x.sqlite") as opened:
        sent, received = opened.messages(1)
    assert received.body == b"welcome"
    assert json.loads(sent.body)["password"] != secret
    assert secret.encode() not in Path("x.sqlite").read_bytes()
    run("export", "x.sqlite", "-o", "y.har")
    listed = json.loads(Path("y.har").read_text())["log"]["entries"][0]["_webSocketMessages"]
    assert [message["data"] for message in listed] == [sent.body.decode(), "welcome"]
