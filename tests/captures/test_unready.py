from __future__ import annotations

from pathlib import Path

import pytest

from captures.model import FailureKind
from captures.store import Capture
from captures.unready import unready
from tests.replayer.tapes import Tape, request, response

REFUSED, RESET = FailureKind.CONNECT, FailureKind.RESET


@pytest.mark.parametrize(
    ("meta", "answers", "early"),
    [
        ({"command": ["app"]}, [REFUSED, REFUSED, RESET, None, REFUSED], {1, 2}),
        ({"command": ["app"]}, [None, REFUSED], set()),
        ({"command": ["app"]}, [REFUSED, REFUSED], set()),
        ({}, [REFUSED, None], set()),
    ],
    ids=["until the first answer", "it listened", "it never did", "somebody else started it"],
)
def test_what_came_before_the_service_listened(
    tmp_path: Path, meta: dict[str, list[str]], answers: list[FailureKind | None], early: set[int]
) -> None:
    with Tape(tmp_path / "a.sqlite", **meta) as tape:
        for failure in answers:
            tape.inbound(request(), None if failure else response(200, {}), failure=failure)
    with Capture.open(tmp_path / "a.sqlite") as capture:
        assert unready(capture, capture.sessions()) == early
