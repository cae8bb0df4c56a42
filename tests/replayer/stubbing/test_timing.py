from __future__ import annotations

import pytest

from captures.model import Direction, Exchange, Response, Timing
from replayer.stubbing.answers import Piece
from replayer.stubbing.timing import SLICES, Moment, events, first_byte, pieces
from tests.replayer.tapes import NOW, request, response

SSE = b"data: 1\n\nid: 2\ndata: 2\n\ndata: 3\n\n"
STREAM = Response(200, ((b"Content-Type", b"text/event-stream"), (b"Transfer-Encoding", b"chunked")), SSE)


def recorded(answer: Response, *, first: float = 0.2, ended: float = 0.8) -> Exchange:
    timing = Timing(NOW, NOW + 0.1, NOW + 0.1 + first, NOW + ended)
    return Exchange(1, Direction.OUTBOUND, request(), timing, response=answer)


def test_the_first_byte_counts_from_the_end_of_the_request() -> None:
    assert first_byte(recorded(STREAM), 0) == 0
    assert first_byte(recorded(STREAM), 1) == pytest.approx(0.2)
    assert first_byte(recorded(STREAM), 0.5) == pytest.approx(0.1)


def test_a_failure_takes_as_long_as_it_took() -> None:
    failed = Exchange(1, Direction.OUTBOUND, request(), Timing(NOW, NOW, None, NOW + 3))
    assert first_byte(failed, 2) == pytest.approx(6)
    assert first_byte(Exchange(1, Direction.OUTBOUND, request(), Timing(NOW)), 2) == 0


def test_without_a_factor_a_body_comes_at_once_and_a_stream_event_by_event() -> None:
    assert pieces(recorded(response(200, {"a": 1})), response(200, {"a": 1}), 0) == ()
    assert pieces(recorded(STREAM), STREAM, 0) == (
        Piece(0, b"data: 1\n\n"), Piece(0, b"id: 2\ndata: 2\n\n"), Piece(0, b"data: 3\n\n"),
    )  # fmt: skip


def test_a_body_takes_its_recorded_duration_by_the_factor() -> None:
    answer = response(200, b"x" * 1000)
    cut = pieces(recorded(answer), answer, 2)
    assert len(cut) == SLICES
    assert b"".join(piece.data for piece in cut) == answer.body
    assert sum(piece.after for piece in cut) == pytest.approx(1.0)  # (0.8 - 0.3) * 2
    assert pieces(recorded(response(200, b"ab")), response(200, b"ab"), 1)[-1].data == b"b"


def test_recorded_moments_give_each_event_its_own_time() -> None:
    moments = [Moment(NOW + 0.4, 9), Moment(NOW + 0.4, 16), Moment(NOW + 0.7, 9)]
    cut = pieces(recorded(STREAM), STREAM, 10, moments)
    assert [piece.data for piece in cut] == events(SSE)
    assert [piece.after for piece in cut] == pytest.approx([1.0, 0.0, 3.0], abs=1e-4)


def test_a_body_in_live_terms_is_cut_where_its_events_end_though_its_length_changed() -> None:
    moments = [Moment(NOW + 0.4, 9), Moment(NOW + 0.5, 16), Moment(NOW + 0.6, 9)]
    longer = Response(200, STREAM.headers, SSE.replace(b"data: 2", b"data: two"))
    assert [piece.data for piece in pieces(recorded(STREAM), longer, 1, moments)] == events(longer.body)
    plain = response(200, b"0123456789")
    cut = pieces(recorded(plain), plain, 1, [Moment(NOW, 10), Moment(NOW, 10)])
    assert [piece.data for piece in cut] == [b"01234", b"56789"]


@pytest.mark.parametrize("body", [b"", b"data: x", b"\n\n\n\n", SSE + b"data: open", SSE.replace(b"\n", b"\r\n")])
def test_events_lose_no_byte(body: bytes) -> None:
    assert b"".join(events(body)) == body
    assert all(events(body))
