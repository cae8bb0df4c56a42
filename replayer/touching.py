"""What a request reads or changes, by its path: which two requests are about one resource. Pure.

A write to ``/orders/17`` changes that order, everything below it, and the lists above it (``/orders``). A ``POST`` to
a collection makes something new in it: the lists above show it, what else lies below is not touched. A read is of its
own path. Two requests conflict where one of them writes and what it changes is what the other reads or changes; such a
pair keeps its recorded order, whoever sent it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from captures.model import Exchange, Request
from captures.routes.operations import operation_of
from replayer.alignment import unquote
from replayer.tokens import kind_of, noun_of, singular

Path = tuple[str, ...]
"""The segments of a target's path, percent-decoded, empty ones left out."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_VERSION = re.compile(r"v\d+(?:[.]\d+)*", re.IGNORECASE)
_ORIGIN = re.compile(rb"https?://[^/?]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Touch:
    """What one request is about. ``deep``: a write that changes everything below ``path``, too."""

    path: Path
    write: bool
    deep: bool = False


def touch_of(exchange: Exchange) -> Touch:
    """What recorded ``exchange`` is about. A write that was refused (400 and up) changed nothing: it only looked."""
    request = exchange.request
    path = path_of(request.target)
    refused = exchange.response is not None and exchange.response.status >= 400
    if refused or only_reads(request):
        return Touch(path, write=False)
    if request.method == "POST" and path and _is_collection(path[-1]):
        return Touch(path, write=True)
    length = next((at for at in range(len(path), 0, -1) if is_id(path[at - 1])), len(path))
    return Touch(path[:length], write=True, deep=True)  # /orders/17/pay changes order 17


def only_reads(request: Request) -> bool:
    """Whether ``request`` asks for no change: a safe method (RFC 9110 section 9.2.1), or a GraphQL query."""
    if request.method in SAFE:
        return True
    operation = operation_of(request) if request.body else None
    return operation is not None and operation.startswith(("query ", "{"))


def path_of(target: bytes) -> Path:
    """The segments of ``target``'s path."""
    path = _ORIGIN.sub(b"", target, count=1) if target[:4].lower() == b"http" else target
    return tuple(unquote(segment) for segment in path.partition(b"?")[0].split(b"/") if segment)


def is_id(segment: str) -> bool:
    """Whether a segment of a path names one thing out of many: no word, and no version."""
    return kind_of(segment) is not None or (
        any(character.isdigit() for character in segment) and _VERSION.fullmatch(segment) is None
    )


def _is_collection(segment: str) -> bool:
    word = segment.lower().replace("-", "_")
    return not is_id(segment) and singular(word) != word and bool(noun_of(segment))


@dataclass(slots=True)
class Touched:
    """Who among the requests that are not finished touches what. Costs a few look-ups per segment of a path."""

    at: dict[Path, dict[int, Touch]] = field(default_factory=dict)
    below: dict[Path, dict[int, Touch]] = field(default_factory=dict)  # at the path, or anywhere under it

    def add(self, identity: int, touch: Touch) -> None:
        """Note that ``identity`` touches ``touch``."""
        self.at.setdefault(touch.path, {})[identity] = touch
        for prefix in _prefixes(touch.path):
            self.below.setdefault(prefix, {})[identity] = touch

    def remove(self, identity: int, touch: Touch) -> None:
        """Forget it."""
        for table, paths in ((self.at, [touch.path]), (self.below, list(_prefixes(touch.path)))):
            for path in paths:
                there = table[path]
                del there[identity]
                if not there:
                    del table[path]

    def conflicts(self, touch: Touch) -> Iterator[int]:
        """Who must come before a later request that touches ``touch``. One may be named twice."""
        for prefix in _prefixes(touch.path):
            for identity, other in self.at.get(prefix, {}).items():
                if other.path == touch.path:
                    if touch.write or other.write:
                        yield identity
                elif other.deep or (touch.write and not other.write):  # it changes what is below; or it is a list above
                    yield identity
        for identity, other in self.below.get(touch.path, {}).items():
            if other.path != touch.path and ((other.write and not touch.write) or touch.deep):
                yield identity


def _prefixes(path: Path) -> Iterator[Path]:
    for length in range(len(path) + 1):
        yield path[:length]
