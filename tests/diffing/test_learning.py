from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diffing.comparison import DiffOptions
from diffing.learning.learner import Learner
from diffing.learning.lessons import Demands, Lessons
from diffing.learning.repetition import opened
from diffing.model import Finding
from tests.diffing.repeats import Call, Said, learnt
from tests.diffing.shop import play

Scene = Callable[[random.Random, int], Said]
"""One answer; the number is 0 in the recording, then that of the run."""

REQUESTS = 6
RUNS = 3
STEADY = {"sku": "A", "price": 12.5, "open": True, "kind": "shirt", "note": "as ever"}


def with_x(make: Callable[[random.Random, int], Any]) -> Scene:
    """A body with one field of which something is to be said."""
    return lambda chance, answer: Said({**STEADY, "x": make(chance, answer)})


def flapping(chance: random.Random, _: int) -> Said:
    return Said({**STEADY, **({"x": "summer"} if chance.random() < 0.5 else {})})


def calling(chance: random.Random, answer: int) -> Said:
    charge = Call("/charges", {"amount": 25, "dice": chance.randint(1, 10_000)})
    audit = (Call("/audits", {"a": 1}, stub=1),) if answer == 0 or chance.random() < 0.5 else ()
    return Said(STEADY, calls=(charge, *audit))


def headed(chance: random.Random, _: int) -> Said:
    frames = chance.choice([b"DENY", b"SAMEORIGIN"])
    return Said(STEADY, headers=((b"X-Frame-Options", frames), (b"X-Shard", b"s%d" % chance.randint(1, 99))))


X = "response.body $.x"
SCENES: list[tuple[str, Scene, str, str, str]] = [
    # name, answers, place, what comes of it (a matcher, or the list it is said in), words of what is said
    ("level", with_x(lambda chance, _: chance.randint(1, 100)), X, "integer", "p < 0.001"),
    ("share", with_x(lambda chance, _: chance.uniform(0.1, 0.9)), X, "number", "always a number"),
    ("word", with_x(lambda chance, _: chance.choice(["calm", "busy", "idle"])), X, "one-of", "one of 3"),
    ("flag", with_x(lambda chance, _: chance.random() < 0.5), X, "boolean", "true or false"),
    ("colour", with_x(lambda chance, _: f"#{chance.randrange(16**6):06x}"), X, "regex:#[0-9a-f]{6}", "always #"),
    ("field", flapping, X, "optional", "there in"),
    ("order", with_x(lambda chance, _: chance.sample(["s", "m", "l", "xl"], 4)), X, "unordered", "another order"),
    ("counter", with_x(lambda chance, at: 100 * at + chance.randint(1, 9)), X, "integer", "grows from each"),
    ("shard", headed, "response.header x-shard", "regex:s[0-9]+", "p < 0.001"),
    ("dice", calling, "outbound bank POST /charges request.body $.dice", "integer", "p < 0.001"),
    # near misses
    ("still", with_x(lambda *_: 7), X, "nothing", ""),
    ("moved-house", with_x(lambda _, at: "south" if at == 0 else "north"), X, "constant", "18 of 18 replays"),
    ("one-run", with_x(lambda _, at: "odd" if at == 2 else "even"), X, "undecided", "only run 2"),
    ("type", with_x(lambda chance, _: chance.choice([1, "1"])), X, "refused", "type flaps"),
    ("null", with_x(lambda chance, _: chance.choice([None, "paid"])), X, "refused", "null and a value"),
    ("items", with_x(lambda chance, _: [n for n in range(9) if chance.random() < 0.7]), f"{X}[*]", "refused",
     "items come and go"),
    ("uptime", lambda chance, _: Said({**STEADY, "elapsed_ms": chance.randint(1, 10**6)}),
     "response.body $.elapsed_ms", "covered", "already covered by volatile.duration (18/18)"),
    ("status", lambda chance, _: Said(STEADY, chance.choice([200, 503])), "response.status", "refused",
     "the status flaps"),
    ("row", lambda chance, _: Said({"at": STEADY, "row": {n: chance.randint(1, 10**6) for n in "abcd"}}),
     "response.body $.row", "refused", "4 of the 4 fields"),
    ("frames", headed, "response.header x-frame-options", "refused", "protects the client"),
    ("text", lambda chance, _: Said(f"all {chance.choice('abcdef')} is {chance.choice('uvwxyz')} well"),
     "response.body", "refused", "whole body"),
    ("calls", calling, "outbound bank POST /audits", "calls", "comes and goes"),
    ("failure", lambda _, at: Said(STEADY, failed=at in (1, 3)), "response", "refused", "fails in others"),
]  # fmt: skip


