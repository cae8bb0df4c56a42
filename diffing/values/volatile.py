"""Recognising values that are made anew on every run by their *shape*, and the facets of it that must stay.

A shape alone never silences a difference (a version number looks like an address, a long word like a random id): it is
the first of the two signals ``values.scalars`` asks for, and what is asserted in place of equality. *Facets* are
what two values of one generator share whatever the value: UUID version and case, the separators, fraction digits and
kind of offset of a timestamp, the prefix and length of ``ord_8fk2…``, the claims of a JWT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from diffing.values import idclocks, moments, payloads
from diffing.values.passwordhashes import password_hash


class Family(Enum):
    """What a shape is for: decides which names and which relations count as the second signal."""

    ID = "id"
    TOKEN = "token"  # noqa: S105 - a kind of value
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a string looks like. ``strong``: hardly anything but a generated value looks so."""

    kind: str  # "uuid", "datetime", …: the rule that accepts it is ``volatile.<kind>``
    family: Family
    facets: tuple[object, ...] = ()
    strong: bool = True
    identity: bool = True  # one recorded value stands for one new value throughout a run


_UUID = re.compile(
    r"(?P<form>urn:uuid:|\{)?(?:[0-9a-f]{8}-[0-9a-f]{4}-(?P<v>[0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[0-9A-F]{8}-[0-9A-F]{4}-(?P<V>[0-9A-F])[0-9A-F]{3}-[0-9A-F]{4}-[0-9A-F]{12})"
    r"(?(form)\}?)"
)
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_KSUID = re.compile(r"[0-9A-Za-z]{27}")
_HEX = re.compile(r"[0-9a-f]{8,128}|[0-9A-F]{8,128}")
_JWT = re.compile(r"(eyJ[\w-]+)\.(eyJ[\w-]+)\.([\w-]*)")
_PREFIXED = re.compile(r"([a-z]{2,16}(?:_[a-z]{1,12})?)[_-]([0-9A-Za-z]{6,64})|([A-Z]{1,8})[_-]([0-9A-Z]{6,64})")
_CASED = re.compile(r"([A-Z][A-Za-z]{0,3})_([0-9A-Za-z_-]{8,400})")
# Possessive where a group may end anywhere: sixty letters and an exclamation mark would else be cut in 2^60 ways.
_CAMEL = re.compile(r"(?:[A-Z]?[a-z]++[_-]?)++[0-9]{0,4}")
_TITLED = re.compile(r"(?:[A-Z]?[a-z]{2,}+[_-]?)++[0-9]{0,4}")
_ROOTED = re.compile(r"/[a-z]{2,}(?:/|$)")
_WORDS = re.compile(r"[A-Za-z]?[a-z]{2,}(?:[_-][a-z]+)*")
_COUNTED = re.compile(r"[a-z]{3,}(?:[_.~-]+(?:[a-z]+|[0-9]{1,6}))+")
_SPOKEN = re.compile(
    r"(?:[A-Za-z](?:[a-z]{2,}[0-9]{1,3}|[a-z]*)|[A-Z]+)(?:[-_](?:[A-Za-z][a-z]*|[A-Z]+|v?[0-9]{1,3}))+"
)
_WORDS_ALONE = re.compile(r"(?:[A-Z]?[a-z]++|[A-Z]++)(?:[ _.-](?:[A-Z]?[a-z]++|[A-Z]++))*+")
_WORD_END = re.compile(r"[a-z]{2,16}[_-](?=[a-z]*[aeiouy])[a-z]{4,}[0-9]{0,4}")
_REFERENCE = re.compile(r"#?[A-Z]{1,8}(?:[-/_.]?[0-9]++)++|#[0-9]+")
_CODE = re.compile(r"[A-Z0-9]{5,16}")
_TOKEN = re.compile(r"[A-Za-z0-9_+/=.~-]{8,4096}")
_NANOID = re.compile(r"[A-Za-z0-9_-]{21}")
_ETAG = re.compile(r'(W/)?"([!#-~]{1,200})"')
_NAMED_DIGEST = re.compile(r"((?:sha|md)\d{1,3}(?:-\d{3})?)([-:=])([0-9a-fA-F]{32,128}|[A-Za-z0-9+/_-]{22,86}={0,2})")
_BASE64_DIGEST = re.compile(r"[A-Za-z0-9+/]+={1,2}|[A-Za-z0-9_-]+={1,2}")
_POINTER = re.compile(r"0x[0-9a-fA-F]{6,16}")
_DIGIT = re.compile(r"\d")
_OF_NOTHING = frozenset(
    {
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }
)
_DIGESTS = frozenset({32, 40, 56, 64, 96, 128})
_BASE64_DIGESTS = {24: 2, 28: 1, 44: 1, 88: 2}  # length and padding of MD5, SHA-1, SHA-256, SHA-512
_SNOWFLAKES = frozenset({17, 18, 19})


