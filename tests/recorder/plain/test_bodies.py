"""Where a body ends does not depend on the pieces it comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.plain.bodies import LONGEST, Broken, body_of

CHUNKS = b'4\r\nWiki\r\n00A;name="x"\r\n0123456789\r\n0\r\nX-Sum: 9\r\nX-Sum: 10\r\n\r\n'
CASES = [
    (0, b"", b"", ()),
    (10, b"0123456789", b"0123456789", ()),
    (None, CHUNKS, b"Wiki0123456789", ((b"X-Sum", b"9"), (b"X-Sum", b"10"))),
    (None, b"0\r\n\r\n", b"", ()),
    (None, b"1\r\na\r\n0;last\r\n\r\n", b"a", ()),
]


def pieces(whole: bytes, data: st.DataObject) -> list[bytes]:
    """``whole``, cut somehow."""
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=8)))
    return [part for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True) if (part := whole[start:end])]


@pytest.mark.parametrize(("size", "wire", "content", "trailers"), CASES)
@given(surplus=st.binary(max_size=9), data=st.data())
def test_any_pieces(
    size: int | None, wire: bytes, content: bytes, trailers: object, surplus: bytes, data: st.DataObject
) -> None:
    body, got, passed = body_of(size), b"", b""
    for piece in pieces(wire + surplus, data):
        if body.done:
            break
        got += body.read(piece)
        passed += piece[: len(piece) - body.left_over]
        assert body.done or not body.left_over
    assert body.done
    assert (got, passed, body.trailers) == (content, wire, trailers)


@pytest.mark.parametrize(("size", "wire", "content", "trailers"), CASES[1:])
@given(data=st.data())
def test_what_ends_early_is_not_done(
    size: int | None, wire: bytes, content: bytes, trailers: object, data: st.DataObject
) -> None:
    body, got = body_of(size), b""
    for piece in pieces(wire[: data.draw(st.integers(0, len(wire) - 1))], data):
        got += body.read(piece)
    assert not body.done
    assert content.startswith(got)
    assert "without sending complete message body" in body.end()


@given(st.binary(max_size=50), st.data())
def test_a_body_without_a_length_ends_with_its_connection(wire: bytes, data: st.DataObject) -> None:
    body = body_of(-1)
    assert b"".join(body.read(piece) for piece in pieces(wire, data)) == wire
    assert not body.done
    assert body.end() == ""


@pytest.mark.parametrize("broken", [b"no\r\n", b"-1\r\n", b"\r\n", b" 4\r\n", b"0x4\r\n", b"0\r\nno trailer\r\n\r\n"])
@given(data=st.data())
def test_what_is_no_chunk_breaks_it_off_and_loses_nothing(broken: bytes, data: st.DataObject) -> None:
    body, got = body_of(None), b""
    with pytest.raises(Broken, match="HTTP/1 protocol error") as raised:  # noqa: PT012 - whichever piece it is
        for piece in pieces(b"4\r\nWiki\r\n" + broken, data):
            got += body.read(piece)
    assert got + raised.value.content == b"Wiki"


@pytest.mark.parametrize("begun", [b"4;", b"0\r\nX: "])
def test_a_line_that_does_not_end_is_not_kept_for_ever(begun: bytes) -> None:
    body = body_of(None)
    body.read(begun + b"x" * (LONGEST - 10))
    with pytest.raises(Broken, match="does not end"):
        body.read(b"x" * 100)
