from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.http1 import ProtocolError
from replayer.wire.frames import MAX_FRAME, Frame, FrameCutter, goaway_of
from replayer.wire.http2_wire import Http2Wire
from tests.replayer.wire.http2_server import frame, goaway

SETTINGS = frame(4, 0, b"\0\3\0\0\0\x64")


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_frames_whatever_the_pieces_they_come_in(step: int) -> None:
    data = SETTINGS + frame(0, 3, b"hello", 1) + frame(7, 0, b"")
    cutter = FrameCutter()
    frames = [one for at in range(0, len(data), step) for one in cutter.feed(data[at : at + step])]
    assert [(one.kind, one.stream) for one in frames] == [(4, 0), (0, 3), (7, 0)]
    assert b"".join(one.raw for one in frames) == data


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        frame(0, 1, b"x"),
        frame(4, 0, b"", 1),  # an acknowledgement of settings nobody can have seen
        frame(4, 1, b""),
        frame(4, 0, b"12345"),
        b"\0\0\1\4",
    ],
)
def test_what_does_not_begin_with_settings_is_not_http2(start: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(FrameCutter().feed(start))


def test_a_frame_longer_than_announced_is_refused_before_it_is_there() -> None:
    with pytest.raises(ProtocolError):
        list(FrameCutter().feed(SETTINGS + (MAX_FRAME + 1).to_bytes(3) + b"\0\0\0\0\0\1"))


def test_goaway() -> None:
    assert goaway_of(Frame(7, 0, goaway(5, 11))) == (5, 11)
    with pytest.raises(ProtocolError):
        goaway_of(Frame(7, 1, goaway(5)))


class _Nowhere(asyncio.Transport):
    """Takes everything; what a connection needs to live without a socket."""

    closed = False

    def write(self, data: object) -> None:
        pass

    def abort(self) -> None:
        self.closed = True

    close = abort

    def get_write_buffer_size(self) -> int:
        return 0


FRAMES = st.builds(frame, st.integers(0, 12), st.integers(0, 5), st.binary(max_size=30), st.integers(0, 255))


@given(st.lists(st.one_of(FRAMES, st.binary(max_size=20)), max_size=8))
def test_whatever_comes_the_connection_lives_or_is_closed(pieces: list[bytes]) -> None:
    """No exception gets past the connection, and every request ends with the connection."""

    async def run() -> None:
        from tests.replayer.wire.servers import ask

        loop = asyncio.get_running_loop()
        wire, transport = Http2Wire(lambda: 0.0, 1000), _Nowhere()
        wire.connection_made(transport)
        wire.data_received(SETTINGS)
        task = asyncio.create_task(wire.exchange(ask(body=b"x"), loop.time() + 60, 60))
        await asyncio.sleep(0)
        for piece in pieces:
            if not transport.closed:
                wire.data_received(piece)
        wire.connection_lost(None)
        reply = await task
        assert reply.failure is not None or reply.response is not None

    asyncio.run(run())
