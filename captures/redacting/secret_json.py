"""Secrets in JSON: found by name, by configured path and by their form, and spliced out, every other byte kept.

Most texts hold no name of a secret, and are told apart without being parsed: a look for a few short byte strings,
then at the set of member names, and only then a scan for places.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from contextlib import nullcontext
from itertools import count
from typing import Protocol

from captures.formats import jsonspans
from captures.jsonpaths import generalised
from captures.redacting import secret_apart
from captures.redacting.bounds import Bounds, Unsearchable
from captures.redacting.detectors import Detectors, may_be_id
from captures.redacting.personal_data import card
from captures.redacting.secret_apart import Apart
from captures.redacting.secret_echoes import Echoes
from captures.redacting.secret_marks import LARGE, marks, said
from captures.redacting.secret_names import NEEDLES, RedactionPolicy, Secrecy, normal
from captures.redacting.secret_text import TextRedactor, byte_order_mark

_MEMBER = re.compile(rb'(?<!\\)"([^"\\]*+(?:\\.[^"\\]*+)*+)"[ \t\r\n]*:', re.DOTALL)
_ESCAPED_MEMBER = re.compile(rb'\\"([^"\\]{1,80})\\+"[ \t]*:')
"""In a JSON text that stands in a JSON string, once or twice over."""
_PARAMETER = re.compile(rb"[?&;#]([A-Za-z0-9_.%\[\]-]{1,80})=")
_LOOSE_MEMBER = re.compile(rb"[{,\s](?:'([^'\"\\]{1,80})'|([A-Za-z_][\w-]{0,80}))\s*:")
_INTERESTING = re.compile(
    r'eyJ|earer |EARER |asic |://|:\\/\\/|\\"|\\u0022|%(?:2[25]|3[dD]|7[bB]|5[bB]|3[cC])|[?&#;][^=&#;?]{1,80}='
)
_CANDIDATE = re.compile(
    r'[@+_"\\]|://|[0-9]{3}|[A-Za-z0-9]{14}|%[2357]|[-.][A-Za-z0-9]{10}|~|[?&#;][^=&#;?]{1,80}=|eyJ|er '
)
"""The same, and what a detector may find something in."""
_PHONE_MEMBER = re.compile(
    rb'"[a-z0-9_ -]{0,30}(?:phone|mobile|tel|msisdn|fax|whatsapp|cell)[a-z0-9_ -]{0,30}"'
    rb'[ \t\r\n]*:[ \t\r\n]*\[?"[ (]*[0-9]'
)
_ESCAPE = re.compile(rb"\\u00([0-7][0-9A-Fa-f])")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_LOWER = bytes(range(256)).lower()
_NOISE = b"0123456789.,:;{}[]_-/+\\\r\n\t"
"""In no needle: a text without them is shorter, so that the many looks for needles cost less."""
_FIELD = r"[A-Za-z0-9_.%\[\]-]{1,80}=[^\s<>{}\"&]*+"
_FORM = re.compile(f"{_FIELD}(?:&{_FIELD})+")
_PERCENTED = re.compile(b"%(?:2[25]|3[dD]|7[bB]|5[bB]|3[cC])")
_STEPS = 1_024  # scalars between two looks at the clock
_PHONES = (b"phone", b"mobile", b'"tel', b"msisdn", b"fax", b"whatsapp", b'"cell')
_REMEMBERED = 20_000
_CARD_LENGTHS = range(14, 20)  # digits
_SHORTEST_SAID = 12  # characters of a string that says a name and a secret


_GRANT = re.compile(r'"grant_?[tT]ype"\s{0,9}:\s{0,9}"authorization_code"')


class JsonHooks(Protocol):
    """What to do with what is found in one JSON text."""

    @property
    def echoes(self) -> Echoes:
        """The secrets found so far in the exchange."""

    def string(self, place: str, name: str, value: str) -> str:
        """The pseudonym of the string ``value`` at JSON path ``place``, under the normalised member ``name``."""

    def number(self, place: str, literal: str, detector: str = "") -> str:
        """The same for a number as written, which ``detector`` found if no name did."""

    @property
    def bounds(self) -> Bounds:
        """What may still be done for the text."""

    @property
    def exact(self) -> bool:
        """Whether every finding is to be told with its place, whatever that costs."""

    def fields(self, query: bytes, place: str = "") -> bytes:
        """A form with its secret values replaced; ``place``: where in the text it stands."""

    def text(self, value: str, place: str, name: str, *, urls: bool = True) -> str:
        """Text of any sort with what is secret by its form, or in a URL by its name, replaced; ``name`` is its own."""

    def echoed(self) -> None:
        """One more cookie's value stood under the cookie's name."""


class JsonRedactor:
    """Finds the secrets in JSON texts, by one policy."""

    __slots__ = ("_detectors", "_phones", "_policy", "_secrecies", "texts")

    def __init__(self, policy: RedactionPolicy, detectors: Detectors) -> None:
        self._policy = policy
        self._detectors = detectors
        self._phones = "phone" in policy.detectors
        self._secrecies: dict[bytes, Secrecy] = {}  # by raw member name
        self.texts = TextRedactor(policy, self.secrecy)

    def inside(self, value: str, place: str, name: str, hooks: JsonHooks) -> str:
        """A string with the secrets in it replaced: it may be JSON itself, or hold a URL or a token.

        Raises :class:`Unsearchable`.
        """
        if _may_be_json(value):
            try:
                return self._spliced(value, hooks)
            except Unsearchable:
                raise
            except ValueError:
                pass  # only text, after all
        if "&" in value and _FORM.fullmatch(value):
            return hooks.fields(value.encode("utf-8", "surrogatepass"), place).decode("utf-8", "surrogatepass")
        if len(value) > _SHORTEST_SAID and self._says(value, hooks.bounds, quoted=True):
            value = self.texts.said(value, hooks)
        return hooks.text(value, place, name)

    def _says(self, text: str, bounds: Bounds, *, quoted: bool = False) -> bool:
        """Whether a text that stands in a string may name a secret: ``password=``, ``token: "..."``, ``<password>``."""
        return any(self._of_name(name) for _, name in bounds.checked(said(text, quoted=quoted)))

    def _of_name(self, name: str) -> Secrecy:
        return self.secrecy(name.encode("utf-8", "surrogatepass"))

    def _of_label(self, name: str, in_headers: bool) -> Secrecy:
        """That of a name which is a value itself: of a field, a path to it, an option, a header."""
        plain = name.strip("-/$.").rpartition("/")[2]
        if self._policy.kept(plain):
            return Secrecy.NONE
        if (self._policy.query and self._policy.is_secret_field(plain)) or (
            in_headers and self._policy.is_secret_header(plain)
        ):
            return Secrecy.ALL
        return self._of_name(plain)

    def replaced(self, data: bytes, charset: str | None, hooks: JsonHooks) -> bytes:
        """JSON text ``data`` with its secrets replaced.

        Raises ``ValueError`` where it names a secret, or is called JSON, and cannot be read as such.
        """
        mark, encoding = _encoding(data)
        if encoding == "utf-8":
            named = self._mentions(data, hooks.echoes, hooks.bounds)
            formed = self._may_find(data)
            if not named and not formed:
                if not data.isascii():
                    _refuse_binary(data)
                return data
        else:
            named = formed = True
        try:
            text = data[len(mark) :].decode(encoding)
        except UnicodeDecodeError:
            if not charset:
                raise
            encoding = _known(charset)
            text = data.decode(encoding)
        if not named and not hooks.exact and b"\\" not in data and not self._needs_names(data):
            # Without escapes a string says what it is written as, and what is found by its form ends where it does.
            return mark + hooks.text(text, "", "", urls=False).encode("utf-8")
        try:
            new = self._spliced(text, hooks, formed=formed)
            if formed:
                # Names of members, too. Where places are told, the values are told already.
                names = jsonspans.replaced(new, lambda _: "0") if hooks.exact else new
                said = hooks.text(names, "", "", urls=False)
                new = new if hooks.exact else said
        except Unsearchable:
            raise
        except ValueError:
            if named or b"\\u00" in data:
                raise
            new = hooks.text(text, "", "")  # cut off, say: what is known by its form needs no member
        return mark + new.encode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")

    def _may_find(self, data: bytes) -> bool:
        """Whether something in ``data`` may be known by its form, at last a phone number by its member's name."""
        if self._detectors.may_find(data):
            return True
        if b"\\" in data:
            plain = data.replace(b"\\n", b"\n").replace(b"\\r", b"\n").replace(b"\\t", b"\n")
            if b"\\u00" in plain:
                plain = _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), plain)
            if self._detectors.may_find(plain):
                return True
        if not self._phones:
            return False
        lower = data.lower()
        for needle in _PHONES:  # a plain loop: this runs for nearly every body
            if needle in lower:
                return _PHONE_MEMBER.search(lower) is not None
        return False

    def _needs_names(self, data: bytes) -> bool:
        """Whether it depends on the members' names what is found by its form."""
        return self._detectors.may_find_card(data) or (self._phones and _PHONE_MEMBER.search(data.lower()) is not None)

    def _spliced(self, text: str, hooks: JsonHooks, *, formed: bool = True) -> str:
        named = hooks.echoes.names
        bounds = hooks.bounds
        apart = secret_apart.apart(text, self._of_label, bounds, needled=not self._policy.query)
        interesting = _CANDIDATE if formed else _INTERESTING
        says = self._says(text, bounds)
        grants = bounds.depth == 0 and _GRANT.search(text) is not None
        steps = count()

        def choose(scalar: jsonspans.Scalar) -> str | None:
            if not next(steps) % _STEPS:
                bounds.check()
            if not (scalar.is_string or scalar.is_number):
                return None
            name = self._secret_above(scalar)
            if grants and name is None and scalar.place == ("code",):
                name = "code"  # OAuth (RFC 6749, 4.1.3), as some services want it
            if name is None and apart:
                name = self._apart_from(scalar, apart)
            if name is None and not any(path.covers(scalar.place) for path in self._policy.json):
                last = _nearest(scalar)
                if scalar.is_number:
                    return self._of_number(scalar, last, hooks) if formed else None
                if last in named and scalar.place[-1] == last:
                    value = scalar.string()
                    echoed = hooks.echoes.of_name(last, value)
                    if echoed is not None and echoed != value:
                        hooks.echoed()
                        return jsonspans.quoted(echoed, scalar.literal)
                if len(scalar.literal) < 8 or self._policy.kept(last):
                    return None
                if not (says and self._says(scalar.literal, bounds)) and not interesting.search(scalar.literal):
                    return None
                value = scalar.string()
                with hooks.bounds.deeper() if _may_be_json(value) else nullcontext():
                    inner = self.inside(value, generalised(scalar.place), last, hooks)
                return jsonspans.quoted(inner, scalar.literal) if inner != value else None
            place = generalised(scalar.place)
            if scalar.is_number:
                return hooks.number(place, scalar.literal)
            value = scalar.string()
            new = hooks.string(place, name or "", value)
            return jsonspans.quoted(new, scalar.literal) if new != value else None

        return jsonspans.replaced(text, choose, self._marks(text, apart, named, grants=grants, formed=formed))

    def _marks(
        self, text: str, apart: Apart, cookies: Iterable[str], *, grants: bool, formed: bool
    ) -> jsonspans.Marks | None:
        """Where in a large text something is to be looked at; None: everywhere."""
        if len(text) < LARGE or apart.whole or any(not path.names() for path in self._policy.json):
            return None
        awake = {name for path in self._policy.json for name in path.names()}
        seen = {*cookies, "code"} if grants else set(cookies)
        detectors = self._detectors if formed else None

        def is_awake(name: str) -> bool:
            return bool(self._of_name(name)) or (bool(apart) and secret_apart.is_awake(name)) or name in awake

        return marks(text, is_awake, seen, apart.spans, detectors)

    def _of_number(self, scalar: jsonspans.Scalar, name: str, hooks: JsonHooks) -> str | None:
        """A card's number that is written as a JSON number."""
        literal = scalar.literal
        if len(literal) not in _CARD_LENGTHS or not literal.isdigit() or self._policy.kept(name):
            return None
        if "card" not in self._policy.detectors or may_be_id(name) or not card(literal):
            return None
        return hooks.number(generalised(scalar.place), literal, "card")

    def _secret_above(self, scalar: jsonspans.Scalar) -> str | None:
        """The normalised name of the nearest member at or above ``scalar`` that makes it secret."""
        nearest = True
        for index in range(len(scalar.place) - 1, -1, -1):
            step = scalar.place[index]
            if isinstance(step, str):
                if not nearest and index and scalar.place[index - 1] == "properties" and _of_schema(scalar.place[-1]):
                    return None  # JSON Schema: what a password must look like
                secrecy = self.secrecy(step.encode("utf-8", "surrogatepass"))
                if secrecy is Secrecy.ALL:
                    return normal(step)
                text = bool(secrecy) and nearest and scalar.is_string
                if text and secrecy.holds(scalar.string()):
                    return normal(step)
                nearest = False
        return None

    def _apart_from(self, scalar: jsonspans.Scalar, apart: Apart) -> str | None:
        name = apart.name_of(scalar, self._of_label)
        return None if name is None else normal(name)

    def _mentions(self, data: bytes, echoes: Echoes, bounds: Bounds) -> bool:
        """Whether UTF-8 JSON may hold a secret by name, by configured path, or by a cookie's name."""
        paths = [
            path for path in self._policy.json if all(name.encode("utf-8", "replace") in data for name in path.names())
        ]
        cookies = [quoted for name in echoes.names if (quoted := f'"{name}"'.encode("utf-8", "surrogatepass")) in data]
        escapes = b"\\u" if self._policy.json else b"\\u00"  # the well-known names are ASCII
        if not paths and not cookies and escapes not in data:
            lean = data.translate(_LOWER, _NOISE)
            signed = b"=" in data and (b"sig=" in lean or b"sid=" in lean)
            for needle in () if signed else NEEDLES:
                if needle in lean:
                    break
            else:
                if not signed:
                    return False
        if cookies or any(not path.names() for path in paths):
            return True
        if b'"grant' in data and _GRANT.search(data.decode("utf-8", "replace")):
            return True
        members = set(_MEMBER.findall(data))
        if any(map(self.secrecy, members)) or self._mentions_inside(data, bounds, bare=not members):
            return True
        # A member name written with escapes may be any of those asked for.
        escaped = bool(self._policy.json) and any(b"\\" in member for member in members)
        return escaped or any(
            all(name.encode("utf-8", "replace") in members for name in path.names()) for path in paths
        )

    def _mentions_inside(self, data: bytes, bounds: Bounds, *, bare: bool) -> bool:
        """Whether a secret is named in a string (JSON in JSON, a URL, a pair), or in what is no JSON at all."""
        if b'\\"' in data and any(map(self.secrecy, _ESCAPED_MEMBER.findall(data))):
            return True
        if b"\\u0022" in data or _PERCENTED.search(data) or self._says(data.decode("utf-8", "replace"), bounds):
            return True
        if secret_apart.mentions(data, self._of_label, needled=not self._policy.query):
            return True
        if b"=" in data and any(name == b"key" or self.secrecy(name) for name in _PARAMETER.findall(data)):
            return True
        if (b"'" not in data and not bare) or data.lstrip()[:1] not in (b"{", b"["):
            return False
        return any(self.secrecy(quoted or word) for quoted, word in _LOOSE_MEMBER.findall(data))

    def secrecy(self, raw: bytes) -> Secrecy:
        """That of a member's name as it is written."""
        known = self._secrecies.get(raw)
        if known is None:
            if b"\\" in raw:
                try:
                    name = str(json.loads(b'"' + raw + b'"', strict=False))
                except ValueError:
                    name = raw.decode("utf-8", "replace")
            else:
                name = raw.decode("utf-8", "replace")
            if len(self._secrecies) >= _REMEMBERED:
                self._secrecies.clear()
            known = self._secrecies[raw] = self._policy.secrecy(name)
        return known


def _may_be_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[") and '"' in text


def _of_schema(step: str | int) -> bool:
    return step in ("type", "format", "$ref", "minLength", "maxLength", "description", "title", "nullable", "writeOnly")


def _nearest(scalar: jsonspans.Scalar) -> str:
    """The name of the member that ``scalar`` is the value of, alone or in a list."""
    return next((step for step in reversed(scalar.place) if isinstance(step, str)), "")


def _refuse_binary(data: bytes) -> None:
    """Raises ``ValueError`` for what is declared JSON and is no text: a coding may hide what it holds."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        foreign = sum(byte > 0x7F for byte in data)  # a text in an old charset has some, compressed bytes half
        if _CONTROLS.search(data) or (3 * foreign > len(data) and data.lstrip()[:1] not in (b"{", b"[")):
            raise


def _encoding(data: bytes) -> tuple[bytes, str]:
    """The byte order mark of a JSON text, and its encoding going by that or by its zeros."""
    return byte_order_mark(data) or (b"", json.detect_encoding(data))


def _known(charset: str) -> str:
    try:
        return codecs.lookup(charset).name
    except (LookupError, ValueError) as error:
        raise ValueError(f"unknown charset {charset[:40]!r}") from error
