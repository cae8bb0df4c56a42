"""Exchanges on a connection that is kept, as transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from captures.model import FailureKind
from tests.recorder.plain.stage import (
    CLIENT_CLOSES,
    CLIENT_ENDS,
    CLIENT_HALF_CLOSES,
    CLIENT_PAUSES,
    CLIENT_RESETS,
    ORIGIN_AGAIN,
    ORIGIN_CLOSES,
    ORIGIN_ENDS,
    ORIGIN_PAUSES,
    ORIGIN_RESETS,
    Line,
    client,
    client_sees,
    origin,
    origin_sees,
)

MAX_BODY = 300_000  # bytes of a body that are kept, in these plays
BLANK = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A transcript, and what is to come of it."""

    name: str
    script: Sequence[Line]
    took: int = 1  # exchanges that went the short way
    kinds: tuple[FailureKind | None, ...] = (None,)  # of what is on the tape
    proxied: str = ""  # why a proxy's client or origin sees something else than without one
    held_back: str = ""  # why the long way is not compared
    recut: Sequence[tuple[bytes, bytes]] = ()  # what mitmproxy writes anew: as it was, and as it writes it


def get(target: bytes = b"/case", *headers: bytes, method: bytes = b"GET") -> bytes:
    """A request without a body."""
    return b"%s %s HTTP/1.1\r\nHost: shop\r\n%s\r\n" % (method, target, b"".join(one + b"\r\n" for one in headers))


def post(body: bytes, *headers: bytes, length: int = -1, target: bytes = b"/case") -> bytes:
    """A request with (the beginning of) a body of ``length`` bytes."""
    return get(target, b"Content-Length: %d" % (len(body) if length < 0 else length), *headers, method=b"POST") + body


def answer(body: bytes = b"ok", *headers: bytes, status: bytes = b"200 OK", length: int | None = -1) -> bytes:
    """An answer. No length where that is None."""
    lines = [b"HTTP/1.1 " + status, *headers]
    if length is not None:
        lines.append(b"Content-Length: %d" % (len(body) if length < 0 else length))
    return b"\r\n".join(lines) + BLANK + body


def talk(request: bytes, *answers: bytes) -> list[Line]:
    """The client asks, the origin answers piece by piece, and the client gets it all."""
    lines = [client(request), origin_sees(request)]
    for one in answers:
        lines += [origin(one), client_sees(one)]
    return lines


NEXT = talk(get(b"/next"), answer(b"next"))
CHUNKED = b"Transfer-Encoding: chunked"
BODY = bytes(range(256)) * 1000
LARGE = BODY + BODY
SHORT_OF_ROOM = "a small request is held back there until it is complete"

