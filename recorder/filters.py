"""mitmproxy's filter language (https://docs.mitmproxy.org/stable/concepts/filters/), made the same on every version.

mitmproxy's parser takes some mistakes for regular expressions (``~d a & & b`` asks for a URL with ``&`` in it), says of
others only that they are there, refuses ``(~q)`` for the want of a blank, and ignores case by default from version 11.1
on. So expressions are first read here, by the same grammar but strictly, and case never counts. A regular expression
that must mind case says so, in quotes for its parentheses: ``~u '(?-i:ID)'``.

``~d`` and ``~u`` see the Host that a client sent, as mitmproxy's do. ``~b`` and its kin see bodies without their
content coding, and no more of a body than is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from captures.errors import UsageError

if TYPE_CHECKING:
    from mitmproxy.http import HTTPFlow

ALONE = ("a", "all", "e", "http", "q", "s", "websocket")
BODIES = ("b", "bq", "bs")
PATTERNS = (*BODIES, "t", "tq", "ts", "d", "dst", "h", "hq", "hs", "m", "src", "u")
NUMBERS = ("c",)
OF_REQUESTS = ("all", "bq", "d", "hq", "http", "m", "src", "tq", "u")
"""Operators that say of a request's end what they say of its answer's."""

HINT = (
    "Like: '~m POST & ~u /orders' or '!(~u /healthz | ~t image/)'; ~u URL, ~m method, ~d host, ~c status, ~h header, "
    "~b body, ~t content type, ~e error."
)
_TOKEN = re.compile(r"""[()]|~[A-Za-z]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^()~'"\s]+""")
_BLANK = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression and where it begins."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read."""

    text: str  # with blanks wherever mitmproxy wants them
    codes: frozenset[str]  # the operators it uses: u, c …


def read(expression: str, option: str = "") -> Expression:
    """``expression``, checked. Raises :class:`UsageError` that names ``option`` and marks the place."""
    return _Reader(expression, option).read()


def compiled(expression: Expression) -> Callable[[HTTPFlow], bool]:
    """The test that ``expression`` means; case does not count on any version of mitmproxy."""
    from mitmproxy import flowfilter

    for kind in flowfilter.filter_rex:
        kind.flags = re.RegexFlag(kind.flags) | re.IGNORECASE
    test: Callable[[HTTPFlow], bool] = flowfilter.parse(expression.text)
    return test


class _Reader:
    """Reads ``or = and {"|" and}``, ``and = not {["&"] not}``, ``not = {"!"} (atom | "(" or ")")``."""

    def __init__(self, expression: str, option: str) -> None:
        self._expression = expression
        self._option = option
        self._tokens = list(self._cut())
        self._at = 0
        self._codes: set[str] = set()

    def read(self) -> Expression:
        if not self._tokens:
            raise self._wrong("it is empty", 0)
        self._either()
        if self._next() is not None:
            raise self._wrong('a ")" without its "("', self._here())
        return Expression(" ".join(token.text for token in self._tokens), frozenset(self._codes))

    def _cut(self) -> Iterator[Token]:
        at = 0
        while True:
            blank = _BLANK.match(self._expression, at)
            at = blank.end() if blank is not None else at
            if at >= len(self._expression):
                return
            found = _TOKEN.match(self._expression, at)
            if found is None:
                raise self._wrong("this quote is never closed", at)
            yield from self._split(found[0], at)
            at = found.end()

    def _split(self, text: str, at: int) -> Iterator[Token]:
        """``!x`` is two tokens, as ``|x`` is; ``a|b`` is one regular expression."""
        while text.startswith(("!", "&", "|")):
            yield Token(text[0], at)
            text, at = text[1:], at + 1
        if text:
            yield Token(text, at)

    def _next(self) -> str | None:
        return self._tokens[self._at].text if self._at < len(self._tokens) else None

    def _here(self) -> int:
        return self._tokens[self._at].at if self._at < len(self._tokens) else len(self._expression)

    def _either(self) -> None:
        self._both()
        while self._next() == "|":
            self._at += 1
            self._both()

    def _both(self) -> None:
        self._negated()
        while self._next() not in (None, ")", "|"):
            if self._next() == "&":
                self._at += 1
            self._negated()

    def _negated(self) -> None:
        while self._next() == "!":
            self._at += 1
        if self._next() != "(":
            self._atom()
            return
        opened = self._here()
        self._at += 1
        self._either()
        if self._next() != ")":
            raise self._wrong("this parenthesis is never closed", opened)
        self._at += 1

    def _atom(self) -> None:
        text, at = self._next(), self._here()
        if text is None or text in (")", "&", "|"):
            raise self._wrong("something to look for is missing here", at)
        self._at += 1
        if not text.startswith("~"):
            self._pattern(text, at)
            self._codes.add("u")
            return
        code = text[1:]
        self._codes.add(code)
        if code in ALONE:
            return
        if code not in PATTERNS and code not in NUMBERS:
            known = " ".join(f"~{one}" for one in sorted((*ALONE, *PATTERNS, *NUMBERS)))
            raise self._wrong(f"{text} is none of the operators that apply here", at, f"They are {known}.")
        value, where = self._next(), self._here()
        if value is None or value in ("(", ")", "&", "|", "!") or value.startswith("~"):
            raise self._wrong(f"{text} needs {'a number' if code in NUMBERS else 'a regular expression'}", where)
        self._at += 1
        if code in NUMBERS:
            if not (value.isascii() and value.isdigit()):
                raise self._wrong(f"{text} needs a number", where)
        else:
            self._pattern(value, where)

    def _pattern(self, text: str, at: int) -> None:
        inside = re.sub(r"\\(.)", r"\1", text[1:-1]) if text[0] in "'\"" else text
        try:
            re.compile(inside)
        except re.error as error:
            offset = (error.pos or 0) + (text[0] in "'\"")
            raise self._wrong(f"this is no regular expression ({error.msg})", at + offset) from error

    def _wrong(self, what: str, at: int, hint: str = HINT) -> UsageError:
        shown = "".join(one if one.isprintable() else " " for one in self._expression)
        place = f"\n  {shown}\n  {' ' * at}^" if shown else ""
        return UsageError(f"{self._option}: {what}.{place}", hint=hint)


class Filter:
    """What ``--only`` and ``--exclude`` keep of one direction."""

    def __init__(self, only: str | None, exclude: str | None) -> None:
        given = [read(text) for text in (only, exclude) if text]
        self.asks_for_answers = any(not one.codes <= set(OF_REQUESTS) for one in given)
        self._bodies = any(not one.codes.isdisjoint(BODIES) for one in given)
        self._only = compiled(read(only)) if only else None
        self._exclude = compiled(read(exclude)) if exclude else None

    def keeps(self, flow: HTTPFlow, bodies: Callable[[], tuple[bytes, bytes]]) -> bool:
        """Whether ``flow`` is kept; ``bodies`` are the request's and the response's, which the flow may not hold."""
        if not self._bodies:
            return self._holds(flow)
        asked, answered = bodies()
        messages: list[tuple[Any, bytes]] = [(flow.request.data, asked)]
        if flow.response is not None:
            messages.append((flow.response.data, answered))
        before = [data.content for data, _ in messages]
        try:
            for data, content in messages:
                data.content = content
            return self._holds(flow)
        finally:
            for (data, _), content in zip(messages, before, strict=True):
                data.content = content

    def _holds(self, flow: HTTPFlow) -> bool:
        if self._only is not None and not self._only(flow):
            return False
        return self._exclude is None or not self._exclude(flow)
