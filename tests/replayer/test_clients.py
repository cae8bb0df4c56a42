"""Who sent a request."""

from __future__ import annotations

from captures.model import Direction, Exchange, Headers, Timing
from replayer.clients import clients_of
from tests.replayer.tapes import request


def clients(*headers: tuple[bytes, bytes], connection: str = "") -> list[tuple[str, str]]:
    given: Headers = headers
    asked = request(headers=given)
    return list(clients_of(Exchange(1, Direction.INBOUND, asked, Timing(0), connection=connection)))


def test_connection_authorization_and_session_cookies() -> None:
    found = clients(
        (b"Cookie", b"theme=dark; sid=1; lang=de; blob=q8Zr2Lk9Xw4Tn6Vb"),
        (b"Authorization", b"Bearer x"),
        connection="c1",
    )
    assert found == [
        ("connection", "c1"), ("authorization", "Bearer x"), ("cookie sid", "1"), ("cookie blob", "q8Zr2Lk9Xw4Tn6Vb"),
    ]  # fmt: skip


def test_nobody_in_particular() -> None:
    assert clients((b"Cookie", b"theme=dark; seen=2026-11-29T18:00:00Z; x")) == []
