"""HAR files read and written: what browsers write differently, what is lost and said, and that our own come back."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.archives.entries import Losses
from captures.archives.har_reading import HarArchive
from captures.archives.har_writing import pieces
from captures.errors import UsageError
from captures.formats.codings import content_decoded
from captures.model import Direction, Exchange, Failure, FailureKind, Headers, Message, Request, Response, Timing
from tests.captures.making import JSON, exchange

WHEN = "2026-11-30T12:00:00.000Z"


def entry(request: dict[str, Any] | None = None, response: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A GET that was answered, in the shape Chrome writes, but for what is given."""
    return {
        "startedDateTime": WHEN,
        "time": 30.0,
        "request": {
            "method": "GET", "url": "http://shop.test/orders/1?x=1#part", "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Host", "value": "shop.test"}], "bodySize": 0, **(request or {}),
        },
        "response": {
            "status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"size": 7, "mimeType": "application/json", "text": '{"n":1}'}, **(response or {}),
        },
        "timings": {"blocked": 1, "dns": -1, "connect": 2, "ssl": 1, "send": 3, "wait": 10, "receive": 5},
        **more,
    }  # fmt: skip


def read(folder: Path, *entries: Any, creator: str = "WebInspector") -> tuple[list[Exchange], list[str]]:
    """The exchanges of a HAR of ``entries``, and what is said of it."""
    path = folder / "x.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": creator}, "entries": list(entries)}}))
    losses = Losses()
    found = [one.exchange for one in HarArchive(path).entries(losses)]
    return found, losses.sentences()


def test_an_entry_is_an_exchange(tmp_path: Path) -> None:
    (found,), losses = read(tmp_path, entry(connection="443"), creator="x")
    request, response = found.request, found.response
    assert (request.host, request.port, request.target) == ("shop.test", 80, b"/orders/1?x=1")
    assert response is not None
    assert (response.status, response.reason, response.body) == (200, b"OK", b'{"n":1}')
    assert found.connection == "443"
    assert not found.body_truncated
    timing = found.timing
    moments = [timing.started, timing.request_done, timing.response_started, timing.ended]
    assert [round((one or 0) - 1796040000, 3) for one in moments] == [0.0, 0.006, 0.016, 0.03]
    assert losses == []


@pytest.mark.parametrize(
    ("request_", "response", "wanted"),
    [
        (
            {
                "httpVersion": "h2",
                "headers": [{"name": ":path", "value": "/raw%2Fpath"}, {"name": ":authority", "value": "a"}],
            },
            {},
            lambda one: (
                one.request.target == b"/raw%2Fpath"
                and one.notes == {"authority": "a"}
                and one.request.headers == ()
                and one.request.http_version == "HTTP/2.0"
            ),
        ),
        (
            {},
            {"headers": [{"name": "Set-Cookie", "value": "a=1; Path=/\nb=2"}]},
            lambda one: one.response.headers == ((b"Set-Cookie", b"a=1; Path=/"), (b"Set-Cookie", b"b=2")),
        ),
        ({"url": "http://shop.test"}, {}, lambda one: one.request.target == b"/"),
        ({"url": "http://shop.test?q=ä"}, {}, lambda one: one.request.target == b"/?q=%C3%A4"),
        ({"url": "https://[::1]:8443/a"}, {}, lambda one: (one.request.host, one.request.port) == ("::1", 8443)),
        (
            {"url": "https://user:pw@Shop.Test/a"},
            {},
            lambda one: (one.request.host, one.request.port) == ("shop.test", 443),
        ),
        (
            {
                "method": "POST",
                "bodySize": 7,
                "postData": {
                    "mimeType": "application/x-www-form-urlencoded",
                    "params": [{"name": "a", "value": "1 2"}],
                },
            },
            {},
            lambda one: one.request.body == b"a=1+2" and one.body_truncated,
        ),
        (
            {"method": "POST", "postData": {"mimeType": "text/plain", "text": "hé"}},
            {},
            lambda one: one.request.body == "hé".encode() and not one.body_truncated,
        ),
        (
            {
                "method": "POST",
                "postData": {"mimeType": "multipart/form-data", "params": [{"name": "f", "fileName": "x"}]},
            },
            {},
            lambda one: one.body_truncated,
        ),
        ({}, {"content": {"size": 100, "mimeType": "image/png"}}, lambda one: one.body_truncated),
        ({"method": "HEAD"}, {"content": {"size": 100}}, lambda one: not one.body_truncated),
        (
            {},
            {"content": {"size": 3, "text": "AAEC", "encoding": "base64"}},
            lambda one: one.response.body == b"\0\1\2",
        ),
        (
            {},
            {"status": 0, "_error": "net::ERR_CONNECTION_REFUSED"},
            lambda one: one.failure.kind is FailureKind.CONNECT,
        ),
        ({}, {"status": 0, "_error": "net::ERR_ABORTED"}, lambda one: one.failure.kind is FailureKind.ABORTED),
        (
            {},
            {"status": 0, "_error": "net::ERR_CERT_AUTHORITY_INVALID"},
            lambda one: one.failure.kind is FailureKind.TLS,
        ),
        ({}, {"status": 0}, lambda one: one.failure.kind is FailureKind.RESET and one.response is None),
    ],
)
def test_what_writers_do_differently(tmp_path: Path, request_: Any, response: Any, wanted: Any) -> None:
    (found,), _ = read(tmp_path, entry(request_, response))
    assert wanted(found), found


