"""Which exchanges of a large capture can hold a pattern, without reading each: ``retape capture grep``.

Bodies and heads are kept once, however many exchanges share them, and are looked through once. What passes is only
*able* to hold the pattern; :func:`captures.searching.hits` says whether and where. Nothing that holds it is left out:
a body that is no plain ASCII text (compressed, escaped, in another charset) passes unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from captures.searching import header_line, spoken
from captures.store import Capture, reading

_ROWS = (
    "SELECT id, target, request_head, request_headers, response_head, response_headers, request_body, response_body,"
    " request_trailers IS NOT NULL OR response_trailers IS NOT NULL, failure_detail FROM exchange WHERE id <= ?"
    " ORDER BY id"
)


def candidates(
    capture: Capture, pattern: re.Pattern[str], parts: frozenset[str], told: Callable[[int], None] = lambda count: None
) -> Iterator[int]:
    """Ids of the exchanges that may hold ``pattern`` in one of ``parts``, in their order.

    ``told`` is called now and then with how many rows were looked at (bodies, then exchanges).
    """
    search = pattern.search
    looked = 0
    bodies = bytearray()
    if "body" in parts:
        for looked, body in enumerate(_bodies(capture, pattern), 1):
            if body >= 0:
                _mark(bodies, body)
            if looked % 1000 == 0:
                told(looked)
    framed = _in_messages(capture, bodies) if "body" in parts else frozenset[int]()
    heads = capture.head_reader()
    shared: dict[int, bool] = {}  # whether a line that is the same in all messages of a head holds it

    def in_headers(head: int | None, text: str | None) -> bool:
        if head is None:
            return any(search(header_line(*line)) for line in heads.read(None, text))
        known = shared.get(head)
        if known is None:
            known = shared[head] = any(search(header_line(*line)) for line in heads.shared(head))
        return known or (bool(text) and any(search(header_line(*line)) for line in heads.own(head, text)))

    rows = capture.rows(_ROWS, [capture.newest])
    with reading(capture.path):
        for looked, row in enumerate(rows, looked + 1):  # noqa: B020 - goes on where the bodies ended
            identity, target, asked_head, asked_text, head, text, asked, answered, trailers, detail = row
            if looked % 1000 == 0:
                told(looked)
            if (
                ("target" in parts and (search(target) or ("%" in target and search(spoken(target.encode("latin-1"))))))
                or (detail and "target" in parts and search(detail))
                or ("body" in parts and (_marked(bodies, asked) or _marked(bodies, answered) or identity in framed))
                or ("headers" in parts and (trailers or in_headers(asked_head, asked_text)))
                or ("headers" in parts and text is not None and in_headers(head, text))
            ):
                yield identity


def _bodies(capture: Capture, pattern: re.Pattern[str]) -> Iterator[int]:
    """The id of each body that may hold ``pattern``; -1 for each that does not."""
    unpack, search = capture.body_reader().unpack, pattern.search
    with reading(capture.path):
        for identity, codec, data, size in capture.rows("SELECT id, codec, data, size FROM body"):
            body = unpack(codec, data, size)
            yield identity if not _plain(body) or search(body.decode("ascii")) else -1


def _plain(body: bytes) -> bool:
    """Whether what ``body`` says is what stands there, as one text."""
    if not body.isascii() or b"\\" in body or b"\0" in body:
        return False
    # A form has fields and writes characters otherwise, a multipart body has parts.
    return body[:1] in b"{[<" or not (b"=" in body or b"%" in body or b"+" in body or body.startswith(b"--"))


def _in_messages(capture: Capture, bodies: bytearray) -> frozenset[int]:
    rows = capture.rows("SELECT exchange, body FROM message WHERE body IS NOT NULL")
    return frozenset(exchange for exchange, body in rows if _marked(bodies, body))


def _mark(bits: bytearray, number: int) -> None:
    if number >> 3 >= len(bits):
        bits.extend(bytes((number >> 3) + 1 - len(bits)))
    bits[number >> 3] |= 1 << (number & 7)


def _marked(bits: bytearray, number: int | None) -> bool:
    return number is not None and number >> 3 < len(bits) and bool(bits[number >> 3] >> (number & 7) & 1)
