"""Traffic of every sort, with a secret of its own in each place of it that may hold one."""

from __future__ import annotations

import base64
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import brotli
import h2.config
import h2.connection
import h2.events
import wsproto
import zstandard
from mitmproxy import io as flow_io
from mitmproxy.test import tflow
from wsproto.events import AcceptConnection, CloseConnection, Message, Request
from wsproto.extensions import PerMessageDeflate

from tests.end_to_end.leaks.origin import Origin
from tests.end_to_end.leaks.planting import Garden, packed


def answer(body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(body: bytes, *headers: str, kind: str = "application/json", trailers: str = "") -> list[bytes]:
    """In chunks of an odd size, so that secrets are cut anywhere."""
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", "Transfer-Encoding: chunked", *headers, "", ""]
    chunks = [body[at : at + 37] for at in range(0, len(body), 37)]
    return [
        "\r\n".join(lines).encode(),
        *(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks),
        f"0\r\n{trailers}\r\n".encode(),
    ]


def ask(port: int, line: str, *headers: str, body: bytes = b"", cut: int = 0) -> bytes:
    """One exchange over a connection of its own. ``cut``: bytes of the body after which the client goes away."""
    told = [f"Content-Length: {len(body)}"] if body and not any("chunked" in one for one in headers) else []
    head = "\r\n".join([f"{line} HTTP/1.1", "Host: shop.test", "Connection: close", *told, *headers, "", ""]).encode()
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.settimeout(60)
        client.sendall(head + (body[:cut] if cut else body))
        received = b""
        with suppress(ConnectionError):
            while not cut and (data := client.recv(65536)):
                received += data
    return received


def http1(port: int, origin: Origin, garden: Garden) -> None:
    word, formed = garden.password, garden.formed
    serve = origin.script

    def document(place: str) -> bytes:
        mail, card = formed("email", place), formed("card", place)
        return json.dumps({"id": 7, "password": word(f"{place}, a member"), "to": mail, "card": card}).encode()

    serve[b"/gzip"] = chunked(
        packed(document("gzip").decode()), "Content-Encoding: gzip", trailers=f"X-Auth-Token: {word('trailer')}\r\n"
    )
    serve[b"/br"] = [answer(brotli.compress(document("br")), "Content-Encoding: br")]
    serve[b"/zstd"] = [answer(zstandard.compress(document("zstd")), "Content-Encoding: zstd")]
    basic = base64.b64encode(f"ada:{word('basic')}".encode()).decode()
    ask(port, "GET /gzip", f"Authorization: Bearer {word('bearer')}", f"Cookie: sid={word('cookie')}; theme=dark")
    ask(port, "GET /br", f"Authorization: Basic {basic}", f"X-Tenant: {word('configured header')}")
    ask(
        port,
        f"GET /zstd?badge={word('configured query')}&q={quote(formed('email', 'query'))}",
        f"X-Api-Key: {word('header')}",
    )
    ask(port, f"GET /x?next={quote('https://a.test/?token=' + word('url in a query'), safe='')}")
    ask(port, f"GET /invites/{word('path template')}")
    ask(port, f"GET /x/{formed('token', 'path')}?state={quote(json.dumps({'secret': word('json in a query')}))}")
    ask(
        port,
        f"GET /x?s={base64.urlsafe_b64encode(json.dumps({'api_key': word('base64 in a query')}).encode()).decode()}",
    )

    body = json.dumps(
        {"patient": {"record": word("configured place")}, "pairs": ["password", word("pair")],
         "note": garden.matching("pattern"),
         "fields": [{"name": "client_secret", "value": word("label")}],
         "inner": json.dumps({"m": json.dumps({"token": word("json in json")})}),
         "packed": base64.b64encode(packed(json.dumps({"password": word("gzip in base64")}))).decode(),
         "iban": formed("iban", "json"),
         "log": f"login user=ada password={word('log line')} ok",
         "tel": formed("phone", "json"), formed("email", "name of a member"): 1}
    ).encode()  # fmt: skip
    serve[b"/json"] = [
        f"HTTP/1.1 103 Early Hints\r\nLink: </x?token={word('link of a 103')}>; rel=preload\r\n"
        f"Set-Cookie: a={word('cookie of a 103')}\r\n\r\n".encode(),
        answer(b"{}", f"Set-Cookie: sid={word('set-cookie')}; HttpOnly",
               f"{formed('access key', 'name of a header')}: 1",
               status=f"200 Welcome {formed('email', 'reason')}"),
    ]  # fmt: skip
    sizes = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    ask(port, "POST /json", "Content-Type: application/json", "Transfer-Encoding: chunked", body=sizes)

    serve[b"/events"] = chunked(
        f'event: x\ndata: {{"password":\ndata: "{word("event in two lines")}"}}\n\n'
        f"data: {formed('jwt', 'event')}\n\n".encode(),
        kind="text/event-stream",
    )
    ask(port, "GET /events")
    form = f"name=password&value={word('form, apart')}&otp_secret={word('form')}&mail={quote(formed('email', 'form'))}"
    ask(port, "POST /form", "Content-Type: application/x-www-form-urlencoded", body=form.encode())
    parts = (
        f'--B\r\nContent-Disposition: form-data; name="password"\r\n\r\n{word("part")}\r\n'
        f'--B\r\nContent-Disposition: form-data; name="f"; filename="{formed("email", "file name")}.csv"\r\n'
        f"Content-Type: text/csv\r\n\r\n"
        f'user,password\nada,"{word("table in a part")}"\n\r\n--B--\r\n'
    )
    ask(port, "POST /parts", "Content-Type: multipart/form-data; boundary=B", body=parts.encode())
    serve[b"/away"] = [
        answer(
            b"",
            f"Location: https://ada:{word('password in a url')}@b.test/cb?code=1&"
            f"access_token={word('location')}#id_token={formed('jwt', 'fragment')}",
            status="302 Found",
        )
    ]
    ask(port, "GET /away")
    serve[b"/page"] = [
        answer(
            f'<form><input name="api_key" value="{word("page")}"></form>'
            f'<script>var c={{"apiKey":"{word("script")}"}}</script>'.encode(),
            kind="text/html",
        )
    ]
    ask(
        port,
        "GET /page",
        f'X-Debug: {{"password": "{word("json in a header")}"}}',
        f"Referer: https://a.test/?api_key={word('referer')}",
    )
    soap = f'<e><Password>{word("element")}</Password><field name="token">{word("field")}</field></e>'
    ask(port, "POST /soap", "Content-Type: application/soap+xml", body=soap.encode())


def broken(port: int, origin: Origin, garden: Garden) -> None:
    """What is cut off: bodies over the limit, resets, clients that go away."""
    word, serve = garden.password, origin.script
    large = (
        b"x" * 65_000
        + f" password={word('before the cut')} ".encode()
        + b"y" * 489
        + f" password={word('at the cut')}".encode()
        + b"z" * 70_000
    )
    ask(port, "POST /large", "Content-Type: text/plain", body=large)
    serve[b"/large"] = [
        answer(json.dumps({"a": "x" * 65_500, "password": word("json, cut off")}).encode() + b" " * 80_000)
    ]
    ask(port, "GET /large")
    serve[b"/coded"] = [
        answer(
            packed(json.dumps({"password": word("coded, cut off"), "a": os.urandom(90_000).hex()})),
            "Content-Encoding: gzip",
        )
    ]
    ask(port, "GET /coded")
    half = answer(json.dumps({"password": word("answer that breaks off"), "a": "x" * 4_000}).encode())
    serve[b"/reset"] = [half[: len(half) // 2], b"RESET"]
    ask(port, "GET /reset", f"Cookie: sid={word('cookie of one that breaks off')}")
    upload = json.dumps({"password": word("upload that breaks off"), "a": "x" * 5_000}).encode()
    ask(
        port,
        f"POST /upload?token={word('query of one that breaks off')}",
        "Content-Type: application/json",
        body=upload,
        cut=2_000,
    )
    ask(port, "GET /not-http", f"X-Api-Key {word('a line without a colon')}")


def grpc(port: int, origin: Origin, garden: Garden) -> None:
    def message(text: str) -> bytes:
        field = b"\x0a" + bytes((len(text),)) + text.encode()
        return b"\0" + len(field).to_bytes(4) + field

    origin.grpc[b"/shop.Users/Get"] = (
        [(":status", "200"), ("content-type", "application/grpc"),
         ("set-cookie", f"a={garden.password('cookie over HTTP/2')}")],
        message(garden.formed("email", "grpc answer")) + message(garden.formed("token", "grpc answer")),
        [("grpc-status", "0"), ("grpc-message", quote(f"for {garden.formed('email', 'grpc message')}")),
         ("x-auth-token", garden.password("grpc trailer"))],
    )  # fmt: skip
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    client.initiate_connection()
    client.send_headers(1, [
        (":method", "POST"), (":scheme", "http"), (":authority", "shop.test"),
        (":path", f"/shop.Users/Get?access_token={garden.password('query over HTTP/2')}"),
        ("te", "trailers"), ("content-type", "application/grpc"),
        ("authorization", f"Bearer {garden.password('bearer over HTTP/2')}"),
        ("x-acme-token", garden.password("header over HTTP/2")),
    ])  # fmt: skip
    client.send_data(1, message(garden.formed("jwt", "grpc question")), end_stream=True)
    with socket.create_connection(("127.0.0.1", port), 60) as sock:
        sock.sendall(client.data_to_send())
        ended = False
        while not ended and (data := sock.recv(65536)):
            ended = any(
                isinstance(one, h2.events.StreamEnded | h2.events.StreamReset) for one in client.receive_data(data)
            )
            sock.sendall(client.data_to_send())


def websocket(port: int, origin: Origin, garden: Garden) -> None:
    origin.words[:] = [
        json.dumps({"password": garden.password("message to the client")}),
        f"hello {garden.formed('email', 'message')}",
    ]
    said = [
        json.dumps({"type": "login", "token": garden.password("message to the server")}),
        f'42["auth",{{"password":"{garden.password("socket.io")}"}}]',
        "bye",
    ]
    client = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    secret = garden.password("query of a websocket")
    with socket.create_connection(("127.0.0.1", port), 60) as sock:
        sock.sendall(
            client.send(Request(host="shop.test", target=f"/ws?token={secret}", extensions=[PerMessageDeflate()]))
        )
        while data := sock.recv(65536):
            client.receive_data(data)
            for event in client.events():
                if isinstance(event, AcceptConnection):
                    for text in said:
                        for part, last in ((text[:7], False), (text[7:], True)) if text != "bye" else ((text, True),):
                            sock.sendall(client.send(Message(part, message_finished=last)))
                elif isinstance(event, CloseConnection):
                    sock.sendall(client.send(event.response()))
                    return


def archives(folder: Path, garden: Garden) -> list[Path]:
    """A HAR and a flow file as other tools write them: with their secrets."""
    har = folder / "other.har"
    har.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": [{
        "startedDateTime": "2026-11-30T12:00:00.000Z", "time": 1,
        "request": {"method": "POST", "url": f"http://shop.test/?token={garden.password('har, url')}",
                    "httpVersion": "HTTP/1.1",
                    "headers": [{"name": "Cookie", "value": f"a={garden.password('har, cookie')}"}],
                    "postData": {"mimeType": "application/json",
                                 "text": json.dumps({"password": garden.password("har, body")})}},
        "response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": [],
                     "content": {"mimeType": "text/plain", "text": f"for {garden.formed('email', 'har')}", "size": 1}},
        "timings": {"send": 1, "wait": 1, "receive": 1}, "comment": "x"}]}}))  # fmt: skip
    flows = folder / "other.flows"
    flow = tflow.tflow(resp=True)
    flow.request.path = f"/?api_key={garden.password('flow, url')}"
    flow.request.headers["Authorization"] = f"Bearer {garden.password('flow, header')}"
    flow.response.headers["content-type"] = "application/json"
    flow.response.content = json.dumps({"password": garden.password("flow, body")}).encode()
    flow.comment = f"password={garden.password('flow, comment')}"
    with flows.open("wb") as file:
        flow_io.FlowWriter(file).add(flow)
    return [har, flows]
