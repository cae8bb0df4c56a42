"""``capture redact`` and ``capture verify --secrets``: places and counts, never values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from captures.cli import capture as command
from captures.model import Exchange, Message
from captures.redacting.redaction import Redactor, fingerprint
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import JSON, exchange

KEY = "a-key-of-the-tests-0001"
PAN, MAIL, PIN = "4539578763621486", "ada.l@shop.io", "hunter2"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "retape.toml").write_text("[redact]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETAPE_REDACT_KEY", KEY)
    return tmp_path


def traffic() -> list[Exchange]:
    body = json.dumps({"user": {"password": PIN, "mail": MAIL}, "card": PAN, MAIL: {"token": "tok12345"}}).encode()
    return [
        exchange(1, method="POST", target=b"/login?to=ada.l%40shop.io", headers=JSON, body=body),
        exchange(2, target=b"/users/ada.l%40shop.io", headers=((b"Cookie", b"sid=ab12"), (b"X-Note", TOKEN.encode()))),
        exchange(3, target=b"/fine", response_headers=JSON, response_body=b'{"a": 1}'),
    ]


def written(path: Path, *, redacted: bool, exchanges: list[Exchange] | None = None, **more: Any) -> Path:
    redactor = Redactor(KEY.encode())
    with CaptureWriter(
        path,
        mode="record",
        redaction_key=fingerprint(KEY.encode()) if redacted else None,
        prepare=redactor.exchange if redacted else None,
        **more,
    ) as writer:
        for one in exchanges or traffic():
            assert writer.put(one)
    return path


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(command, [str(one) for one in arguments], standalone_mode=False)
    for secret in (PAN, MAIL, PIN, TOKEN, "tok12345", "ada.l%40shop.io"):
        assert secret not in result.output
    return result


def places(report: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    return {(one["side"], one["part"], one["where"], one["by"]) for one in report["places"]}


def test_what_a_recording_without_redaction_holds(project: Path) -> None:
    path = written(project / "raw.sqlite", redacted=False)
    before = path.read_bytes()
    result = run("redact", path, "--dry-run", "--format", "json")
    report = json.loads(result.stdout)
    assert places(report) >= {
        ("request", "query", "to", "email"),
        ("request", "path", "", "email"),
        ("request", "header", "cookie", "name"),
        ("request", "header", "x-note", "token"),
        ("request", "body", "$.user.password", "name"),
        ("request", "body", "$.user.mail", "email"),
        ("request", "body", "$.card", "card"),
        ("request", "body", "$['<email>'].token", "name"),
    }
    assert {one["endpoint"].split(" ")[0] for one in report["places"]} == {"GET", "POST"}
    assert path.read_bytes() == before
    assert run("verify", path, "--secrets").return_value == 1


def test_a_redacted_copy_is_clean_and_says_the_same_to_a_second_look(project: Path) -> None:
    path = written(project / "raw.sqlite", redacted=False, meta={"command": ["serve", "--token", TOKEN]})
    result = run("redact", path, "-o", project / "clean.sqlite")
    assert "secrets replaced at" in result.stdout
    raw = (project / "clean.sqlite").read_bytes()
    for secret in (PAN, MAIL, PIN, TOKEN, "ada.l%40shop.io"):
        assert secret.encode() not in raw
    assert run("verify", project / "clean.sqlite", "--secrets").return_value == 0
    assert run("verify", project / "clean.sqlite").return_value == 0
    again = run("redact", project / "clean.sqlite", "-o", project / "twice.sqlite")
    assert again.stdout.startswith("0 secrets replaced")
    with Capture.open(project / "clean.sqlite") as once, Capture.open(project / "twice.sqlite") as twice:
        assert list(once.exchanges()) == list(twice.exchanges())
        assert once.sessions()[0].redaction_key == fingerprint(KEY.encode())
    redactor = Redactor(KEY.encode())
    with Capture.open(project / "clean.sqlite") as opened:
        for one, new in zip(traffic(), opened.exchanges(), strict=True):
            expected = redactor.exchange(one)
            assert (new.request, new.response) == (expected.request, expected.response)


def test_what_was_redacted_when_it_was_written_is_clean(project: Path) -> None:
    path = written(project / "c.sqlite", redacted=True)
    result = run("verify", path, "--secrets", "--format", "json")
    assert result.return_value == 0, result.stdout
    report = json.loads(result.stdout)
    assert report["clean"]
    assert report["pseudonyms"] >= 4
    assert report["places"] == []


def test_new_rules_find_what_old_ones_left(project: Path) -> None:
    one = exchange(1, headers=JSON, body=b'{"tenant": "acme-eu", "password": "hunter2"}')
    path = written(project / "c.sqlite", redacted=True, exchanges=[one])
    assert run("verify", path, "--secrets").return_value == 0
    (project / "retape.toml").write_text('[redact]\njson = ["$.tenant"]\n')
    report = json.loads(run("verify", path, "--secrets", "--format", "json").stdout)
    assert places(report) == {("request", "body", "$.tenant", "name")}
    assert run("redact", path, "-o", project / "new.sqlite").return_value == 0
    with Capture.open(project / "new.sqlite") as new, Capture.open(path) as old:
        bodies = [json.loads(one.request.body) for opened in (old, new) for one in opened.exchanges()]
        assert bodies[0]["password"] == bodies[1]["password"]  # replaced once, not twice
        assert bodies[1]["tenant"] != "acme-eu"
        assert next(iter(new.exchanges())).notes["redacted"] == {
            "request.body $.password": 1,
            "request.body $.tenant": 1,
        }


def test_a_body_that_cannot_be_searched_is_told_and_not_copied(project: Path) -> None:
    bad = exchange(1, headers=(*JSON, (b"Content-Encoding", b"gzip")), body=b"no gzip, hunter2")
    path = written(project / "c.sqlite", redacted=False, exchanges=[bad])
    result = run("verify", path, "--secrets")
    assert result.return_value == 1
    assert "exchange 1 cannot be searched: request.body: content coding" in result.stdout
    run("redact", path, "-o", project / "clean.sqlite")
    with Capture.open(project / "clean.sqlite") as opened:
        (one,) = opened.exchanges()
        assert one.request.body == b""
        assert one.body_truncated
        assert opened.sessions()[0].truncated == 1


def test_messages_are_searched_and_replaced(project: Path) -> None:
    opened = exchange(1, target=b"/socket", status=101, protocol="websocket")
    said = json.dumps({"token": "tok12345", "to": MAIL}).encode()
    path = project / "ws.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        assert writer.put(opened, tuple(Message(1, seq, seq == 1, "text", 100.0, said) for seq in (1, 2)))
    report = json.loads(run("verify", path, "--secrets", "--format", "json").stdout)
    assert places(report) == {
        (side, "message", where, by)
        for side in ("request", "response")
        for where, by in (("$.token", "name"), ("$.to", "email"))
    }
    assert run("redact", path, "-o", project / "clean.sqlite").return_value == 0
    assert run("verify", project / "clean.sqlite", "--secrets").return_value == 0
    with Capture.open(project / "clean.sqlite") as clean:
        bodies = [one.body for one in clean.messages(1)]
    assert len(bodies) == 2
    assert len(set(bodies)) == 1
    assert MAIL.encode() not in bodies[0]
    assert b"tok12345" not in bodies[0]


def test_another_key_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(project / "c.sqlite", redacted=True)
    monkeypatch.setenv("RETAPE_REDACT_KEY", "another-key-of-the-tests")
    result = run("verify", path, "--secrets")
    assert "1 sessions were redacted with another key" in result.stderr
    assert result.return_value == 0  # what was replaced is in the exchanges' notes


@pytest.mark.parametrize("options", [(), ("--dry-run", "-o", "x.sqlite")])
def test_where_to_has_to_be_said_once(project: Path, options: tuple[str, ...]) -> None:
    result = run("redact", written(project / "c.sqlite", redacted=True), *options)
    assert type(result.exception).__name__ == "UsageError"


def test_nothing_is_overwritten(project: Path) -> None:
    path = written(project / "c.sqlite", redacted=True)
    result = run("redact", path, "-o", path)
    assert type(result.exception).__name__ == "UsageError"


LONG = "n" * 60_000
HOSTILE = "a\x1b[31m\x00\r\n\u202e" + LONG


def test_hostile_names_are_told_short_and_without_what_is_secret(project: Path) -> None:
    value = "Zq8-hunter2"
    traffic = [
        exchange(1, headers=JSON, body=json.dumps({HOSTILE: {"password": value}}).encode()),
        exchange(
            2, headers=JSON, body=json.dumps({value: {"password": value}, "ada@shop.io": {"token": value}}).encode()
        ),
        exchange(3, target=f"/x?{LONG}%1b%0a[password]={value}&{value}[token]={value}".encode()),
        exchange(4, target=f"/{LONG}/x?password={value}".encode()),
        exchange(5, headers=((b"X-" + b"n" * 60_000 + b"-Token", value.encode()),)),
    ]
    path = written(project / "c.sqlite", redacted=False, exchanges=traffic)
    for words, code in ((("verify", path, "--secrets"), 1), (("redact", path, "--dry-run"), 0)):
        text = run(*words)
        assert text.return_value == code
        assert not {"\x1b", "\0", "\r", "\u202e"} & set(text.stdout)
        assert max(map(len, text.stdout.splitlines())) < 2_000
        report = run(*words, "--format", "json")
        assert len(report.stdout) < 20_000
        assert sum(one["count"] for one in json.loads(report.stdout)["places"]) == 8
        for said in (text.stdout, report.stdout):
            assert "hunter2" not in said
            assert "ada@shop.io" not in said
            assert "<secret>" in said
            assert "characters)" in said
