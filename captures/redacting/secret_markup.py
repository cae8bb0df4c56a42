"""Secrets in XML and HTML, found by the names of elements, attributes and form fields, every other character kept.

Nothing is parsed into a tree and no entity is expanded: tags are found by one pattern, each read once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from xml.sax.saxutils import escape

from captures.redacting.secret_names import Secrecy

_NAME = r"[A-Za-z_][\w:.-]{0,100}"
_TAG = re.compile(rf"""<({_NAME})((?:[^<>"']++|"[^"<]*"|'[^'<]*')*+)>""")
_ATTRIBUTE = re.compile(r"""([\w:.@-]{1,100})(\s{0,9}=\s{0,9})("[^"]*"|'[^']*'|[^\s"'<>=`]+)""")
_CONTENT = re.compile(r"<!\[CDATA\[([^\]]*(?:\](?!\]>)[^\]]*)*)\]\]>|<[^<>]*>|([^<]+)")
_ESCAPED = re.compile(r"&lt;(?:[\w.-]{1,40}:)?([A-Za-z_][\w.-]{0,80})(?:\s[^<>&]{0,200})?&gt;([^<>&]{1,4096})(?=&lt;/)")
"""An element in a document that stands in a text of another one."""
_KEYED = re.compile(
    r"<(?:name|key)>\s{0,20}([A-Za-z_][\w.-]{0,80})\s{0,20}</(?:name|key)>\s{0,200}(?:<value>\s{0,200})?"
    r"(?:<(?:string|data)>)?([^<>]{1,4096})(?=<)"
)
"""XML-RPC's members, Apple's property lists."""
_ELEMENTS = re.compile(rf"<({_NAME})")
_ATTRIBUTES = re.compile(r"""[\s"']([\w:.@-]{1,100})\s{0,9}=""")
_LABELS = re.compile(r"""(?:[Nn]ame|[Kk]ey|NAME|KEY)\s{0,9}=\s{0,9}["']?([^\s"'<>]{1,100})""")

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
        return any(self._secrecy(local(name)) for name in names) or (html and 'type="password"' in text)

    def replaced(self, text: str, hide: HideMarked, *, html: bool) -> str:
        """``text`` with its secrets replaced. ``html``: only forms and attributes; elements' names mean nothing."""

        def told(match: re.Match[str]) -> str:
            plain = unescape(match[2]).strip()
            if len(plain) < _SHORTEST or not self._secrecy(match[1]).holds(plain):
                return match[0]
            return match[0].replace(match[2].strip(), _escaped(hide(f"<{match[1]}>", match[1], plain), ""))

        text = _KEYED.sub(told, _ESCAPED.sub(told, text) if "&lt;/" in text else text)
        pieces: list[str] = []
        position = 0
        for tag in _TAG.finditer(text):
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
