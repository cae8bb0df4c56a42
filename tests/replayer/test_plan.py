from __future__ import annotations

from dataclasses import replace

import pytest

from captures.errors import UsageError
from captures.model import Direction, Exchange, Timing
from replayer.plan import Shard, reason_to_skip, with_headers
from tests.corpus import each
from tests.replayer.tapes import NOW, request, response


def exchange(identity: int = 1, connection: str = "") -> Exchange:
    return Exchange(
        identity, Direction.INBOUND, request(), Timing(NOW, NOW), response=response(), connection=connection
    )


def test_every_exchange_is_in_one_shard_and_connections_stay_together() -> None:
    for count in (1, 2, 5):
        shards = [Shard(index, count) for index in range(1, count + 1)]
        for number in range(50):
            holders = [shard for shard in shards if shard.holds(exchange(number, f"c{number // 3}"))]
            assert len(holders) == 1
            assert holders == [shard for shard in shards if shard.holds(exchange(999, f"c{number // 3}"))]


@each("text", ["", "1", "0/2", "3/2", "1/0", "a/b", "-1/2", "1/2/3"])
def test_a_shard_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="--shard"):
        Shard.parse(text)
    assert Shard.parse("2/3") == Shard(2, 3)


def test_given_headers_take_the_place_of_recorded_ones() -> None:
    asked = request(headers=((b"authorization", b"a"), (b"X", b"1"), (b"Authorization", b"b")))
    headers, names = with_headers(asked, ((b"Authorization", b"new"), (b"Y", b"2")))
    assert headers == ((b"Host", b"shop.test"), (b"authorization", b"new"), (b"X", b"1"), (b"Y", b"2"))
    assert names == ["authorization", "y"]


def test_a_client_that_went_away_before_its_request_was_complete() -> None:
    gone = replace(exchange(), response=None, timing=Timing(NOW))
    assert "went away" in (reason_to_skip(gone) or "")
    assert reason_to_skip(exchange()) is None
    early = replace(exchange(), timing=Timing(NOW))
    assert reason_to_skip(early) is None
