"""Where an exchange may hold a secret outside its bodies: headers, path, query, and fields of any sort."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote_plus, unquote_to_bytes

from captures.model import Headers
from captures.redacting.bounds import TooDeep
from captures.redacting.detectors import Detectors, is_phone_name
from captures.redacting.hiding import REMEMBERED, Found, Hiding
from captures.redacting.personal_data import HOME, is_phone_pseudonym
from captures.redacting.secret_headers import (
    Hide,
    authorization,
    basic_pair,
    cookie,
    in_urls,
    protocols,
    set_cookie,
    through_percent,
)
from captures.redacting.secret_names import NEEDLES, RedactionPolicy, Secrecy
from captures.redacting.secret_pairs import may_hold, named_apart

_SILENT, _SHORT_VALUE = 512, 256  # values of headers that are remembered, characters of one
_LONGEST_NAME = 240  # characters of a value, encoded, that may be a name
_SHORT = 10  # characters of a field's value that has no room for anything inside it

_URL_HEADERS = frozenset(
    "location content-location referer link refresh x-original-url x-rewrite-url x-original-uri "
    "x-forwarded-uri x-envoy-original-path".split()
)
AUTHORIZATIONS = frozenset("authorization proxy-authorization x-authorization x-forwarded-authorization".split())
STRUCTURAL = frozenset(
    b"host content-type content-length content-encoding transfer-encoding connection date upgrade te trailer".split()
)
"""Headers that frame the message or name the place: a secret that happens to equal one is not looked for there."""
_PERCENTED = re.compile("%(?:2[25]|3[dD]|7[bB]|5[bB]|3[cC])")
"""Encoded, what JSON, pairs and markup begin with."""
_BLANKLESS = re.compile(r"""[^\s"'<>]+""")
_NEEDLES = tuple(needle for needle in NEEDLES if b'"' not in needle)
_MOST_OF_BYTES = 262_144  # characters of a binary body that are looked through for strings behind their length
_PSEUDONYM = re.compile(rf"[^\s'\"@]{{1,64}}@[a-z.]{{1,20}}{re.escape(HOME)}")
_API_KEY = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])(?![0-9a-f]{8}-[0-9a-f]{4}-)[A-Za-z0-9_-]{16,}")
"""What a query parameter that is just called "key" holds when it is no name of a thing."""
_BY_MEMBER = {name.replace("-", ""): name for name in (*AUTHORIZATIONS, "cookie", "set-cookie")}
_OF_CARDS = re.compile(r"card|pan$|payment", re.IGNORECASE)
"""Segments of a path after which a number with the form of a card's is one, and no id."""


Inside = Callable[[Found, str, str, str], str]  # of (found, place, name, value)


