"""No secret reaches the disk in a message. All secrets here are made up."""

from __future__ import annotations

import json

import pytest

from captures.model import Headers, Message
from captures.redacting.redaction import Redactor, pseudonym
from captures.redacting.secret_messages import message_redactor
from tests.captures.making import exchange

KEY = b"k" * 32
TOKEN = "tok-5f1e9a7c33d2b8"
HANDSHAKE: Headers = ((b"Host", b"shop"), (b"Authorization", f"Bearer {TOKEN}".encode()))
NEW = pseudonym(KEY, TOKEN).encode()


def redacted(*bodies: bytes, kind: str = "text", headers: Headers = HANDSHAKE, from_client: bool = True) -> list[bytes]:
    hear = message_redactor(Redactor(KEY))(exchange(1, headers=headers, status=101))
    found = [hear(Message(1, seq, from_client, kind, 1.0, body)) for seq, body in enumerate(bodies, 1)]
    return [one.body if one is not None else b"(not kept)" for one in found]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"type":"auth","password":"hunter-1234"}', b'{"type":"auth","password":"%s"}'),
        (b'[{"password":"hunter-1234"}, 1]', b'[{"password":"%s"}, 1]'),
        (b'42["login",{"password":"hunter-1234"}]', b'42["login",{"password":"%s"}]'),
        (b'42/chat,17["login",{"password":"hunter-1234"}]', b'42/chat,17["login",{"password":"%s"}]'),
        (b'{"protocol":"json"}\x1e{"password":"hunter-1234"}\x1e', b'{"protocol":"json"}\x1e{"password":"%s"}\x1e'),
        (b"user=a&password=hunter-1234", b"user=a&password=%s"),
    ],
)
def test_text_is_searched_by_name(before: bytes, after: bytes) -> None:
    assert redacted(before) == [after % pseudonym(KEY, "hunter-1234").encode()]


@pytest.mark.parametrize("kind", ["text", "binary", "close", "event", "grpc"])
def test_a_secret_of_the_handshake_is_found_in_messages_of_every_kind(kind: str) -> None:
    grpc = (b"Content-Type", b"application/grpc")
    assert redacted(b"\n" + TOKEN.encode(), kind=kind, headers=(*HANDSHAKE, grpc)) == [b"\n" + NEW]


def test_a_secret_of_an_earlier_message_is_found_in_a_later_one() -> None:
    first = json.dumps({"access_token": "acc-77aa88bb99cc"}).encode()
    assert b"acc-77aa88bb99cc" not in b"".join(redacted(first, b"welcome acc-77aa88bb99cc", from_client=False))


def test_an_event_is_read_as_a_stream_of_events() -> None:
    event = b'id: 7\ndata: {"token": "%s"}\n\n' % TOKEN.encode()
    assert redacted(event, kind="event", headers=(), from_client=False) == [event.replace(TOKEN.encode(), NEW)]


def test_what_holds_no_secret_is_the_same_message() -> None:
    hear = message_redactor(Redactor(KEY))(exchange(1, headers=HANDSHAKE))
    for body in (b"hello", b"", b'{"a":1}', b"42", b"3probe"):
        one = Message(1, 1, True, "text", 1.0, body)
        assert hear(one) is one


def test_many_secrets_of_one_socket_do_not_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    from captures.redacting import secret_messages

    monkeypatch.setattr(secret_messages, "_REMEMBERED", 10)
    bodies = [b'{"password":"hunter-%04d"}' % number for number in range(50)]
    assert not any(b"hunter" in body for body in redacted(*bodies, b"and " + TOKEN.encode()))
