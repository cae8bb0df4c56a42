"""What inside a header value is the secret: the token of ``Bearer``, the pair in ``Basic``, the values of cookies.

Pure functions over text; ``hide`` gives the pseudonym of one secret. Everything around the secret stays as it was.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from captures.redacting.personal_data import addresses

Hide = Callable[[str], str]
HideNamed = Callable[[str, str], str]
"""Gives the value to put in place of (name, value): the value itself where the name is no secret."""

TOKEN_LENGTH = 16
"""From so many characters on, a user's name is taken for a token in its place."""

_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9_-]*)=("(?:[^"\\]|\\.)*"|[^\s,"=][^\s,"]*)')
_FOLDED = re.compile(r",\s*(?=[^=;,\s]+=)")
"""Between cookies that something on the way has put into one line; dates have a blank before their next ``=``."""
_PUBLIC_PARAMETERS = frozenset(
    "realm qop algorithm nc uri opaque signedheaders headers created expires oauth_signature_method oauth_version "
    "oauth_timestamp charset userhash".split()
)
_QUERY_PAIR = re.compile(r"""(?<=[?&;#])([^=&#?\s<>"]{1,200})=([^&#\s<>"]+)""")
JWT = re.compile(
    r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)?"
)
"""A JSON Web Token in its compact form, signed (RFC 7515, 3.1) or encrypted (RFC 7516, 3.1: two parts more)."""
_CREDENTIALS = re.compile(r"(?<![A-Za-z0-9_-])(Bearer|Basic)( +)([A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE)
_USERINFO = re.compile(r"""(?<=://)([^\s/?#"'<>@:\\]*+)(?:(:)([^\s/?#"'<>@\\]*+))?(?=@)""")
_WORD = re.compile(r"[A-Za-z.-]{1,19}")
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
    if (
        _PARAMETER.match(credentials)
        and scheme.lower() != "bearer"
        and not _PARAMETER.sub("", credentials).strip(", \t;")
    ):
        return lead + _PARAMETER.sub(lambda match: f"{match[1]}={_parameter(match[1], match[2], hide)}", credentials)
    return lead + hide(credentials)


def _basic(credentials: str, hide: Hide) -> str:
    try:
        pair = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return hide(credentials)
    user, colon, password = pair.partition(":")
    # The name says who asks, and stands in paths and bodies as well (PUT /accounts/ada): only a name that is itself
    # the secret is hidden, an API key with nothing after it.
    # The address of a person is one in every place.
    short = len(user) < TOKEN_LENGTH and not ("@" in user and addresses(user))
    shown = user if password and short else hide(user)
    hidden = f"{shown}{colon}{hide(password)}"
    return base64.b64encode(hidden.encode("utf-8", "surrogatepass")).decode("ascii")


def basic_pair(value: str) -> str | None:
    """``user:password`` of a Basic Authorization value; None when it is none."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest.strip(), validate=True).decode("utf-8", "surrogatepass")
    except (binascii.Error, ValueError):
        return None


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
    folded = _FOLDED.search(attributes) if "," in attributes else None
    if folded:
        rest = set_cookie(attributes[folded.end() :], hide)
        return f"{_cookie_pair(pair, hide)};{attributes[: folded.end()]}{rest}"
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
        lambda match: f"{match[1]}={through_percent(match[2], lambda plain: hide(_bare(match[1]), plain), plus=True)}",
        value,
    )


def _bare(name: str) -> str:
    """The name of a parameter, without what stands before it where ``;`` or ``&amp;`` divides."""
    return unquote(name).rpartition(";")[2]


def may_hold_credentials(text: str) -> bool:
    """A cheap look, before :func:`in_free_text`."""
    return "eyJ" in text or "earer " in text or "asic " in text or "EARER " in text or ("://" in text and "@" in text)


def in_free_text(text: str, hide: HideNamed) -> str:
    """Any text with what is a credential by its form replaced: JSON Web Tokens (RFC 7519) in their compact form,
    ``Bearer`` and ``Basic`` with what follows, and the user information of URLs (RFC 3986, 3.2.1).

    ``hide`` is asked for (kind, value): "jwt", "bearer", "basic" or "url-password".
    """
    if "://" in text and "@" in text:
        text = _USERINFO.sub(lambda match: _userinfo(match, hide), text)
    if "earer " in text or "asic " in text or "EARER " in text or "ASIC " in text:
        text = _CREDENTIALS.sub(lambda match: _credentials(match, hide), text)
    if "eyJ" in text:
        text = JWT.sub(lambda match: hide("jwt", match[0]), text)
    return text


def _userinfo(match: re.Match[str], hide: HideNamed) -> str:
    user, colon, password = match.groups()
    if colon:
        return f"{user}:{through_percent(password, lambda plain: hide('url-password', plain))}"
    if len(user) < TOKEN_LENGTH:
        return user
    return through_percent(user, lambda plain: hide("url-password", plain))  # a token in place of the name


def _credentials(match: re.Match[str], hide: HideNamed) -> str:
    scheme, blank, rest = match.groups()
    if scheme.lower() == "bearer":
        return match[0] if _WORD.fullmatch(rest) else f"{scheme}{blank}{hide('bearer', rest)}"
    try:
        pair = base64.b64decode(rest, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return match[0]  # "Basic subscription"
    return f"{scheme}{blank}{_basic(rest, lambda value: hide('basic', value))}" if ":" in pair else match[0]


def protocols(value: str, hide: Hide) -> str:
    """A Sec-WebSocket-Protocol value: browsers put bearer tokens there, having no other header to set."""
    if not any(word in value.lower() for word in ("bearer", "token", "auth", "jwt", "eyj")):
        return value
    pieces = value.split(",")
    for index, piece in enumerate(pieces):
        secret = piece.strip()
        mark = "bearer.authorization.k8s.io."
        at = secret.find(mark)
        secret = secret[at + len(mark) :] if at >= 0 else secret
        if len(secret) >= 16 and any(map(str.isdigit, secret)):
            pieces[index] = piece.replace(secret, hide(secret))
    return ",".join(pieces)


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
