"""HTTP/1.x on a connection to the stub server: requests in, one after the other, and their answers as recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from captures.model import FailureKind, Headers, Request, Response, header
from replayer.connect import parse_authority
from replayer.encoding import encode_headers, encode_response
from replayer.http1 import ProtocolError, RequestHead, RequestParser, is_chunked, keeps_alive
from replayer.stubbing.addressing import addressed, destination
from replayer.stubbing.answers import Answer, Server
from replayer.stubbing.channel import Channel
from replayer.stubbing.playing import Player, Step

REMEMBERED = 64 * 1024  # bytes of an answer that is kept encoded


class Http1Conversation:
    """The requests of one connection. The next is answered when the answer before is written (RFC 9112 9.3.2)."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._parser = RequestParser()
        self._player: Player | None = None
        self._continued = False
        self._stays = False  # an answer without end has been begun

    def received(self, data: bytes) -> None:
        """Plaintext from the build."""
        self._parser.feed(data)
        if self._player is None:
            self._serve()

    def lost(self) -> None:
        """The connection is gone."""
        if self._player is not None:
            self._player.cancel()

    def _serve(self) -> None:
        """Answer every complete request there is."""
        try:
            while not self._channel.closed and self._player is None:
                head = self._parser.next_head()
                if head is None:
                    return
                message = self._parser.next_message()
                if message is None:
                    self._continue(head)
                    return
                self._continued = False
                if head.method == "CONNECT":
                    self._connect(head)
                    return
                self._answer(*message)
        except (ProtocolError, ValueError) as error:
            self._complain(400, str(error))

    def _answer(self, head: RequestHead, body: bytes, trailers: Headers) -> None:
        channel = self._channel
        named, target = destination(channel.server, head.target, header(head.headers, "host"))
        server = channel.house.meant(named)
        headers = addressed(head.headers, server) if channel.stands_in or server != named else head.headers
        request = Request(
            method=head.method,
            scheme=server.scheme,
            host=server.host,
            port=server.port,
            target=target,
            headers=headers,
            body=body,
            trailers=trailers,
            http_version=head.version,
        )
        answer = channel.house.desk.answer(request)
        if not answer.hold and not answer.pieces and answer.failure is None and answer.response is not None:
            data, close = _encoded(answer, answer.response, head.method, head.version)
            channel.write(data)
            if close or not keeps_alive(head.version, head.headers):
                channel.close()
            return
        self._player = player = Player(self._steps(head, answer), self._next)
        if player.start() and not self._stays:
            self._player = None

    def _steps(self, head: RequestHead, answer: Answer) -> Iterator[Step]:
        """The answer in time, or the failure that was recorded.

        A recorded failure ends the connection without a word, which is what the service saw while it was recorded:
        the recorder closes its client's connection when a server refuses, resets or times out.
        """
        channel, response = self._channel, answer.response
        if response is None:
            yield answer.hold, channel.close
            return
        broken = answer.failure is not None and answer.failure.kind is not FailureKind.ABORTED
        first, body, tail, close = framed(response, head.method, head.version, broken=broken, whole=not answer.pieces)
        if answer.pieces and body is not None:
            yield answer.hold, partial(channel.write, first)
            for piece in answer.pieces:
                chunk = piece.data if not body else b"%x\r\n%b\r\n" % (len(piece.data), piece.data)
                yield piece.after, partial(channel.write, chunk if piece.data else b"")
            if not answer.ends:
                self._stays = True
                return
            yield 0.0, partial(channel.write, tail)
        else:
            yield answer.hold, partial(channel.write, first + tail)
        if close or broken or not keeps_alive(head.version, head.headers):
            yield 0.0, channel.close

    def _next(self) -> None:
        if not self._stays:
            self._player = None
            self._serve()

    def _continue(self, head: RequestHead) -> None:
        expected = header(head.headers, "expect")
        if expected is not None and expected.lower() == b"100-continue" and not self._continued:
            self._continued = True
            self._channel.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _connect(self, head: RequestHead) -> None:
        host, port = parse_authority(head.target, 443)
        house = self._channel.house
        meant = house.meant(Server("http", host, port))
        if house.desk.refuse(meant.host, meant.port):
            self._channel.close()
            return
        self._channel.enter(host, port, bytes(self._parser.buffer))

    def _complain(self, status: int, why: str) -> None:
        body = json.dumps({"error": f"retape: not a request the stub server can read: {why}"}).encode()
        self._channel.write(
            b"HTTP/1.1 %d Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            b"Connection: close\r\n\r\n%b" % (status, len(body), body)
        )
        self._channel.close()


def _encoded(answer: Answer, response: Response, method: str, version: str) -> tuple[bytes, bool]:
    """``encode_response``, remembered for an answer that is given again."""
    key = method == "HEAD", version
    known = answer.encoded.get(key)
    if known is None:
        known = encode_response(response, method, version=version)
        if len(response.body) <= REMEMBERED:
            answer.encoded[key] = known
    return known


def framed(
    response: Response, method: str, version: str, *, broken: bool, whole: bool
) -> tuple[bytes, bool | None, bytes, bool]:
    """(head, whether the body goes in chunks, what ends it, whether to close). None: there is no body to send.

    ``broken``: the head as recorded with the length it promised, and only the part of the body that came.
    ``whole``: the body stands with what ends it.
    """
    old = response.http_version.startswith("HTTP/1.")
    if not whole and not old and version == "HTTP/1.1" and header(response.headers, "content-length") is None:
        # HTTP/2 frames any body; here one that comes in pieces needs chunks, or its length would end it early.
        response = replace(response, headers=(*response.headers, (b"Transfer-Encoding", b"chunked")))
    data, close = encode_response(response, method, version=version)
    head, _, rest = data.partition(b"\r\n\r\n")
    if not rest and response.body:
        return data, None, b"", close  # to HEAD, 204, 304
    chunked = is_chunked(response.headers) and version != "HTTP/1.0"
    promised = header(response.headers, "content-length")
    if broken and promised is not None and not chunked:
        lines = [
            b"Content-Length: " + promised if line.lower().startswith(b"content-length:") else line
            for line in head.split(b"\r\n")
        ]
        head = b"\r\n".join(lines)
    end = b"0\r\n" + encode_headers(response.trailers) + b"\r\n" if chunked else b""
    if not whole:
        return head + b"\r\n\r\n", chunked, b"" if broken else end, close
    if broken and chunked and rest.endswith(end):
        rest = rest[: -len(end)]
    return head + b"\r\n\r\n", chunked, rest, close
