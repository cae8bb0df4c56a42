"""The operation a GraphQL document asks for: ``query GetOrder``, ``mutation {createOrder}``, ``{order}``.

Tokens after the GraphQL spec of October 2021 (2.1). Linear, without recursion; a document that is cut off or not
GraphQL at all yields nothing or what its beginning says, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FIELDS = 5
"""Root fields that name an anonymous operation."""

_TOKEN = re.compile(
    r'(?P<block>"""(?:\\"""|(?!""").)*+(?:"""|\Z))|(?P<string>"(?:[^"\\\n]|\\.)*+"?)|(?P<comment>\#[^\r\n]*+)'
    r"|(?P<name>[_A-Za-z][_0-9A-Za-z]*+)|(?P<number>-?[0-9][0-9.eE+-]*+)|(?P<spread>\.\.\.)|(?P<mark>[!$&()\[\]:=@{|}])"
    r"|(?P<blank>[\s,\ufeff]++)|(?P<wrong>.)",
    re.DOTALL,
)
_START = re.compile(r"(?:[\s,\ufeff]|#[^\r\n]*[\r\n])*+(?:\{|(?:query|mutation|subscription|fragment)\b)")
_KINDS = ("query", "mutation", "subscription")


@dataclass(frozen=True, slots=True)
class _Operation:
    kind: str
    name: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        if self.name:
            return f"{self.kind} {self.name}"
        different = sorted(set(self.fields))
        more = ", …" if len(different) > FIELDS else ""
        fields = "{" + ", ".join(different[:FIELDS]) + more + "}"
        return fields if self.kind == "query" else f"{self.kind} {fields}"


def operation_in(text: str, name: str) -> str | None:
    """The operation ``name`` of the document (the first one when "" or not there); None when it is no GraphQL.

    Root fields are sorted, under their real names (not aliases): neither order nor aliases change what is asked for.
    """
    if not _START.match(text):
        return None
    operations: list[_Operation] = []
    for operation in _operations(text):
        if operation is None:
            return None
        if operation.name == name:
            return str(operation)
        operations.append(operation)
    return str(operations[0]) if operations else None


def _operations(text: str) -> Iterator[_Operation | None]:
    """Each operation of the document; None, at last, when something in it is no GraphQL."""
    kind = name = ""
    fields: list[str] = []
    depth = brackets = 0
    previous = ""
    for token in _TOKEN.finditer(text):
        group, piece = token.lastgroup, token[0]
        if group in ("blank", "comment"):
            continue
        if group == "wrong":
            yield None
            return
        if piece in ("(", "["):
            brackets += 1
        elif piece in (")", "]"):
            brackets -= 1
        elif brackets > 0:
            pass  # arguments, variables and their defaults
        elif piece == "{":
            if depth == 0 and name:
                yield _Operation(kind, name, ())  # all that is asked of a named one; most documents end here
            if depth == 0 and not kind:
                kind = "query"
            depth += 1
        elif piece == "}":
            depth -= 1
            if depth < 0:
                yield None
                return
            if depth == 0:
                if kind != "fragment" and not name:
                    # "{}" is JSON, not GraphQL: a selection set is never empty
                    yield _Operation(kind, name, tuple(fields)) if fields else None
                    if not fields:
                        return
                kind, name, fields = "", "", []
        elif depth == 0:
            stray = bool(name) and group == "name" and previous != "@"  # "query for shoes": prose
            if (group != "name" and piece != "@") or stray:
                yield None
                return
            if not kind:
                if piece not in (*_KINDS, "fragment"):
                    yield None
                    return
                kind = piece
            elif not name and kind in _KINDS and previous == kind:
                name = piece if group == "name" else ""
        elif depth == 1:
            if group in ("string", "block", "number"):
                yield None
                return
            if piece == ":" and fields:
                fields.pop()  # what stood before was an alias
            elif group == "name" and previous not in ("@", "...", "on"):
                fields.append(piece)
            elif group == "name" and previous != "@" and piece != "on":
                fields.append(f"...{piece}")
        previous = piece
    if depth > 0 and kind in _KINDS and fields and not name:
        yield _Operation(kind, name, tuple(fields))  # cut off
