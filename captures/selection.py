"""Which exchanges an expression means: ``--only "method:POST path:/orders/* status:5xx"``.

Blanks mean *and*, ``!`` before a term means *not*, ``|`` separates alternatives inside a term. Values with blanks are
quoted. ``*`` and ``?`` are wildcards (``*`` also crosses ``/``) in path, endpoint, host and dependency.

    id:12,15-20      method:POST|PUT      path:/orders/*      endpoint:'GET /orders/{id}'      host:api.*
    status:404  status:5xx  status:400-499  status:failed      dependency:payments      direction:outbound  session:2
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Protocol

from captures.errors import UsageError
from captures.model import Exchange

KEYS = ("id", "method", "path", "endpoint", "status", "dependency", "host", "direction", "session")
_HINT = "Like: method:POST path:/orders/* status:5xx !dependency:payments (keys: " + ", ".join(KEYS) + ")"
_STATUS_CLASS = re.compile(r"[1-5]xx", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")


Clause = tuple[str, tuple[object, ...]]
"""SQL over exchange ``e``, and the values of its marks."""


class _Test(Protocol):
    def __call__(self, exchange: Exchange, endpoint: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Term:
    """One term: true when any of its tests is, or none when negated."""

    text: str
    negated: bool
    tests: tuple[_Test, ...]
    clause: Clause | None = None  # the same in SQL, where there is such

    def matches(self, exchange: Exchange, endpoint: str) -> bool:
        """Whether the term holds for ``exchange``."""
        return any(test(exchange, endpoint) for test in self.tests) != self.negated


@dataclass(frozen=True, slots=True)
class Selection:
    """A parsed expression. Without terms it means every exchange."""

    text: str
    terms: tuple[Term, ...]

    def matches(self, exchange: Exchange, endpoint: str) -> bool:
        """Whether every term holds for ``exchange``, whose endpoint is ``endpoint`` (``GET /orders/{id}``)."""
        return all(term.matches(exchange, endpoint) for term in self.terms)

    def clauses(self) -> list[Clause]:
        """What SQL can say of it: nothing that :meth:`matches` is left out, though more may be found."""
        return [term.clause for term in self.terms if term.clause is not None]


def parse(expression: str) -> Selection:
    """The selection that ``expression`` means. Raises :class:`UsageError` with the term that is wrong."""
    return Selection(expression, tuple(_term(piece) for piece in _pieces(expression, " \t\r\n")))


def _pieces(text: str, separators: str) -> list[str]:
    """Cut at ``separators`` outside quotes; the quotes stay in the pieces."""
    pieces: list[str] = []
    current = ""
    quote = ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
            current += character
        elif character in separators:
            pieces.append(current)
            current = ""
        else:
            if character in "'\"":
                quote = character
            current += character
    if quote:
        raise UsageError(f"The selection {text!r} has a quote that is never closed.", hint=_HINT)
    return [piece for piece in [*pieces, current] if piece]


def _term(text: str) -> Term:
    negated = text.startswith("!")
    key = ""
    tests: list[_Test] = []
    clauses: list[Clause | None] = []
    for piece in _pieces(text.removeprefix("!"), "|"):
        name, colon, value = piece.partition(":")
        if colon and name in KEYS:
            key = name
        elif key:
            value = piece  # another value of the same key: method:GET|HEAD
        else:
            raise _unknown(text, name if colon else "")
        tests.append(_test(key, _unquoted(value), text))
        clauses.append(_clause(key, _unquoted(value), text))
    if not tests:
        raise _unknown(text, "")
    return Term(text, negated, tuple(tests), _either(clauses, negated))


def _clause(key: str, value: str, term: str) -> Clause | None:
    """SQL that is true of the same exchanges as :func:`_test`; None where SQL does not compare so."""
    if key in ("id", "session"):
        return _within(f"e.{key}", _ranges(value, term))
    if key == "direction":
        return "e.direction = ?", (value,)
    if key == "status":
        return ("e.failure IS NOT NULL", ()) if value == "failed" else _within("e.status", _statuses(value, term))
    return None


def _within(column: str, ranges: Iterable[tuple[int, int]]) -> Clause | None:
    among = [(low, min(high, 2**63 - 1)) for low, high in ranges if low < 2**63]  # SQLite's integers end there
    if not among:
        return None
    return (
        " OR ".join([f"{column} BETWEEN ? AND ?"] * len(among)),
        tuple(end for ends in among for end in ends),
    )


def _either(clauses: Sequence[Clause | None], negated: bool) -> Clause | None:
    known = [clause for clause in clauses if clause is not None]
    if len(known) < len(clauses):
        return None
    text = " OR ".join(text for text, _ in known)
    return f"NOT COALESCE(({text}), 0)" if negated else f"({text})", tuple(one for _, some in known for one in some)


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
        return value[1:-1]
    return value


def _unknown(term: str, key: str) -> UsageError:
    near = difflib.get_close_matches(key, KEYS, 1) if key else []
    if near:
        return UsageError(f"The selection knows no {key!r}; did you mean {near[0]!r}?", hint=_HINT)
    return UsageError(f"The selection's term {term!r} is not of the form key:value.", hint=_HINT)


def _test(key: str, value: str, term: str) -> _Test:
    if not value:
        raise UsageError(f"The selection's term {term!r} has an empty value.", hint=_HINT)
    if key in ("id", "session"):
        ranges = _ranges(value, term)
        if key == "id":
            return lambda exchange, endpoint: any(low <= exchange.id <= high for low, high in ranges)
        return lambda exchange, endpoint: any(low <= exchange.session <= high for low, high in ranges)
    if key == "method":
        wanted = value.upper()
        return lambda exchange, endpoint: exchange.request.method.upper() == wanted
    if key == "direction":
        if value not in ("inbound", "outbound"):
            raise UsageError(
                f"The selection's term {term!r} names no direction.", hint="direction:inbound or :outbound"
            )
        return lambda exchange, endpoint: exchange.direction.value == value
    if key == "status":
        return _status(value, term)
    pattern = re.compile(translate(_literal_brackets(value)))
    if key == "path":
        return lambda exchange, endpoint: bool(pattern.match(path_of(exchange)))
    if key == "endpoint":
        return lambda exchange, endpoint: bool(pattern.match(endpoint))
    if key == "host":
        return lambda exchange, endpoint: bool(pattern.match(exchange.request.host))
    return lambda exchange, endpoint: exchange.dependency is not None and bool(pattern.match(exchange.dependency))


def path_of(exchange: Exchange) -> str:
    """The raw path of the request, without its query (latin-1)."""
    return exchange.request.target.split(b"?", 1)[0].decode("latin-1")


def _literal_brackets(value: str) -> str:
    return value.replace("[", "[[]")  # fnmatch's [seq] is no part of our syntax


def _ranges(value: str, term: str) -> tuple[tuple[int, int], ...]:
    ranges: list[tuple[int, int]] = []
    for piece in value.split(","):
        match = _RANGE.fullmatch(piece.strip())
        if match is None:
            raise UsageError(f"The selection's term {term!r} holds no numbers.", hint="Like: id:12,15-20")
        low = int(match[1])
        ranges.append((low, int(match[2]) if match[2] else low))
    return tuple(ranges)


def _status(value: str, term: str) -> _Test:
    if value == "failed":
        return lambda exchange, endpoint: exchange.failure is not None
    ranges = _statuses(value, term)
    return lambda exchange, endpoint: (
        exchange.response is not None and any(low <= exchange.response.status <= high for low, high in ranges)
    )


def _statuses(value: str, term: str) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for piece in value.split(","):
        if _STATUS_CLASS.fullmatch(piece.strip()):
            low = int(piece.strip()[0]) * 100
            ranges.append((low, low + 99))
        elif _RANGE.fullmatch(piece.strip()):
            ranges.extend(_ranges(piece, term))
        else:
            raise UsageError(
                f"The selection's term {term!r} names no status.", hint="Like: status:404, status:5xx, status:failed"
            )
    return ranges
