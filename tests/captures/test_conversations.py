"""The messages of an exchange as they are shown and listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from captures.model import Message
from captures.writer import CaptureWriter
from retape import cli
from tests.captures.making import exchange

SAID = (
    Message(1, 1, True, "text", 100.5, b'{"a":\n 1}'),
    Message(1, 2, False, "binary", 100.75, bytes(range(40))),
    Message(1, 3, False, "grpc", 101.0, b"\0\0\0\0\x02hi"),
    Message(1, 4, False, "grpc", 101.0, b"\1\0\0\0\x02hi"),
    Message(1, 5, False, "event", 102.0, b"data: \x1b[31m" + b"x" * 200 + b"\n\n"),
    Message(1, 6, True, "close", 103.0, b""),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.sqlite"
    with CaptureWriter(path, mode="record", now=lambda: 1000.0) as writer:
        writer.put(exchange(1, target=b"/ws", status=101), SAID)
        writer.put(exchange(2))
    return path


def run(*words: object) -> str:
    result = CliRunner().invoke(cli, ["capture", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


def test_show_prints_each_message_on_a_line(path: Path) -> None:
    shown = run("show", path, 1)
    lines = shown[shown.index("messages: 6") :].splitlines()
    assert lines[1] == '      +0.500 s  > text            9 bytes  {"a": 1}'
    assert lines[2].startswith("      +0.750 s  < binary         40 bytes  00 01 02 03")
    assert lines[2].endswith("…")
    assert lines[3] == "      +1.000 s  < grpc            7 bytes  68 69  hi"
    assert lines[4] == "      +1.000 s  < grpc            7 bytes  compressed  68 69  hi"
    assert "\x1b" not in lines[5]
    assert lines[5].endswith("x…")
    assert lines[6] == "      +3.000 s  > close           0 bytes"
    assert "messages" not in run("show", path, 2)


def test_show_is_limited(path: Path) -> None:
    assert "... 4 more (--limit N shows more of them)" in run("show", path, 1, "--limit", 2)


def test_show_as_json(path: Path) -> None:
    told = json.loads(run("show", path, 1, "--format", "json", "--limit", 2))
    assert told["message_count"] == 6
    first, second = told["messages"]
    assert first == {"seq": 1, "from_client": True, "kind": "text", "at": 100.5, "size": 9, "text": '{"a":\n 1}'}
    assert second["base64"].startswith("AAEC")
    assert json.loads(run("show", path, 2, "--format", "json"))["messages"] == []


def test_lists_and_statistics_count_them(path: Path) -> None:
    first, second = run("ls", path).splitlines()
    assert first.endswith("  6 messages")
    assert "message" not in second
    assert [one["messages"] for one in json.loads(run("ls", path, "--format", "json"))] == [6, 0]
    assert "6 messages of WebSockets" in run("stats", path)
    assert json.loads(run("stats", path, "--format", "json"))["messages"] == 6