_ANSWERS = {
    "empty": (get(), answer(b"")),
    "small": (get(), answer()),
    "larger-than-a-read": (get(), answer(BODY)),
    "larger-than-is-kept": (get(), answer(LARGE)),
    "204-with-a-length": (get(), answer(b"", status=b"204 No Content", length=5)),
    "304-with-a-length": (get(), answer(b"", status=b"304 Not Modified", length=5)),
    "head-with-a-length": (get(method=b"HEAD"), answer(b"", length=5)),
    "head-in-chunks": (get(method=b"HEAD"), answer(b"", CHUNKED, length=None)),
    "no-reason": (get(), answer(status=b"200 ")),
    "http-1.0-kept": (get(), b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok"),
    "length-twice": (get(), answer(b"ok", b"Content-Length: 2")),
    "header-twice": (get(), answer(b"ok", b"set-cookie: a=1", b"Set-Cookie: b=2")),
    "events": (
        get(),
        answer(b"", b"Content-Type: text/event-stream", CHUNKED, length=None),
        b"9\r\ndata: 1\n\n\r\n",
        b"9\r\ndata: 2\n\n\r\n",
        b"0\r\n\r\n",
    ),
    "in-two-pieces": (get(), answer(b"abc", length=6), b"def"),
    "early-hints": (get(), b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", answer()),
    "several-informational": (
        get(),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n",
        answer(),
    ),
    "posted": (post(b"amount=1"), answer()),
    "get-with-a-body": (get(b"/case", b"Content-Length: 3") + b"abc", answer()),
    "posted-large": (post(LARGE), answer()),
    "latin": (get(b"/caf\xe9?q=%20", b"X-Name: caf\xe9"), answer(b"ok", b"X-Name: \xc3\xa9")),
    "chunks-in-pieces": (
        get(),
        answer(b"3", CHUNKED, length=None),
        b"\r",
        b"\na",
        b"bc\r\n",
        b"0\r\n",
        b"\r\n",
    ),
}

_HELD_BACK = {
    "http-1.0-kept": "there Keep-Alive is not known in capitals, and the connection ends",
    "chunks-in-pieces": "there a chunk's length is only passed on with its content",
}

_RECUT = {
    "chunks-with-extensions-and-trailers": (
        get(),
        answer(b"4;x=y\r\nWiki\r\n005\r\npedia\r\n0;last\r\nX-Sum: 9\r\n\r\n", CHUNKED, length=None),
        ((b"4;x=y\r\n", b"4\r\n"), (b"005\r\n", b"5\r\n"), (b"0;last\r\n", b"0\r\n")),
    ),
    "no-carriage-returns": (
        get(),
        b"HTTP/1.1 200 OK\nX: 1\nContent-Length: 2\n\nok",
        ((b"OK\nX: 1\nContent-Length: 2\n\nok", b"OK\r\nX: 1\r\nContent-Length: 2\r\n\r\nok"),),
    ),
    "folded": (get(), answer(b"ok", b"X: a\r\n\t  b"), ((b"a\r\n\t  b", b"a\r\n b"),)),
    "blanks-in-an-answer": (get(), answer(b"ok", b"X:  1 ", b"Y:2"), ((b"X:  1 \r\nY:2", b"X: 1\r\nY: 2"),)),
    "blanks-in-a-request": (get(b"/case", b"X:  1 ", b"Y:2"), answer(), ((b"X:  1 \r\nY:2", b"X: 1\r\nY: 2"),)),
    "asked-in-chunks": (
        get(b"/case", CHUNKED, method=b"POST") + b"4;x\r\nWiki\r\n05\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n",
        answer(),
        ((b"4;x\r\n", b"4\r\n"), (b"05\r\n", b"5\r\n")),
    ),
}

_ENDS: dict[str, tuple[Any, ...]] = {
    "until-the-end": (answer(b"all", length=None), None),
    "nothing-until-the-end": (answer(b"", length=None), None),
    "said-close": (answer(b"ok", b"Connection: close"), None),
    "http-1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", None),
    "truncated": (answer(b"abc", length=9), FailureKind.TRUNCATED),
    "truncated-chunk": (
        answer(b"9\r\nabc", CHUNKED, length=None),
        FailureKind.TRUNCATED,
        (b"9\r\nabc", b"3\r\nabc\r\n"),
    ),
    "no-last-chunk": (answer(b"3\r\nabc\r\n", CHUNKED, length=None), FailureKind.TRUNCATED),
    "no-answer": (b"", FailureKind.RESET),
}

_BROKEN = {
    "no-status": b"HTTP/1.1 fine\r\n\r\n",
    "no-http": b"SSH-2.0-OpenSSH\r\n\r\n",
    "no-colon": b"HTTP/1.1 200 OK\r\nContent-Length 2\r\n\r\nok",
    "two-lengths": answer(b"ok", b"Content-Length: 3"),
    "no-length": answer(b"ok", b"Content-Length: -2", length=None),
    "unknown-coding": answer(b"ok", b"Transfer-Encoding: secret", length=None),
}


def _ending(first: bytes) -> list[Line]:
    return [client(get()), origin_sees(get()), *([origin(first)] if first else []), ORIGIN_CLOSES, CLIENT_ENDS]


WAITING = [client(get()), origin_sees(get())]
WEBSOCKET = get(b"/ws", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
EXPECTING = get(b"/expecting", b"Content-Length: 2", b"Expect: 100-continue", method=b"PUT")
UPLOAD = post(b"abcd", length=10)

CASES = [
    *(
        Case(name, [*talk(*parts), *NEXT], took=2, kinds=(None, None), held_back=_HELD_BACK.get(name, ""))
        for name, parts in _ANSWERS.items()
    ),
    *(
        Case(name, [*WAITING, origin(sent), Line("client", "gets", sent), *NEXT], 2, (None, None), recut=recut)
        if request == get()
        else Case(
            name,
            [client(request), Line("origin", "gets", request), origin(sent), client_sees(sent), *NEXT],
            2,
            (None, None),
            recut=recut,
        )
        for name, (request, sent, recut) in _RECUT.items()
    ),
    *(Case(name, _ending(sent), kinds=(kind,), recut=recut) for name, (sent, kind, *recut) in _ENDS.items()),
    *(
        Case(
            name, [*WAITING, origin(sent), CLIENT_ENDS, ORIGIN_ENDS], kinds=(FailureKind.PROTOCOL,),
            proxied="it does not pass on what it cannot read",
        )
        for name, sent in _BROKEN.items()
    ),
    Case(
        "broken-head", _ending(b"HTTP/1.1 200 OK\r\nContent-"), kinds=(FailureKind.PROTOCOL,),
        proxied="it does not pass on half a head",
    ),
    Case(
        "broken-chunk",
        [*WAITING, origin(answer(b"3\r\nabc\r\nno\r\n", CHUNKED, length=None)), CLIENT_ENDS, ORIGIN_ENDS],
        kinds=(FailureKind.TRUNCATED,), proxied="it ends what it cannot follow", recut=((b"no\r\n", b""),),
    ),
    Case(
        "said-close-and-stays", [*WAITING, origin(answer(b"ok", b"Connection: Close, x")), CLIENT_ENDS, ORIGIN_ENDS],
        proxied="it ends at once what is to end", held_back="there the word is not known in capitals",
    ),
    Case(
        "client-says-close",
        [*talk(get(b"/case", b"Connection: close"), answer(b"ok", b"Connection: close")), ORIGIN_CLOSES, CLIENT_ENDS],
    ),
    Case("reset-before-the-answer", [*WAITING, ORIGIN_RESETS, CLIENT_ENDS], kinds=(FailureKind.RESET,)),
    Case(
        "reset-inside-the-answer",
        [*WAITING, origin(answer(b"abc", length=9)), Line("client", "sees", b"abc"), ORIGIN_RESETS, CLIENT_ENDS],
        kinds=(FailureKind.TRUNCATED,),
    ),
    Case(
        "reset-without-a-length",
        [*WAITING, origin(answer(b"abc", length=None)), Line("client", "sees", b"abc"), ORIGIN_RESETS, CLIENT_ENDS],
        kinds=(FailureKind.TRUNCATED,),
    ),
    Case(
        "surplus",
        [*WAITING, origin(answer() + b"surplus"), Line("client", "sees", answer()), ORIGIN_ENDS],
        proxied="nobody asked for it",
    ),
    Case(
        "switched",
        [
            *talk(get(), b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: secret\r\n\r\nhello", b"more"),
            client(b"hello yourself"), origin_sees(b"hello yourself"), ORIGIN_CLOSES, CLIENT_ENDS,
        ],
    ),
    Case(
        "early-answer",
        [
            client(UPLOAD), origin_sees(UPLOAD), origin(answer(b"no", status=b"413 Too Large")), client_sees(b"no"),
            client(b"efghij"), origin_sees(b"efghij"), *NEXT,
        ],
        2, (None, None), held_back=SHORT_OF_ROOM,
    ),
    Case(
        "early-answer-and-close",
        [
            client(UPLOAD), origin_sees(UPLOAD),
            origin(answer(b"no", b"Connection: close", status=b"413 Too Large")), ORIGIN_CLOSES, CLIENT_ENDS,
        ],
        held_back=SHORT_OF_ROOM,
    ),
    Case(
        "early-answer-until-the-end",
        [client(UPLOAD), origin_sees(UPLOAD), origin(answer(b"no", length=None)), ORIGIN_CLOSES, CLIENT_ENDS],
        held_back=SHORT_OF_ROOM,
    ),
    Case(
        "upload-in-pieces",
        [
            client(UPLOAD), origin_sees(UPLOAD), client(b"efg"), origin_sees(b"efg"), client(b"hij"),
            origin_sees(b"hij"), origin(answer()), client_sees(answer()), *NEXT,
        ],
        2, (None, None), held_back=SHORT_OF_ROOM,
    ),
    Case(
        "upload-in-pieces-taken-whole",
        [client(UPLOAD), client(b"efg"), client(b"hij"), origin_sees(UPLOAD + b"efghij"), origin(answer()),
         client_sees(answer()), *NEXT],
        2, (None, None),
    ),
    Case(
        "large-upload-in-pieces",
        [
            client(post(b"abcd", length=len(LARGE) + 4)), origin_sees(b"abcd"), client(LARGE), origin_sees(LARGE),
            origin(answer()), client_sees(answer()), *NEXT,
        ],
        2, (None, None),
    ),
    Case(
        "server-leaves-inside-a-request",
        [client(UPLOAD), origin_sees(UPLOAD), ORIGIN_CLOSES, CLIENT_ENDS],
        kinds=(FailureKind.RESET,), held_back=SHORT_OF_ROOM,
    ),
    Case(
        "server-breaks-off-and-answers-nonsense-inside-a-request",
        [client(UPLOAD), origin_sees(UPLOAD), origin(b"no\r\n\r\n"), CLIENT_ENDS, ORIGIN_ENDS],
        kinds=(FailureKind.PROTOCOL,), held_back=SHORT_OF_ROOM, proxied="it does not pass on what it cannot read",
    ),
    Case(
        "pipelined",
        [
            client(get(b"/1") + get(b"/2") + get(b"/3")), origin_sees(get(b"/1")), origin(answer(b"one")),
            origin_sees(get(b"/2")), origin(answer(b"two")), origin_sees(get(b"/3")), origin(answer(b"three")),
            client_sees(answer(b"one") + answer(b"two") + answer(b"three")), *NEXT,
        ],
        4, (None, None, None, None),
    ),
    Case(
        "asked-while-the-first-is-under-way",
        [
            *WAITING, client(get(b"/2")), origin(answer(b"one", length=5)), client_sees(b"one"), client(post(b"three")),
            origin(b"!!"), origin_sees(get(b"/2")), origin(answer(b"two")), origin_sees(b"three"),
            origin(answer(b"three")), client_sees(answer(b"two") + answer(b"three")),
        ],
        3, (None, None, None),
    ),
    Case(
        "half-a-request-while-the-first-is-under-way",
        [
            *WAITING, client(get(b"/2")[:9]), origin(answer(b"one")), client_sees(b"one"), client(get(b"/2")[9:]),
            origin_sees(get(b"/2")), origin(answer(b"two")), client_sees(b"two"), *NEXT,
        ],
        2, (None, None, None),
    ),
    Case(
        "pipelined-and-not-plain",
        [
            client(get(b"/1") + WEBSOCKET), origin_sees(get(b"/1")), origin(answer(b"one")), origin_sees(WEBSOCKET),
            origin(answer(b"no", status=b"400 Bad Request")), client_sees(b"no"), *NEXT,
        ],
        2, (None, None, None),
    ),
    Case(
        "not-plain-in-between",
        [*talk(get(), answer()), *talk(WEBSOCKET, answer(b"", status=b"400 Bad Request")), *NEXT], 2, (None,) * 3,
    ),
    Case(
        "expecting-in-between",
        [*talk(EXPECTING, b"HTTP/1.1 100 Continue\r\n\r\n"), client(b"hi"), origin_sees(b"hi"), origin(answer()),
         client_sees(answer()), *NEXT],
        1, (None, None),
    ),
    Case(
        "answer-in-pieces",
        [
            *WAITING, origin(b"HTTP/1.1 2"), ORIGIN_PAUSES, origin(b"00 OK\r\nContent-Length: 2\r\n"), ORIGIN_PAUSES,
            origin(b"\r"), ORIGIN_PAUSES, origin(b"\n"), ORIGIN_PAUSES, origin(b"ok"), client_sees(answer()), *NEXT,
        ],
        2, (None, None),
    ),
    Case("lower-case-method", [*talk(b"purge /case HTTP/1.1\r\nHost: shop\r\n\r\n", answer()), *NEXT], 1, (None,) * 2),
    Case(
        "head-in-two-pieces",
        [client(get()[:20]), CLIENT_PAUSES, client(get()[20:]), *talk(b"", answer()), *NEXT], 1, (None,) * 2,
    ),
    Case(
        "client-leaves-inside-its-request", [client(UPLOAD), origin_sees(UPLOAD), CLIENT_CLOSES, ORIGIN_ENDS],
        kinds=(FailureKind.ABORTED,), held_back=SHORT_OF_ROOM,
    ),
    Case(
        "client-leaves-inside-its-chunks",
        [
            client(get(b"/case", CHUNKED, method=b"POST") + b"3\r\nabc\r\n"), origin_sees(b"abc\r\n"), CLIENT_CLOSES,
            ORIGIN_ENDS,
        ],
        kinds=(FailureKind.ABORTED,),
    ),
    Case(
        "client-asks-in-broken-chunks",
        [
            client(get(b"/case", CHUNKED, method=b"POST") + b"3\r\nabc\r\n"), origin_sees(b"abc\r\n"),
            client(b"no\r\n"), CLIENT_ENDS, ORIGIN_ENDS,
        ],
        kinds=(FailureKind.PROTOCOL,), proxied="it ends what it cannot follow", recut=((b"no\r\n", b""),),
    ),
    Case("client-leaves-while-waiting", [*WAITING, CLIENT_CLOSES, ORIGIN_ENDS], kinds=(FailureKind.ABORTED,)),
    Case(
        "half-closed",
        [
            *WAITING, CLIENT_HALF_CLOSES, ORIGIN_ENDS, origin(answer()), client_sees(answer()), ORIGIN_CLOSES,
            CLIENT_ENDS,
        ],
    ),
    Case(
        "half-closed-inside-the-answer",
        [
            *WAITING, origin(answer(b"abc", length=6)), client_sees(b"abc"), CLIENT_HALF_CLOSES, ORIGIN_ENDS,
            origin(b"def"), client_sees(b"def"), ORIGIN_CLOSES, CLIENT_ENDS,
        ],
    ),
    Case(
        "half-closed-after-two",
        [
            client(get(b"/1") + post(b"two")), CLIENT_HALF_CLOSES, origin_sees(get(b"/1")), origin(answer(b"one")),
            client_sees(b"one"), origin_sees(post(b"two")), ORIGIN_ENDS, origin(answer(b"two")), client_sees(b"two"),
            ORIGIN_CLOSES, CLIENT_ENDS,
        ],
        2, (None, None), held_back="there the server is told before the second",
    ),
    Case(
        "half-closed-inside-the-second",
        [
            client(get(b"/1") + UPLOAD), CLIENT_HALF_CLOSES, origin_sees(get(b"/1")), origin(answer(b"one")),
            client_sees(b"one"), ORIGIN_ENDS, CLIENT_ENDS,
        ],
        2, (None, FailureKind.ABORTED), held_back=SHORT_OF_ROOM, proxied="it ends what cannot be completed",
    ),
    Case(
        "client-resets-while-waiting", [*WAITING, CLIENT_RESETS, ORIGIN_ENDS], kinds=(FailureKind.ABORTED,),
        proxied="it ends the server's connection in an orderly way",
    ),
    Case(
        "client-leaves-inside-the-answer",
        [*WAITING, origin(answer(b"abc", length=9)), client_sees(b"abc"), CLIENT_CLOSES, ORIGIN_ENDS],
        kinds=(FailureKind.ABORTED,),
    ),
    Case(
        "server-leaves-between-two",
        [
            *talk(get(), answer()), ORIGIN_CLOSES, ORIGIN_ENDS, CLIENT_PAUSES, client(get(b"/2")),
            ORIGIN_AGAIN, origin_sees(get(b"/2")), origin(answer(b"two")), client_sees(b"two"), *NEXT,
        ],
        2, (None, None, None), proxied="it connects anew",
    ),
]  # fmt: skip
