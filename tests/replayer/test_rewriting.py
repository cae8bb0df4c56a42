from __future__ import annotations

import base64
import uuid
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from captures.model import Headers, Request
from replayer import rewriting
from replayer.bindings import Binding, Bindings
from replayer.rewriting import apply
from tests.corpus import each

OLD, NEW = str(uuid.UUID(int=7 << 90)), str(uuid.UUID(int=9 << 90))
JSON: Headers = ((b"Content-Type", b"application/json"),)


def bound() -> Bindings:
    bindings = Bindings()
    bindings.bind(Binding(OLD, NEW, "exchange 1 $.id", order=1))
    bindings.bind(Binding("17", "18", "exchange 1 $.id", "order", order=1))
    bindings.bind_time(Binding("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "exchange 1 $.at", order=1))
    bindings.bind_validator(b'"abc"', b'"def"', "exchange 1")
    return bindings


def request(target: bytes = b"/", headers: Headers = (), body: bytes = b"") -> Request:
    return Request("POST", "http", "shop", 80, target, headers, body)


def test_what_carries_nothing_is_the_very_same_request_and_is_heard() -> None:
    bindings = bound()
    one = request(b"/items/abcd-99", ((b"X-Note", b"some words"),), b"more of them")
    assert apply(bindings, one, before=3) == (one, [])
    assert apply(bindings, one, before=3)[0] is one
    assert bindings.given.first("abcd") == 3
    assert bindings.given.first("words") == 3
    assert bindings.given.first("more") == 3


CARRYING = [
    request(f"/orders/{OLD}".encode()),
    request(b"/orders/17"),
    request(b"/x?order_id=17"),
    request(b"/x?since=2026-01-01T00%3A00%3A00Z"),
    request(headers=((b"If-None-Match", b'"abc"'),)),
    request(headers=((b"X-Order", OLD.encode()),)),
    request(headers=JSON, body=b'{"order_id": 17}'),
    request(b"/x?c=" + base64.urlsafe_b64encode(f'{{"id": "{OLD}"}}'.encode())),
]


@each("one", CARRYING)
def test_what_carries_something_is_never_left_alone(one: Request) -> None:
    fresh, changes = apply(bound(), one, before=3)
    assert fresh != one
    assert changes


_PIECES = st.sampled_from(
    [
        OLD,
        OLD.upper(),
        OLD[:13],
        "17",
        "orders/17",
        "order_id=17",
        "2026-01-01T00:00:00Z",
        "%2F17",
        "\\n17",
        "words",
        "é",
    ]
)
_TEXTS = st.lists(_PIECES, max_size=4).map(lambda pieces: "/".join(pieces).encode())
_ENCODED = st.one_of(_TEXTS, _TEXTS.map(base64.b64encode), _TEXTS.map(base64.urlsafe_b64encode))
_REQUESTS = st.builds(
    lambda path, query, header, name, body: request(b"/" + path + b"?" + query, ((name, header), *JSON), body),
    _ENCODED, _ENCODED, _ENCODED, st.sampled_from([b"X-Note", b"If-Match", b"Accept", b"Cookie"]), _ENCODED,
)  # fmt: skip


@given(_REQUESTS, st.booleans())
def test_the_quick_look_changes_nothing(one: Request, empty: bool) -> None:
    quick, slow = (Bindings(), Bindings()) if empty else (bound(), bound())
    found = apply(quick, one, before=5)
    with mock.patch.object(rewriting, "_left_alone", return_value=None):
        assert apply(slow, one, before=5) == found
    assert quick.given._young.keys() - {""} == slow.given._young.keys() - {""}
