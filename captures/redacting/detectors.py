"""Secrets and data of persons that are known by their form, wherever they stand: the detectors. Pure, but for a memory.

Nearly every text has none, so the first look is a cheap one (:meth:`Detectors.may_find`): a few dozen searches for
short byte strings, which run at the speed of memory. What passes is read by patterns without nested repetition, each of
which gives up after a bounded number of characters: the time grows with the length and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from captures.redacting import packed_text, personal_data
from captures.redacting.bounds import Unsearchable
from captures.redacting.known_tokens import NEEDLES, private_keys, tokens
from captures.redacting.personal_data import MOST
from captures.redacting.secret_headers import in_free_text, through_percent
from captures.redacting.secret_names import may_name, normal
from captures.settings.recording_keys import DETECTORS

HideDetected = Callable[[str, str], str]
"""Gives the value to put in place of what (detector) found (value)."""

_FORM = bytes.maketrans(b"123456789 -BCDEFGHIJKLMNOPQRSTUVWXYZ", b"0" * 11 + b"A" * 25)
"""Digits, with the blanks and dashes between them, as 0; capital letters as A."""
_CARD_LENGTH = 14
_CARD, _ACCOUNT = b"0" * _CARD_LENGTH, b"AA00"
_FRACTION = b"." + _CARD
_WORD = bytes(ord("a") if (chr(byte).isalnum() and byte < 128) or byte in b"_-" else byte for byte in range(256))
_RUN = b"a" * 20
"""Every token of a known form has so many characters in a row that are of words, but for those of Azure."""
_SHORTEST = 6  # a@b.de
_TOKENS = tuple(needle.encode() for needle in NEEDLES if needle not in ("SK", "gl", "key-", "Q~", "shp", "xox", "sk-"))
_LOOSE = re.compile(
    rb"(?<![A-Za-z0-9_])(?:SK[0-9a-f]{32}|key-[0-9a-f]{32}|gl[a-z]{2,5}-[A-Za-z0-9_.-]{20}|shp[a-z]{2}_|xox[a-z]-|"
    rb"sk-[A-Za-z0-9_-]{30})|[0-9]Q~"
)
_LOOSE_NEEDLES = (b"SK", b"key-", b"gl", b"Q~", b"shp", b"xox", b"sk-")
_USER_IN_URL = re.compile(rb":(?://|\\/\\/)[^/\s\"@?#]{1,300}@")
_PHONE = re.compile(rb"\+[1-9](?:[ ().-]{0,2}[0-9]){7}")
_ENCODED_PHONE = re.compile(r"(?<![A-Za-z0-9])%2B[1-9][0-9]{7,14}(?![A-Za-z0-9])")
_ENCODED_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}%40[A-Za-z0-9.-]{4,255}")
_ADDRESS = re.compile(rb"@[A-Za-z0-9-]{1,63}\.[A-Za-z0-9]")
_LARGE = 65_536  # characters
_PIECE = 8_192
_CUT = re.compile(r'["\n]')
_ID = re.compile(
    r"(?:.*[_.-])?(?:ids?|uid|uuid|guid|time|timestamp|ts|ms|ns|offset|cursor|seq|version|hash|nonce|etag)$|"
    r".*[a-z0-9](?:Ids?|IDs?|Uid|Uuid|Time|Timestamp|Ts|Ms|Offset|Seq|Version)$|"
    r"(?:order|user|account|customer|product|item|payment|transaction|session|trace|span|request|message|object|client|"
    r"device|event|node|post|tweet|channel|guild)ids?$"
)
"""Names of numbers that may have the form of a card's and are none."""


