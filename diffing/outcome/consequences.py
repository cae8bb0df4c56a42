"""Drift that only follows from an earlier exchange: the order was refused, so there is no order to read, pay or delete.

Asked only about exchanges whose status drifted: which of them name, in their request, something that the recorded
answer of another one had made, where the new build made nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from captures.formats.decoding import FormBody, JsonBody, decode, form_fields
from captures.model import Exchange, Request
from diffing.values.embedded import path_context
from diffing.values.names import Hint, entity, hint_of
from diffing.values.volatile import shape_of

LEAVES = 5_000  # per body: what is longer is a list, and lists make nothing
Key = tuple[str, str]
"""("", a string no other object has) or (kind of object, digits)."""


class Consequences:
    """Fed with status drifts in recorded order; says which follow from an earlier one."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, Key], int] = {}  # (session, what) -> the exchange that failed to make it
        self.follows: dict[int, int] = {}  # exchange -> the earlier one that it follows from

    def add(self, recorded: Exchange, replayed: Exchange, endpoint: str) -> None:
        """Take one exchange whose status drifted."""
        asked = set(_asked(recorded.request))
        for key in asked:
            cause = self._made.get((recorded.session, key))
            if cause is not None:
                self.follows[recorded.id] = self.follows.get(cause, cause)
                break
        old, new = recorded.response, replayed.response
        if old is None or not 200 <= old.status < 400 or (new is not None and new.status < 400):
            return
        for key in _shown(recorded, endpoint):
            if key not in asked:
                self._made.setdefault((recorded.session, key), recorded.id)


def status_drifted(classes: Iterable[str]) -> bool:
    """Whether findings of these classes say that an exchange went otherwise as a whole."""
    return any(
        name.startswith("response.status.") or name in ("response.failed", "response.request-rejected")
        for name in classes
    )


def _asked(request: Request) -> Iterator[Key]:
    target = request.target.decode("latin-1")
    for name, digits in path_context(target):
        yield entity((name,), ""), digits
    path, _, query = request.target.partition(b"?")
    for piece in path.decode("latin-1").split("/"):
        if _telling(piece):
            yield "", piece
    fields = list(form_fields(query))
    body = decode(request.body, request.headers) if request.body else None
    if isinstance(body, FormBody):
        fields.extend(body.fields)
    for name, value in fields:
        yield from _key((name,), value, "")
    if isinstance(body, JsonBody):
        yield from _leaves(body.value, "")


def _shown(recorded: Exchange, endpoint: str) -> Iterator[Key]:
    response = recorded.response
    if response is None:
        return
    for name, value in response.headers:
        if name.lower() == b"location":
            text = value.decode("latin-1")
            for place, digits in path_context(text):
                yield entity((place,), ""), digits
            for piece in text.split("?")[0].split("/"):
                if _telling(piece):
                    yield "", piece
    body = decode(response.body, response.headers)
    if isinstance(body, JsonBody):
        yield from _leaves(body.value, endpoint)


def _leaves(value: Any, endpoint: str) -> Iterator[Key]:
    stack: list[tuple[Any, tuple[str, ...]]] = [(value, ())]
    room = LEAVES
    while stack and room > 0:
        item, names = stack.pop()
        room -= 1
        if type(item) is dict:
            stack.extend((child, (*names, name)) for name, child in item.items())
        elif type(item) is list:
            stack.extend((child, names) for child in item)
        elif type(item) is str or type(item) is int:
            yield from _key(names, str(item), endpoint)


def _key(names: tuple[str, ...], value: str, endpoint: str) -> Iterator[Key]:
    if value.isdigit() and names and hint_of(names[-1]) is Hint.ID:
        yield entity(names, endpoint), value
    elif _telling(value):
        yield "", value


def _telling(text: str) -> bool:
    """Whether ``text`` names one object wherever it stands."""
    if not 6 <= len(text) <= 128:
        return False
    shape = shape_of(text)
    return shape is not None and shape.identity and shape.strong
