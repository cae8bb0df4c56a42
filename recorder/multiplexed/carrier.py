"""One client's HTTP/2 connection: frames of plain streams go to the server's and back.

What a message is made of passes first and is noted after, so that nobody waits for our bookkeeping. Frames that are not
plain go to mitmproxy, and with them the stream they belong to, which stays there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from h2.stream import StreamClosedBy
from mitmproxy.http import Headers, HTTPFlow, Request, Response
from mitmproxy.proxy.events import DataReceived, Event
from mitmproxy.proxy.layers.http import HttpLayer

from recorder.multiplexed import frames, heads
from recorder.multiplexed.frames import END_STREAM, HEAD, LARGEST_WINDOW, PADDED
from recorder.multiplexed.heads import Lines
from recorder.multiplexed.lanes import Lane, find_lane
from recorder.multiplexed.sides import Side
from recorder.multiplexed.streams import Stream, hand_over
from recorder.sockets import close, send
from recorder.tape import Tape

OF_STREAMS = frozenset({frames.DATA, frames.WINDOW_UPDATE, frames.CONTINUATION})
OF_ALL = frozenset({frames.GOAWAY, frames.SETTINGS})


class Carrier:
    """Carries the streams of the client whose HTTP is ``layer``, and tells ``tape`` of them."""

    def __init__(self, layer: HttpLayer, tape: Tape) -> None:
        self._layer = layer
        self._tape = tape
        self._lane: Lane | None = None
        self._sides: dict[Any, Side] = {}
        self._front: Side
        self._back: Side
        self._sure = False  # mitmproxy has done nothing since the lane was looked at
        self._leaves = False  # no stream can be carried on
        self._notes: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    # -- what comes --------------------------------------------------------------------------------------------------

    def take(self, handler: Any, event: Event) -> Event | None:
        """Carry what ``event`` brings; what mitmproxy is to be given. :meth:`more` is to be called after that."""
        if type(event) is not DataReceived:
            self._sure = False
            return event
        lane = self._lane if self._sure else self._look()
        side = self._sides.get(event.connection)
        if side is None or (lane is None and not side.rest):
            return event
        data = side.rest + side.codec.decode(event.data)
        return self._carry(handler, lane, side, data)

    def more(self, handler: Any, event: Event) -> Event | None:
        """mitmproxy has had its event: go on with what came after it. As :meth:`take`."""
        side = self._sides.get(event.connection) if isinstance(event, DataReceived) else None
        lane = self._look()
        if lane is not None and lane.back.stream_queue:
            self._hand_over(handler, *self._front.streams.values())  # it sends them when others have ended
        if side is None or not side.waits:
            return None
        return self._carry(handler, lane, side, side.rest)

    def give_up(self, handler: Any) -> None:
        """Something went wrong in here: nobody knows what has been sent."""
        self._lane, self._sure = None, False
        for connection in [*self._sides, self._layer.context.client]:
            close(handler, connection)
        self._sides.clear()

    def release(self) -> None:
        """One of the connections is about to end: what is open becomes mitmproxy's, which tells both sides."""
        if self._lane is not None:
            for stream in list(self._front.streams.values()):
                self._release(self._lane, stream)
            self._lane = None

    def _look(self) -> Lane | None:
        """The lane, as things stand."""
        if self._lane is None:
            lane = find_lane(self._layer)
            if lane is not None and self._tape.is_ours(lane.server.address):
                lane = None  # which is where it leads to another server
            self._lane = lane
            if lane is not None and lane.server not in self._sides:
                self._front = self._sides.get(lane.client) or Side(lane.client, lane.from_client, lane.front.h2_conn)
                self._back = Side(lane.server, lane.from_server, lane.back.h2_conn)
                self._sides = {lane.client: self._front, lane.server: self._back}
                lane.front.carrier = lane.back.carrier = self
        elif not self._lane.is_open():
            self.release()
        if self._lane is not None:
            self._front.refresh()
            self._back.refresh()
        self._sure = self._lane is not None
        return self._lane

    def _carry(self, handler: Any, lane: Lane | None, side: Side, data: bytes) -> Event | None:
        side.rest, side.waits = b"", False
        if lane is None or side.is_amid_frame():
            self._sure = False
            return DataReceived(side.connection, side.codec.give_back(data))
        at, end = 0, len(data)
        while end - at >= HEAD:
            length, kind, flags, number = frames.read_head(data, at)
            stop = at + HEAD + length
            if stop <= end and self._passes(side, kind, flags, number, data[at + HEAD : stop]):
                at = stop
                continue
            if end < stop and length <= side.h2.max_inbound_frame_size:
                break
            if self._leaves or kind in OF_ALL or end < stop or side.codec.ended:
                self._leaves = False
                self._hand_over(handler, *self._front.streams.values())
            else:
                self._hand_over(handler, *[stream for stream in [side.streams.get(number)] if stream])
            # Once its bytes have ended, mitmproxy takes the connection to be closed after what it is given next.
            stop = end if side.codec.ended else _end_of_others(side, data, min(stop, end))
            side.rest, side.waits, self._sure = data[stop:], True, False
            return DataReceived(side.connection, side.codec.give_back(data[at:stop]))
        side.rest = data[at:]
        self._send(handler)
        if side.codec.ended:
            self._sure = False
            return DataReceived(side.connection, side.codec.give_back(b""))
        return None

    def _passes(self, side: Side, kind: int, flags: int, number: int, payload: bytes) -> bool:
        """Whether a frame that came on ``side`` is plain, and has been dealt with."""
        asks = side is self._front
        if kind == frames.HEADERS:
            return (self._request if asks else self._response)(flags, number, payload)
        if kind == frames.DATA:
            return (self._request_data if asks else self._response_data)(flags, number, payload)
        return self._control(side, kind, flags, number, payload)

    # -- requests ----------------------------------------------------------------------------------------------------

    def _request(self, flags: int, number: int, payload: bytes) -> bool:
        front, back, lane = self._front, self._back, self._lane
        block = frames.block_of(flags, number, payload)
        if lane is None or block is None or not number & 1 or number <= front.h2.highest_inbound_stream_id:
            return False
        if front.h2.open_inbound_streams >= front.h2.local_settings.max_concurrent_streams:
            return False
        if back.h2.open_outbound_streams >= back.h2.remote_settings.max_concurrent_streams:
            self._leaves = True  # who waits for room must hear when there is some
            return False
        if self._tape.is_held_back() or back.h2.highest_outbound_stream_id + 2 > LARGEST_WINDOW:
            return False
        lines = front.decode(block)
        if lines is None:
            return False
        head = heads.request_head(lines)
        if head is None or head.is_expecting:
            front.undo(lines)
            return False
        flow = self._begin(lane, head)
        ends = bool(flags & END_STREAM)
        stream = Stream(flow, number, front.body(head.length), front.granted, head.fields, head.lines)
        front.h2.highest_inbound_stream_id = number
        front.add(number, stream)
        if ends:
            self._ask(stream, b"")
        elif flow.request.stream:
            self._send_request(stream, ends=False)
        else:
            stream.held = []
        return True

    def _begin(self, lane: Lane, head: heads.Asked) -> HTTPFlow:
        server = lane.server
        host, port = server.address[:2]
        flow = HTTPFlow(lane.client, server)
        flow.request = Request(
            host, port, head.method, b"https" if server.tls else b"http", head.authority, head.path, b"HTTP/2.0",
            _headers(head.fields), None, None, time.time(), None,
        )  # fmt: skip
        flow.live = True
        self._tape.begin(flow)
        return flow

    def _request_data(self, flags: int, number: int, payload: bytes) -> bool:
        front, back = self._front, self._back
        stream = front.streams.get(number)
        if stream is None or stream.asked or flags & PADDED:
            return False
        ends, size = bool(flags & END_STREAM), len(payload)
        if not stream.request.takes(size, ends) or not front.has_room(size):
            return False
        if stream.held is None:
            passes = min(stream.to_server, back.h2.outbound_flow_control_window) >= size
        else:
            passes = not ends or min(back.granted, back.h2.outbound_flow_control_window) >= stream.request.came + size
        if not passes:
            return False
        front.took(number, stream.request, size, ends)
        if stream.held is None:
            if size or ends:
                stream.to_server -= size
                back.send_data(stream.back, payload, ends)
            if size:
                self._notes.append((_copy, (stream.flow.request, payload)))
            if ends:
                self._asked(stream)
                self._notes.append((_copy, (stream.flow.request, b"")))
                self._notes.append((self._tape.request, (stream.flow,)))
            return True
        stream.held.append(payload)
        if ends:
            self._ask(stream, b"".join(stream.held))
            stream.held = None
        return True

    def _ask(self, stream: Stream, content: bytes) -> None:
        """Send a request that is complete."""
        stream.flow.request.data.content = content
        self._asked(stream)
        self._send_request(stream, ends=not content)
        if content:
            stream.to_server -= len(content)
            self._back.send_data(stream.back, content, ends=True)
        self._notes.append((self._tape.request, (stream.flow,)))

    def _asked(self, stream: Stream) -> None:
        stream.asked = True
        stream.flow.request.data.timestamp_end = time.time()

    def _send_request(self, stream: Stream, *, ends: bool) -> None:
        back, request = self._back, stream.flow.request.data
        lines = [(b":method", request.method), (b":scheme", request.scheme), (b":path", request.path)]
        if request.authority:
            lines.append((b":authority", request.authority))
        lines += stream.lines if request.headers.fields is stream.fields else request.headers.fields
        stream.back = number = back.h2.get_next_available_stream_id()
        stream.to_server = back.granted
        back.h2.highest_outbound_stream_id = number
        back.add(number, stream)
        back.send_head(number, lines, ends)

    # -- responses ---------------------------------------------------------------------------------------------------

    def _response(self, flags: int, number: int, payload: bytes) -> bool:
        back = self._back
        stream = back.streams.get(number)
        block = frames.block_of(flags, number, payload)
        if stream is None or block is None:
            return False
        ends = bool(flags & END_STREAM)
        lines = back.decode(block)
        if lines is None:
            return False
        if (ends and not stream.asked) or not (
            self._head(stream, lines, ends) if stream.answer is None else self._trailers(stream, lines, ends)
        ):
            back.undo(lines)
            return False
        if ends:
            self._answered(stream)
        return True

    def _head(self, stream: Stream, lines: Lines, ends: bool) -> bool:
        head = heads.response_head(lines)
        if head is None:
            return False
        flow = stream.flow
        flow.response = Response(
            b"HTTP/2.0", head.status, b"", _headers(head.fields), None, None, time.time(), None
        )  # fmt: skip
        bodyless = flow.request.data.method == b"HEAD"
        stream.answer = self._back.body(0 if bodyless else head.length)
        self._front.send_head(stream.front, lines, ends)
        self._notes.append((self._tape.responseheaders, (flow,)))
        return True

    def _trailers(self, stream: Stream, lines: Lines, ends: bool) -> bool:
        fields = heads.trailer_fields(lines)
        if fields is None or not ends or stream.flow.response is None:
            return False
        stream.flow.response.data.trailers = _headers(fields)
        self._front.send_head(stream.front, fields, ends)
        return True

    def _response_data(self, flags: int, number: int, payload: bytes) -> bool:
        front, back = self._front, self._back
        stream = back.streams.get(number)
        if stream is None or stream.answer is None or flags & PADDED:
            return False
        ends, size = bool(flags & END_STREAM), len(payload)
        if (ends and not stream.asked) or not stream.answer.takes(size, ends) or not back.has_room(size):
            return False
        if size > min(stream.to_client, front.h2.outbound_flow_control_window):
            return False
        back.took(number, stream.answer, size, ends)
        if size or ends:
            stream.to_client -= size
            front.send_data(stream.front, payload, ends)
        if size:
            self._notes.append((_copy, (stream.flow.response, payload)))
        if ends:
            self._answered(stream)
        return True

    def _answered(self, stream: Stream) -> None:
        """The whole answer has passed."""
        flow, front, back = stream.flow, self._front, self._back
        flow.response.data.timestamp_end = time.time()
        flow.live = False
        self._notes.append((_copy, (flow.response, b"")))
        self._notes.append((self._tape.response, (flow,)))
        front.drop(stream.front)
        back.drop(stream.back)
        front.h2._closed_streams[stream.front] = StreamClosedBy.SEND_END_STREAM
        back.h2._closed_streams[stream.back] = StreamClosedBy.RECV_END_STREAM
        if self._lane is not None:  # see recorder.mends.ended_streams
            newest = getattr(self._lane.back, "newest_ended", (0, 0))
            self._lane.back.newest_ended = max(newest, (stream.back, stream.front))

    # -- the connections ---------------------------------------------------------------------------------------------

    def _control(self, side: Side, kind: int, flags: int, number: int, payload: bytes) -> bool:
        if kind == frames.WINDOW_UPDATE:
            increment = frames.increment_of(payload)
            return increment > 0 and self._window(side, number, increment)
        if kind == frames.PING and number == 0 and len(payload) == 8:
            if not flags & frames.ACK:
                side.out.append(frames.frame(frames.PING, frames.ACK, 0, payload))
            return True
        return False

    def _window(self, side: Side, number: int, increment: int) -> bool:
        h2 = side.h2
        if not number:
            if h2.stream_buffers or h2.outbound_flow_control_window + increment > LARGEST_WINDOW:
                return False
            h2.outbound_flow_control_window += increment
            return True
        stream = side.streams.get(number)
        if stream is None:
            return number in h2._closed_streams
        name = "to_client" if side is self._front else "to_server"
        window = getattr(stream, name) + increment
        if window > LARGEST_WINDOW:
            return False
        setattr(stream, name, window)
        return True

    def _hand_over(self, handler: Any, *streams: Stream) -> None:
        self._send(handler)
        lane = self._lane
        for stream in streams:
            if lane is not None:
                self._release(lane, stream)

    def _release(self, lane: Lane, stream: Stream) -> None:
        self._front.drop(stream.front)
        self._back.drop(stream.back)
        hand_over(lane, stream)

    def _send(self, handler: Any) -> None:
        """Send what is to be sent, then note what has passed."""
        for side in (self._back, self._front):
            if side.out:
                data = side.out[0] if len(side.out) == 1 else b"".join(side.out)
                side.out.clear()
                send(handler, side.connection, side.codec, data)
        if self._notes:
            notes, self._notes = self._notes, []
            for note, arguments in notes:
                note(*arguments)


def _end_of_others(side: Side, data: bytes, at: int) -> int:
    """Where frames end that follow at ``at``, and are none of ours either: mitmproxy gets them together."""
    while len(data) - at >= HEAD:
        length, kind, _, number = frames.read_head(data, at)
        stop = at + HEAD + length
        if kind not in OF_STREAMS or not number or number in side.streams or stop > len(data):
            break
        at = stop
    return at


def _copy(message: Any, data: bytes) -> None:
    """A piece of the body of ``message`` has passed; ``b""`` at its end."""
    if callable(message.stream):
        message.stream(data)


def _headers(fields: tuple[tuple[bytes, bytes], ...]) -> Headers:
    """mitmproxy's headers, without the checks that it has for what add-ons give it."""
    made = Headers.__new__(Headers)
    made.fields = fields
    return made
