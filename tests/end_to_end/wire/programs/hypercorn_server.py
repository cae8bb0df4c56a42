"""hypercorn with an application of the tests: ``python hypercorn_server.py CHAIN KEY``. Prints its ports as JSON."""

import asyncio
import json
import socket
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config

ACKNOWLEDGED = {}
TEXT = (b"content-type", b"text/plain")


async def whole_body(receive):
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def answer(send, body=b"", status=200, headers=(TEXT,), trailers=False):
    start = {"type": "http.response.start", "status": status, "headers": list(headers)}
    await send({**start, "trailers": True} if trailers else start)
    await send({"type": "http.response.body", "body": body})


async def hello(scope, receive, send):
    await whole_body(receive)
    await answer(
        send, b"hello", headers=[TEXT, (b"x-a", b"1"), (b"x-b", b""), (b"x-a", b"2"), (b"content-length", b"5")]
    )


async def echo(scope, receive, send):
    body = await whole_body(receive)
    sent = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"] if name == b"x-sent"]
    await answer(send, json.dumps([scope["method"], scope["raw_path"].decode(), sent]).encode() + b"\n" + body)


async def events(scope, receive, send):
    """Server-sent events, each only once the one before was acknowledged: none may be held back."""
    name = scope["query_string"].decode()
    ACKNOWLEDGED[name] = asyncio.Queue()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for number in range(4):
        event = b"id: %d\nevent: tick\ndata: caf\xc3\xa9 %d\ndata: more\n\n" % (number, number)
        await send({"type": "http.response.body", "body": event, "more_body": True})
        await ACKNOWLEDGED[name].get()
    await send({"type": "http.response.body", "body": b": end\n\n"})


async def acknowledge(scope, receive, send):
    ACKNOWLEDGED[scope["query_string"].decode()].put_nowait(None)
    await answer(send, b"ok")


async def early(scope, receive, send):
    await send({"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload; as=style"]})
    await answer(send, b"late")


async def trailing(scope, receive, send):
    await answer(send, b"with trailers", headers=[TEXT, (b"trailer", b"x-sum")], trailers=True)
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"13"), (b"x-more", b"1")]})


async def large(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [TEXT]})
    for number in range(100):
        await send({"type": "http.response.body", "body": b"%08d" % number * 4096, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def nothing(scope, receive, send):
    await answer(send, status=204, headers=[(b"x-a", b"1")])


async def unchanged(scope, receive, send):
    await answer(send, status=304, headers=[(b"etag", b'"a"')])


async def broken(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [TEXT, (b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"not all of it", "more_body": True})
    raise RuntimeError


async def silent(scope, receive, send):
    while (await receive())["type"] != "http.disconnect":
        pass


ROUTES = {
    "hello": hello,
    "echo": echo,
    "events": events,
    "acknowledge": acknowledge,
    "early": early,
    "trailing": trailing,
    "large": large,
    "nothing": nothing,
    "unchanged": unchanged,
    "broken": broken,
    "silent": silent,
}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind.endswith("shutdown"):
                return
    await ROUTES[scope["path"].split("/")[1]](scope, receive, send)


async def main():
    ports = []
    config = Config()
    config.accesslog = config.errorlog = None
    config.alpn_protocols = ["h2", "http/1.1"]
    config.certfile, config.keyfile = sys.argv[1:3]
    sockets = []
    for _ in range(2):
        sockets.append(socket.create_server(("127.0.0.1", 0)))
        ports.append(sockets[-1].getsockname()[1])
    quic = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    quic.bind(("127.0.0.1", 0))
    config.quic_bind = [f"fd://{quic.fileno()}"]
    config.bind = [f"fd://{sockets[0].fileno()}"]
    config.insecure_bind = [f"fd://{sockets[1].fileno()}"]
    print(
        json.dumps({"event": "listening", "tls": ports[0], "plain": ports[1], "quic": quic.getsockname()[1]}),
        flush=True,
    )
    await serve(app, config)


asyncio.run(main())
