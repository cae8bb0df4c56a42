"""Every id that a request brings and an answer shows, with the place where it stands. Pure.

An id is a value that says by its looks that it was generated (``captures.tokens``), or a small number under a name or
behind a path segment that says what it is a number of. Never a flag, a word or a number alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from captures.flows.named import named_values
from captures.flows.words import base64_text, unquote, words_of
from captures.formats.decoding import FormBody, JsonBody, MultipartBody, TextBody, decode, form_fields
from captures.jsonpaths import Place, normalised
from captures.model import Exchange, Request, header, header_values
from captures.telling import CSRF, TOKEN, cookie_noun, fits, told_by
from captures.tokens import TIMES, Kind, is_idish, is_weak_name, kind_of, noun_of, noun_under, weak_noun

FRAMING = frozenset(
    b"host content-length transfer-encoding connection keep-alive te trailer upgrade expect accept accept-encoding "
    b"accept-language content-type content-encoding user-agent".split()
)
CONDITIONAL = frozenset(b"if-match if-none-match if-modified-since if-unmodified-since if-range".split())
MAX_TEXT = 4 * 1024 * 1024  # bytes of a body looked through for ids
COOKIE = 6
"""Characters of a cookie's value that tell one client from another."""
VALIDATOR = "validator"
"""The noun of an ETag or a date that a conditional request brings back (RFC 9110 section 13)."""
Key = tuple[str, str]
"""An id: its text, and the noun it is an id of ("" for one that is unmistakable by its looks)."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One id at one place. ``place`` is in the words of ``bind:`` for answers (``json $.id``, ``cookie sid``), and for
    requests ``path``, ``query NAME``, ``header NAME``, ``cookie NAME``, ``json PATH``, ``form NAME``, ``part NAME``;
    "" where nothing but the value itself tells the place.
    """

    key: Key
    place: str
    name: str  # of the field


def asked(request: Request, near: float) -> Iterator[Mention]:
    """Every id in a request's target and body. ``near``: when it was sent, Unix seconds."""
    path, _, query = request.target.partition(b"?")
    before = ""
    for segment in path.split(b"/"):
        text = unquote(segment)
        if text:
            weak = text.isdigit() or is_weak_name(text)
            for key in _key(text, noun_of(before) if weak else "", near):
                yield Mention(key, "path", before)
        before = text
    for name, value in form_fields(query):
        for key in _field(name, value, path, near):
            yield Mention(key, f"query {name}", name)
    body = decode(request.body, request.headers)
    if isinstance(body, JsonBody):
        for place, value in leaves((), body.value):
            name, around = _names(place)
            for key in _field(name, value, around or "", near):
                yield Mention(key, f"json {normalised(place)}", name)
    elif isinstance(body, FormBody):
        for name, value in body.fields:
            for key in _field(name, value, "", near):
                yield Mention(key, f"form {name}", name)
    elif isinstance(body, MultipartBody):
        for part in body.parts:
            if part.filename is None and isinstance(part.content, TextBody):
                for key in _field(part.name, part.content.text, "", near):
                    yield Mention(key, f"part {part.name}", part.name)


def asked_in_headers(request: Request, near: float) -> Iterator[Mention]:
    """Every id in a request's headers: tokens, session cookies, validators."""
    for raw_name, raw in request.headers:
        lower = raw_name.lower()
        text = raw.decode("latin-1")
        name = lower.decode("latin-1")
        if lower in CONDITIONAL:
            for piece in [text] if b"since" in lower else re.split(r"\s*,\s*", text):
                yield Mention((piece, VALIDATOR), f"header {name}", name)
        elif lower == b"cookie":
            for pair in text.split(";"):
                label, _, value = pair.strip().partition("=")
                for key in _cookie(label, value, near):
                    yield Mention(key, f"cookie {label}", label)
                for word in words_of(value):
                    for key in _key(word, "", near):
                        yield Mention(key, f"cookie {label}", label)
        elif lower not in FRAMING:
            token = text.partition(" ")[2] if lower == b"authorization" else text
            noun = TOKEN if lower == b"authorization" else told_by(name.removeprefix("x-"))
            if noun and fits(noun, token) and kind_of(token, near=near) is None:
                yield Mention((token, noun), f"header {name}", name)
            for word in words_of(text):
                for key in _key(word, "", near):
                    yield Mention(key, f"header {name}", name)


