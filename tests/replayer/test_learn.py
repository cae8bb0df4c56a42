from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import retape
from captures.errors import UsageError
from diffing.comparison import DiffOptions
from diffing.learning.lessons import Demands, Lessons, Proposal, Statement
from replayer.learn import learn, rehearse
from replayer.learn_report import as_json, as_toml, drafts, drift_sentence
from replayer.plan import ReplayPlan
from tests.diffing.repeats import Call, Said, write
from tests.replayer.tapes import SHOP, order_tape

TODAY = date(2026, 11, 21)
LEVEL = Proposal(
    "GET /stock/{id}",
    "response.body $.level",
    "integer",
    {"min": 0, "max": 9},
    "12 of 12 replays differed",
    12,
    12,
    0.0,
)
LESSONS = Lessons(
    proposals=(LEVEL,),
    covered=(Statement("GET /a", "response.body $.id", "already covered by volatile.uuid (4/4)"),),
    refused=(Statement("GET /a", "response.status", "the status flaps"),),
    constant=(Statement("GET /a", "response.body $.region", '4 of 4 replays differed ("\x1b[31msouth")'),),
    runs=2,
    subjects=6,
    samples=12,
)


def test_the_text_is_a_rules_file_with_everything_else_in_comments() -> None:
    text = as_toml(LESSONS, created=TODAY, expires=TODAY + timedelta(days=90))
    (rule,) = tomllib.loads(text)["rules"]
    assert rule == {
        "id": "get-stock-id-level",
        "endpoint": "GET /stock/{id}",
        "location": "$.level",
        "expect": "integer",
        "min": 0,
        "max": 9,
        "reason": "moves by itself between replays of one build",
        "author": "retape learn",
        "evidence": "12 of 12 replays differed",
        "created": TODAY,
        "expires": date(2027, 2, 19),
    }
    assert "# Learnt from 2 runs of one build: 6 requests, 12 comparisons. 1 rule is proposed" in text
    assert "in both runs in the same way" in text
    assert "\x1b" not in text
    for words in ("the status flaps", "already covered by volatile.uuid (4/4)", "Differs from the recording alike"):
        assert words in text


def test_the_json_says_the_same() -> None:
    said = json.loads(json.dumps(as_json(LESSONS, created=TODAY, interrupted=True)))
    assert said["interrupted"] is True
    assert said["proposals"][0]["rule"]["max"] == 9
    assert said["proposals"][0]["rule"]["created"] == "2026-11-21"
    assert [len(said[name]) for name in ("refused", "undecided", "constant", "calls", "covered")] == [1, 0, 1, 0, 1]
    assert said["drift"] == drift_sentence(LESSONS)


def test_nothing_learnt_is_still_a_rules_file() -> None:
    text = as_toml(Lessons(runs=3, subjects=1, samples=3), created=TODAY)
    assert tomllib.loads(text) == {}
    assert "1 request, 3 comparisons. No rule is proposed." in text
    assert drift_sentence(Lessons()) == ""


def test_a_place_outside_of_a_body_keeps_its_part() -> None:
    header = Proposal("*", "response.header x-shard", "opaque", {}, "", 5, 5, 0.0)
    call = Proposal("GET /a", "outbound bank POST /charges request.body $.n", "integer", {}, "", 5, 5, 0.0)
    places = [draft.location for draft in drafts(Lessons(proposals=(header, call)), created=TODAY)]
    assert places == ["response.header x-shard", "outbound bank POST /charges request.body $.n"]


# -- the capture alone -------------------------------------------------------------------------------------------------


def asked(levels: list[int], **more: Any) -> list[Said]:
    return [Said({"level": level, "name": "shirt"}, target="/stock/1", **more) for level in levels]


@pytest.mark.parametrize(
    ("answers", "samples", "proposed"),
    [
        (asked([5, 80, 33, 41, 97, 12, 64, 28]), 7, ["response.body $.level"]),
        (asked([5] * 8), 7, []),
        (asked([5, 80, 33, 41, 97, 12, 64, 28], method="POST"), 0, []),  # a write may change what it answers
        ([said for level in range(8) for said in (*asked([level]), Said(target="/stock/1", method="PUT"))], 0, []),
        ([one for n in range(8) for one in asked([n], sent=((b"Authorization", b"Bearer %d" % n),))], 0, []),
        ([one for n in range(8) for one in asked([n], calls=(Call(f"/levels/{n}"),))], 0, []),  # told otherwise
        (
            [one for n in range(8) for one in asked([n], sent=((b"X-Request-Id", b"r%d" % n),))],
            7,
            [],
        ),  # it only counts up
    ],
    ids=[
        "it moves",
        "it stands still",
        "not safe",
        "written between",
        "another user",
        "another cause",
        "another trace",
    ],
)
def test_the_recording_alone(tmp_path: Path, answers: list[Said], samples: int, proposed: list[str]) -> None:
    capture = write(tmp_path / "c.sqlite", answers).path
    lessons = learn(capture, (), DiffOptions(), Demands())
    assert lessons.samples == samples
    if samples and answers[0].body["level"] == 0:
        assert [one.location for one in lessons.proposals] == ["response.body $.level"]
    else:
        assert [one.location for one in lessons.proposals] == proposed


def test_a_run_must_be_one_of_the_capture(tmp_path: Path) -> None:
    capture = write(tmp_path / "c.sqlite", asked([1])).path
    other = write(tmp_path / "d.sqlite", asked([1])).path
    with pytest.raises(UsageError, match="is a recording, not a run"):
        learn(capture, [other], DiffOptions(), Demands())