class SecretPlaces:
    """Finds secrets in the parts of a message by one policy, and has them replaced by ``hiding``."""

    def __init__(self, policy: RedactionPolicy, hiding: Hiding, detectors: Detectors, inside: Inside) -> None:
        # ``inside`` replaces what is secret in a value that may be JSON.
        self._inside = inside
        self._policy = policy
        self._hiding = hiding
        self._detectors = detectors
        self._header_kinds: dict[bytes, str] = {}
        self._plain: set[bytes] = set()  # names of headers whose values are no secrets
        self._silent: set[bytes] = set()  # values of headers in which nothing is found: they come again and again
        self._telling: set[bytes] = set()  # names that are secrets themselves
        self._secrecies: dict[str, Secrecy] = {}  # of fields
        self._phones: set[str] = set()  # names of fields that hold phone numbers

    # -- headers --------------------------------------------------------------------------------------------------

    def headers(self, found: Found, place: str, headers: Headers) -> Headers:
        """``headers`` or trailers with their secrets replaced."""
        if self._are_plain(headers):
            return headers
        changed: list[tuple[bytes, bytes]] | None = None
        for index, (name, value) in enumerate(headers):
            kind = self._header_kinds.get(name)
            if kind is None:
                kind = self._header_kind(name)
            if not kind and self._is_free(name, value):
                kind = "free"
            if kind in ("", "free") and b"?" in value and (b"://" in value or value[:1] == b"/"):
                kind = "url"  # Next-Page and its like: a token must be the same there as in the request it leads to
            if kind and value:
                text, charset = _header_text(value)
                new = self._header_value(found, f"{place} {name.decode('latin-1').lower()}", kind, text)
                if new != text:
                    changed = changed if changed is not None else list(headers)
                    changed[index] = (name, new.encode(charset, "surrogateescape"))
            if name in self._telling:
                changed = changed if changed is not None else list(headers)
                changed[index] = (self.phrase(found, f"{place} name", name), changed[index][1])
        return headers if changed is None else tuple(changed)

    def _are_plain(self, headers: Headers) -> bool:
        """A look at all of them at once, for speed: no name of a secret, and no value that holds one by its form."""
        plain = self._plain
        for name, _ in headers:
            if name not in plain:
                return False
        text = b"\n".join([value for _, value in headers])
        return b"?" not in text and not self._detectors.may_find(text) and not _may_say(text)

    def _is_free(self, name: bytes, value: bytes) -> bool:
        if len(value) < 6 or value in self._silent or name.lower() in STRUCTURAL:
            return False
        if self._detectors.may_find(value) or _may_say(value):
            return not self._policy.kept(name.decode("latin-1"))
        if len(value) <= _SHORT_VALUE:
            if len(self._silent) >= _SILENT:
                self._silent.clear()
            self._silent.add(value)
        return False

    def _header_kind(self, raw: bytes) -> str:
        """What to do with a header: "" nothing, else its lower-case name (a special form) or "value"."""
        name = raw.lower().decode("latin-1")
        kind = ""
        if name in _URL_HEADERS:
            kind = "url"
        if self._policy.is_secret_header(name):
            kind = name if name in AUTHORIZATIONS or name in ("cookie", "set-cookie") else "value"
            if name.endswith(("-authorization", "-auth", "-wsse")):
                kind = "authorization"
            elif name.endswith(("cookie", "cookie2")):
                kind = "set-cookie" if "set-cookie" in name else "cookie"
        elif name == "sec-websocket-protocol" and not self._policy.kept(name):
            kind = "protocols"
        if len(self._header_kinds) >= REMEMBERED:
            self._header_kinds.clear()
            self._plain.clear()
            self._telling.clear()
        self._header_kinds[raw] = kind
        if self._detectors.may_find(raw):
            self._telling.add(raw)
        elif not kind:
            self._plain.add(raw)
        return kind

    def _header_value(self, found: Found, place: str, kind: str, text: str) -> str:
        hide = self._hiding.hide

        def named(name: str, value: str) -> str:
            return value if self._policy.kept(name) else hide(found, place, value, name)

        if kind in AUTHORIZATIONS:
            new = authorization(text, lambda value: hide(found, place, value))
            if new != text:
                _encoded_echoes(found, text, new)
            return new
        if kind == "cookie":
            new = cookie(text, named)
            if new != text and ";" in text:
                found.echoes.add(text, new)
            return new
        if kind == "set-cookie":
            return set_cookie(text, named)
        if kind in ("url", "free"):
            if kind == "free" and _may_say(text.encode("utf-8", "surrogatepass")):
                return self.or_whole(found, place, text, lambda: self._inside(found, place, "", text))
            return self.or_whole(found, place, text, lambda: self.text(found, place, text, urls=kind == "url"))
        if kind == "protocols":
            return protocols(text, lambda value: hide(found, place, value))
        return hide(found, place, text)

    def or_whole(self, found: Found, place: str, value: str, read: Callable[[], str]) -> str:
        """What ``read`` makes of ``value``; all of it is replaced where too many texts stand one in the other."""
        try:
            return read()
        except TooDeep:
            return self._hiding.hide(found, place, value)

    # -- text of any sort -----------------------------------------------------------------------------------------

    def text(self, found: Found, place: str, text: str, name: str = "", *, urls: bool = True) -> str:
        """Text of any sort: URLs with secrets in them, and what is known by its form; ``name`` is what it is called.

        Raises ``ValueError`` where there is more than can be replaced.
        """
        data = text.encode("utf-8", "surrogatepass")
        if self._detectors.may_find(data) or (name and is_phone_name(name)):
            text = self._detectors.replaced(
                text,
                lambda kind, value: self._hiding.hide(found, place, value, detector=kind),
                name,
                lambda plain: self._opened(found, place, name, plain),
            )
        if urls and "=" in text:
            oauth = "state=" in text or "grant_type=" in text
            text = in_urls(text, lambda name, value: self._parameter(found, place, name, value, oauth))
        if "%" in text and _PERCENTED.search(text):
            text = _BLANKLESS.sub(lambda match: self._decoded(found, place, name, match[0]), text)
        return text

    def _opened(self, found: Found, place: str, name: str, text: str) -> str:
        """A text that stood in another one, encoded. Raises :class:`Unsearchable` for too many in each other."""
        with found.bounds.deeper():
            return self._inside(found, place, name, text)

    def _decoded(self, found: Found, place: str, name: str, text: str) -> str:
        """Percent-encoded ``text``; addresses are read elsewhere, one parameter at a time."""
        if "://" in text or "?" in text or not _PERCENTED.search(text):
            return text
        return through_percent(text, lambda plain: self._opened(found, place, name, plain))

    def phrase(self, found: Found, place: str, raw: bytes) -> bytes:
        """The same for bytes of a message's head."""
        if not self._detectors.may_find(raw):
            return raw
        text, charset = _header_text(raw)
        new = self.or_whole(found, place, text, lambda: self.text(found, place, text))
        return new.encode(charset, "surrogateescape")

    def shown(self, counts: dict[str, int]) -> dict[str, int]:
        """``counts`` by place, without what is secret in the places: names of members and fields."""
        text = "\n".join(counts)
        if HOME not in text and not self._detectors.may_find(text.encode("utf-8", "surrogatepass")):
            return counts
        shown: dict[str, int] = {}
        for place, count in counts.items():
            name = _PSEUDONYM.sub("<email>", self._detectors.replaced(place, lambda kind, _: f"<{kind}>"))
            shown[name] = shown.get(name, 0) + count
        return shown

    def fixed(self, found: Found, place: str, text: str) -> str:
        """Like :meth:`text`, without URLs; what is replaced keeps its length. Raises ``ValueError`` as above.

        A string may follow its own length (protocol buffers), which may look like a letter of it, and so may what
        follows: short messages are looked through for such strings, too.
        """

        def hide(kind: str, value: str) -> str:
            new = self._hiding.hide(found, place, value, detector=kind)
            return new if len(new) == len(value) else self._hiding.of_same_length(value)

        def replaced(piece: str) -> str:
            return self._detectors.replaced(piece, hide) if self._detectors.may_find(piece.encode("latin-1")) else piece

        pieces: list[str] = []
        position = 0
        for start, end in found.bounds.checked(_delimited(text)) if len(text) <= _MOST_OF_BYTES else ():
            if start < position:
                continue
            asked = found.asked
            new = replaced(text[start:end])
            if found.asked != asked or (new[0] == "+" and is_phone_pseudonym(new)):
                # What stands before and behind it is no part of what was found.
                pieces += (replaced(text[position:start]), new)
                position = end
        return "".join((*pieces, replaced(text[position:])))

    def member(self, found: Found, place: str, name: str, value: str) -> str:
        """A string under a secret member; one named like a header is read like that header."""
        kind = _BY_MEMBER.get(name)
        if kind:
            return self._header_value(found, place, kind, value)
        return self._hiding.hide(found, place, value, password=_like_password(name))

    # -- path, query and fields -----------------------------------------------------------------------------------

    def target(self, found: Found, target: bytes) -> bytes:
        """A request's target."""
        path, mark, query = target.partition(b"?")
        if b"@" in path and b"://" in path:  # the absolute form, with a user
            path = self.phrase(found, "request.target", path)
        path = self._path(found, path)
        if b"=" in path and (b";" in path or b"#" in path):  # ``;jsessionid=``
            text = path.decode("latin-1")
            path = in_urls(text, lambda name, value: self._parameter(found, "request.path", name, value, False)).encode(
                "latin-1"
            )
        return path + mark + (self.fields(found, "request.query", query) if mark else b"")

    def _path(self, found: Found, path: bytes) -> bytes:
        segments = path.decode("latin-1").split("/")
        hidden = {position for template in self._policy.paths for position in _marked(template, segments)}
        free = self._detectors.may_find((unquote_to_bytes(path) if b"%" in path else path).replace(b"/", b"\n"))
        changed = False
        for index, segment in enumerate(segments):
            if index in hidden or (len(segment) >= 12 and self._hiding.has_met(segment)):
                new = through_percent(segment, lambda plain: self._hiding.hide(found, "request.path", plain))
            elif free and len(segment) > 5:
                name = segments[index - 1] if index and _OF_CARDS.search(segments[index - 1]) else "id"
                new = through_percent(segment, _text_hider(self, found, "request.path", name))
            else:
                continue
            changed = changed or new != segment
            segments[index] = new
        return "/".join(segments).encode("latin-1") if changed else path

    def fields(self, found: Found, place: str, raw: bytes) -> bytes:
        """A query or a form."""
        free = self._detectors.may_find(unquote_to_bytes(raw) if b"%" in raw else raw)
        if b"=" not in raw and not free:
            return raw
        pieces = raw.decode("latin-1").split("&")
        query = place == "request.query"
        oauth = b"code=" in raw and any(piece.startswith(("state=", "grant_type=")) for piece in pieces)
        apart = self._named_apart(pieces) if may_hold(raw) else {}
        for index, piece in enumerate(found.bounds.checked(pieces)):
            name, equals, value = piece.partition("=")
            if index in apart:
                secret = _named_hider(self, found, f"{place} {apart[index]}", apart[index])
                pieces[index] = f"{name}{equals}{through_percent(value, secret, plus=True)}"
                continue
            if free and len(name) > 5:
                name = through_percent(name, _text_hider(self, found, f"{place} name", ""), plus=True)
                pieces[index] = f"{name}{equals}{value}"
            if value:
                plain = unquote_plus(name) if "%" in name or "+" in name else name
                if not free and self._is_harmless(plain, value) and found.echoes.empty:
                    continue
                hider = _field_hider(self, found, f"{place} {plain}", plain, query, oauth)
                pieces[index] = f"{name}{equals}{through_percent(value, hider, plus=True)}"
        return "&".join(pieces).encode("latin-1")

    def _named_apart(self, pieces: list[str]) -> dict[int, str]:
        split = [piece.partition("=") for piece in pieces]
        pairs = [(unquote_plus(name), unquote_plus(value[:_LONGEST_NAME])) for name, _, value in split]
        return self.named_apart(pairs)

    def named_apart(self, pairs: Sequence[tuple[str, str]]) -> dict[int, str]:
        """Which of ``pairs`` of names and values have a secret's name in another pair, and that name."""
        return named_apart(pairs, lambda name: bool(self._policy.secrecy(name)) or self._policy.is_secret_field(name))

    def named(self, found: Found, place: str, name: str, value: str) -> str:
        """``value``, replaced if what is called ``name`` is secret."""
        secrecy = self._secrecies.get(name)
        if secrecy is None:
            secrecy = self._secrecy(name)
        if secrecy.holds(value):
            return self._hiding.hide(found, place, value, password=_like_password(name))
        return value

    def _is_harmless(self, name: str, value: str) -> bool:
        """A quick look at a field, its value still encoded, that would come out as it is unless a cookie said it."""
        if self._secrecies.get(name) is not Secrecy.NONE or name in ("key", "code") or name in self._phones:
            return False
        return value.isalnum() or len(value) <= _SHORT

    def _parameter(self, found: Found, place: str, name: str, value: str, oauth: bool) -> str:
        """The value of a query parameter: like any field, and two names that are secret there only."""
        if (name == "key" and _API_KEY.fullmatch(value)) or (name == "code" and oauth):
            return value if self._policy.kept(name) else self._hiding.hide(found, place, value)
        return self.field(found, place, name, value)

    def field(self, found: Found, place: str, name: str, value: str) -> str:
        """The value of a query, form or multipart field: replaced when its name says so, or a cookie said it."""
        secrecy = self._secrecies.get(name)
        if secrecy is None:
            secrecy = self._secrecy(name)
        if secrecy and secrecy.holds(value):
            return self._hiding.hide(found, place, value, password=_like_password(name))
        echoed = found.echoes.of_name(name, value)
        if echoed is not None:
            found.count(f"echo {place}")
            return echoed
        if len(value) > 5 and not self._policy.kept(name):
            if value[0] in "{[<" or ('"' in value and len(value) > _SHORT):
                return self._opened(found, place, name, value)
            if "%" in value and _PERCENTED.search(value) and _BLANKLESS.fullmatch(value):
                # An address in an address in an address: one encoding was taken off by whoever asks.
                with found.bounds.deeper():
                    plain = through_percent(value, lambda inner: self.field(found, place, name, inner))
                if plain != value:
                    return plain
            return self.text(found, place, value, name, urls=len(value) > _SHORT)
        return value

    def _secrecy(self, name: str) -> Secrecy:
        secrecy = Secrecy.ALL if self._policy.is_secret_field(name) else self._policy.secrecy(name)
        if len(self._secrecies) >= REMEMBERED:
            self._secrecies.clear()
            self._phones.clear()
        self._secrecies[name] = secrecy
        if is_phone_name(name):
            self._phones.add(name)
        return secrecy

    def one_of_query(self, found: Found, place: str, name: str, value: str, *, query: bool, oauth: bool) -> str:
        """Like :meth:`field`, for one of a query or of a form that hands out a code."""
        if (query and name == "key") or (oauth and name == "code"):
            return self._parameter(found, place, name, value, oauth)
        return self.field(found, place, name, value)


