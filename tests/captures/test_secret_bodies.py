from __future__ import annotations

from collections.abc import Callable

import pytest

from captures.model import Headers
from captures.redacting.bounds import Bounds
from captures.redacting.secret_bodies import Body, BodyRedactor
from captures.redacting.secret_echoes import Echoes
from captures.redacting.secret_names import RedactionPolicy


class Seen:
    """Replaces every secret by stars and writes down where it stood."""

    def __init__(self) -> None:
        self.side = "request"
        self.echoes = Echoes()
        self.bounds = Bounds()
        self.exact = True
        self.places: list[str] = []
        self.reasons: list[str] = []

    def closed(self, reason: str) -> None:
        self.reasons.append(reason)

    def string(self, place: str, name: str, value: str) -> str:
        self.places.append(f"{place} {name}")
        return "*" * len(value)

    def number(self, place: str, literal: str, detector: str = "") -> str:
        self.places.append(place)
        return "9" * len(literal)

    def fields(self, query: bytes, place: str = "") -> bytes:
        return query.replace(b"secret", b"******")

    def part(self, name: str, value: str) -> str:
        self.places.append(f"part {name}")
        return value if name == "y" else "*" * len(value)

    def text(self, value: str, place: str, name: str, *, urls: bool = True) -> str:
        return value

    def fixed(self, value: str) -> str:
        return value

    def echoed(self) -> None:
        self.places.append("echo")


def search(kind: str, raw: bytes, **section: list[str]) -> tuple[bytes, Seen]:
    seen = Seen()
    headers: Headers = ((b"Content-Type", kind.encode()),) if kind else ()
    body = BodyRedactor(RedactionPolicy.from_config(section)).search(raw, headers, seen)
    return body.encoded(seen.reasons), seen


ENCODERS: list[Callable[[str], bytes]] = [
    str.encode,
    lambda text: text.encode("utf-8-sig"),
    lambda text: text.encode("utf-16"),
    lambda text: text.encode("utf-16-be"),
    lambda text: ("\ufeff" + text).encode("utf-16-be"),
]


@pytest.mark.parametrize("encode", ENCODERS)
def test_json_in_any_encoding_keeps_it(encode: Callable[[str], bytes]) -> None:
    text = '{"token" : "abc", "é": [1, {"pwd": 12}]}'
    out, seen = search("application/json", encode(text))
    assert out == encode(text.replace("abc", "***").replace("12", "99"))
    assert seen.places == ["$.token token", "$['é'][*].pwd"]


def test_json_in_a_declared_old_charset() -> None:
    raw = '{"token": "x", "a": "é"}'.encode("latin-1")
    assert search("application/json; charset=latin-1", raw)[0] == raw.replace(b'"x"', b'"*"')


def test_lines_of_json() -> None:
    assert search("application/x-ndjson", b'{"token":"a"}\r\n\n{"b":1}\n')[0] == b'{"token":"*"}\r\n\n{"b":1}\n'


def test_form_and_multipart() -> None:
    assert search("application/x-www-form-urlencoded", b"a=secret")[0] == b"a=******"
    raw = (
        b"preamble\r\n--B\r\nContent-Disposition: form-data; name=password\r\n\r\nabc\r\n"
        b'--B\r\nContent-Disposition: form-data; name=x\r\nContent-Type: application/json\r\n\r\n{ "token": "q"}\r\n'
        b"--B\r\nContent-Disposition: form-data; name=token; filename=a\r\n\r\n\x00\xff\r\n"
        b'--B\r\nContent-Disposition: form-data; name=y\r\n\r\n{"token": broken\r\n--B--\r\nepilogue'
    )
    out, seen = search("multipart/form-data; boundary=B", raw)
    assert out == raw.replace(b"abc", b"***").replace(b'"q"', b'"*"').replace(b"\x00\xff", b"**")
    assert seen.places == ["part password", "$.token token", "part token", "part y"]


def test_json_without_a_type() -> None:
    assert search("", b' {"token":"a"}')[0] == b' {"token":"*"}'
    assert search("", b'{"token": broken')[0] == b'{"token": ******'


@pytest.mark.parametrize("kind", ["text/css", "image/png"])
def test_other_types_are_not_searched_by_name(kind: str) -> None:
    assert search(kind, b'{"token":"a"}')[0] == b'{"token":"a"}'


def test_paths_cover_what_is_under_them() -> None:
    out, _ = search("application/json", b'{"card": {"n": "a", "list": [1, "b"]}, "n": "c"}', json=["$.card"])
    assert out == b'{"card": {"n": "*", "list": [9, "*"]}, "n": "c"}'
    out, _ = search("application/json", b'["a", ["b"]]', json=["$[0]"])
    assert out == b'["*", ["b"]]'


def test_echoes_leave_media_and_broken_codings_alone() -> None:
    echoes = Echoes()
    echoes.add("abc12345", "xyz67890")
    png = Body(b"abc12345", ((b"Content-Type", b"image/png"),))
    broken = Body(b"abc12345", ((b"Content-Encoding", b"br"),))
    for body in (png, broken):
        body.replace_echoes(echoes, lambda: pytest.fail("counted"), Bounds())
        assert body.encoded([]) == b"abc12345"


@pytest.mark.parametrize("kind", ["*/*", "application/x-acme", "application/x-amz-json-1.0"])
def test_what_is_compared_as_json_is_searched_as_json(kind: str) -> None:
    raw, seen = search(kind, b'{"password": "hunter2"}')
    assert raw == b'{"password": "*******"}'
    assert seen.places
    if "json" not in kind:
        assert search(kind, b"{password: hunter2}")[0] == b"{password: *******}"
        assert not search(kind, b"{password: hunter2}")[1].reasons
