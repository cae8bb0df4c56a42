"""``retape config``: what holds and where it comes from, and everything that is wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

import retape
from captures.settings.keys import ROOT, SECTIONS, leaves
from captures.settings.schema import schema_text

SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
FILE = f"""[record]
max_body = "1MB"
upstream_ca = "roots.pem"
[dependencies]
pay = {{ url = "http://pay.test", env = "PAY" }}
[redact]
key = "{SECRET}"
[replay]
headers = ["X-Token: {SECRET}"]
baseline_cmd = "run --token {SECRET}"
[replay.auth]
basic = "ci:${{CI_PASSWORD}}"
[replay.auth.login]
path = "/login"
json = {{ user = "ci", password = "{SECRET}" }}
[[replay.auth.as]]
recorded = "x-user: ann"
headers = {{ Authorization = "Bearer {SECRET}" }}
"""
RULES = '[[rules]]\nid = "one"\nlocation = "$.a"\nexpect = "uuid"\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETAPE_REDACT_KEY", raising=False)
    (tmp_path / ".git").mkdir()
    return tmp_path


def ask(capfd: pytest.CaptureFixture[str], *words: str) -> dict[str, tuple[Any, str]]:
    """What ``retape config show`` says of each key: value and origin."""
    assert retape.run(["config", "show", "--format", "json", *words]) == 0
    return {
        one["key"]: (one["value"], one["origin"]["where"] or one["origin"]["kind"])
        for one in json.loads(capfd.readouterr().out)
    }


def test_each_value_with_its_origin(
    here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "retape.toml").write_text(FILE)
    (here / "retape.rules.toml").write_text(RULES)
    monkeypatch.setenv("RETAPE_REDACT_KEY", SECRET)
    shown = ask(capfd, "--", "replay", "shop.sqlite", "--timeout", "5", "--isolate")
    assert shown["record.max_body"] == ("1MB", "retape.toml:2")
    assert shown["record.drain"] == ("5s", "default")
    assert shown["record.label"] == (None, "default")
    assert shown["replay.timeout"] == (5.0, "--timeout")
    assert shown["replay.isolate"] == (True, "--isolate")
    assert shown["replay.order"] == ("recorded", "default")
    assert shown["redact.key"] == ("…", "RETAPE_REDACT_KEY")
    assert shown["dependencies.pay"] == ({"url": "http://pay.test", "env": "PAY"}, "retape.toml:5")
    assert shown["rules[1].expect"] == ("uuid", "retape.rules.toml:4")
    assert shown["replay.auth.basic"] == ("…${CI_PASSWORD}", "retape.toml:12")


@pytest.mark.parametrize("words", [[], ["--origin"], ["--format", "json"]])
def test_no_secret_is_shown(here: Path, capfd: pytest.CaptureFixture[str], words: list[str]) -> None:
    (here / "retape.toml").write_text(FILE)
    assert retape.run(["config", "show", *words]) == 0
    out, err = capfd.readouterr()
    assert SECRET not in out + err
    assert "CI_PASSWORD" in out


@pytest.mark.parametrize("word", ["--password {}", "--api-token={}", "API_KEY={} serve", "curl -H 'Cookie: {}'"])
def test_no_secret_is_shown_in_a_command(here: Path, capfd: pytest.CaptureFixture[str], word: str) -> None:
    (here / "retape.toml").write_text(f'[replay]\nbaseline_cmd = "app {word.format("hunter2")} --port {{port}}"\n')
    for words in ([], ["--format", "json"]):
        assert retape.run(["config", "show", *words]) == 0
        out = capfd.readouterr().out
        assert "hunter2" not in out
        assert "***" in out


def test_no_secret_is_shown_in_a_refusal(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for line in (f'key = ["{SECRET}"]', f'[replay]\nauth = "{SECRET}"', f'[replay]\nheaders = "{SECRET}"'):
        (here / "retape.toml").write_text(f"[redact]\n{line}\n")
        assert retape.run(["config", "check"]) == 2
        out, err = capfd.readouterr()
        assert "retape.toml:" in out
        assert SECRET not in out + err


def test_what_is_shown_is_a_configuration(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "retape.rules.toml").write_text(RULES)
    assert retape.run(["config", "show", "--origin"]) == 0
    shown = tomllib.loads(capfd.readouterr().out)
    assert list(ROOT.faults(shown)) == []
    assert shown["record"]["max_body"] == "64MiB"


def test_what_there_could_be_and_is_not_is_said(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "retape.toml").write_text('[[rules]]\nid = "a"\nlocation = "$.a"\nexpect = "uuid"\n')
    assert retape.run(["config", "show"]) == 0
    comments = [line for line in capfd.readouterr().out.splitlines() if line.startswith("# [")]
    assert comments == ["# [dependencies]: none", "# [[chain]]: none", "# [[approvals]]: none"]


def test_every_fault_is_said_at_once(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "retape.toml").write_text('[record]\ndrain = "soon"\nworkers = 0\n[replay]\nordre = 1\n')
    (here / "retape.rules.toml").write_text('[[rules]]\nlocation = "$.a"\nexpect = "uid"\n')
    assert retape.run(["config", "check", "--format", "json"]) == 2
    said = [one["says"] for one in json.loads(capfd.readouterr().out)]
    assert [one.partition(":")[0] + one.partition(":")[2][:2] for one in said] == [
        "retape.toml2 ", "retape.toml3 ", "retape.toml5 ", "retape.rules.toml3 ",
    ]  # fmt: skip
    assert 'Did you mean "order"?' in said[2]
    assert 'Did you mean "uuid"?' in said[3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[record]\nonly = "~u ("\n', "[record] only"),
        ('[record]\nkeep = "10"\n', "--keep"),
        ('[record]\nupstream_ca = "nowhere.pem"\n', "nowhere.pem does not exist"),
        ('[redact]\njson = ["$["]\n', "$["),
        ('[replay]\ntarget = "ftp://x"\n', "ftp://x"),
        ('[replay]\npacing = "recorded*0"\n', "recorded*0"),
        ('[replay.auth]\ncookie = "novalue"\n', "cookie must be"),
        ('[[chain]]\nfrom = "POST /a json $.x"\n', "needs from and to"),
        ('[endpoints]\ntemplates = ["GET nowhere"]\n', "GET nowhere"),
        ('[[rules]]\nlocation = "response.body"\nexpect = "any"\n', "accepts the whole body"),
        ('[dependencies]\npay = { url = "nowhere", env = "X" }\n', "pay"),
    ],
)
def test_what_one_command_reads_is_checked_for_all(
    here: Path, capfd: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    (here / "retape.toml").write_text(text)
    assert retape.run(["config", "check"]) == 2
    out, _ = capfd.readouterr()
    assert words in out


@pytest.mark.parametrize(("text", "says"), [(None, "every setting has its default"), (RULES, "nothing is wrong")])
def test_nothing_is_wrong(here: Path, capfd: pytest.CaptureFixture[str], text: str | None, says: str) -> None:
    if text is not None:
        (here / "retape.toml").write_text(text)
    assert retape.run(["config", "check"]) == 0
    assert says in capfd.readouterr().out


def test_the_schema_is_printed_or_written(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert retape.run(["config", "schema"]) == 0
    assert capfd.readouterr().out == schema_text()
    assert retape.run(["config", "schema", "-o", "s.json"]) == 0
    assert (here / "s.json").read_text(encoding="utf-8") == schema_text()


def test_an_unknown_command_after_the_dashes(capfd: pytest.CaptureFixture[str]) -> None:
    assert retape.run(["config", "show", "--", "rplay"]) == 2
    assert "no command 'rplay'" in capfd.readouterr().err


def test_each_key_names_its_option_and_each_option_its_key() -> None:
    """The table says of a key which option it has: that option is there, and none is forgotten."""
    for table in SECTIONS:
        for command in {key.command for key in table.keys if key.option}:
            there = {option for one in retape.cli.commands[command].params for option in one.opts}
            assert {key.option for key in table.keys if key.option} <= there
            named = {key.name: key.option for key in table.keys}
            for one in retape.cli.commands[command].params:
                if isinstance(one, click.Option) and one.name in named:
                    assert named[one.name] in one.opts, one.name


def test_defaults_are_of_their_kind_and_examples_too() -> None:
    for _, key in leaves():
        if key.default is not None:
            assert list(key.kind.faults(key.default, (key.name,))) == []
        else:
            assert key.otherwise, f"{key.name}: what holds where nothing is set?"
        said = tomllib.loads(key.shown)
        assert list(key.kind.faults(said[key.name], (key.name,))) == []