class Detectors:
    """Those of one policy: ``names`` out of :data:`DETECTORS`, and the ``patterns`` of the user."""

    __slots__ = ("_forms", "_patterns", "_wanted")

    def __init__(self, names: Iterable[str] = DETECTORS, patterns: Iterable[re.Pattern[str]] = ()) -> None:
        self._wanted = frozenset(names)
        self._patterns = tuple(patterns)
        self._forms = self._wanted & {"jwt", "bearer", "basic", "url-password"}

    def may_find(self, data: bytes) -> bool:
        """A cheap look at ``data``, which may be long: False where no detector finds anything in it."""
        if len(data) < _SHORTEST or not self._wanted:
            return bool(self._patterns)
        wanted = self._wanted
        if self._patterns or (b"J" in data and b"eyJ" in data):  # one byte is looked for at the speed of memory
            return True
        lower = data.lower()
        if b"bearer " in lower or b"basic " in lower:
            return True
        if b"@" in data and (_user_in_url(data) or ("email" in wanted and _ADDRESS.search(data))):
            return True
        if b"+" in data and "phone" in wanted and _PHONE.search(data):
            return True
        if b"%" in data and ((b"%40" in data and "email" in wanted) or (b"%2B" in data and "phone" in wanted)):
            return True
        if len(data) < _CARD_LENGTH:
            return False
        form = data.translate(_FORM)
        if _CARD in form and "card" in wanted and _may_have_card(form) and any(_cards(data.decode("latin-1"))):
            return True
        if _ACCOUNT in form and "iban" in wanted and personal_data.ibans(data.decode("latin-1")):
            return True
        if b"PRIVATE KEY" in data and "private-key" in wanted:
            return True
        if not _may_have_run(data):
            return False
        return ("token" in wanted and _may_have_token(data)) or any(self._hidden(data.decode("latin-1")))

    def may_find_card(self, data: bytes) -> bool:
        """The same for what depends on a name: a card's number."""
        if "card" not in self._wanted or len(data) < _CARD_LENGTH:
            return False
        return _may_have_card(data.translate(_FORM)) and any(_cards(data.decode("latin-1")))

    def replaced(
        self, text: str, hide: HideDetected, name: str = "", inside: Callable[[str], str] | None = None
    ) -> str:
        """``text`` with what is found in it replaced; ``name`` is that of the member or field whose value it is.

        ``inside`` does it for a text that stands in this one in base64; without it those are treated like this one.

        Raises ``ValueError`` for more than :data:`MOST` findings.
        """
        if "private-key" in self._wanted and "PRIVATE KEY" in text:
            text = _spliced(text, private_keys(text), "private-key", hide)
        if len(text) > _LARGE:  # most pieces of a large text hold nothing
            text = "".join(
                [self._of_piece(one, hide, name, inside) if self._may_be_in(one) else one for one in _pieces(text)]
            )
        else:
            text = self._of_piece(text, hide, name, inside)
        for number, pattern in enumerate(self._patterns, start=1):
            text = _spliced(text, _of_pattern(text, pattern), f"pattern {number}", hide)
        return text

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where in a large ``text`` something may be replaced: no place of it is left out, some are told in vain."""
        if self._patterns or "PRIVATE KEY" in text:
            yield 0, len(text)
            return
        start = 0
        for piece in _pieces(text):
            if self._may_be_in(piece):
                for first, last in self._found_in(piece):
                    yield start + first, start + last
            start += len(piece)

    def _found_in(self, piece: str) -> Iterator[tuple[int, int]]:
        values: set[str] = set()

        def noted(_: str, value: str) -> str:
            values.add(value)
            return value

        self._of_piece(piece, noted, "")
        yield from ((start, end) for start, end, _ in self._hidden(piece))
        for value in values:
            at = piece.find(value)
            if at < 0:  # it stands there encoded
                yield 0, len(piece)
            while at >= 0:
                yield at, at + len(value)
                at = piece.find(value, at + len(value))

    def _may_be_in(self, piece: str) -> bool:
        return self.may_find(piece.encode("utf-8", "surrogatepass"))

    def _of_piece(self, text: str, hide: HideDetected, name: str, inside: Callable[[str], str] | None = None) -> str:
        wanted = self._wanted
        if self._forms:
            text = in_free_text(text, lambda kind, value: hide(kind, value) if kind in self._forms else value)
        data = text.encode("utf-8", "replace")
        runs = len(data) >= len(_RUN) and _may_have_run(data)
        form = data.translate(_FORM) if len(data) >= _CARD_LENGTH else b""
        if runs and "token" in wanted and _may_have_token(data):
            text = _spliced(text, tokens(text), "token", hide)
        if "email" in wanted and "@" in text:
            text = _spliced(text, personal_data.addresses(text), "email", hide)
        if "email" in wanted and "%40" in text:
            if text.count("%40") > MOST:
                raise Unsearchable(f"more than {MOST:,} findings of email")
            text = _ENCODED_ADDRESS.sub(lambda match: _unencoded(match[0], "email", hide), text)
        if "phone" in wanted and "%2B" in text:
            text = _ENCODED_PHONE.sub(lambda match: _unencoded(match[0], "phone", hide), text)
        if _CARD in form and "card" in wanted and _may_have_card(form) and not may_be_id(name):
            text = _spliced(text, list(_cards(text)), "card", hide)
        if _ACCOUNT in form and "iban" in wanted:
            text = _spliced(text, personal_data.ibans(text), "iban", hide)
        if "phone" in wanted:
            text = self._phones(text, hide, name)
        if runs:
            text = self._unpacked(text, inside or (lambda plain: self.replaced(plain, hide)))
        return text

    def _unpacked(self, text: str, inside: Callable[[str], str]) -> str:
        pieces: list[str] = []
        position = 0
        for start, end, plain in self._hidden(text):
            new = inside(plain)
            if new != plain:
                pieces += (text[position:start], packed_text.packed(new, text[start:end]))
                position = end
        return "".join((*pieces, text[position:])) if pieces else text

    def _hidden(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Base64 of texts in which something may be found: where it stands, and the text."""
        for start, end, plain in packed_text.packings(text):
            data = plain.encode("utf-8", "surrogatepass")
            if may_name(data) or self.may_find(data):
                yield start, end, plain

    def _phones(self, text: str, hide: HideDetected, name: str) -> str:
        if "+" in text:
            found = [match.span() for match in personal_data.PHONE.finditer(text)]
            text = _spliced(text, [span for span in found if not _is_fiction(text[slice(*span)])], "phone", hide)
        elif name and is_phone_name(name) and personal_data.PHONE_ALONE.fullmatch(text) and not _is_fiction(text):
            return hide("phone", text)
        return text


