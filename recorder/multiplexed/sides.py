"""One of a lane's two HTTP/2 connections, as it is shared with mitmproxy: h2 keeps its numbers, windows and tables."""

from __future__ import annotations

from typing import Any

from h2.windows import WindowManager
from mitmproxy.connection import Connection

from recorder.multiplexed.frames import data_frames, header_frames, window_update
from recorder.multiplexed.heads import Lines
from recorder.multiplexed.lanes import BEGUN
from recorder.multiplexed.streams import Body, Stream
from recorder.plain.lanes import Clear


class Side:
    """A connection, the streams carried on it by its own numbers, and what is to be sent on it."""

    def __init__(self, connection: Connection, codec: Clear, h2: Any) -> None:
        self.connection = connection
        self.codec = codec
        self.h2 = h2
        self.streams: dict[int, Stream] = {}
        self.rest = b""  # the beginning of a frame, or frames that wait while mitmproxy is busy with one before them
        self.waits = False  # whether ``rest`` has to be looked at without more having come
        self.out: list[bytes] = []
        self.refresh()

    def refresh(self) -> None:
        """Look again at what was agreed on (h2 takes the peer's SETTINGS)."""
        self.most = self.h2.max_outbound_frame_size
        self.grants = self.h2.local_settings.initial_window_size
        self.granted = self.h2.remote_settings.initial_window_size

    def is_amid_frame(self) -> bool:
        """Whether h2 has the beginning of what comes next."""
        buffer = self.h2.incoming_buffer
        return bool(getattr(buffer, BEGUN) or buffer._headers_buffer)

    def add(self, number: int, stream: Stream) -> None:
        """Carry ``stream`` under ``number``."""
        self.streams[number] = stream
        self.h2.carried = len(self.streams)

    def drop(self, number: int) -> None:
        """Carry it no more."""
        if self.streams.pop(number, None) is not None:
            self.h2.carried = len(self.streams)

    def body(self, announced: int | None) -> Body:
        """A body that is to come."""
        return Body(WindowManager(self.grants), announced)

    def decode(self, block: bytes) -> Lines | None:
        """The lines of a header block; None where it cannot be decoded, which h2 will find as well."""
        decoder = self.h2.decoder
        try:
            lines: Lines = decoder.decode(block, raw=True)
        except Exception as error:  # noqa: BLE001 - of many kinds, as h2 knows; it will raise it
            self.h2.decoder = _Known(self.h2, decoder, error)
            return None
        return lines

    def undo(self, lines: Lines) -> None:
        """h2 is to decode what was decoded to ``lines``: it must not change the table a second time."""
        self.h2.decoder = _Known(self.h2, self.h2.decoder, lines)

    def send_head(self, number: int, lines: Lines, ends: bool) -> None:
        """Send header lines."""
        self.out += header_frames(number, self.h2.encoder.encode(lines), self.most, ends)

    def send_data(self, number: int, data: bytes, ends: bool) -> None:
        """Send a part of a body, which the windows let pass."""
        self.h2.outbound_flow_control_window -= len(data)
        self.out += data_frames(number, data, self.most, ends)

    def has_room(self, size: int) -> bool:
        """Whether the connection's window lets ``size`` bytes come."""
        return bool(size <= self.h2._inbound_flow_control_window_manager.current_window_size)

    def took(self, number: int, body: Body, size: int, ends: bool) -> None:
        """``size`` bytes have come and passed: the peer may send as many more."""
        windows = [(0, self.h2._inbound_flow_control_window_manager)]
        if not ends:
            windows.append((number, body.window))
        for whose, window in windows:
            window.window_consumed(size)
            increment = window.process_bytes(size)
            if increment:
                self.out.append(window_update(whose, increment))
        body.came += size


class _Known:
    """A decoder whose next block was decoded before."""

    def __init__(self, h2: Any, decoder: Any, found: Lines | Exception) -> None:
        self._h2 = h2
        self._decoder = decoder
        self._found = found

    def decode(self, _block: bytes, raw: bool = False) -> Lines:
        """What was found, once."""
        self._h2.decoder = self._decoder
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)
