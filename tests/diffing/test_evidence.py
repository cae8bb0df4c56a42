from __future__ import annotations

import pytest

from diffing.learning.evidence import PlaceEvidence, standing_alone
from diffing.learning.sightings import Sight
from diffing.model import ABSENT, Finding


@pytest.mark.parametrize(
    ("pairs", "differing", "alone"),
    [
        ([(0, 1), (0, 2), (1, 2)], {(0, 1), (0, 2)}, {0}),
        ([(0, 1), (0, 2), (1, 2)], {(0, 2), (1, 2)}, {2}),
        ([(0, 1), (0, 2), (1, 2)], {(0, 1), (0, 2), (1, 2)}, {0, 1, 2}),
        ([(0, 1), (0, 2), (1, 2)], {(1, 2)}, {1, 2}),  # each like the recording, unlike each other
        ([(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)], {(0, 2), (0, 3), (1, 2)}, {0, 1, 2, 3}),  # two against two
        ([(0, 1)], {(0, 1)}, {0, 1}),
    ],
)
def test_standing_alone(pairs: list[tuple[int, int]], differing: set[tuple[int, int]], alone: set[int]) -> None:
    assert standing_alone(pairs, differing) == alone


def found(recorded: object = 1, replayed: object = 2) -> Finding:
    return Finding("response.body.value-changed", "GET /a", "response.body $.x", "$.x", recorded, replayed, 1)


def test_counts_of_one_place() -> None:
    place = PlaceEvidence()
    for pair in ((0, 1), (0, 2), (1, 2)):
        place.differ("one", pair, found())
    place.differ("two", (0, 2), found())
    assert (place.moved, place.differed, place.between) == (2, 3, 1)
    assert not place.flaps
    place.differ("two", (1, 2), found(ABSENT))
    assert place.flaps


@pytest.mark.parametrize(
    ("sights", "compared", "samples", "replays", "total", "absent"),
    [
        ([Sight((1,)), Sight((2,)), Sight((3,))], [(0, 1), (0, 2), (1, 2)], 2, 2, 3, 0),
        ([Sight((1,)), None, Sight((3,))], [(0, 2)], 0, 1, 2, 0),
        ([Sight((1,)), Sight(absent=1), Sight(absent=1)], [(0, 1), (0, 2), (1, 2)], 2, 2, 1, 2),
        ([Sight(seen=False)] * 3, [(0, 1), (0, 2), (1, 2)], 0, 0, 0, 0),  # another status: no room for it
        ([Sight((1, 1)), Sight((2, 3)), Sight((4,))], [(0, 1)], 1, 1, 5, 0),  # the second run was not judged
    ],
)
def test_what_could_be_seen(
    sights: list[Sight | None], compared: list[tuple[int, int]], samples: int, replays: int, total: int, absent: int
) -> None:
    place = PlaceEvidence()
    place.look(sights, compared)
    assert (place.samples, place.replays, place.values.total, place.absent) == (samples, replays, total, absent)