def _field_hider(places: SecretPlaces, found: Found, place: str, name: str, query: bool, oauth: bool) -> Hide:
    return lambda value: places.or_whole(
        found, place, value, lambda: places.one_of_query(found, place, name, value, query=query, oauth=oauth)
    )


def _named_hider(places: SecretPlaces, found: Found, place: str, name: str) -> Hide:
    return lambda value: places.named(found, place, name, value)


def _may_say(data: bytes) -> bool:
    """A cheap look at a header's value: whether it may name a secret (``{"password": …}``, ``password=…``), or hold
    something encoded."""
    if b"=" not in data and b'":' not in data and b"%" not in data:
        return False
    return any(map(data.lower().__contains__, _NEEDLES))


def _text_hider(places: SecretPlaces, found: Found, place: str, name: str) -> Hide:
    return lambda value: places.or_whole(found, place, value, lambda: places.text(found, place, value, name))


def _marked(template: tuple[str, ...], segments: list[str]) -> list[int]:
    """Which of a path's ``segments`` are secret by ``template``; none where it is another path."""
    if len(template) != len(segments):
        return []
    marks = [part.startswith("{") and part.endswith("}") for part in template]
    same = all(mark or part in ("*", segment) for part, segment, mark in zip(template, segments, marks, strict=True))
    return [index for index, mark in enumerate(marks) if mark and segments[index]] if same else []


