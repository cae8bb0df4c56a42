"""Secrets in XML and HTML, found by the names of elements, attributes and form fields, every other character kept.

Nothing is parsed into a tree and no entity is expanded: tags are found by one pattern, each read once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from itertools import pairwise
from xml.sax.saxutils import escape

from captures.redacting.bounds import Bounds
from captures.redacting.secret_names import Secrecy

_NAME = r"[A-Za-z_][\w:.-]{0,100}"
_TAG = re.compile(rf"""<({_NAME})((?:[^<>"']++|"[^"<]*"|'[^'<]*')*+)>""")
_ATTRIBUTE = re.compile(r"""([\w:.@-]{1,100})(\s{0,9}=\s{0,9})("[^"]*"|'[^']*'|[^\s"'<>=`]+)""")
_CONTENT = re.compile(r"<!\[CDATA\[([^\]]*(?:\](?!\]>)[^\]]*)*)\]\]>|<[^<>]*>|([^<]+)")
_ESCAPED = re.compile(r"&lt;(?:[\w.-]{1,40}:)?([A-Za-z_][\w.-]{0,80})(?:\s[^<>&]{0,200})?&gt;([^<>&]{1,4096})(?=&lt;/)")
"""An element in a document that stands in a text of another one."""
_KEYED = re.compile(
    r"<(?:[\w.-]{1,40}:)?[\w.-]{0,40}(?:name|key|field|id|label)>\s{0,20}([A-Za-z_][\w.-]{0,80})\s{0,20}</[\w.:-]{1,80}>"
    r"\s{0,200}(?:<(?:[\w.-]{1,40}:)?[\w.-]{0,40}value>\s{0,200})?(?:<(?:string|data)>)?([^<>]{1,4096})(?=<)",
    re.IGNORECASE,
)
"""XML-RPC's members, Apple's property lists."""
_LISTED = re.compile(
    r"<(?:th|td|dt)(?:\s[^<>]{0,200})?>\s{0,20}([A-Za-z_][\w .-]{0,80}?):?\s{0,20}(?:</(?:th|td|dt)>)?\s{0,200}"
    r"<(?:td|dd)(?:\s[^<>]{0,200})?>(?:<code>)?([^<>]{1,4096})(?=<)",
    re.IGNORECASE,
)
"""What a page lists: a name in one cell, its value in the next."""
_ELEMENTS = re.compile(rf"<({_NAME})")
_ATTRIBUTES = re.compile(r"""[\s"']([\w:.@-]{1,100})\s{0,9}=""")
_LABELS = re.compile(
    r"(?:[Nn]ame|[Kk]ey|NAME|KEY|(?<![\w-])(?:[Ii]d|field|label|param|property))"
    r"""\s{0,9}=\s{0,9}["']?([^\s"'<>]{1,100})"""
)
_ROWS = re.compile(r"<tr\b[^<>]{0,400}>|</?table\b", re.IGNORECASE)
_CELL = re.compile(r"<t[hd]\b[^<>]{0,400}>", re.IGNORECASE)
_CELL_TEXT = re.compile(r"<(?:th|td|dt)(?:\s[^<>]{0,400})?>\s{0,20}([^<>:]{1,100})", re.IGNORECASE)
_PLAIN = re.compile(r"(?<=>)[^<>]+")
_WORD = re.compile(r"[^\W\d]+|.*\s.*|[^\w]*", re.DOTALL)
"""What stands in the cell of a page and is no secret: a word, a sentence, dots in its place."""
_SHORTEST = 4  # characters of what is taken for a secret there
HideMarked = Callable[[str, str, str], str]
"""Gives the value to put in place of (place, name, value)."""


class Markup:
    """The secrets of documents, by names that ``secrecy`` judges."""

    __slots__ = ("_secrecy",)

    def __init__(self, secrecy: Callable[[str], Secrecy]) -> None:
        self._secrecy = secrecy

    def mentions(self, text: str, *, html: bool) -> bool:
        """Whether ``text`` has a secret's name where :meth:`replaced` looks for one."""
        names = {*_ATTRIBUTES.findall(text), *_LABELS.findall(text)}
        if not html:
            names.update(_ELEMENTS.findall(text))
        if "&lt;/" in text:
            names.update(name for name, _ in _ESCAPED.findall(text))
        names.update(name for name, _ in _KEYED.findall(text))
        names.update(match[1].strip() for match in _CELL_TEXT.finditer(text))
        return any(self._secrecy(local(name)) for name in names) or (html and 'type="password"' in text)

    def replaced(self, text: str, hide: HideMarked, bounds: Bounds, *, html: bool) -> str:
        """``text`` with its secrets replaced. ``html``: only forms and attributes; elements' names mean nothing."""

        def told(match: re.Match[str]) -> str:
            value = match[2].strip()
            plain = unescape(value)
            if len(plain) < _SHORTEST or not self._secrecy(match[1]).holds(plain):
                return match[0]
            start = match.start(2) - match.start() + match[2].index(value)
            hidden = _escaped(hide(f"<{match[1]}>", match[1], plain), "")
            return match[0][:start] + hidden + match[0][start + len(value) :]

        def listed(match: re.Match[str]) -> str:
            return match[0] if _WORD.fullmatch(unescape(match[2]).strip()) else told(match)

        text = _KEYED.sub(told, _ESCAPED.sub(told, text) if "&lt;/" in text else text)
        if "<td" in text or "<dd" in text:
            text = self._columns(_LISTED.sub(listed, text), hide)
        pieces: list[str] = []
        position = 0
        for tag in bounds.checked(_TAG.finditer(text)):
            if tag.start() < position:
                continue  # inside an element that is secret as a whole
            name = local(tag[1])
            new = self._attributes(name, tag[2], hide, html=html)
            if new != tag[2]:
                pieces += (text[position : tag.start(2)], new)
                position = tag.end(2)
            labelled = _label(tag[2]) if not html or name.lower() == "textarea" else ""
            if tag[2].endswith("/") or (html and not labelled):
                continue
            secrecy, said = self._secrecy(name), name
            if html or not secrecy:
                secrecy, said = (self._secrecy(labelled), labelled) if labelled else (Secrecy.NONE, "")
            if not secrecy:
                continue
            end = text.find(f"</{tag[1]}", tag.end())
            end = len(text) if end < 0 else end
            inner = text[tag.end() : end]
            new = self._content(inner, secrecy, f"<{said}>", said, hide)
            if new != inner:
                pieces += (text[position : tag.end()], new)
                position = end
            elif secrecy is Secrecy.ALL:
                pieces.append(text[position:end])
                position = end
        if not pieces:
            return text
        pieces.append(text[position:])
        return "".join(pieces)

    def _columns(self, text: str, hide: HideMarked) -> str:
        """The columns of a page's tables whose head names a secret."""
        pieces: list[str] = []
        columns: dict[int, str] = {}
        position, head = 0, True
        rows = [(match[0][:3].lower(), match.start()) for match in _ROWS.finditer(text)]
        for (tag, start), (_, end) in pairwise([*rows, ("", len(text))]):
            if tag != "<tr":
                columns, head = {}, True
                continue
            cells = [(match[0][:3].lower(), match.end()) for match in _CELL.finditer(text, start, end)]
            if head:
                head, columns = False, self._of_head(text, cells, end)
                continue
            for index, ((_, first), (_, last)) in enumerate(pairwise([*cells, ("", end)])):
                for match in _PLAIN.finditer(text, first - 1, last) if index in columns else ():
                    value = match[0].strip()
                    plain, name = unescape(value), columns[index]
                    if len(plain) < _SHORTEST or _WORD.fullmatch(plain) or not self._secrecy(name).holds(plain):
                        continue
                    at = match.start() + match[0].index(value)
                    pieces += (text[position:at], _escaped(hide(f"<{name}>", name, plain), ""))
                    position = at + len(value)
        return "".join((*pieces, text[position:])) if pieces else text

    def _of_head(self, text: str, cells: list[tuple[str, int]], end: int) -> dict[int, str]:
        if len(cells) < 2 or len({tag for tag, _ in cells}) > 1:
            return {}  # a row with a head of its own
        found: dict[int, str] = {}
        for index, (_, start) in enumerate(cells):
            plain = _PLAIN.search(text, start - 1, end)
            name = unescape(plain[0]).strip() if plain else ""
            if self._secrecy(name[:100]):
                found[index] = name
        return found

    def _attributes(self, element: str, text: str, hide: HideMarked, *, html: bool) -> str:
        if "=" not in text:
            return text
        labelled = _label(text)
        secret = bool(labelled) and self._secrecy(labelled)
        typed = html and "password" in text and re.search(r"type\s*=\s*[\"']?password", text) is not None

        def new(match: re.Match[str]) -> str:
            name = local(match[1])
            quotes = match[3][0] if match[3][0] in "\"'" else ""
            value = match[3][1:-1] if quotes else match[3]
            plain = unescape(value)
            if not plain.strip() or (html and name in ("name", "id", "for", "type")):
                return match[0]
            said = name
            secrecy = self._secrecy(name)
            if not secrecy and name.lower() in ("value", "content") and (secret or typed):
                said, secrecy = (labelled, secret or Secrecy.NONE) if secret else (element, Secrecy.ALL)
            if not secrecy or not secrecy.holds(plain):
                return match[0]
            hidden = hide(f"<{element}> @{said}", said, plain)
            return match[0] if hidden == plain else f"{match[1]}{match[2]}{quotes}{_escaped(hidden, quotes)}{quotes}"

        return _ATTRIBUTE.sub(new, text)

    def _content(self, text: str, secrecy: Secrecy, place: str, name: str, hide: HideMarked) -> str:
        """What stands in an element: all of its texts where everything is secret, else the one it consists of."""
        if secrecy is not Secrecy.ALL and "<" in text.removeprefix("<![CDATA["):
            return text

        def new(match: re.Match[str]) -> str:
            raw = match[1] if match[1] is not None else match[2]
            if raw is None:
                return match[0]
            value = raw.strip()
            plain = value if match[1] is not None else unescape(value)
            if not plain or not secrecy.holds(plain):
                return match[0]
            hidden = hide(place, name, plain)
            if hidden == plain:
                return match[0]
            start = match[0].index(value)
            shown = hidden if match[1] is not None else _escaped(hidden, "")
            return match[0][:start] + shown + match[0][start + len(value) :]

        return _CONTENT.sub(new, text)


def between_tags(text: str, change: Callable[[str], str]) -> str:
    """``text`` with each piece between two tags, contents of scripts among them, changed."""
    pieces: list[str] = []
    position = 0
    for tag in _TAG.finditer(text):
        pieces += (change(text[position : tag.start()]), tag[0])
        position = tag.end()
    return "".join((*pieces, change(text[position:])))


def local(name: str) -> str:
    """The name of an element or attribute without its prefix; that of ``data-api-key`` is ``api-key``."""
    return name.rpartition(":")[2].removeprefix("data-")


def _label(attributes: str) -> str:
    found = _LABELS.search(attributes)
    return unescape(found[1]) if found else ""


def _escaped(value: str, quotes: str) -> str:
    return escape(value, {'"': "&quot;", "'": "&#39;"} if quotes else {})
