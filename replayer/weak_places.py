"""Where in a message an id stands that only its place tells: ``17`` behind ``/orders/``, under ``order_id``. Pure.

Each function takes a text and a ``find`` that says what stands for a value as an id of a noun (None: nothing), and
gives the text back with that in its place. Every other character stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote_plus

from captures.telling import CODE, MINTED, TOKEN, cookie_noun, told_by
from captures.tokens import CURSOR, noun_of, noun_under

Find = Callable[[str, str], str | None]
"""(value, noun) -> the value that stands for it."""

_BEHIND = re.compile(
    r"(?:(?<![A-Za-z0-9_-])|(?<=%2[Ff])|(?<=%252[Ff]))(?=([A-Za-z][A-Za-z0-9_-]{0,63})(/|\\/|%(?:25){0,4}2[Ff])([A-Za-z0-9_~-]{1,64}))"
)
_FIELD = re.compile(r"(?<![^?&;\s])([^=&?;\s]{1,64})=([^&;\s]{1,4096})")
_MEMBER = re.compile(r'"([^"\\]{1,64})(\\{0,7})"(\s*:\s*)(\\{0,7}"?)([A-Za-z0-9_=+/.~:|-]{1,512})(?=\\{0,7}["\s,}\]])')
_MEMBERS = re.compile(r'"([^"\\]{1,64})(?:\\{0,7})"\s*:\s*\[([^\[\]{}]{1,4096})\]')
_ITEM = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PART = re.compile(r'name="([^"\r\n]{1,64})"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n){0,8}\r?\n([^\r\n]{1,64})(?=\r?\n--)')
_COOKIE = re.compile(r"(?<![^;\s])([^=;\s]{1,256})=([^;\s]{1,4096})")
_WHOLE = (CODE, TOKEN, MINTED)
"""What may be a segment of a path whatever stands before it."""
_NAMED = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z]{2,64})([:/])([0-9]{1,9})(?![0-9])")


def behind_nouns(text: str, find: Find) -> str:
    """``/orders/17``, also percent-encoded or inside a longer text."""

    def one(before: str, value: str) -> str | None:
        other = find(value, noun_of(before))
        if other is not None or value.isdigit():
            return other
        told = told_by(before)
        return (find(value, told) if told else None) or next(filter(None, (find(value, noun) for noun in _WHOLE)), None)

    return _spliced(text, ((match.span(3), one(match[1], match[3])) for match in _BEHIND.finditer(text)))


def fields(text: str, around: str, find: Find) -> str:
    """``order_id=17&n=17`` of queries and forms, ``order_id=17; n=17`` of cookies, also lists (``ids=17,18``)."""

    def one(match: re.Match[str]) -> str:
        name, value = unquote_plus(match[1]), unquote_plus(match[2])
        other = _known(name, value, around, find)
        if other is not None:
            return f"{match[1]}={quote(other, safe='') if value != match[2] else other}"
        if "," not in value and "%2C" not in match[2]:
            return match[0]
        return f"{match[1]}={_ITEM.sub(lambda item: _listed(item, name, around, find), match[2])}"

    return _FIELD.sub(one, text)


def members(text: str, find: Find) -> str:
    """``"order_id": 17`` of JSON, also of JSON inside strings, and ``"order_ids": [17, 18]``."""

    def one(match: re.Match[str]) -> str:
        other = _known(match[1], match[5], "", find)
        if other is None or (not match[4] and (not other.isdigit() or other[0] == "0")):
            return match[0]
        return f'"{match[1]}{match[2]}"{match[3]}{match[4]}{other}'

    def several(match: re.Match[str]) -> str:
        inside = _ITEM.sub(lambda item: _listed(item, match[1], "", find), match[2])
        return f"{match[0][: match.start(2) - match.start()]}{inside}]"

    return _MEMBERS.sub(several, _MEMBER.sub(one, text))


def parts(text: str, find: Find) -> str:
    """Fields of multipart forms (RFC 7578)."""

    def one(match: re.Match[str]) -> str:
        other = _known(match[1], match[2], "", find)
        return match[0] if other is None else f"{match[0][: match.start(2) - match.start()]}{other}"

    return _PART.sub(one, text)


def header(name: str, value: str, find: Find) -> str:
    """A whole header whose name says what it is an id of: ``X-Order-Id: 17``; the token of ``Authorization``."""
    if name == "authorization":
        scheme, space, token = value.partition(" ")
        return scheme + space + (find(token, TOKEN) or find(token, MINTED) or token) if space else value
    return _known(name.removeprefix("x-"), value, "", find) or value


def cookies(text: str, find: Find) -> str:
    """Each cookie under its own name, as the client was told to keep it (RFC 6265 section 5.4)."""

    def one(match: re.Match[str]) -> str:
        value = match[2].strip('"')
        other = find(value, cookie_noun(match[1])) if value else None
        return fields(match[0], "", find) if other is None else f"{match[1]}={match[2].replace(value, other)}"

    return _COOKIE.sub(one, text)


def named(text: str, find: Find) -> str:
    """``Order:17``, as global ids say it in base64."""
    return _spliced(text, ((match.span(3), find(match[3], noun_of(match[1]))) for match in _NAMED.finditer(text)))


def _known(name: str, value: str, around: str, find: Find) -> str | None:
    """What stands for ``value`` under ``name``. What is no number may also stand there by itself."""
    noun = noun_under(name, around)
    other = find(value, noun) if noun else None
    if value.isdigit():
        return find(value, around) if other is None and noun == CURSOR and around else other
    if other is None and not noun:
        other = find(value, noun_of(name))
    return other if other is not None else find(value, MINTED)


def _listed(item: re.Match[str], name: str, around: str, find: Find) -> str:
    noun = noun_under(name, around)
    return (find(item[0], noun) if noun else None) or item[0]


def _spliced(text: str, found: Iterable[tuple[tuple[int, int], str | None]]) -> str:
    pieces: list[str] = []
    done = 0
    for (start, end), other in found:
        if other is not None and start >= done:
            pieces += (text[done:start], other)
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text
