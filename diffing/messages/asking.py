"""What the two requests of a pair say of the values in their answers, worked out once somebody asks.

Most pairs have nothing that asks: answers that are equal do not, and reading a request costs as much as comparing them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from captures.formats.decoding import EmptyBody, JsonBody, decode, form_fields
from captures.model import Request, header
from diffing.messages.bodies import told_alike
from diffing.values.embedded import strings_in
from diffing.values.volatile import spoken

LEAST = 2
"""Characters of a value that the replay put into a request and an answer may say again. One digit says too little."""

_OF_NOBODY = (b"content-", b"accept", b"if-", b"host", b"connection", b"date", b"te", b"user-agent")
"""How headers begin that say nothing an answer would repeat, or name what was good before."""


@dataclass(slots=True)
class Echoed:
    """Inputs that both requests have: where the recording answered with one of them, the replay must as well."""

    old: Request
    new: Request
    _known: frozenset[str] | None = field(default=None, init=False)

    def __contains__(self, text: object) -> bool:
        if self._known is None:
            self._known = _echoed(self.old, self.new)
        return text in self._known


@dataclass(slots=True)
class Replaced:
    """(recorded, new) values that both requests have at one place: an answer that says the new one is an echo.

    A word that a person chose excuses nothing, nor does a number: of what it is one, only its name can say
    (:mod:`diffing.messages.ownwork`).
    """

    old: Request
    new: Request
    _known: frozenset[tuple[str, str]] | None = field(default=None, init=False)

    def __contains__(self, pair: object) -> bool:
        if self._known is None:
            self._known = frozenset(
                pair
                for pair in _replaced(self.old, self.new)
                if all(len(one) >= LEAST and not one.isdigit() and not spoken(one) for one in pair)
            )
        return pair in self._known


@dataclass(slots=True)
class OwnHosts:
    """The service's own authorities, recorded and replayed, and ``handed``: those of the listeners that stood for its
    dependencies."""

    old: Request
    new: Request
    handed: tuple[tuple[str, str], ...] = ()
    _known: tuple[tuple[str, str], ...] | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        if self._known is None:
            self._known = (*_own_hosts(self.old, self.new), *self.handed)
        return iter(self._known)


def _own_hosts(old: Request, new: Request) -> tuple[tuple[str, str], ...]:
    pairs = [(f"{old.host}:{old.port}", f"{new.host}:{new.port}")]
    left, right = header(old.headers, "host"), header(new.headers, "host")
    if left and right:
        pairs.append((left.decode("latin-1"), right.decode("latin-1")))
    return tuple(dict.fromkeys(pairs))


def _echoed(old: Request, new: Request) -> frozenset[str]:
    left = _inputs(old)
    right = left if old.target == new.target else _inputs(new)
    told = _told(old)
    left, right = left | told, right | (told if old.headers == new.headers else _told(new))
    if old.body or new.body:
        if old.body == new.body and told_alike(old.headers, new.headers):
            both = _sent(old)
            left, right = left | both, right | both
        else:
            left, right = left | _sent(old), right | _sent(new)
    return frozenset(value for value in left & right if len(value) >= 5 or value.isdigit())


def _replaced(old: Request, new: Request) -> Iterator[tuple[str, str]]:
    """Unequal values of the two targets and of JSON bodies, place by place."""
    if old.target != new.target:
        (before, _, asked), (after, _, asks) = old.target.partition(b"?"), new.target.partition(b"?")
        segments, others = before.decode("latin-1").split("/"), after.decode("latin-1").split("/")
        if len(segments) == len(others):
            yield from ((one, other) for one, other in zip(segments, others, strict=True) if one != other)
        fields, values = form_fields(asked), form_fields(asks)
        if [name for name, _ in fields] == [name for name, _ in values]:
            yield from ((one, other) for (_, one), (_, other) in zip(fields, values, strict=True) if one != other)
    if old.body == new.body:
        return
    left, right = decode(old.body, old.headers), decode(new.body, new.headers)
    if isinstance(left, JsonBody) and isinstance(right, JsonBody):
        stack: list[tuple[Any, Any]] = [(left.value, right.value)]
        while stack:
            one, other = stack.pop()
            if isinstance(one, dict) and isinstance(other, dict):
                stack.extend((one[name], other[name]) for name in one if name in other)
            elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
                stack.extend(zip(one, other, strict=True))
            elif type(one) is type(other) and type(one) in (str, int) and one != other:
                yield str(one), str(other)


def _inputs(request: Request) -> set[str]:
    """What the target of a request says: segments of its path, values of its query."""
    path, _, query = request.target.partition(b"?")
    found = {piece for piece in path.decode("latin-1").split("/") if piece}
    if query:
        found.update(value for _, value in form_fields(query))
    return found


def _told(request: Request) -> set[str]:
    """What its headers say, each member of a list by itself: an address it was forwarded for, the id of a trace."""
    return {
        member
        for name, value in request.headers
        if not name.lower().startswith(_OF_NOBODY)
        for piece in value.decode("latin-1").split(",")
        if not (member := piece.strip()).isdigit()
    }


def _sent(request: Request) -> set[str]:
    """The scalars of its body."""
    found: set[str] = set()
    body = decode(request.body, request.headers) if request.body else EmptyBody()
    if isinstance(body, JsonBody):
        strings_in(body.value, found)
    return found
