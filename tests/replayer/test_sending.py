"""Which recorded credentials give way to live ones: not those that were sent to be refused."""

from __future__ import annotations

from captures.model import Exchange
from replayer.sending import Accepted
from tests.corpus import each
from tests.replayer.test_precedence import exchange


def asked(number: int, token: str, status: int) -> Exchange:
    return exchange(number, "GET /me", {}, status=status, headers=((b"Authorization", token.encode()),))


@each(
    ("before", "status", "refused"),
    [
        ([], 200, False), ([], 401, True), ([], 403, True), ([], 404, False), ([], 500, False),
        ([("Bearer a", 200)], 401, True),  # it has been logged out since
        ([("Bearer a", 200)], 403, False),  # known, and not allowed to
        ([("Bearer b", 200)], 403, True),
        ([("Bearer a", 401)], 403, True),
    ],
)  # fmt: skip
def test_who_was_refused_stays_refused(before: list[tuple[str, int]], status: int, refused: bool) -> None:
    accepted = Accepted()
    for number, (token, answer) in enumerate(before, start=1):
        accepted.refused(asked(number, token, answer))
    assert accepted.refused(asked(9, "Bearer a", status)) is refused


def test_what_was_accepted_is_forgotten_in_time() -> None:
    accepted = Accepted(limit=3)
    for number in range(1, 9):
        accepted.refused(asked(number, f"Bearer {number}", 200))
    assert accepted.refused(asked(9, "Bearer 1", 403))
    assert not accepted.refused(asked(9, "Bearer 8", 403))
