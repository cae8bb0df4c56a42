"""What is left out while learning, since nothing can come of it, changes nothing that is known afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from captures.store import Capture
from diffing.comparison import Comparison, _InOrder, prepared
from diffing.contract.profile import Node
from tests.diffing.shop import play


def told(node: Node | None, path: str = "$") -> Iterator[tuple[str, Any]]:
    if node is not None:
        moves = node.moves
        yield path, (node.unordered, (moves.moved, moves.stayed) if moves and moves.moved + moves.stayed else None)
        for name, child in sorted(node.children.items()):
            yield from told(child, f"{path}.{name}")
        yield from told(node.items, f"{path}[*]")


def learnt(recorded: Path, replayed: Path) -> dict[Any, Any]:
    with prepared(recorded, replayed) as comparison:
        trees = comparison.context.profile.trees
        return {key: dict(told(tree)) for key, tree in trees.items()}


@pytest.mark.slow
def test_only_requests_asked_again_have_to_be_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = play(1, tmp_path / "recorded.sqlite")
    run = play(2, tmp_path / "run.sqlite", source=tape)
    few = learnt(tape.path, run.path)
    with Capture.open(tape.path) as capture:
        everything = [exchange.id for exchange in capture.exchanges()]
    with prepared(tape.path, run.path) as comparison:
        assert 0 < len(list(comparison._asked_again())) < len(everything)
    monkeypatch.setattr(Comparison, "_asked_again", lambda self: iter(everything))
    assert learnt(tape.path, run.path) == few
    assert any(moved for tree in few.values() for _, moved in tree.values())


def test_calls_are_found_in_whatever_order_their_causes_are_asked_for(tmp_path: Path) -> None:
    tape = play(1, tmp_path / "recorded.sqlite")
    with Capture.open(tape.path) as capture:
        causes = [exchange.id for exchange in capture.exchanges()]
        expected = {cause: [call.id for call in capture.caused_by(cause)] for cause in causes}
        assert sum(map(len, expected.values())) > 3
        for order in (causes, causes[::-1], causes[::2] + causes[1::2], causes + causes):
            effects = _InOrder(
                capture.effects(), lambda call: call.cause.exchange if call.cause else None, capture.caused_by
            )
            assert all([call.id for call in effects.of(cause)] == expected[cause] for cause in order)
