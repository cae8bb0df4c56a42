"""aioquic's HTTP/3 client: ``python http3_client.py HOST PORT WAY CA``. Prints what it saw, as JSON."""

import asyncio
import base64
import json
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

HOST, PORT, WAY, CA = sys.argv[1:5]
REQUESTS = {
    "hello": (b"GET", b"/hello/%7Ea%2Fb?x=1&x=1&y=", b""),
    "echo": (b"POST", b"/echo?a=b%20c", b"some bytes " * 5000),
    "nothing": (b"GET", b"/nothing", b""),
    "unchanged": (b"GET", b"/unchanged", b""),
}


class Caller(QuicConnectionProtocol):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.h3 = H3Connection(self._quic)
        self.waiting = {}

    def quic_event_received(self, event):
        for happened in self.h3.handle_event(event):
            heads, body, done = self.waiting[happened.stream_id]
            if isinstance(happened, HeadersReceived):
                heads.append(
                    [[name.decode(), value.decode("latin-1")] for name, value in happened.headers if name != b"date"]
                )
            elif isinstance(happened, DataReceived):
                body.append(happened.data)
            if happened.stream_ended and not done.done():
                done.set_result(None)

    async def ask(self, name):
        method, path, content = REQUESTS[name]
        stream = self._quic.get_next_available_stream_id()
        headers = [
            (b":method", method),
            (b":scheme", b"https"),
            (b":authority", b"localhost"),
            (b":path", path),
            (b"x-case", f"{WAY}-{name}".encode()),
            (b"te", b"trailers"),
        ]
        heads, body, done = self.waiting[stream] = [], [], asyncio.get_running_loop().create_future()
        self.h3.send_headers(stream, headers, end_stream=not content)
        if content:
            self.h3.send_data(stream, content, end_stream=True)
        self.transmit()
        await asyncio.wait_for(done, 40)
        return {"heads": heads, "body": base64.b64encode(b"".join(body)).decode()}


async def main():
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost")
    configuration.load_verify_locations(CA)
    configuration.verify_mode = ssl.CERT_REQUIRED
    async with connect(HOST, int(PORT), configuration=configuration, create_protocol=Caller) as client:
        print(json.dumps({name: await client.ask(name) for name in REQUESTS}))


asyncio.run(main())