def test_a_coding_is_put_on_again(tmp_path: Path) -> None:
    headers = [{"name": "Content-Encoding", "value": "gzip"}, {"name": "Content-Length", "value": "999"}]
    (found,), losses = read(tmp_path, entry({}, {"headers": headers}), creator="x")
    assert found.response is not None
    assert gzip.decompress(found.response.body) == b'{"n":1}'
    assert dict(found.response.headers)[b"Content-Length"] == str(len(found.response.body)).encode()
    assert losses == ["1 exchange: how exactly the response's body was compressed"]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (entry({"url": "data:text/plain,x"}), "an address that is not http or https"),
        (entry(_fromCache="memory"), "answered from the browser's cache"),
        (entry({"method": "CONNECT"}), "CONNECT"),
        (entry({"url": "http://:80/"}), "an address without a host"),
        (entry({"url": "http://a:99999/"}), "an address without a host"),
        (entry(startedDateTime="yesterday"), "not written as HAR 1.2 asks"),
        (entry(startedDateTime="0001-01-01T00:00:00Z"), "not written as HAR 1.2 asks"),
        (17, "not written as HAR 1.2 asks"),
        ({"request": []}, "not written as HAR 1.2 asks"),
    ],
)
def test_what_is_no_exchange_is_left_out_and_said(tmp_path: Path, one: Any, said: str) -> None:
    found, losses = read(tmp_path, one, entry(), creator="x")
    assert len(found) == 1
    assert len(losses) == 1
    assert losses[0].startswith("1 exchange: left out: ")
    assert said in losses[0]


def test_chromes_missing_cookies_are_said(tmp_path: Path) -> None:
    assert any("Chrome leaves them out" in one for one in read(tmp_path, entry())[1])
    cookie = [{"name": "Cookie", "value": "a=1"}]
    assert read(tmp_path, entry({"headers": cookie}))[1] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b'{"log": ', "line 1"),
        (b"[]", "no log with entries"),
        (b'{"log": {"entries": 3}}', "no list"),
        (b'{"log":' + b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_is_no_har_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.har"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        HarArchive(path)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["request", "response", "url", "headers", "content", "text", "status", "name",
                                         "postData", "timings", "wait", "params", "size", "_error", "startedDateTime"]),
                        inner, max_size=4), max_leaves=12))  # fmt: skip
def test_no_entry_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, found: Any) -> None:
    folder = tmp_path_factory.mktemp("har")
    shaped = [found]
    if isinstance(found, dict):
        shaped += [
            entry(found),
            entry({}, found),
            entry(**{k: v for k, v in found.items() if k not in ("request", "response")}),
        ]
    read(folder, *shaped)


# -- out and in again ------------------------------------------------------------------------------------------------

