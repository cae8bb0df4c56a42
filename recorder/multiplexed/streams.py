"""A stream that is carried, and how it becomes one of mitmproxy's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from h2.stream import H2Stream, StreamInputs
from h2.windows import WindowManager
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.http._http2 import StreamState

from captures.model import Headers
from recorder.multiplexed.heads import Lines
from recorder.multiplexed.lanes import Lane


@dataclass(slots=True)
class Body:
    """What comes of one message's body: how much of it, and how much its sender may still send."""

    window: Any  # h2's WindowManager
    announced: int | None
    came: int = 0

    def takes(self, size: int, ends: bool) -> bool:
        """Whether ``size`` bytes more (and its end) keep to the window and to what was announced."""
        came = self.came + size
        if size > self.window.current_window_size:
            return False
        return self.announced is None or (came == self.announced if ends else came <= self.announced)


@dataclass(slots=True)
class Stream:
    """One exchange under way on a lane."""

    flow: HTTPFlow
    front: int  # its number towards the client
    request: Body
    to_client: int  # bytes that may be sent to the client on it
    fields: Headers  # of the request, as received
    lines: Lines  # the same as they were decoded: some may be such as no table shall hold (RFC 7541, 7.1.3)
    back: int = 0  # its number towards the server; 0 while nothing has been sent there
    to_server: int = 0
    held: list[bytes] | None = None  # of a request that is sent when it is complete
    asked: bool = False  # the request is complete
    answer: Body | None = None  # the answer's head has passed

    @property
    def parts(self) -> list[bytes]:
        """What is held back of the request."""
        return self.held or []


def hand_over(lane: Lane, stream: Stream) -> None:
    """Make ``stream`` one of mitmproxy's and h2's, as it would stand had they carried it from its beginning."""
    flow, answered = stream.flow, stream.answer is not None
    number = stream.front
    _give_to_h2(
        lane.front.h2_conn, number, stream.request, stream.to_client,
        [
            StreamInputs.RECV_HEADERS,
            *([StreamInputs.RECV_END_STREAM] if stream.asked else []),
            *([StreamInputs.SEND_HEADERS] if answered else []),
        ],
    )  # fmt: skip
    lane.front.streams[number] = StreamState.HEADERS_RECEIVED
    context = lane.layer.context.fork()
    layer = HttpStream(context, number)
    lane.layer.streams[number] = layer
    layer.flow = flow
    layer.client_state = layer.state_consume_request_body
    layer.server_state = layer.state_wait_for_response_headers
    for part in stream.parts:
        layer.request_body_buf += part
    if not stream.back:
        return
    window = WindowManager(lane.back.h2_conn.local_settings.initial_window_size)
    _give_to_h2(
        lane.back.h2_conn, stream.back, stream.answer or Body(window, None), stream.to_server,
        [
            StreamInputs.SEND_HEADERS,
            *([StreamInputs.SEND_END_STREAM] if stream.asked else []),
            *([StreamInputs.RECV_HEADERS] if answered else []),
        ],
    ).request_method = flow.request.data.method  # fmt: skip
    lane.back.streams[stream.back] = StreamState.HEADERS_RECEIVED if answered else StreamState.EXPECTING_HEADERS
    lane.back.our_stream_id[number] = stream.back
    lane.back.their_stream_id[stream.back] = number
    context.server = lane.server
    layer.upload_fails = ()  # see recorder.mends.uploads: it has its server
    layer.client_state = layer.state_done if stream.asked else layer.state_stream_request_body
    if answered:
        layer.server_state = layer.state_stream_response_body


def _give_to_h2(connection: Any, number: int, coming: Body, window: int, inputs: list[StreamInputs]) -> Any:
    stream = H2Stream(
        number,
        config=connection.config,
        inbound_window_size=connection.local_settings.initial_window_size,
        outbound_window_size=window,
    )
    stream.max_inbound_frame_size = connection.max_inbound_frame_size
    stream.max_outbound_frame_size = connection.max_outbound_frame_size
    stream._inbound_window_manager = coming.window
    stream._expected_content_length = coming.announced
    stream._actual_content_length = coming.came
    for one in inputs:
        stream.state_machine.process_input(one)
    connection.streams[number] = stream
    return stream