def answers(scenes: dict[str, Scene], requests: int = REQUESTS, runs: int = RUNS) -> list[list[Said]]:
    """The recording and its runs."""
    chance = random.Random(5)
    return [
        [
            replace(scene(chance, answer), target=f"/{name}/{number}")
            for name, scene in scenes.items()
            for number in range(requests)
        ]
        for answer in range(runs + 1)
    ]


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> Lessons:
    return learnt(tmp_path_factory.mktemp("learnt"), *answers({scene[0]: scene[1] for scene in SCENES}))


def about(lessons: Lessons, name: str, location: str) -> tuple[str, str]:
    """What comes of ``location`` at the scene's endpoint, and what is said of it."""
    place = f"GET /{name}/{{id}}", location
    for proposal in lessons.proposals:
        if (proposal.endpoint, proposal.location) == place:
            return proposal.expect, proposal.evidence
    for kind in ("refused", "undecided", "constant", "calls", "covered"):
        for statement in getattr(lessons, kind):
            if (statement.endpoint, statement.location) == place:
                return kind, statement.sentence
    return "nothing", ""


LISTS = ("refused", "undecided", "constant", "calls", "covered", "nothing")


@pytest.mark.parametrize(
    ("name", "location", "comes", "words"),
    [(name, location, comes, words) for name, _, location, comes, words in SCENES],
    ids=[scene[0] for scene in SCENES],
)
@pytest.mark.slow
def test_what_is_said_of_a_place(lessons: Lessons, name: str, location: str, comes: str, words: str) -> None:
    found, sentence = about(lessons, name, location)
    assert (found, words in sentence) == (comes, True), sentence


def test_nothing_else_is_proposed(lessons: Lessons) -> None:
    expected = {(f"GET /{name}/{{id}}", location) for name, _, location, comes, _ in SCENES if comes not in LISTS}
    expected |= {("GET /calls/{id}", "outbound bank POST /charges request.body $.dice")}  # of the same scene
    expected |= {("GET /frames/{id}", "response.header x-shard")}
    assert {(proposal.endpoint, proposal.location) for proposal in lessons.proposals} == expected
    assert all(rule.expect not in ("any", "type") for rule in lessons.proposals)


@pytest.mark.parametrize(
    ("differs", "requests", "runs", "words"),
    [
        (lambda at: at in (1, 3), 1, 4, "seen to differ 4 of 4 times: too little to say; run with --runs"),
        (lambda at: at == 3, 1, 3, "seen to differ 1 of 3 times: too little to say; run with --runs"),
        (lambda at: at > 0, 1, 1, "a second run tells"),
    ],
)
def test_too_little_to_say(
    tmp_path: Path, differs: Callable[[int], bool], requests: int, runs: int, words: str
) -> None:
    scene = with_x(lambda _, at: 5 if differs(at) else 9)
    found, sentence = about(learnt(tmp_path, *answers({"few": scene}, requests, runs)), "few", X)
    assert (found, words in sentence) == ("undecided", True), sentence


def test_fewer_samples_are_enough_where_the_user_says_so(tmp_path: Path) -> None:
    few = answers({"few": with_x(lambda chance, _: chance.randint(1, 10_000))}, requests=1)
    assert about(learnt(tmp_path, *few, demands=Demands(min_samples=3)), "few", X)[0] == "integer"


def test_calls_outside_of_any_request() -> None:
    """What differs in some runs comes and goes; what differs in all of them is another state of things."""
    some = Finding(
        "outbound.extra", "(start-up)", "outbound bank GET /rates", "", 0, 1, 0, "0 calls recorded, 1 replayed"
    )
    every = Finding("outbound.missing", "(start-up)", "outbound bank GET /flags", "", 1, 0, 0)
    learner = Learner(3)
    learner.pooled([[every], [some, every], [every]])
    lessons = learner.lessons(Demands())
    assert [(one.location, one.sentence) for one in lessons.calls] == [
        (some.location, "differs in 1 of 3 runs (0 calls recorded, 1 replayed)")
    ]
    assert [one.location for one in lessons.constant] == [every.location]


@pytest.mark.slow
def test_a_shop_that_makes_everything_anew_teaches_nothing(tmp_path: Path) -> None:
    tape = play(1, tmp_path / "recorded.sqlite")
    runs = [play(seed, tmp_path / f"{seed}.sqlite", source=tape).path for seed in (2, 3, 4)]
    learner = Learner(3)
    with opened(tape.path, runs, DiffOptions()) as several:
        for repetition in several.repetitions():
            learner.judge(repetition)
        for repetition in several.answers():
            learner.observe(repetition)
        lessons = learner.lessons(Demands())
    assert (lessons.proposals, lessons.refused, lessons.undecided, lessons.constant, lessons.calls) == (
        (),
        (),
        (),
        (),
        (),
    )
    assert len(lessons.covered) > 10
