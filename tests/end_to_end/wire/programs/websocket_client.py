"""A WebSocket client of websockets': ``python websocket_client.py URL WAY [CA|-] [PROXY]``.

Prints what it saw on each path, as JSON.
"""

import asyncio
import base64
import json
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

URL, WAY, CA, PROXY = (*sys.argv[1:], *("-", "")[len(sys.argv) - 3 :])
PLAIN = {"compression": None}
DEFLATED = {"compression": "deflate"}
NARROW = {
    "compression": None,
    "extensions": [
        ClientPerMessageDeflateFactory(
            server_no_context_takeover=True,
            client_no_context_takeover=True,
            server_max_window_bits=10,
            client_max_window_bits=11,
        )
    ],
}


def text(value):
    return "b64:" + base64.b64encode(value).decode() if isinstance(value, bytes) else value


async def listen(socket, count=None):
    """Messages, each with how it was cut, until ``count`` or the end."""
    messages = []
    try:
        while count is None or len(messages) < count:
            parts = [part async for part in socket.recv_streaming()]
            messages.append([text(part) if len(part) < 300 else len(part) for part in parts])
    except ConnectionClosed:
        pass
    return messages


async def say(socket):
    """Every kind of message, cut and whole."""
    await socket.send("whole")
    await socket.send(b"\x00\xff")
    await socket.send(["cut ", "in ", "three"])
    await socket.send([b"a" * 70_000, b"b"])
    await socket.send("x" * 100_000)
    await socket.send("")
    return await listen(socket, 12)


async def leave(socket):
    await socket.send("hello")
    await socket.close(4002, "had enough")
    return []


async def vanish(socket):
    await socket.send("hello")
    await asyncio.sleep(0.05)
    socket.transport.abort()
    await socket.wait_closed()
    return []


CASES = {
    "sizes": ("sizes", PLAIN, say),
    "sizes-deflated": ("sizes", DEFLATED, say),
    "sizes-narrow": ("sizes", NARROW, say),
    "fragments": ("fragments", PLAIN, lambda socket: listen(socket, 3)),
    "fragments-deflated": ("fragments", DEFLATED, lambda socket: listen(socket, 3)),
    "large": ("large", PLAIN, lambda socket: listen(socket, 2)),
    "large-deflated": ("large", DEFLATED, lambda socket: listen(socket, 2)),
    "pinging": ("pinging", PLAIN, lambda socket: listen(socket, 2)),
    "subprotocol": ("fragments", {**PLAIN, "subprotocols": ["other", "chat.v1"]}, lambda socket: listen(socket, 3)),
    "closing": ("closing", PLAIN, listen),
    "closing-without-code": ("closing-without-code", PLAIN, listen),
    "abrupt": ("abrupt", PLAIN, listen),
    "half": ("half", PLAIN, listen),
    "told": ("told", PLAIN, leave),
    "told-nothing": ("told", PLAIN, vanish),
}


async def main():
    results = {}
    for name, (path, options, talk) in CASES.items():
        context = ssl.create_default_context(cafile=CA) if CA != "-" else None
        more = {"ssl": context} if context else {}
        async with connect(
            f"{URL}/{path}?case={WAY}-{name}",
            max_size=None,
            ping_interval=None,
            close_timeout=5,
            proxy=PROXY or None,
            additional_headers={"X-Case": f"{WAY}-{name}"},
            **more,
            **options,
        ) as socket:
            messages = await asyncio.wait_for(talk(socket), 60)
        results[name] = {
            "messages": messages,
            "code": socket.close_code,
            "reason": socket.close_reason,
            "subprotocol": socket.subprotocol,
            "extensions": socket.response.headers.get("Sec-WebSocket-Extensions"),
            "headers": sorted(name for name in socket.response.headers if name.lower() != "date"),
        }
    print(json.dumps(results))


asyncio.run(main())
