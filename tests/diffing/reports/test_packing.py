from __future__ import annotations

import base64

import pytest

from diffing.reports.packing import EXCHANGES, RAW, packed
from tests.diffing.reports import embedded


@pytest.mark.parametrize(
    ("sizes", "room", "chunks"),
    [
        ([], 10**9, []),
        ([1], 10**9, [1]),
        ([1] * EXCHANGES, 10**9, [EXCHANGES]),
        ([1] * (2 * EXCHANGES + 1), 10**9, [EXCHANGES, EXCHANGES, 1]),
        ([RAW, 1, 1], 10**9, [1, 2]),  # a large one is not decoded for the sake of a small one
        ([1] * 100, 1, [EXCHANGES]),
        ([1, 1], 1, [2]),
    ],
)
def test_chunks_are_small_and_end_where_the_room_does(sizes: list[int], room: int, chunks: list[int]) -> None:
    details = [(f"x-{at}", {"body": "a" * size}) for at, size in enumerate(sizes)]
    found = list(packed(details, room))
    assert [len(chunk.keys) for chunk in found] == chunks
    assert [chunk.name for chunk in found] == [f"e-{at}" for at in range(len(chunks))]
    read = {key: detail for chunk in found for key, detail in embedded.read(chunk.data).items()}
    assert list(read.items()) == details[: sum(chunks)]


def test_nothing_in_a_chunk_can_end_its_element_and_it_is_the_same_every_time() -> None:
    details = [("x-1", {"body": "</script>\u2028\ud800 & <b>"})]
    (chunk,), (again,) = packed(details, 10), packed(details, 10)
    assert chunk == again
    assert base64.b64encode(base64.b64decode(chunk.data, validate=True)).decode() == chunk.data
    assert embedded.read(chunk.data) == dict(details)
