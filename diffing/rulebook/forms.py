"""Forms that a rule can ask for and no built-in rule tells: digests, URLs of one template, values of one shape."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from diffing.values.volatile import shape_of
from diffing.walk.jsontypes import broad_type

_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}|[A-Za-z0-9_-]+={0,2}")
_NAMED = re.compile(r"(md5|sha-?(?:1|224|256|384|512))[:=-]", re.IGNORECASE)
_SIZES = {16: "md5", 20: "sha1", 28: "sha224", 32: "sha256", 48: "sha384", 64: "sha512"}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
DIGEST_FORMATS = ("hex", "base64", *_SIZES.values())


def digest_form(value: Any) -> tuple[str, str] | None:
    """(algorithm by its size, ``hex`` or ``base64``) of a digest, with or without ``sha256:`` before it; or None."""
    if not isinstance(value, str) or not 20 <= len(value) <= 160:
        return None
    named = _NAMED.match(value)
    text = value[named.end() :] if named else value
    if _HEX.fullmatch(text) and len(text) % 2 == 0 and len(text) // 2 in _SIZES:
        found = (_SIZES[len(text) // 2], "hex")
    elif _BASE64.fullmatch(text):
        try:
            size = len(base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_"))
        except (binascii.Error, ValueError):
            return None
        if size not in _SIZES or not re.search(r"[0-9+/_=-]", text):
            return None
        found = (_SIZES[size], "base64")
    else:
        return None
    if named and named[1].lower().replace("-", "") != found[0]:
        return None
    return found


def is_opaque(value: str) -> bool:
    """Whether it is one unbroken, non-empty token."""
    return value.split(maxsplit=1) == [value]  # asking each character of a megabyte takes a tenth of a second


def same_url(recorded: Any, replayed: Any) -> bool:
    """Whether both are URLs of one template: scheme, host, path but for its ids, the names in the query.

    The port of a service on this machine is not part of it: a new build listens elsewhere.
    """
    if not isinstance(recorded, str) or not isinstance(replayed, str):
        return False
    try:
        old, new = urlsplit(recorded), urlsplit(replayed)
        if not new.path and not new.netloc:
            return False
        hosts = [(side.hostname, None if side.hostname in _LOOPBACK else side.port) for side in (old, new)]
    except ValueError:
        return False
    local = all(host in _LOOPBACK for host, _ in hosts)
    if old.scheme != new.scheme or (hosts[0] != hosts[1] and not local):
        return False
    ours, theirs = old.path.split("/"), new.path.split("/")
    if len(ours) != len(theirs) or not all(map(_same_segment, ours, theirs)):
        return False
    names = [sorted(name for name, _ in parse_qsl(side.query, keep_blank_values=True)) for side in (old, new)]
    return names[0] == names[1] and bool(old.fragment) == bool(new.fragment)


def same_shape(recorded: Any, replayed: Any) -> bool:
    """Whether both have the same members and types all the way down, and strings of the same form.

    Items of an array must each have the shape of a recorded item; an empty array says nothing of its items.
    """
    stack = [(recorded, replayed)]
    while stack:
        old, new = stack.pop()
        if broad_type(old) != broad_type(new):
            return False
        if type(old) is dict:
            if old.keys() != new.keys():
                return False
            stack.extend((old[name], new[name]) for name in old)
        elif type(old) is list:
            kinds = old if len(old) <= 20 else old[:20]
            if kinds and not all(any(same_shape(kind, item) for kind in kinds) for item in new):
                return False
        elif type(old) is str and not _same_form(old, new):
            return False
    return True


def _same_form(recorded: str, replayed: str) -> bool:
    old, new = shape_of(recorded), shape_of(replayed)
    if old is None or not old.strong:
        return bool(recorded) == bool(replayed)
    return new is not None and (old.kind, old.facets) == (new.kind, new.facets)


def _same_segment(recorded: str, replayed: str) -> bool:
    return (
        recorded == replayed
        or (shape_of(recorded) is not None and shape_of(replayed) is not None)
        or (recorded.isdigit() and replayed.isdigit())
    )
