"""``retape accept``, ``ignore``, ``reject``, ``undecide``: what they write, print and refuse."""

from __future__ import annotations

import json
import shlex
import subprocess
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import retape
from tests.diffing.review.conftest import CALL, LEFT, NAME, TYPE, Pair

FILE = "retape.rules.toml"

pytestmark = pytest.mark.slow  # a run is compared in each


@pytest.fixture
def at(project: Path, pair: Pair) -> list[str]:
    """RUN, and where its recording is."""
    return [str(pair.run), "--recorded", str(pair.recorded), "--author", "dana"]


def entries(name: str = "approvals") -> list[dict[str, Any]]:
    return tomllib.loads(Path(FILE).read_text(encoding="utf-8")).get(name, [])


def diffed(pair: Pair) -> int:
    return retape.run(["diff", str(pair.recorded), str(pair.run), "--report", "json=out.json"])


def test_accepting_writes_an_entry_and_says_what_takes_it_back(
    at: list[str], pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retape.run(["accept", *at, TYPE[:4], "--reason", "ORD-1182", "--until", "2126-12-31"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"accepted  {TYPE}  GET /goods/{{id}} response.body $.price: number -> string",
        f"Written to {FILE}; commit it. Undo: retape undecide {TYPE}",
    ]
    assert err == "3 drift groups of the run count still.\n"
    (entry,) = entries()
    assert {key: value for key, value in entry.items() if key != "created"} == {
        "fingerprint": TYPE,
        "decision": "accepted",
        "change": "GET /goods/{id} response.body $.price: number -> string",
        "reason": "ORD-1182",
        "author": "dana",
        "until": date(2126, 12, 31),
    }
    assert diffed(pair) == 1
    assert retape.run(["undecide", TYPE[:5]]) == 0
    assert entries() == []


@pytest.mark.parametrize(
    ("asked", "decided"),
    [
        ([TYPE, NAME], {TYPE, NAME}),
        (["--all"], {TYPE, NAME, LEFT, CALL}),
        (["--filter", "kind:contract"], {TYPE}),
        (["--filter", "kind:behaviour !location:$.name"], {LEFT}),
        (["--filter", 'endpoint:"GET /goods" level:warning pen'], {NAME}),
        (["--filter", "Outbound"], {CALL}),
        (["--filter", f"id:{NAME[:3]}"], {NAME}),
    ],
)
def test_which_groups_are_meant(at: list[str], asked: list[str], decided: set[str]) -> None:
    assert retape.run(["reject", *at, *asked]) == 0
    assert {entry["fingerprint"] for entry in entries()} == decided
    assert {entry["decision"] for entry in entries()} == {"rejected"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["accept", "RUN", "--filter", "nowhere"], "No drift group of"),
        (["accept", "RUN", TYPE[:-1] + "0"], f"Known: {TYPE}"),
        (["accept", "RUN"], "Name groups, or --filter EXPR, or --all"),
        (["accept", "RUN", TYPE, "--all"], "one of them"),
        (["accept", "RUN", TYPE, "--until", "2020-01-01"], "is over already"),
        (["accept", "RUN", TYPE, "--until", "later"], 'no date or "re-recorded"'),
        (["ignore", "RUN", CALL], "No rule was made"),
        (["undecide", TYPE], "is not a group that retape.rules.toml decides about"),
        (["undecide", "9d"], "too short"),
    ],
)
def test_what_is_refused_is_two_and_writes_nothing(
    at: list[str], capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    verb, *rest = words
    assert retape.run([verb, *(at if rest[0] == "RUN" else rest[:1]), *rest[1:]]) == 2
    assert sentence in capsys.readouterr().err
    assert not Path(FILE).exists()


@pytest.mark.parametrize("verb", ["accept", "reject", "ignore", "undecide"])
def test_in_ci_nothing_is_written_and_the_command_for_at_home_is_said(
    verb: str, at: list[str], pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    words = [TYPE] if verb == "undecide" else [*at, TYPE]
    assert retape.run([verb, *words]) == 2
    said = shlex.join(["retape", verb, *([] if verb == "undecide" else [str(pair.run)]), TYPE])
    assert f"hint: On your machine: {said}" in capsys.readouterr().err
    assert not Path(FILE).exists()
    assert retape.run(["accept", *at, TYPE, "--dry-run"]) == 0


@pytest.mark.parametrize(
    "text",
    [None, "# ours\n", "# ours", '# ours\r\n\r\n[[rules]]\r\nid = "a"\r\nlocation = "$.a"\r\nexpect = "uuid"\r\n'],
)
def test_a_dry_run_prints_a_patch_that_git_applies(
    text: str | None, at: list[str], project: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    if text is not None:
        Path(FILE).write_bytes(text.encode())
    assert retape.run(["accept", *at, TYPE, CALL, "--dry-run"]) == 0
    patch = capsysbinary.readouterr().out
    assert (Path(FILE).read_bytes() if text is not None else None) == (text.encode() if text is not None else None)
    subprocess.run(["git", "apply", "-"], input=patch, check=True, cwd=project, timeout=60)
    applied = Path(FILE).read_bytes()
    Path(FILE).unlink()
    if text is not None:
        Path(FILE).write_bytes(text.encode())
    retape.run(["accept", *at, TYPE, CALL])
    assert Path(FILE).read_bytes() == applied


def test_ignoring_says_first_what_else_it_would_hide(
    at: list[str], pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retape.run(["ignore", *at, TYPE, CALL, "--reason", "the tax service rounds"]) == 0
    out, err = capsys.readouterr()
    said = err.splitlines()
    assert said[0].startswith(f"drift-{TYPE} names 1 more value in 4 exchanges of GET /goods/{{id}}, the same today")
    assert said[1] == f"{CALL}: no rule can say outbound.repeated at outbound bank POST /rates; accept or reject it."
    assert f"ignored by a rule  {TYPE}" in out
    assert f"Undo: retape undecide {TYPE}\n" in out
    assert [rule["reason"] for rule in entries("rules")] == ["the tax service rounds"]
    assert retape.run(["undecide", TYPE]) == 0
    assert entries("rules") == []


def test_as_json(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert retape.run(["accept", *at, TYPE, "--format", "json", "--until", "re-recorded"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verb"], told["written"], told["open"], told["verdict"]) == ("accept", True, 3, "drift")
    assert told["groups"][0]["change"].endswith("number -> string")
    assert told["undo"] == f"retape undecide {TYPE}"
    assert entries()[0]["recording"] == "2026-09-21T14:13:20.000000Z"
    assert retape.run(["ignore", *at, NAME, "--format", "json", "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["written"], told["hides"], told["unsaid"]) == (False, [], [])
    assert told["diff"].startswith(f"--- a/{FILE}\n")


def test_deciding_twice_updates_the_entry(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for reason in ("one", "two", "two"):
        retape.run(["accept", *at, TYPE, "--reason", reason])
    assert [entry["reason"] for entry in entries()] == ["two"]
    assert f"{FILE} says so already." in capsys.readouterr().out
    retape.run(["reject", *at, TYPE])
    assert [(entry["decision"], entry.get("reason")) for entry in entries()] == [("rejected", None)]


def test_the_author_is_who_git_says(at: list[str], project: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True, timeout=60)
    subprocess.run(["git", "config", "user.name", "Lee Ä."], check=True, timeout=60)
    retape.run(["accept", *at[:-2], TYPE])
    assert entries()[0]["author"] == "Lee Ä."


@pytest.mark.parametrize("form", ["text", "json"])
def test_rules_check_names_approvals_that_do_nothing_and_strict_fails_on_them(
    form: str, at: list[str], pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    retape.run(["accept", *at, TYPE])
    check = ["rules", "check", str(pair.recorded), str(pair.run), "--strict", "--format", form]
    assert retape.run(check) == 0
    more = {"a" * 12: "", "b" * 12: "until = 2020-01-01", "c" * 12: 'until = "re-recorded"\nrecording = "2020"'}
    with Path(FILE).open("a", encoding="utf-8") as file:
        for name, line in more.items():
            file.write(f'\n[[approvals]]\nfingerprint = "{name}"\ndecision = "accepted"\n{line}\n')
    capsys.readouterr()
    assert retape.run(check) == 1
    out = capsys.readouterr().out
    if form == "json":
        said = [(one["kind"], one["approval"]) for one in json.loads(out)["stale"]]
    else:
        said = [(line.split()[0], line.split()[2]) for line in out.splitlines()[1:]]
    assert said == list(zip(("unmatched", "expired", "superseded"), more, strict=True))
    assert retape.run(["rules", "check"]) == 0
    assert "expired" in capsys.readouterr().out
