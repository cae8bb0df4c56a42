"""Carrying bound values into messages: recorded -> live in requests and stub answers, live -> recorded for matching.

Pure. Works on the bytes as they stand (no parsing and printing again), so everything but the replaced tokens stays as
recorded. Every replacement in a request is listed as a :class:`Change`, without its values.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from itertools import pairwise

from captures.flows.mentions import CONDITIONAL, FRAMING, MAX_TEXT
from captures.flows.mentions import endpoint_noun as endpoint_noun
from captures.flows.words import BASE64_TEXT
from captures.formats.decoding import content_decoded, media_type
from captures.model import Headers, Request, Response, header
from captures.tokens import noun_of
from replayer import weak_places
from replayer.bindings import Bindings, Substitution
from replayer.carrying import Carrying
from replayer.carrying import Change as Change
from replayer.chains import Decided, Fixed
from replayer.signing import Signer
from replayer.substitution import Runs, runs_of

Fixes = Sequence[Fixed]
"""Spans of a text that [[chain]] decides about, in order."""

_NOT_TEXT = ("application/octet-stream", "application/zip", "application/pdf", "application/gzip")


def apply(
    bindings: Bindings,
    request: Request,
    *,
    before: int | None = None,
    signer: Signer | None = None,
    sent: float = 0.0,
    pseudonyms: Container[str] = frozenset(),
) -> tuple[Request, list[Change]]:
    """``request`` with every bound recorded value replaced by its live one, and a list of where and why. Values in it
    that nothing is bound to are remembered as the client's own.

    ``before``: the id of the recorded exchange, for values whose sources differ. ``signer`` signs recorded JWTs again;
    ``sent`` is when the request was recorded, Unix seconds, and ``pseudonyms`` says where redaction replaced a secret
    (``header authorization``, ``body``): what stands there was never signed.
    """
    if bindings.any_suggested:
        _confirm(bindings, request)
    said = _left_alone(bindings, request, signer)
    if said is not None:
        bindings.hear(said, before or 0)
        return request, []
    carrying = Carrying(
        bindings, (bindings.forward, bindings.times), before=before, signer=signer, sent=sent, pseudonyms=pseudonyms
    )
    decided = bindings.chains.decide(request, plain_body(request), before) if bindings.chains else None
    decided = decided or Decided()
    target = _target(carrying, request.target, decided.path, decided.query)
    fixed = decided.headers or {}
    headers = tuple(
        (name, _header(carrying, name.lower(), value, request, fixed.get(number, ())))
        for number, (name, value) in enumerate(request.headers)
    )
    body = _body(carrying, request, decided.body)
    bindings.hear(carrying.said, before or 0)
    return replace(request, target=target, headers=headers, body=body), list(dict.fromkeys(carrying.changes))


def _left_alone(bindings: Bindings, request: Request, signer: Signer | None) -> Runs | None:
    """The runs of letters and digits of a ``request`` that surely stays as it is; None: it has to be gone through.

    For speed: all of its texts are looked at as one, and most requests of most recordings carry nothing. Line breaks
    stand between them, which are in no run and in no encoded word: nothing shows that is in none of them.
    """
    if bindings.chains:
        return None
    texts = [request.target]
    for name, value in request.headers:
        lower = name.lower()
        if lower in CONDITIONAL:
            return None
        if lower not in FRAMING:
            texts.append(value)
    if request.body:
        if header(request.headers, "content-encoding") is not None:
            return None
        if len(request.body) <= MAX_TEXT and _is_texty(request.headers):
            texts.append(request.body)
    text = b"\n".join(texts).decode("latin-1")
    runs = runs_of(text)
    if not bindings.any_value and signer is None:
        return runs
    if bindings.may_stand_in(runs) or "eyJ" in text or BASE64_TEXT.search(text) is not None:
        return None
    return runs


def _confirm(bindings: Bindings, request: Request) -> None:
    """Bind the small ids by which ``request`` names a thing in its path: ``/todos/2`` after ``POST /todos`` made 2.

    One that stands in the path twice says nothing.
    """
    segments = request.target.partition(b"?")[0].decode("latin-1").split("/")
    for before, value in pairwise(segments):
        binding = bindings.suggested(value, noun_of(before))
        if binding is not None and segments.count(value) == 1:
            bindings.bind(replace(binding, tentative=False))


def in_recorded_terms(bindings: Bindings, request: Request) -> Request:
    """A live outbound call with every live value replaced by the recorded one it stands for: what matching looks at."""
    carrying = Carrying(bindings, (bindings.backward,), back=True)
    target = _target(carrying, request.target)
    body = request.body
    if body and header(request.headers, "content-encoding") is None:
        body = _body(carrying, request)
    return replace(request, target=target, body=body)


def in_live_terms(tables: tuple[Substitution, ...], answer: Response) -> Response:
    """A recorded answer that speaks of the live ids: what was recorded as an echo stays an echo."""
    if not any(tables):
        return answer
    carrying = Carrying(Bindings(), tables)
    headers = tuple(
        (name, value if name.lower() in FRAMING else _carried(carrying, value, "")) for name, value in answer.headers
    )
    return replace(answer, headers=headers, body=_in_coding(answer, lambda plain: _carried(carrying, plain, "")))


def _target(carrying: Carrying, target: bytes, path_fixed: Fixes = (), query_fixed: Fixes = ()) -> bytes:
    path, mark, query = target.partition(b"?")

    def in_path(text: str) -> str:
        return weak_places.behind_nouns(text, carrying.finder("target"))

    def in_query(text: str) -> str:
        find = carrying.finder("target")
        return weak_places.behind_nouns(weak_places.fields(text, endpoint_noun(path), find), find)

    fresh = _carried(carrying, path, "target", in_path, path_fixed)
    return fresh + mark + _carried(carrying, query, "target", in_query, query_fixed)


def _header(carrying: Carrying, name: bytes, value: bytes, request: Request, fixed: Fixes) -> bytes:
    if name in FRAMING and not fixed:
        return value
    label = name.decode("latin-1")
    where = f"header {label}"
    if name in CONDITIONAL and not fixed:
        return _validators(carrying, value, name, request)

    def weak(text: str) -> str:
        find = carrying.finder(where)
        if name == b"cookie":
            return weak_places.cookies(text, find)
        return weak_places.behind_nouns(weak_places.header(label, text, find), find)

    return _carried(carrying, value, where, weak, fixed)


def _validators(carrying: Carrying, value: bytes, name: bytes, request: Request) -> bytes:
    path = request.target.partition(b"?")[0]
    pieces = [value] if b"since" in name else re.split(rb"(\s*,\s*)", value)
    fresh: list[bytes] = []
    for piece in pieces:
        known = carrying.bindings.validator(piece, path)
        if known is not None:
            carrying.note(f"header {name.decode('latin-1')}", [known[1]])
        fresh.append(known[0] if known else piece)
    return b"".join(fresh)


def _body(carrying: Carrying, request: Request, fixed: Fixes = ()) -> bytes:
    kind = media_type(request.headers)

    def weak(text: str) -> str:
        find = carrying.finder("body")
        if kind == "application/x-www-form-urlencoded":
            return weak_places.behind_nouns(weak_places.fields(text, endpoint_noun(request.target), find), find)
        if kind == "multipart/form-data":
            return weak_places.parts(text, find)
        return weak_places.behind_nouns(weak_places.members(text, find), find)

    return _in_coding(request, lambda plain: _carried(carrying, plain, "body", weak, fixed))


def _in_coding(message: Request | Response, carried: Callable[[bytes], bytes]) -> bytes:
    """The body of ``message``, carried where it is text of a bearable size; the same object when nothing changed."""
    body = message.body
    if not body or len(body) > MAX_TEXT or not _is_texty(message.headers):
        return body
    coding = (header(message.headers, "content-encoding") or b"").strip().lower()
    if coding not in (b"", b"identity", b"gzip"):
        return body
    try:
        plain = content_decoded(body, message.headers)
    except ValueError:
        return body
    fresh = carried(plain)
    if fresh == plain:
        return body
    return gzip.compress(fresh, mtime=0) if coding == b"gzip" else fresh


def _is_texty(headers: Headers) -> bool:
    kind = media_type(headers)
    return not kind.startswith(("image/", "audio/", "video/", "font/")) and kind not in _NOT_TEXT


def plain_body(request: Request) -> bytes:
    """The body with its content coding off; as it is where that is not to be had."""
    try:
        return content_decoded(request.body, request.headers)
    except ValueError:
        return request.body


def _carried(
    carrying: Carrying, raw: bytes, where: str, weak: Callable[[str], str] | None = None, fixed: Fixes = ()
) -> bytes:
    if not raw:
        return raw
    text = raw.decode("latin-1")
    pieces: list[str] = []
    done = 0
    for one in fixed:
        start, end = one.span
        pieces.append(carrying.text(text[done:start], where, weak))
        pieces.append(text[start:end] if one.text is None else one.text)
        if one.text is not None:
            carrying.note(where, [one.origin])
        done = end
    pieces.append(carrying.text(text[done:], where, weak))
    fresh = "".join(pieces)
    return raw if fresh == text else fresh.encode("latin-1", "replace")