def _user_in_url(data: bytes) -> bool:
    """Whether a URL in ``data`` has user information."""
    return b"@" in data and (b"://" in data or b":\\/\\/" in data) and _USER_IN_URL.search(data) is not None


def may_be_id(name: str) -> bool:
    """Whether a number under ``name`` may have the form of a card's and be none."""
    return _ID.match(name) is not None


def is_phone_name(name: str) -> bool:
    """Whether what stands under ``name`` is a phone number if it looks like one."""
    return personal_data.PHONE_NAMES.search(normal(name)) is not None


def _may_have_run(data: bytes) -> bool:
    """Whether there is a row of characters as long as every token and every base64 that is looked into."""
    return _RUN in data.translate(_WORD) or (b"=" in data and b"Key=" in data) or (b"~" in data and b"Q~" in data)


def _may_have_token(data: bytes) -> bool:
    for needle in _TOKENS:  # a plain loop: it runs for many bodies
        if needle in data:
            return True
    for needle in _LOOSE_NEEDLES:
        if needle in data:
            return _LOOSE.search(data) is not None
    return False


def _may_have_card(form: bytes) -> bool:
    """Whether digits stand in a row that are not the fraction of a number."""
    return form.count(_CARD) > form.count(_FRACTION)


def _pieces(text: str) -> Iterator[str]:
    """A large ``text`` cut where nothing that is found by its form goes on: at a quote or the end of a line."""
    start = 0
    while start < len(text):
        cut = _CUT.search(text, start + _PIECE)
        end = cut.end() if cut else len(text)
        yield text[start:end]
        start = end


def _unencoded(text: str, detector: str, hide: HideDetected) -> str:
    """What stands in a URL: ``ada%40shop.io``, ``%2B4930123456``."""

    def new(plain: str) -> str:
        spans = [match.span() for match in personal_data.PHONE.finditer(plain) if not _is_fiction(match[0])]
        return _spliced(plain, personal_data.addresses(plain) if detector == "email" else spans, detector, hide)

    return through_percent(text, new)


def _cards(text: str) -> Iterable[tuple[int, int]]:
    for match in personal_data.CARD.finditer(text):
        if personal_data.card("".join(filter(str.isdigit, match[0]))):
            yield match.span()


def _is_fiction(number: str) -> bool:
    return personal_data.is_phone_pseudonym(number)


def _of_pattern(text: str, pattern: re.Pattern[str]) -> list[tuple[int, int]]:
    group = 1 if pattern.groups else 0
    return [match.span(group) for match in pattern.finditer(text) if match.start(group) < match.end(group)]


def _spliced(text: str, spans: list[tuple[int, int]], detector: str, hide: HideDetected) -> str:
    if not spans:
        return text
    if len(spans) > MOST:
        raise Unsearchable(f"more than {MOST:,} findings of {detector}")
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces += (text[position:start], hide(detector, text[start:end]))
        position = end
    pieces.append(text[position:])
    return "".join(pieces)
