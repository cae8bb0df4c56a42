"""HTML documents as trees of elements: good enough that one changed text or attribute is one difference.

Not what a browser builds (no foster parenting, no implied ``html`` or ``tbody``): only what both sides are read by.
Linear on any input; nothing is malformed. Blanks are collapsed as rendering does, except in ``pre``, ``textarea``,
``script`` and ``style``.
"""

from __future__ import annotations

import html
import re

from captures.formats.elements import TEXT, Element

DEEPEST = 500
"""Open elements; what is opened inside stands beside, as in browsers: pages may nest without an end."""

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_RAW = frozenset("script style textarea title".split())
_VERBATIM = frozenset("pre script style textarea".split())
_CLOSED_BY = {  # an open element -> the start tags that end it (HTML, 13.1.2.4)
    "p": frozenset(
        "address article aside blockquote details div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 "
        "header hr main menu nav ol p pre section table ul".split()
    ),
    "li": frozenset(["li"]),
    "dt": frozenset(["dt", "dd"]),
    "dd": frozenset(["dt", "dd"]),
    "option": frozenset(["option", "optgroup"]),
    "tr": frozenset(["tr", "tbody", "tfoot"]),
    "td": frozenset(["td", "th", "tr", "tbody", "tfoot"]),
    "th": frozenset(["td", "th", "tr", "tbody", "tfoot"]),
    "thead": frozenset(["tbody", "tfoot"]),
    "tbody": frozenset(["tbody", "tfoot"]),
}
_TAG = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_QUOTED_END = re.compile(r"""(?>[^>"']++|"[^"]*"|'[^']*')*+>""")
_ATTRIBUTE = re.compile(r"""([^\s/>=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?""")
_BLANKS = re.compile(r"[ \t\r\n\f]+")


def read_html(text: str) -> Element:
    """The document. Its ``<!doctype>`` is ``#doctype``, a comment ``#comment``.

    The value of a form field is an attribute named by the field, ``value(csrf_token)``, and the content of a ``meta``
    by the meta's name: what a value is called is what says whether it may be made anew.
    """
    root = Element("")
    open_ = [root]
    depth_of: dict[str, int] = {}  # how many elements of a name are open
    position, size = 0, len(text)  # of what is read next
    start = 0  # of the text that is not written down yet
    careful = True  # quotes are minded until one is left open: then every tag ends at its first ">"
    while position < size:
        at = text.find("<", position)
        end = text.find(">", at) if at >= 0 else -1
        if end < 0:
            break
        tag = _TAG.match(text, at)
        if tag is None and text[at + 1] not in "!?":
            position = at + 1  # only a less-than sign
            continue
        _text(open_, text[start:at])
        if tag is None:
            if text.startswith("<!--", at):
                end = text.find("-->", at + 4)
                open_[-1].children.append(("#comment", text[at + 4 : end if end >= 0 else size]))
                start = position = end + 3 if end >= 0 else size
            else:
                open_[-1].children.append(("#doctype", _BLANKS.sub(" ", text[at + 2 : end])))
                start = position = end + 1
            continue
        if careful:
            quoted = _QUOTED_END.match(text, tag.end())
            careful = quoted is not None
            end = quoted.end() - 1 if quoted else end
        start = position = end + 1
        name = tag[1].lower()
        if text[at + 1] == "/":
            if depth_of.get(name):
                _close(open_, depth_of, name)
            continue
        while open_[-1].name in _CLOSED_BY and name in _CLOSED_BY[open_[-1].name]:
            depth_of[open_.pop().name] -= 1
        element = Element(name, _attributes(name, text[tag.end() : end]))
        open_[-1].children.append(element)
        if name in _VOID or text[end - 1] == "/" or len(open_) > DEEPEST:
            continue
        open_.append(element)
        depth_of[name] = depth_of.get(name, 0) + 1
        if name in _RAW:
            stop = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(text, position)
            inner = text[position : stop.start() if stop else size]
            if inner:
                element.children.append((TEXT, inner if name in ("script", "style") else html.unescape(inner)))
            start = position = stop.start() if stop else size
    _text(open_, text[start:])
    return root


def _close(open_: list[Element], depth_of: dict[str, int], name: str) -> None:
    while True:
        closed = open_.pop().name
        depth_of[closed] -= 1
        if closed == name:
            return


def _text(open_: list[Element], raw: str) -> None:
    text = html.unescape(raw)
    if open_[-1].name not in _VERBATIM:
        text = _BLANKS.sub(" ", text).strip(" ")
    if not text:
        return
    open_[-1].children.append((TEXT, text))


def _attributes(tag: str, text: str) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        found.setdefault(name.lower(), html.unescape(double or single or bare))
    if tag in ("input", "meta") and found.get("name"):
        holder = "value" if tag == "input" else "content"
        if holder in found:
            found[f"{holder}({found['name']})"] = found.pop(holder)
    return list(found.items())
