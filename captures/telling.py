"""Names that tell what a value under them is for: who asks, that a form was ours, a code that was handed out. Pure.

Such a value is brought back as it came, so neither side's looks have to say that it was generated: a session cookie of
sixteen letters is one as well. The *nouns* here keep such a value to the places where it is expected.
"""

from __future__ import annotations

import re
from functools import lru_cache

CSRF = "csrf token"
TOKEN = "access token"  # noqa: S105 - the name of a kind
CODE = "code"
MINTED = "minted value"
"""What a writing answer showed under any name, and looks like no word: it is brought back whole or not at all."""
COOKIE = "cookie "

_FORGERY = re.compile(r"csrf|xsrf|authenticitytoken|requestverificationtoken|antiforgery|formtoken|nonce$")
_ACCESS = re.compile(r"(?:^|[a-z])token$|^jwt$|^sid$|apikey$|^bearer$")
_CODE_WORDS = frozenset("code otp passcode pin coupon voucher invite invitation promo".split())
_NO_CODES = frozenset(
    "status error country currency zip postal post language lang exit response http area dial reason color colour "
    "state region result bar qr source type tax airport iata icao".split()
)
_BROUGHT = re.compile(r"[A-Za-z0-9_.~+/=:|%-]{4,4096}")
_HANDED_OUT = re.compile(r"[0-9]{4,9}|[A-Z0-9]{4,32}|(?=.*[0-9])[A-Za-z0-9]{4,32}(?:-[A-Za-z0-9]{2,32}){0,5}")
_WORDY = re.compile(
    r"[A-Z]?[a-z]+[0-9]{0,4}|[A-Z]+[0-9]{0,4}|[0-9]+|v[0-9]+[a-z0-9]{0,6}|[0-9]{1,4}(?:x[0-9]{1,4}|[a-z]{1,2})"
    r"|[a-z]*(?:[A-Z][a-z]+)+[0-9]{0,4}|[A-Z]{2,5}[0-9]{1,4}[A-Z]?"
)
_GROUPS = re.compile(r"[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6})+")
_RUN = re.compile(r"[A-Za-z0-9]+")
_WHOLE = re.compile(r"[A-Za-z0-9_~.-]{4,64}")


def cookie_noun(name: str) -> str:
    """What the value of a cookie is: nothing but that cookie's (RFC 6265 section 5.4)."""
    return COOKIE + name


def is_renewed(noun: str) -> bool:
    """Whether the latest value of ``noun`` is the one that counts, and may be another with every read."""
    return noun in (CSRF, TOKEN) or noun.startswith(COOKIE)


def is_told(noun: str) -> bool:
    """Whether ``noun`` is one of those here."""
    return is_renewed(noun) or noun in (CODE, MINTED)


@lru_cache(maxsize=4096)  # names of fields are few, and asked about with every message
def told_by(name: str) -> str:
    """The noun of a value under ``name``, or "" for a name that tells nothing."""
    bare = re.sub(r"[^a-z0-9]", "", name.lower())
    if _FORGERY.search(bare):
        return CSRF
    if _ACCESS.search(bare):
        return TOKEN
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").split("_")
    if words[-1].removesuffix("s") in _CODE_WORDS and not _NO_CODES.intersection(words):
        return CODE
    return ""


def fits(noun: str, value: str) -> bool:
    """Whether ``value`` may be what ``noun`` promises."""
    return (_HANDED_OUT if noun == CODE else _BROUGHT).fullmatch(value) is not None


def is_unlike_words(text: str) -> bool:
    """Whether ``text`` is one value of letters and digits (or mixed letters) that no word, version, size or date is."""
    if _WHOLE.fullmatch(text) is None:
        return False
    return any(_WORDY.fullmatch(run) is None for run in _RUN.findall(text))


def is_in_groups(text: str) -> bool:
    """Whether ``text`` is cut into groups of one length, as keys for people are: ``QWER-TZUI``."""
    return _GROUPS.fullmatch(text) is not None and len({len(group) for group in text.split("-")}) == 1
