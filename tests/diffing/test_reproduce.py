"""Curl lines and commands: they work in a shell, and hold no secret."""

from __future__ import annotations

import os
import shlex
import subprocess

from captures.model import Headers
from captures.visible import visible
from diffing.outcome.reproduce import curl_line, replay_command
from tests.diffing.pairs import exchange

SECRET: Headers = (
    (b"Authorization", b"Bearer s3cr3t"),
    (b"Cookie", b"sid=s3cr3t"),
    (b"X-Api-Key", b"s3cr3t"),
    (b"X-Csrf-Token", b"s3cr3t"),
    (b"Accept", b"it's"),
)


def test_secrets_become_variables() -> None:
    line = curl_line(exchange(sent_headers=SECRET, sent=b'{"a": "b\'c"}', method="POST", target="/a?x=$y"), None)
    assert "s3cr3t" not in line
    assert '-H "Authorization: $AUTHORIZATION"' in line
    assert '-H "X-Api-Key: $X_API_KEY"' in line
    words = shlex.split(line)
    assert words[:4] == ["curl", "-si", "-X", "POST"]
    assert "http://127.0.0.1:$PORT/a?x=\\$y" in line
    assert words[-2:] == ["--data-binary", '{"a": "b\'c"}']


def test_a_known_target_is_named_and_bytes_are_not_spelled_out() -> None:
    line = curl_line(exchange(sent=b"\xff\x00", method="PUT"), "http://127.0.0.1:9000")
    assert "http://127.0.0.1:9000/things" in line
    assert "--data-binary @body" in line


def test_control_characters_come_back_out_of_a_copied_line() -> None:
    body = "it's\r\n\ta \\ \x1b1 \u202e $x `y`"
    sent: Headers = ((b"X-Note", "caf\u00e9\x85".encode("latin-1")),)
    line = curl_line(exchange(sent=body.encode(), sent_headers=sent, method="POST"), "http://127.0.0.1:1")
    assert visible(line) == line
    printed = subprocess.run(
        ["bash", "-c", f"curl() {{ printf '%s\\0' \"$@\"; }}; {line}"],
        capture_output=True,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert printed.stdout.decode().split("\0")[-2] == body
    assert "X-Note: caf\u00e9\x85" in printed.stdout.decode().split("\0")


def test_the_command_that_replays_one_exchange() -> None:
    meta = {"command": ["python", "app.py", "--port", "{port}"]}
    assert shlex.split(replay_command("a b.sqlite", 17, meta)) == [
        *("retape", "replay", "a b.sqlite", "--only", "id:17", "--"),
        *meta["command"],
    ]
    meta["options"] = [["--timeout", "3"], ["--header", "X-Env"], ["--rules", "my rules.toml"], ["--isolate"]]
    line = replay_command("a", 17, meta)
    assert '--header "X-Env: $X_ENV"' in line
    assert shlex.split(line) == [
        *("retape", "replay", "a", "--only", "id:17", "--timeout", "3", "--header", "X-Env: $X_ENV"),
        *("--rules", "my rules.toml", "--isolate", "--", *meta["command"]),
    ]
    assert replay_command("a", 17, {"target": "http://x", "options": [["--target", "http://x"]]}).count("http") == 1
    assert replay_command("a", 17, {"target": "http://x"}) == "retape replay a --only id:17 --target http://x"
    assert replay_command("a", 17, {}) == ""
