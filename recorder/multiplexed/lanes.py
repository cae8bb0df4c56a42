"""Two HTTP/2 connections of mitmproxy's that plain streams can be carried between.

Everything here looks at attributes that are private to mitmproxy and h2. What does not look as expected is left to
them: the short way is one that need not be taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from h2.connection import ConnectionState as H2State
from h2.frame_buffer import FrameBuffer
from h2.stream import H2Stream
from mitmproxy.connection import Connection, ConnectionState
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode, HttpStream
from mitmproxy.proxy.layers.http._http2 import Http2Client, Http2Server
from mitmproxy.proxy.layers.http._http_h2 import BufferedH2Connection

from recorder.plain.lanes import Clear, codec_of, is_known_below, stack_of

BEGUN = "_data" if hasattr(FrameBuffer(), "_data") else "data"
"""What h2's buffer calls the beginning of a frame (``data`` until 4.3)."""
_H2 = (
    "_closed_streams", "_inbound_flow_control_window_manager", "decoder", "encoder", "highest_inbound_stream_id",
    "highest_outbound_stream_id", "max_outbound_frame_size", "open_inbound_streams", "outbound_flow_control_window",
    "state_machine", "stream_buffers", "streams",
)  # fmt: skip
_STREAM = (
    "state_consume_request_body", "state_done", "state_stream_request_body", "state_stream_response_body",
    "state_wait_for_response_headers",
)  # fmt: skip


def is_known() -> bool:
    """Whether the mitmproxy and the h2 that are installed look inside as is expected here."""
    connection = BufferedH2Connection(Http2Server.h2_conf)
    buffer, stream = connection.incoming_buffer, H2Stream(1, connection.config, 1, 1)
    return (
        all(hasattr(connection, name) for name in _H2)
        and all(hasattr(HttpStream, name) for name in _STREAM)
        and all(
            hasattr(stream, name)
            for name in ("_inbound_window_manager", "_expected_content_length", "_actual_content_length")
        )
        and hasattr(buffer, BEGUN)
        and hasattr(buffer, "_headers_buffer")
        and hasattr(Http2Client, "provisional_max_concurrency")
    )


@dataclass(slots=True)
class Lane:
    """Where streams of one client go."""

    layer: Any  # mitmproxy's HttpLayer
    front: Any  # its Http2Server, towards the client
    back: Any  # its Http2Client, towards the server
    client: Connection
    server: Connection
    from_client: Clear
    from_server: Clear
    below: tuple[Any, ...]  # layers that must not be waiting for anything

    def is_open(self) -> bool:
        """Whether new streams may still be carried: nobody leaves, and mitmproxy has taken nothing out of our hands."""
        front, back = self.front, self.back
        return (
            self.client.state is ConnectionState.OPEN
            and self.server.state is ConnectionState.OPEN
            and front.h2_conn.state_machine.state is H2State.SERVER_OPEN
            and back.h2_conn.state_machine.state is H2State.CLIENT_OPEN
            and back.provisional_max_concurrency is None
            and not self.server.error
            and not getattr(front, "closing", False)
            and not hasattr(front, "last_stream")  # the server has announced that it leaves
            and all(layer._paused is None for layer in self.below)
        )


def find_lane(layer: HttpLayer) -> Lane | None:
    """The lane of ``layer`` where there is one: its requests go to one server, which they have been sent to before."""
    context = layer.context
    client, target = context.client, context.server
    front = layer.connections.get(client)
    if (
        type(front) is not Http2Server
        or layer.mode is not HTTPMode.transparent
        or client.state is not ConnectionState.OPEN
    ):
        return None
    if not is_known_below(layer):
        return None
    from_client = codec_of(client, context.layers)
    for server, top in layer.connections.items():
        if server is client or server.address != target.address or bool(server.tls) != bool(target.tls):
            continue
        if server.state is not ConnectionState.OPEN and not server.error:
            continue  # mitmproxy would connect anew
        stack = stack_of(top)
        from_server = codec_of(server, [*context.layers, *stack])
        back = stack[-1]
        if type(back) is not Http2Client or server.via or from_client is None or from_server is None:
            return None
        if server in layer.waiting_for_establishment:
            return None
        lane = Lane(layer, front, back, client, server, from_client, from_server, (*context.layers, *stack, front))
        return lane if lane.is_open() else None
    return None