TOKEN = st.text("abcdefgh-XYZ", min_size=1, max_size=8)
NAME = TOKEN.map(lambda name: b"X-" + name.encode())
VALUE = st.binary(max_size=6).map(lambda value: value.translate(None, b"\r\n"))
LINES = st.lists(st.tuples(NAME, VALUE), max_size=3).map(tuple)
TYPES = st.sampled_from(
    [b"application/json", b"text/plain; charset=latin-1", b"image/png", b"application/octet-stream"]
)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    asked, answered = draw(st.binary(max_size=20)), draw(st.binary(max_size=20))
    headers: Headers = draw(LINES)
    if asked:
        headers = (*headers, (b"Content-Type", draw(TYPES)), (b"Content-Length", str(len(asked)).encode()))
    response: Response | None = Response(
        draw(st.integers(100, 999)),
        (*draw(LINES), (b"Content-Type", draw(TYPES))),
        answered,
        draw(st.sampled_from([b"", b"Fine"])),
    )
    failure = None
    if draw(st.booleans()):
        response, failure = None, Failure(draw(st.sampled_from([*FailureKind])), "what happened")
    return Exchange(
        1, draw(st.sampled_from([*Direction])),
        Request(draw(st.sampled_from(["GET", "POST", "REPORT"])), "https", "shop.test", 8443,
                b"/a%2Fb?x=1&x=%20" + draw(TOKEN).encode(), headers, asked),
        Timing(1000.0, 1000.5, 1001.0 if response else None, 1002.0), response, failure, connection="c",
    )  # fmt: skip


Read = list[tuple[Exchange, Direction | None]]


def there_and_back(folder: Path, *ones: Exchange, messages: tuple[Message, ...] = ()) -> tuple[Read, list[str]]:
    path = folder / "x.har"
    losses = Losses()
    path.write_text("".join(pieces(ones, lambda identity: messages if identity == 1 else (), "1", losses)))
    return [(one.exchange, one.told) for one in HarArchive(path).entries(Losses())], losses.sentences()


@given(exchanges())
def test_what_was_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, one: Exchange) -> None:
    ((found, told),), losses = there_and_back(tmp_path_factory.mktemp("har"), one)
    assert told is one.direction
    assert found.request == one.request
    assert found.response == one.response
    assert not found.body_truncated
    assert (found.failure and found.failure.kind) == (one.failure and one.failure.kind)
    assert (found.timing.started, found.timing.ended) == (one.timing.started, one.timing.ended)
    assert losses == []


def test_what_har_cannot_carry_is_said(tmp_path: Path) -> None:
    coded: Headers = (*JSON, (b"Content-Encoding", b"gzip"))
    first = exchange(1, response_headers=coded, response_body=gzip.compress(b'{"a":1}', 1), connection="1")
    assert first.response is not None
    second = exchange(2, response=Response(200, (), b"x", trailers=((b"a", b"b"),)), body_truncated=True)
    third = exchange(3, response_headers=coded, response_body=b"no gzip at all")
    found, losses = there_and_back(tmp_path, first, second, third)
    assert losses == [
        "1 exchange: a body that the capture holds only in part",
        "1 exchange: how exactly the response's body was compressed",
        "1 exchange: trailers",
    ]
    again = found[0][0].response
    assert again is not None
    assert content_decoded(again.body, again.headers) == b'{"a":1}'
    assert found[2][0].response == third.response  # what cannot be decoded stands as it was


def test_an_upload_that_is_no_text_is_base64(tmp_path: Path) -> None:
    one = exchange(1, method="POST", body=b"\x00\xff", headers=((b"Content-Length", b"2"),))
    text = "".join(pieces([one], lambda _: (), "1", Losses()))
    posted = json.loads(text)["log"]["entries"][0]["request"]["postData"]
    assert base64.b64decode(posted["text"]) == b"\x00\xff"
    assert there_and_back(tmp_path, one)[0][0][0].request == replace(one.request)


def test_the_messages_of_a_websocket(tmp_path: Path) -> None:
    said = (
        Message(0, 1, True, "text", 1000.5, "hé".encode()),
        Message(0, 2, False, "binary", 1000.75, b"\x00\xff"),
    )
    one = exchange(1, status=101, response_body=b"")
    text = "".join(pieces([one], lambda _: said, "1", Losses()))
    path = tmp_path / "x.har"
    path.write_text(text.replace("http://", "ws://"))  # as Chrome writes it
    (found,) = HarArchive(path).entries(Losses())
    assert found.messages == said
    assert (found.exchange.request.scheme, found.exchange.notes) == ("http", {"websocket": 2})
    events = (Message(1, 1, False, "event", 1.0, b"data: 1\n\n"),)
    assert there_and_back(tmp_path, exchange(1), messages=events)[1] == [
        "1 exchange: when each message of a stream came"
    ]
