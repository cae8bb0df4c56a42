"""Why a call is made more often than recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from captures.model import Exchange, Failure, FailureKind, Response
from diffing.engine import compare_captures
from diffing.messages.callrepeats import how_repeated
from diffing.outcome.fingerprints import fingerprint
from tests.corpus import each
from tests.diffing.repeats import Call, Said, write
from tests.diffing.test_outbound import call


def got(target: str, status: int = 200) -> Exchange:
    return replace(call(target, "", method="GET"), response=Response(status, (), b""))


ONE = [got("/items/1")]
BROKEN = replace(got("/items/1"), response=None, failure=Failure(FailureKind.RESET))


@each(
    ("recorded", "replayed", "change", "words"),
    [
        (ONE, [got("/items/1"), got("/items/1")], "repeated", "1 of them the same request again"),
        (ONE, [got("/items/1"), got("/items/2")], "repeated", ""),  # two are not yet one per item
        (ONE, [got(f"/items/{n}") for n in range(5)], "n-plus-one", "5 different requests where 1 were recorded"),
        ([got("/items/1"), got("/items/2")], [got(f"/items/{n}") for n in range(3)], "repeated", ""),
        (ONE, [got("/items/1", 503), got("/items/1")], "retried", "1 of them again after a failure"),
        (ONE, [BROKEN, got("/items/1")], "retried", "1 of them again after a failure"),
        (ONE, [got("/items/1", 404), got("/items/1")], "repeated", "1 of them the same request again"),
        (ONE, [got("/items/1", 503), got("/items/1"), got("/items/1")], "repeated", "2 of them"),
        ([got("/items/1", 503), *ONE], [got("/items/1", 503), *ONE, *ONE], "repeated", "2 of them"),
    ],
)
def test_how(recorded: list[Exchange], replayed: list[Exchange], change: str, words: str) -> None:
    found, evidence = how_repeated(recorded, replayed)
    assert found == f"outbound.{change}"
    assert words in evidence


def test_an_n_plus_one_is_one_group_with_both_counts(tmp_path: Path) -> None:
    recorded = [Said({}, target=f"/carts/{n}", calls=(Call(f"/items/{n}"),)) for n in range(10, 18)]
    many = tuple(Call(f"/items/{n}", stub=0 if n == 10 else None) for n in range(10, 22))
    source = write(tmp_path / "recorded.sqlite", recorded)
    run = write(tmp_path / "run.sqlite", [replace(recorded[0], calls=many), *recorded[1:]], source)
    (group,) = compare_captures(source.path, run.path).groups
    assert (group.class_id, group.endpoint) == ("outbound.n-plus-one", "GET /carts/{id}")
    assert (group.recorded, group.replayed) == (1, 12)
    assert "an N+1: 12 different requests where 1 were recorded" in group.evidence


def test_an_approval_outlives_another_explanation() -> None:
    names = {fingerprint(f"outbound.{change}", "GET /a", "outbound x", "") for change in ("repeated", "retried")}
    assert names == {fingerprint("outbound.n-plus-one", "GET /a", "outbound x", "")}
