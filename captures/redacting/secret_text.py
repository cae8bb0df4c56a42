"""Secrets in text that is neither JSON nor a form: markup, settings, scripts, logs, tables. By name and by form."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Protocol

from captures.redacting import secret_tables
from captures.redacting.bounds import Bounds
from captures.redacting.secret_headers import through_percent
from captures.redacting.secret_markup import Markup, between_tags
from captures.redacting.secret_names import RedactionPolicy, Secrecy, normal

_NAMED = re.compile(r"""(?<![\w.$])(["']?)([A-Za-z_][\w.-]{0,80})\1(\s{0,3}(?:=>?|:)(?!=)\s{0,3})""")
_VALUE = re.compile(
    r"""(?:"((?:[^"\\\n]|\\.){1,4096}+)(?:"|\\?\Z)|'((?:[^'\\\n]|\\.){1,4096}+)'|([^\s"'<>&,;|(){}\[\]`]{4,4096}))"""
)
_MARKED = re.compile(r"[\ufeff\s]{0,200}<[A-Za-z_]")
_NAMES = re.compile(r"""(?<![\w.])([A-Za-z_][\w.-]{0,80})["']?\s{0,3}[:=]""")
_URL = re.compile(r"""(?:(?<![A-Za-z0-9])(?:https?|wss?|ftps?)://|(?<=["'= (])/)[^\s"'<>`\\]{1,8192}""")
_IDENTIFIERS = re.compile(r"[A-Za-z_$][A-Za-z_$-]*(?:\.[A-Za-z_$][\w$-]*)*\.?|[0-9]{1,5}|[$%{(<].*")
_NO_SECRETS = frozenset(
    "required optional invalid incorrect missing expired changed wrong none null true false undefined string number "
    "boolean object hidden redacted filtered removed must should cannot needed empty reset forgotten unknown".split()
)
"""What often stands after "password:" in a sentence."""
_LINES = frozenset(("authorization", "proxyauthorization", "cookie", "setcookie"))
_LINE = re.compile(r"[^\s\"'<>{\[][^\r\n\"'<>\\]{3,4096}")
"""A header in a text: it goes on behind the scheme, and behind blanks."""
_CREDENTIALS = re.compile(r"[A-Za-z]+ [^ ]*[^A-Za-z ,.!?][^ ]*|=")
_COOKIES = re.compile("=")
_MIXED = re.compile(r"(?![A-Za-z_]{1,80}[0-9]{1,2}\Z)(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z]).{8,}", re.DOTALL)
"""What stands without quotes behind ``password:`` in a page or a sentence and is neither a word nor code."""
_HTML = ("text/html", "application/xhtml+xml")
_SCRIPTS = ("javascript", "ecmascript", "typescript")
_TABLES = frozenset("text/csv text/tab-separated-values application/csv text/plain text/markdown".split())
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark this one starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class TextHooks(Protocol):
    """What to do with what is found in one text."""

    @property
    def bounds(self) -> Bounds:
        """What may still be done for the text."""

    def string(self, place: str, name: str, value: str) -> str:
        """The pseudonym of ``value`` at ``place``, under ``name``."""

    def text(self, value: str, place: str, name: str, *, urls: bool = True) -> str:
        """Text with what is secret by its form replaced, and in URLs by its name."""


class TextRedactor:
    """Finds the secrets in texts, by one policy."""

    __slots__ = ("_markup", "_secrecy")

    def __init__(self, policy: RedactionPolicy, secrecy: Callable[[bytes], Secrecy]) -> None:
        def of_name(name: str) -> Secrecy:
            known = secrecy(name.encode("utf-8", "surrogatepass"))
            return Secrecy.ALL if policy.query and policy.is_secret_field(name) else known

        self._secrecy = of_name
        self._markup = Markup(of_name)

    def replaced(self, text: str, kind: str, hooks: TextHooks) -> str:
        """``text`` of media type ``kind`` with its secrets replaced. Raises ``ValueError`` where there are too many."""
        html = kind in _HTML
        is_markup = html or kind.endswith("xml") or text.lstrip("\ufeff \t\r\n").startswith(("<?xml", "<!DOCTYPE"))
        looks_marked = is_markup or _MARKED.match(text) is not None
        if kind in _TABLES:

            def cell(name: str, value: str) -> str:
                return hooks.string(f"text {name}", "", value)

            text = secret_tables.replaced(text, kind, self._secrecy, cell, hooks.bounds)
        if looks_marked and self._markup.mentions(text, html=html):
            text = self._markup.replaced(text, hooks.string, hooks.bounds, html=html)
        if (html or not is_markup) and kind != "text/css" and any(map(self._secrecy, set(_NAMES.findall(text)))):
            careful = html or any(word in kind for word in _SCRIPTS)
            if html:
                text = between_tags(text, lambda piece: self._pairs(piece, hooks, careful=True))
            else:
                text = self._pairs(text, hooks, careful=careful)
        if "?" in text or "://" in text:
            text = _URL.sub(lambda match: hooks.text(match[0], "", ""), text)
        return hooks.text(text, "", "", urls=False)

    def said(self, text: str, hooks: TextHooks) -> str:
        """A text that stands in another (a string of JSON, a field): a query, a log line, settings, a document."""
        if text[:200].lstrip()[:1] == "<" and self._markup.mentions(text, html=False):
            text = self._markup.replaced(text, hooks.string, hooks.bounds, html=False)
        return self._pairs(text, hooks, careful=True, told=True)

    def _pairs(self, text: str, hooks: TextHooks, *, careful: bool, told: bool = False) -> str:
        """``password=...``, ``token: "..."``. A name that is no secret's is passed over, and what follows it looked at:
        ``failed: password=...``."""
        pieces: list[str] = []
        position = 0
        for named in hooks.bounds.checked(_NAMED.finditer(text)):
            if named.start() < position or not (secrecy := self._secrecy(named[2])):
                continue
            said = normal(named[2])
            line = _LINE.match(text, named.end()) if said in _LINES and ":" in named[3] else None
            if line and (_COOKIES if "cookie" in said else _CREDENTIALS).search(line[0]):
                pieces += (text[position : named.end()], hooks.string(f"text {named[2]}", said, line[0]))
                position = line.end()
                continue
            value = _VALUE.match(text, named.end())
            if value is None or not _is_secret(
                secrecy, named[3], value, careful=careful and not (told and named[3] == "=")
            ):
                continue
            start, end = value.span(value.lastindex or 0)

            def hide(plain: str, name: str = named[2]) -> str:
                return hooks.string(f"text {name}", name, plain)

            pieces += (text[position:start], through_percent(text[start:end], hide))
            position = end
        return "".join((*pieces, text[position:])) if pieces else text


def _is_secret(secrecy: Secrecy, between: str, found: re.Match[str], *, careful: bool) -> bool:
    """Whether what stands behind a secret's name is one. ``careful``: there may be code, in which names stand for
    values."""
    value = found[found.lastindex or 0]
    quoted = found.lastindex != 3
    if quoted and " " in value:
        return False  # a sentence about it
    if value.lower().rstrip(".!") in _NO_SECRETS or len(value) < 4 or not secrecy.holds(value):
        return False
    if _IDENTIFIERS.fullmatch(value) and (careful or "." in value or value[0] in "$%{(<" or value.isdigit()):
        return False
    if quoted or not careful or "=" in between:
        return True
    return secrecy >= Secrecy.TEXT and _MIXED.fullmatch(value) is not None


def byte_order_mark(data: bytes) -> tuple[bytes, str] | None:
    """The mark that ``data`` begins with, and the encoding it stands for."""
    return next((one for one in _MARKS if data.startswith(one[0])), None)


def decoded(data: bytes, charset: str | None) -> tuple[bytes, str, str]:
    """A text's byte order mark, what it says, and its encoding, in which (errors: "surrogateescape") it is written
    again. One that is a superset of ASCII need not be known. Raises ``ValueError``."""
    if found := byte_order_mark(data):
        mark, encoding = found
        return mark, data[len(mark) :].decode(encoding, _errors(encoding)), encoding
    declared = charset or ""
    if not declared and (inside := _XML_ENCODING.search(data[:1024])):
        declared = inside[1].decode("ascii")
    try:
        name = codecs.lookup(declared).name if declared else "utf-8"
        if "1".encode(name) != b"1":
            return b"", data.decode(name), name
    except (LookupError, ValueError, TypeError):
        pass  # unknown: what is looked for in it is ASCII
    return b"", data.decode("utf-8", "surrogateescape"), "utf-8"


def encoded(text: str, encoding: str) -> bytes:
    """The inverse of :func:`decoded`, without the mark."""
    return text.encode(encoding, _errors(encoding))


def _errors(encoding: str) -> str:
    return "surrogateescape" if encoding == "utf-8" else "strict"