def _delimited(text: str) -> Iterator[tuple[int, int]]:
    """What may be a string of the length that stands before it, of a field with a tag for such (its last three bits are
    2): where it begins and ends. Which of them are none cannot be told, and so they may overlap."""
    for position in range(len(text) - 2):
        if ord(text[position]) & 7 != 2:
            continue
        start, length = position + 2, ord(text[position + 1])
        if length > 0x7F:  # a second byte follows
            start, length = start + 1, (length & 0x7F) | ord(text[position + 2]) << 7
        end = start + length
        if length > 5 and end <= len(text) and text[start:end].isprintable():
            yield start, end


def _encoded_echoes(found: Found, before: str, after: str) -> None:
    """Look for the base64 text of Basic credentials too, and for a short password where it stands alone."""
    pairs = basic_pair(before), basic_pair(after)
    if pairs[0] is None or pairs[1] is None:
        return
    for old, new in ((before, after), (before.rstrip("="), after.rstrip("="))):
        found.echoes.add(old.split()[-1], new.split()[-1])
    found.echoes.add(pairs[0].partition(":")[2], pairs[1].partition(":")[2], password=True)


def _like_password(name: str) -> bool:
    lower = name.lower()
    return "pass" in lower or "pwd" in lower


def _header_text(value: bytes) -> tuple[str, str]:
    """UTF-8 where it is that, so that a secret equals the same one in a JSON body; else byte for byte."""
    try:
        return value.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return value.decode("latin-1"), "latin-1"
