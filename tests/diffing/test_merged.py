"""A merged run is judged as the whole one: each shard's build made its own ids, and the verdict is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from captures.merging import merge
from diffing.engine import compare_captures
from diffing.model import Result
from tests.diffing.shards import shard_of
from tests.diffing.shop import DRIFTS, play


def said(result: Result) -> set[tuple[str, str, str]]:
    return {(group.fingerprint, group.class_id, group.location) for group in result.groups}


@pytest.mark.slow
def test_the_verdict_of_the_shards_is_that_of_the_whole(tmp_path: Path) -> None:
    tape = play(1, tmp_path / "recorded.sqlite")
    for drifts in (frozenset[str](), DRIFTS):
        folder = tmp_path / f"{len(drifts)}"
        folder.mkdir()
        whole = compare_captures(tape.path, play(2, folder / "whole.sqlite", drifts, tape).path)
        shards = [
            shard_of(play(seed, folder / f"{seed}.sqlite", drifts, tape).path, folder / f"s{seed}.sqlite", number, 3)
            for number, seed in enumerate((2, 3, 4), 1)
        ]
        merged = compare_captures(tape.path, merge(shards, folder / "run.sqlite").run)
        assert said(merged) == said(whole)
        assert merged.ledger == whole.ledger
        assert (merged.verdict, merged.exit_code) == (whole.verdict, whole.exit_code)


@pytest.mark.slow
def test_what_a_missing_shard_would_have_judged_is_not_green(tmp_path: Path) -> None:
    tape = play(1, tmp_path / "recorded.sqlite")
    run = play(2, tmp_path / "whole.sqlite", source=tape)
    merged = merge([shard_of(run.path, tmp_path / "s.sqlite", 1, 2)], tmp_path / "run.sqlite")
    result = compare_captures(tape.path, merged.run)
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert result.reasons[0] == "shard 2/2 is missing"
    assert result.ledger.not_replayed == len(tape.inbound) // 2
