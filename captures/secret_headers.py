"""What inside a header value is the secret: the token of ``Bearer``, the pair in ``Basic``, the values of cookies.

Pure functions over text; ``hide`` gives the pseudonym of one secret. Everything around the secret stays as it was.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from urllib.parse import quote, unquote

Hide = Callable[[str], str]
HideNamed = Callable[[str, str], str]
"""Gives the value to put in place of (name, value): the value itself where the name is no secret."""

_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9_-]*)=("(?:[^"\\]|\\.)*"|[^\s,"=][^\s,"]*)')
_PUBLIC_PARAMETERS = frozenset(
    "realm qop algorithm nc uri opaque signedheaders headers created expires oauth_signature_method oauth_version "
    "oauth_timestamp charset userhash".split()
)
_QUERY_PAIR = re.compile(r"""(?<=[?&;#])([^=&#?\s<>"]+)=([^&#\s<>"]+)""")
_RAW_PUNCTUATION = re.compile(r"%[0-9A-Fa-f]{2}|[A-Za-z0-9]|[^\x21-\x7e]")


def authorization(value: str, hide: Hide) -> str:
    """An Authorization value (RFC 9110, 11.6.2) with its credentials replaced and its scheme kept."""
    scheme, blank, rest = value.partition(" ")
    if not blank or not rest.strip():
        return hide(value)
    credentials = rest.strip()
    lead = f"{scheme}{blank}{rest[: len(rest) - len(rest.lstrip())]}"
    if scheme.lower() == "basic":
        return lead + _basic(credentials, hide)
    if _PARAMETER.match(credentials) and scheme.lower() != "bearer":
        return lead + _PARAMETER.sub(lambda match: f"{match[1]}={_parameter(match[1], match[2], hide)}", credentials)
    return lead + hide(credentials)


def _basic(credentials: str, hide: Hide) -> str:
    try:
        pair = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return hide(credentials)
    user, colon, password = pair.partition(":")
    return base64.b64encode(f"{hide(user)}{colon}{hide(password)}".encode("utf-8", "surrogatepass")).decode("ascii")


def _parameter(name: str, value: str, hide: Hide) -> str:
    if name.lower() in _PUBLIC_PARAMETERS:
        return value
    if value.startswith('"'):
        return f'"{hide(value[1:-1])}"'
    if name.lower() == "credential":  # AWS: the access key, then date, region and service, which are public
        access, slash, scope = value.partition("/")
        return hide(access) + slash + scope
    return hide(value)


def cookie(value: str, hide: HideNamed) -> str:
    """A Cookie value (RFC 6265, 4.2.1): names and order kept, values replaced."""
    return ";".join(_cookie_pair(pair, hide) for pair in value.split(";"))


def set_cookie(value: str, hide: HideNamed) -> str:
    """A Set-Cookie value (RFC 6265, 4.1.1): name and attributes kept, value replaced."""
    pair, semicolon, attributes = value.partition(";")
    return _cookie_pair(pair, hide) + semicolon + attributes


def _cookie_pair(pair: str, hide: HideNamed) -> str:
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    text = value.strip()
    if not text:
        return pair
    start = value.index(text)
    quotes = '"' if len(text) > 1 and text[0] == text[-1] == '"' else ""
    inner = text[len(quotes) : len(text) - len(quotes)]
    new = through_percent(inner, lambda plain: hide(name.strip(), plain))
    return f"{name}{equals}{value[:start]}{quotes}{new}{quotes}{value[start + len(text) :]}"


def in_urls(value: str, hide: HideNamed) -> str:
    """A value that holds URLs (Location, Link, Referer): query and fragment values replaced where ``hide`` says so."""
    return _QUERY_PAIR.sub(
        lambda match: (
            f"{match[1]}={through_percent(match[2], lambda plain: hide(unquote(match[1]), plain), plus=True)}"
        ),
        value,
    )


def through_percent(raw: str, hide: Hide, *, plus: bool = False) -> str:
    """``hide`` applied to percent-encoded ``raw`` in its decoded form; what stood unencoded in it stays unencoded.

    ``plus``: a ``+`` means a blank, as in forms and queries.
    """
    text = raw.replace("+", " ") if plus else raw
    plain = unquote(text, errors="surrogateescape")
    new = hide(plain)
    if new == plain:
        return raw
    if "%" not in raw and not (plus and "+" in raw) and new.isascii():
        return new
    safe = "".join(set(_RAW_PUNCTUATION.sub("", raw)) - set("%+" if plus else "%"))
    encoded = quote(new, safe=safe, errors="surrogateescape")
    return encoded.replace("%20", "+") if plus and "+" in raw else encoded