def test_a_run_does_not_bear_itself_out(tmp_path: Path) -> None:
    source = write(tmp_path / "c.sqlite", asked([1]))
    run = write(tmp_path / "1.sqlite", asked([2]), source).path
    with pytest.raises(UsageError, match="is given twice"):
        learn(source.path, [run, tmp_path / "." / "1.sqlite"], DiffOptions(), Demands())


@pytest.mark.parametrize(("builds", "words"), [((["a"], ["a"]), ""), ((["a"], ["b"]), "different commands")])
def test_runs_of_two_builds_are_told(tmp_path: Path, builds: tuple[list[str], list[str]], words: str) -> None:
    source = write(tmp_path / "c.sqlite", asked([1]))
    runs = [write(tmp_path / f"{at}.sqlite", asked([1]), source, command=one).path for at, one in enumerate(builds)]
    lessons = learn(source.path, runs, DiffOptions(), Demands())
    assert words in "".join(lessons.unjudged)
    assert bool(lessons.unjudged) is bool(words)


# -- the command -------------------------------------------------------------------------------------------------------


def files(folder: Path, make: Callable[[int, int], Any], runs: int = 3) -> tuple[Path, list[str]]:
    """A capture of six requests, and its runs as options."""

    def said(answer: int) -> list[Said]:
        return [Said({"n": "a", "x": make(answer, at)}, target=f"/things/{at}") for at in range(6)]

    source = write(folder / "c.sqlite", said(0))
    made = [write(folder / f"{at}.sqlite", said(at), source, later=3600.0 * at).path for at in range(1, runs + 1)]
    return source.path, [word for path in made for word in ("--run", str(path))]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "retape.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_write_appends_and_says_what(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = project / "retape.rules.toml"
    rules.write_text('# ours\n[[rules]]\nid = "own"\nlocation = "$.y"\nexpect = "uuid"\n')
    capture, runs = files(project, lambda answer, at: (answer * 37 + at * 11) % 101)
    assert retape.run(["learn", str(capture), *runs, "--write", "--expires", "30d"]) == 0
    said = capsys.readouterr()
    assert "1 rule in" in said.err
    assert "review them before you commit" in said.err
    text = rules.read_text()
    assert text.startswith("# ours\n")
    own, new = tomllib.loads(text)["rules"]
    assert (own["id"], new["id"], new["expect"]) == ("own", "get-things-id-x", "integer")
    assert new["expires"] > date.today()  # noqa: DTZ011
    assert retape.run(["rules", "check"]) == 0


@pytest.mark.slow
def test_the_command_that_keeps_the_proposals_asks_for_the_same(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture, runs = files(project, lambda answer, at: (answer * 37 + at * 11) % 101)
    assert retape.run(["learn", str(capture), *runs, "--expires", "30d", "--min-samples", "4"]) == 0
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("--min-samples 4 --expires 30d --write")
    assert retape.run(shlex.split(said.partition("proposals: retape ")[2])) == 0
    assert tomllib.loads((project / "retape.rules.toml").read_text())["rules"][0]["expires"] > date.today()  # noqa: DTZ011


def test_another_file_is_written_when_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture, runs = files(project, lambda answer, at: (answer * 37 + at * 11) % 101)
    assert retape.run(["learn", str(capture), *runs, "--write=mine.toml"]) == 0
    assert len(tomllib.loads((project / "mine.toml").read_text())["rules"]) == 1
    assert not (project / "retape.rules.toml").exists()
    assert "retape replay --rules mine.toml" in capsys.readouterr().err


def test_nothing_to_write_leaves_the_file_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture, runs = files(project, lambda *_: 7)
    assert retape.run(["learn", str(capture), *runs, "--write"]) == 0
    assert not (project / "retape.rules.toml").exists()
    assert "there is no rule to write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 3, "nothing could be judged: the capture has no safe request that was asked twice"),
        (["--only", "method:GET"], 2, "--only and --shard choose what is replayed"),
        (["--expires", "soon"], 2, "is no day"),
        (["--expires", "2001-01-01"], 2, "is over already"),
        (["--run", "missing.sqlite"], 2, "missing.sqlite does not exist"),
        (["--runs", "0"], 2, "--runs"),
        (["--only", "path:/nowhere", "--target", "http://127.0.0.1:9"], 5, "matches"),
        (["--", "false"], 3, "exited with code 1"),
    ],
)
def test_exit_codes(project: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str) -> None:
    capture = write(project / "c.sqlite", [Said()]).path
    assert retape.run(["learn", str(capture), *words]) == code
    assert says in capsys.readouterr().err


def test_failures_in_every_run_are_no_lesson(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(project / "c.sqlite", [Said()])
    runs = [write(project / f"{at}.sqlite", [Said(failed=True)], source).path for at in (1, 2)]
    assert retape.run(["learn", str(source.path), *[word for run in runs for word in ("--run", str(run))]]) == 3
    said = capsys.readouterr()
    assert "nothing could be judged" in said.err
    assert "No rule is proposed." in said.out


@pytest.mark.slow
def test_each_run_has_a_service_of_its_own(tmp_path: Path) -> None:
    capture = order_tape(tmp_path / "c.sqlite")
    started: list[int] = []
    plan = ReplayPlan(output=tmp_path / "unused", command=SHOP, ready_timeout=60)
    rehearsal = rehearse(
        capture, plan, 2, lambda number: tmp_path / f"run{number}.sqlite", started.append, lambda _: None
    )
    assert started == [1, 2]
    assert [path.name for path in rehearsal.runs] == ["run1.sqlite", "run2.sqlite"]
    assert not rehearsal.interrupted
    lessons = learn(capture, rehearsal.runs, DiffOptions(), Demands())
    assert lessons.samples == 4
    assert lessons.proposals == ()
