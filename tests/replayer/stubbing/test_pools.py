"""Which of several equal recorded calls comes next."""

from __future__ import annotations

import pytest

from captures.model import Cause, CauseHow, Direction, Exchange, Timing
from replayer.stubbing.calls import Call, Window
from replayer.stubbing.pools import Pool, Stub
from tests.replayer.tapes import NOW, request, response

ASKED = request(target="/next", host="numbers.test")
OPEN = Cause(CauseHow.AMBIGUOUS, None, "inbound exchanges 1, 2 were open")
BACKGROUND = Cause(CauseHow.NONE, None, "no inbound exchange was open")


def stubs(cause: Cause, *moments: float) -> list[Stub]:
    return [
        Stub(Exchange(at, Direction.OUTBOUND, ASKED, Timing(NOW + moment), response=response(200, at), cause=cause))
        for at, moment in enumerate(moments)
    ]


def served(pool: Pool, *windows: Window) -> int | None:
    """The number of the stub that a call gets whose request was open in ``windows`` (seconds from NOW)."""
    call = Call(ASKED, lambda: ASKED, NOW, windows=lambda: [(NOW + begun, NOW + ended) for begun, ended in windows])
    group = pool.exact(call)
    found = group.fresh(call) if group is not None else None
    if found is None:
        return None
    found.used = True
    return found.exchange.id


def test_of_answers_that_nobody_could_lay_to_a_request_one_from_its_own_time_comes_first() -> None:
    pool = Pool(stubs(OPEN, 1, 2, 3, 4))
    assert served(pool, (2.5, 3.5)) == 2, "those before are another's"
    assert served(pool, (0.5, 2.5)) == 0
    assert served(pool, (0.5, 1.5), (3.5, 9)) == 3, "one of two that are open"
    assert served(pool, (5, 6)) == 1, "of none that fit the next is better than none"
    assert served(pool, (0, 9)) is None


@pytest.mark.parametrize(("cause", "windows"), [(OPEN, ()), (BACKGROUND, ((2.5, 3.5),))])
def test_what_has_no_time_of_its_own_goes_on_in_order(cause: Cause, windows: tuple[Window, ...]) -> None:
    pool = Pool(stubs(cause, 1, 2, 3))
    assert [served(pool, *windows) for _ in range(4)] == [0, 1, 2, None]