def shape_of(text: str) -> Shape | None:
    """The shape of ``text`` as a whole, or None when it looks like nothing that is generated."""
    length = len(text)
    if length < 2 or length > 4096:
        return None
    if text.isdigit() and text.isascii():
        return _digits(text)
    if length < 5:
        return Shape("reference", Family.ID, ("#",), strong=False) if _REFERENCE.fullmatch(text) else None
    first, last = text[0], text[-1]
    if length >= 8:
        moment = moments.read(text)
        if moment is not None:
            return Shape(moment.kind, Family.MOMENT, moment.facets, identity=False)
        if first in "123456789" and "." in (text[10:11], text[13:14]) and text[:10].isdigit():
            return _digits(text)
    if length in (36, 38, 45) and (match := _UUID.fullmatch(text)) and _closed(text, match["form"]):
        version = match["v"] or match["V"]
        return Shape("uuid", Family.ID, (version.lower(), match["V"] is not None, match["form"] or ""))
    if " " in text:
        return None
    if last == '"':
        entity = _ETAG.fullmatch(text)
        return Shape("etag", Family.TOKEN, (entity[1] is not None,), strong=False, identity=False) if entity else None
    if last == "=" and length in _BASE64_DIGESTS and _base64_digest(text):
        return Shape("digest", Family.TOKEN, ("base64", length), identity=False)
    if first in "sm" and length > 26 and (match := _NAMED_DIGEST.fullmatch(text)) and not match[3].isalpha():
        return Shape("digest", Family.TOKEN, (match[1], match[2], len(match[3])), identity=False)
    if length == 26 and _ULID.fullmatch(text) and _plausible(idclocks.made_at("ulid", text)[0]):
        return Shape("ulid", Family.ID)
    if _HEX.fullmatch(text) and not text.isalpha() and len(set(text)) > 2:
        return _hexadecimal(text)
    if length == 27 and _KSUID.fullmatch(text) and _mixed(text) and _ksuid_time(text):
        return Shape("ksuid", Family.ID)
    if length > 30 and first == "e" and _JWT.fullmatch(text):
        return _jwt(text)
    if "$" in text and (stored := password_hash(text)) is not None:
        return Shape("password-hash", Family.TOKEN, (stored.method, stored.length), identity=False)
    if length == 21 and _NANOID.fullmatch(text) and _mixed_case(text) and _mixed(text):
        return Shape("nanoid", Family.ID)
    if first == "0" and _POINTER.fullmatch(text):
        return Shape("memory-address", Family.ID, (), strong=False, identity=False)
    if match := _REFERENCE.fullmatch(text):
        return Shape("reference", Family.ID, (_form(text),), strong=False)
    if (match := _PREFIXED.fullmatch(text)) and _generated(match[2] or match[4]):
        prefix, body = match[1] or match[3], match[2] or match[4]
        if body.isdigit():  # counted rather than random: catalogues number their goods so, too
            return Shape("reference", Family.ID, (prefix, text[len(prefix)]), strong=False)
        return Shape("prefixed-id", Family.ID, (prefix, text[len(prefix)], len(body), _alphabet(body)))
    if _CODE.fullmatch(text) and not text.isalpha() and not text.startswith("PT"):  # PT15M is a quarter of an hour
        return Shape("code", Family.ID, (length,), strong=False)
    if _TOKEN.fullmatch(text) and _mixed(text) and not path_like(text):
        return Shape("token", Family.TOKEN, (), strong=length >= 20, identity=False)
    return None


def bare_uuid(text: str) -> Shape | None:
    """A UUID without dashes. Digests look the same, so its name must have said that it is one."""
    if len(text) != 32 or not _HEX.fullmatch(text) or text[12] not in "12345678" or text[16] not in "89abAB":
        return None
    return Shape("uuid", Family.ID, (text[12], text.isupper(), "without dashes"))


def cased_id(text: str) -> Shape | None:
    """``R_kgDOGHIPKA``: a short prefix and letters of both cases. One of thirty base64url tokens looks the same, so its
    name must have said that it is an id.
    """
    match = _CASED.fullmatch(text) if len(text) <= 512 else None
    if match is None or not _random_case(match[2]):
        return None
    return Shape("prefixed-id", Family.ID, (match[1], "_", len(match[2]), "cased"), strong=False)


def opaque(text: str) -> bool:
    """Whether ``text`` could be a token at all: one unbroken run of token characters that is no plain word.

    Neither is a path, nor words with numbers (``page-2``), nor one character again and again (forty zeros: no commit).
    """
    if _TOKEN.fullmatch(text) is None or len(set(text)) <= 2 or path_like(text) or _COUNTED.fullmatch(text):
        return False
    if text.isalpha() and (text.islower() or text.istitle()):
        return False
    return _SPOKEN.fullmatch(text) is None


def word_ends(text: str) -> bool:
    """Whether what follows the prefix is a word with a number at most: ``widget-large01``."""
    return _WORD_END.fullmatch(text) is not None


def is_empty_digest(text: str) -> bool:
    """Whether ``text`` is the MD5, SHA-1 or SHA-256 of no bytes at all."""
    return text.lower().partition(":")[2] in _OF_NOTHING or text.lower() in _OF_NOTHING


