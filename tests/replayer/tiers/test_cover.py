"""Covers as values: kept as text and in the state folder, and what of them is not shown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from captures.distilling import Distillate, Kept, Trait
from captures.store import Capture
from replayer.tiers import kept
from replayer.tiers.cover import Cover, cover_of, uncovered
from tests.captures.making import capture, exchange
from tests.replayer.tiers.making import cover, step


def test_what_fails_is_known_by_its_own_outcome_or_that_of_a_call() -> None:
    def call(outcome: str) -> Trait:
        return Trait("call", "POST /orders", f"payments POST /charges {outcome} by POST /orders")

    outcomes = {1: "200", 2: "404", 3: "timeout", 4: "201", 5: "201"}
    traits = {4: (call("200"),), 5: (call("402"),)}
    result = Distillate(tuple(Kept(one, traits.get(one, ())) for one in outcomes), ())
    made = cover_of(result, lambda one: ("GET /x", outcomes[one], False), lambda one: (one - 1, 77), Counter("x"))
    assert [one.fails for one in made.steps] == [False, True, True, False, True]
    assert [one.needs for one in made.steps] == [(), (1,), (2,), (3,), (4,)]


def test_what_is_not_shown() -> None:
    made = cover(step(0), step(1, shows=(1, 2)), step(2, shows=(3,)))
    assert list(uncovered(made, [0, 1])) == [("answer", "trait 3")]
    assert list(uncovered(made, [0, 1, 2])) == []


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept"


def test_a_kept_cover_comes_back(state: Path) -> None:
    made = cover(step(0, "POST /ördnung", writes=True), step(3, fails=True, needs=(0,), shows=()))
    assert Cover.from_json(made.to_json()) == made
    assert kept.load(state, "one.json") is None
    kept.save(state, "one.json", made)
    assert kept.load(state, "one.json") == made
    assert kept.load(None, "one.json") is None
    kept.save(None, "one.json", made)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"steps": [[1]], "traits": [], "recorded": {}}', "\x00",
     '{"steps": [[1, "e", "200", false, false, [7], []]], "traits": [], "recorded": {}}'],
)  # fmt: skip
def test_a_file_that_is_something_else_is_none(state: Path, text: str) -> None:
    (state / kept.FOLDER).mkdir()
    (state / kept.FOLDER / "one.json").write_text(text)
    assert kept.load(state, "one.json") is None


def test_a_folder_that_cannot_be_written_is_no_matter(state: Path) -> None:
    (state / kept.FOLDER).touch()
    kept.save(state, "one.json", cover(step(1)))
    assert kept.load(state, "one.json") is None


def test_only_some_are_kept(state: Path) -> None:
    for number in range(kept.KEPT + 3):
        kept.save(state, f"{number}.json", cover(step(1)))
    assert len(list((state / kept.FOLDER).iterdir())) == kept.KEPT


def test_another_recording_or_other_templates_have_another_name(tmp_path: Path) -> None:
    one = capture(tmp_path / "one.sqlite", exchange(1))
    two = capture(tmp_path / "two.sqlite", exchange(1), exchange(2))
    with Capture.open(one) as first, Capture.open(two) as second:
        names = [kept.name_of(first, [], []), kept.name_of(first, ["GET /{x}"], []), kept.name_of(second, [], [])]
        assert len(set(names)) == 3
        assert kept.name_of(first, [], []) == names[0]
