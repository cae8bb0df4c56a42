"""Every exchange in one place, told of once."""

from __future__ import annotations

from captures.model import Direction, Exchange, Failure, FailureKind, Timing
from replayer.events import Event, ExchangeDone, Passed
from replayer.ledger import Ledger
from tests.replayer.tapes import request, response


class Book:
    def __init__(self) -> None:
        self.skipped: list[tuple[int, str]] = []

    def skip(self, exchange: int, reason: str) -> None:
        self.skipped.append((exchange, reason))


def exchange(number: int, status: int | None = 200) -> Exchange:
    failure = Failure(FailureKind.RESET) if status is None else None
    answered = response(status) if status is not None else None
    return Exchange(
        number, Direction.INBOUND, request("POST", "/carts"), Timing(1, 1, 1, 3), response=answered, failure=failure
    )


def test_judged_set_up_skipped_and_passed_over() -> None:
    book, events = Book(), list[Event]()
    ledger = Ledger(6, frozenset({1, 2}), book, events.append)
    ledger.sent(exchange(1, 201), exchange(9, 201))
    ledger.sent(exchange(3), exchange(10, None), 0.5)
    ledger.skip(2, "it is a tunnel")
    ledger.skip(4, "it is a tunnel")
    ledger.pass_over([5, 6], "the target died")
    assert (ledger.done, ledger.replayed, ledger.judged) == (6, 1, 4)
    assert book.skipped == [(4, "it is a tunnel"), (5, "the target died"), (6, "the target died")]
    assert ledger.reasons == ["exchange 2, which selected ones need, was not replayed: it is a tunnel"]
    assert events == [
        ExchangeDone(1, 9, "POST /carts", 201, None, 2.0, 1, 6),
        ExchangeDone(3, 10, "POST /carts", None, FailureKind.RESET, 2.0, 2, 6, 0.5),
        Passed(2, "it is a tunnel", 3, 6),
        Passed(4, "it is a tunnel", 4, 6),
    ]


def test_a_set_up_step_that_went_another_way_is_noted() -> None:
    ledger = Ledger(2, frozenset({1}), Book(), lambda event: None)
    ledger.sent(exchange(1, 201), exchange(9, None))
    (note,) = ledger.notes
    assert "Exchange 1 (POST /carts)" in note
    assert "a failure instead of 201" in note