def shown(exchange: Exchange, *, listed: bool = True) -> Iterator[Mention]:
    """Every id an answer shows, headers last but for the validators. ``listed``: also those inside JSON arrays."""
    response, near = exchange.response, exchange.timing.started
    if response is None:
        return
    for validator in ("etag", "last-modified"):
        raw = header(response.headers, validator)
        if raw is not None:
            yield Mention((raw.decode("latin-1"), VALIDATOR), f"header {validator}", validator)
    target = exchange.request.target
    body = decode(response.body, response.headers)
    if isinstance(body, JsonBody):
        for place, value in leaves((), body.value, listed=listed):
            name, around = _names(place)
            for key in _field(name, value, target if around is None else around, near):
                yield Mention(key, f"json {normalised(place)}", name)
    elif isinstance(body, TextBody):
        text = body.text[:MAX_TEXT]
        for word in dict.fromkeys(words_of(text)):
            for key in _key(word, "", near):
                yield Mention(key, *_place_in_text(text, word))
        for label, value in named_values(text).items():
            name = label.partition(" ")[2]
            noun = told_by(name)
            if noun in (CSRF, TOKEN) and fits(noun, value) and kind_of(value, near=near) is None:
                yield Mention((value, noun), _place_in_text(text, value)[0], name)
    for raw in header_values(response.headers, "set-cookie"):
        name, _, value = raw.partition(b";")[0].decode("latin-1").partition("=")
        value = value.strip().strip('"')
        for key in (*_key(value, "", near), *_cookie(name.strip(), value, near)):
            yield Mention(key, f"cookie {name.strip()}", name.strip())
    for raw in header_values(response.headers, "location"):
        text = raw.decode("latin-1")
        path = re.sub(r"^[a-z]+://[^/]+", "", text).partition("?")[0]
        before, _, last = path.rpartition("/")
        around = noun_of(before.rpartition("/")[2])
        for key in _key(last, around if last.isdigit() or is_weak_name(last) else "", near):
            literal = re.escape(before).replace(chr(92) + "-", "-")
            yield Mention(key, f"header location {literal}/([^/?#]+)", f"{around}_id")


def endpoint_noun(target: bytes) -> str:
    """What a bare ``id`` under ``target`` is an id of: the last path segment that is a word."""
    for segment in reversed(target.partition(b"?")[0].split(b"/")):
        text = unquote(segment)
        if text and not text.isdigit() and kind_of(text) is None:
            return noun_of(text)
    return ""


def leaves(place: Place, value: Any, *, listed: bool = True) -> Iterator[tuple[Place, str]]:
    """Every string and integer of a JSON value, as text, with its place. ``listed``: also those inside arrays."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves((*place, key), child, listed=listed)
    elif isinstance(value, list):
        for index, child in enumerate(value) if listed else ():
            yield from leaves((*place, index), child)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield place, str(value)


@lru_cache(maxsize=4096)  # the answers of an endpoint have the same places
def _names(place: Place) -> tuple[str, str | None]:
    """The innermost member name at ``place``, and the one around it; None where there is none."""
    names = [step for step in place if isinstance(step, str)]
    return names[-1] if names else "", names[-2] if len(names) > 1 else None


def _field(name: str, value: str, around: str | bytes, near: float) -> Iterator[Key]:
    """The id in a field. ``around``: the name of the object it is in, or the target of the request it is of."""
    noun = ""
    if value.isdigit() and is_idish(name):  # of any length: a pin's setup knows order 7, too
        noun = noun_of(name) or _noun(around)
    elif noun_under(name, "?"):
        noun = weak_noun(name, value, _noun(around))
    if noun or kind_of(value, near=near) is not None:  # few are an id, and most of this is asked of what is none
        yield from _key(value, noun, near)


def _noun(around: str | bytes) -> str:
    return endpoint_noun(around) if isinstance(around, bytes) else noun_of(around)


def _key(value: str, noun: str, near: float) -> Iterator[Key]:
    kind = kind_of(value, near=near)
    if kind is not None and kind not in TIMES:
        yield value, ""
        if kind is Kind.OPAQUE:
            yield from _inside(value, near)
    elif noun and (len(value) < 10 or not value.isdigit()):
        yield value, noun


def _cookie(name: str, value: str, near: float) -> Iterator[Key]:
    """The value of a cookie whose looks do not tell; a short one is a setting that many clients have."""
    if len(value) >= COOKIE and kind_of(value, near=near) is None:
        yield value, cookie_noun(name)


_NAMED_NUMBER = re.compile(r"([A-Za-z]{2,})[:/]([1-9][0-9]{1,8})\Z")


def _inside(value: str, near: float) -> Iterator[Key]:
    """What an opaque value names in base64: ``Order:17``, a cursor with an id in it."""
    found = base64_text(value)
    if found is None:
        return
    number = _NAMED_NUMBER.search(found.text)
    if number:
        yield number[2], noun_of(number[1])
    for word in words_of(found.text):
        if word != found.text and kind_of(word, near=near) not in (None, *TIMES):
            yield word, ""


_NAMED = re.compile(r"""\b(?:name|id)\s*=\s*["']?([A-Za-z_][\w.-]{0,63})""")
_AROUND = 64  # characters before a word that tell its place from others


def _place_in_text(text: str, word: str) -> tuple[str, str]:
    """Where ``word`` stands, as a ``text PATTERN`` of ``bind:``, and a name for it; two "" where nothing tells it.

    ``<input name="csrf_token" value="f07965…">`` is found by what stands before the value, from the tag's ``<`` on.
    """
    at = text.find(word)
    before = text[max(0, at - _AROUND) : at].rpartition("\n")[2]
    before = before[max(before.rfind("<"), 0) :]
    for other in words_of(before):
        if other != before and kind_of(other) is not None:  # another value, and another one tomorrow
            before = before.rpartition(other)[2]
    if not re.search(r"[A-Za-z]{2}", before):
        return "", ""
    name = _NAMED.search(before)
    pattern = f"{_literal(before)}([{_CHARACTERS}]+)"
    found = re.search(pattern, text)
    return (f"text {pattern}", name[1] if name else "") if found and found[1] == word else ("", "")


_CHARACTERS = "A-Za-z0-9_.~+/=-"


def _literal(text: str) -> str:
    """``text`` as a regular expression that people can still read."""
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)
