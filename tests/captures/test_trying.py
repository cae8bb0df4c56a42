from __future__ import annotations

import math

from captures.trying import FIRST, LAST, Trying


def test_each_time_it_waits_twice_as_long_and_in_the_end_no_more() -> None:
    trying, now, waits = Trying(10.0), 100.0, []
    while trying.failed(now):
        waits.append(round(trying.next - now, 6))
        now = trying.next
    assert waits[:6] == [FIRST, 0.2, 0.4, 0.8, 1.6, LAST]
    assert max(waits) == LAST
    assert now == 110.0


def test_a_fault_that_ended_is_forgotten() -> None:
    trying = Trying(1.0)
    assert trying.failed(5.0)
    trying.done()
    assert trying.failed(50.0)
    assert trying.next == 50.0 + FIRST


def test_at_the_end_there_is_less_patience_counted_anew() -> None:
    trying = Trying(math.inf)
    assert trying.failed(5.0)
    trying.hurry(500.0, 3.0)
    assert trying.next == 0.0
    assert trying.failed(502.0)
    assert trying.next <= 503.0
    assert not trying.failed(503.0)