def worded(text: str) -> bool:
    """Whether ``text`` is words of three letters or more, in camel case or with separators: ``Page_HomeScreen``."""
    return _TITLED.fullmatch(text) is not None


def spoken(text: str) -> bool:
    """Whether ``text`` is nothing but words as people write them: ``main``, ``Ada Lovelace``, ``release-candidate``.

    What is made at random has a digit in it, or letters of both cases anywhere.
    """
    return _WORDS_ALONE.fullmatch(text) is not None


def path_like(text: str) -> bool:
    """Whether slashes cut ``text`` into words, as in ``/orders/8fk2b1``: random base64 hardly ever has a whole word."""
    if "/" not in text or "+" in text or "=" in text:
        return False
    if _ROOTED.match(text):
        return True
    parts = text.split("/")
    if any(len(part) >= 16 and _mixed_case(part) for part in parts):
        return False
    return any(_WORDS.fullmatch(part) for part in parts)


def _digits(text: str) -> Shape | None:
    moment = moments.read_epoch_text(text)
    if moment is not None:
        return Shape(moment.kind, Family.MOMENT, moment.facets, strong=False, identity=False)
    return id_of_digits(text)


def id_of_digits(text: str) -> Shape | None:
    """What a string of digits is where its name says that it is no moment. A snowflake's own time is a sign of it."""
    if len(text) in _SNOWFLAKES and text.isdigit() and text[0] != "0":
        return Shape("snowflake", Family.ID, (), strong=False)
    if not text.isdigit():
        return None
    padded = len(text) if text[0] == "0" else 0
    return Shape("digits", Family.ID, (padded,), strong=False) if len(text) <= 20 else None


def _hexadecimal(text: str) -> Shape:
    length, upper = len(text), text.isupper()
    if length == 24 and _plausible(int(text[:8], 16)):
        return Shape("objectid", Family.ID, (upper,))
    if length in _DIGESTS:
        return Shape("digest", Family.TOKEN, (length, upper), identity=length in (40, 64))
    return Shape("hex", Family.ID, (length, upper), strong=length >= 12)


def _form(reference: str) -> str:
    """``ORD-2026-000123`` as ``ORD-0000-0``: only the last number counts up, the ones before it keep their width."""
    last = max(match.start() for match in re.finditer(r"[0-9]+", reference))
    return re.sub(r"[0-9]", "0", reference[:last]) + re.sub(r"[0-9]+", "0", reference[last:])


def _jwt(text: str) -> Shape:
    token = payloads.jwt(text)
    if token is None:
        return Shape("token", Family.TOKEN, (), identity=False)
    facets = (str(token.header.get("alg")), str(token.header.get("typ")), *sorted(token.claims))
    return Shape("jwt", Family.TOKEN, facets, identity=False)


def _generated(body: str) -> bool:
    """Random or counted, not a word: ``8fk2b1`` and ``000123`` are, ``profile`` and ``2024`` alone are not."""
    digits = len(_DIGIT.findall(body))
    return (digits > 0 and (digits < len(body) or len(body) >= 6)) or (len(body) >= 12 and _mixed_case(body))


def _alphabet(body: str) -> str:
    if len(body) >= 16 and _HEX.fullmatch(body):
        return "hex"
    if len(body) >= 12:
        return "mixed" if _mixed_case(body) else "upper" if body.isupper() else "lower"
    return ""


def _mixed_case(text: str) -> bool:
    return text.lower() != text != text.upper()


def _mixed(text: str) -> bool:
    """Letters of both cases and digits, or digits all through letters: words with a number at the end are neither."""
    digits = len(_DIGIT.findall(text))
    if not digits:
        return False
    if _mixed_case(text):
        return not re.fullmatch(r"(?:[A-Z]?[a-z]++[_.-]?)++[0-9]{1,4}", text)
    return (
        digits >= 3
        and len(re.findall(r"[0-9]+", text)) >= 2
        and len(text) >= 12
        and "-" not in text
        and "." not in text
    )


def _random_case(body: str) -> bool:
    """Whether letters of both cases come as chance has it: ``kgDOGHIPKA`` is random, ``HomeScreen`` are words."""
    if not _mixed_case(body) or _CAMEL.fullmatch(body):
        return False
    return _DIGIT.search(body) is not None or re.search(r"[A-Z]{4}", body) is not None


def _ksuid_time(text: str) -> bool:
    return _plausible(idclocks.made_at("ksuid", text)[0])


def _base64_digest(text: str) -> bool:
    return bool(
        len(text) - len(text.rstrip("=")) == _BASE64_DIGESTS[len(text)]
        and _BASE64_DIGEST.fullmatch(text)
        and _mixed_case(text)
        and payloads.opened(text) is None
    )


def _closed(text: str, form: str | None) -> bool:
    """Whether a UUID is braced on both sides or on none."""
    return (form == "{") == (text[-1] == "}")


def _plausible(seconds: float) -> bool:
    return moments.EARLIEST <= seconds <= moments.LATEST
