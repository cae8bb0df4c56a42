"""A WebSocket server of websockets': ``python websocket_server.py CHAIN KEY``. Prints its ports as a JSON line."""

import asyncio
import json
import ssl
import sys

from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory


async def sizes(socket):
    """Each message back, and how it was cut."""
    while True:
        parts = [part async for part in socket.recv_streaming()]
        kind = "text" if isinstance(parts[0], str) else "binary"
        whole = (b"" if kind == "binary" else "").join(parts)
        await socket.send(whole)
        await socket.send(json.dumps({"kind": kind, "cut": [len(part) for part in parts]}))


async def fragments(socket):
    await socket.send(["one ", "caf\u00e9 ", "", "three"])
    await socket.send([b"\x00\x01", b"\x02" * 5000])
    await socket.send("")
    await socket.recv()


async def large(socket):
    await socket.send("long \u2026 " * 200_000)
    await socket.send(bytes(range(256)) * 4000)
    await socket.recv()


async def pinging(socket):
    await socket.send("before")
    waiter = await socket.ping(b"are you there?")
    await waiter
    await socket.send("pong received")
    await socket.recv()


async def closing(socket):
    await socket.send("bye")
    await socket.close(4001, "go away: caf\u00e9")


async def closing_without_code(socket):
    await socket.send("bye")
    async with socket.send_context():
        socket.protocol.send_close()
    await socket.wait_closed()


async def abrupt(socket):
    await socket.send("bye")
    await asyncio.sleep(0.05)
    socket.transport.abort()


async def half_a_message(socket):
    async with socket.send_context():
        socket.protocol.send_text(b"half of", fin=False)
    await asyncio.sleep(0.05)
    socket.transport.abort()


async def told_goodbye(socket):
    try:
        await socket.recv()
        await socket.recv()
    finally:
        print(
            json.dumps(
                {
                    "event": "closed",
                    "path": socket.request.path,
                    "code": socket.close_code,
                    "reason": socket.close_reason,
                }
            ),
            flush=True,
        )


TALKS = {
    "sizes": sizes,
    "fragments": fragments,
    "large": large,
    "pinging": pinging,
    "closing": closing,
    "closing-without-code": closing_without_code,
    "abrupt": abrupt,
    "half": half_a_message,
    "told": told_goodbye,
}


async def talk(socket):
    await TALKS[socket.request.path[1:].partition("?")[0]](socket)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:3])
    options = {
        "extensions": [ServerPerMessageDeflateFactory()],
        "compression": None,
        "max_size": None,
        "select_subprotocol": lambda socket, offered: "chat.v1" if "chat.v1" in offered else None,
        "ping_interval": None,
    }
    async with (
        serve(talk, "127.0.0.1", 0, **options) as plain,
        serve(talk, "127.0.0.1", 0, ssl=context, **options) as tls,
    ):
        ports = [server.sockets[0].getsockname()[1] for server in (plain, tls)]
        print(json.dumps({"event": "listening", "plain": ports[0], "tls": ports[1]}), flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
