"""What a shard sends for the sake of what it judges."""

from __future__ import annotations

from pathlib import Path

from captures.selection import parse
from captures.store import Capture
from replayer.choosing import chosen
from replayer.plan import ReplayPlan, Shard
from tests.replayer.tapes import Tape, request, response


def test_a_shard_sends_every_earlier_change_and_only_sends_the_least(tmp_path: Path) -> None:
    with Tape(tmp_path / "c.sqlite") as tape:
        for number in range(6):
            tape.inbound(request("POST", "/notes", {"n": number}), response(201, {}), connection=f"writer {number}")
            tape.inbound(request(target="/notes"), response(200, {"count": number + 1}), connection=f"reader {number}")
    with Capture.open(tmp_path / "c.sqlite") as capture:
        sessions = list(capture.sessions())
        judged: list[int] = []
        for index in (1, 2, 3):
            found = chosen(capture, sessions, ReplayPlan(tmp_path / "r.sqlite", shard=Shard(index, 3)))
            own = [identity for identity in found.send if identity not in found.setup]
            judged += own
            changes = set(range(1, max(own) + 1, 2))
            assert changes <= set(found.send)
            assert found.setup == changes - set(own)
        assert sorted(judged) == list(range(1, 13))
        alone = chosen(capture, sessions, ReplayPlan(tmp_path / "r.sqlite", only=parse("id:6")))
        assert alone.send == [6]
