"""What stands at a generalised location of one answer: its values, and whether they could be there at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from captures.formats.decoding import decode, form_fields
from captures.formats.jsontext import DEEPEST
from captures.formats.structures import Structure, structured
from captures.jsonpaths import JsonPath, compile_path
from captures.model import Exchange, Headers, header_values
from diffing.learning.refusing import too_deep
from diffing.learning.repetition import Answer


@dataclass(frozen=True, slots=True)
class Sight:
    """``absent``: how often the place's parent is there without it. ``members``: all names in those parents."""

    values: tuple[Any, ...] = ()
    absent: int = 0
    members: frozenset[str] = frozenset()
    seen: bool = True  # False: this answer has no room for the place


@dataclass(slots=True)
class Viewer:
    """Looks at one answer. Each of its bodies is decoded once."""

    answer: Answer
    call_of: Callable[[Exchange], str]
    _decoded: dict[int, Any] = field(default_factory=dict)  # 0: the response; else the call

    def sight(self, location: str) -> Sight:
        """What stands at ``location``."""
        if location.startswith("outbound "):
            return self._outbound(location)
        response = self.answer.exchange.response
        if response is None:
            return Sight(seen=False)
        part, dollar, rest = location.partition("$")
        words = part.split()
        if words[0] == "response.body":
            return self._in_body(0, response.body, response.headers, f"${rest}") if dollar else Sight()
        if words[0] == "response.header" and len(words) == 2:
            return _header(response.headers, words[1])
        if words[0] == "response.cookie" and len(words) == 2:
            return _cookie(response.headers, words[1])
        return Sight()

    def _outbound(self, location: str) -> Sight:
        name, _, what = location.removeprefix("outbound ").rpartition(" request.")
        if not name:  # about the call as a whole
            return Sight()
        seen = [self._of_call(call, what) for call in self.answer.calls if self.call_of(call) == name]
        return Sight(
            tuple(value for one in seen for value in one.values),
            sum(one.absent for one in seen),
            frozenset().union(*(one.members for one in seen)),
            any(one.seen for one in seen),
        )

    def _of_call(self, call: Exchange, what: str) -> Sight:
        part, dollar, rest = what.partition("$")
        words = part.split()
        request = call.request
        path, _, query = request.target.partition(b"?")
        if words[0] == "body":
            return self._in_body(call.id, request.body, request.headers, f"${rest}") if dollar else Sight()
        if words[0] == "header" and len(words) == 2:
            return _header(request.headers, words[1])
        if words[0] == "query" and len(words) == 2:
            given = [value for key, value in form_fields(query) if key == words[1]]
            return Sight((", ".join(given),)) if given else Sight(absent=1)
        return Sight((path.decode("latin-1"),)) if words[0] == "target" else Sight()

    def _in_body(self, key: int, body: bytes, headers: Headers, text: str) -> Sight:
        if key not in self._decoded:
            self._decoded[key] = structured(decode(body, headers, DEEPEST))
        decoded = self._decoded[key]
        if not isinstance(decoded, Structure):
            return Sight(seen=False)
        if too_deep(text):
            return Sight()
        path = compile_path(text)
        values = tuple(value for _, value in path.find(decoded.value))
        last = path.steps[-1] if path.steps else None
        if not isinstance(last, str):
            return Sight(values, seen=bool(values))
        above = JsonPath(text, path.steps[:-1])
        parents = [parent for _, parent in above.find(decoded.value) if isinstance(parent, dict)]
        names = frozenset(name for parent in parents for name in parent)
        return Sight(values, sum(last not in parent for parent in parents), names, bool(parents))


def _header(headers: Headers, name: str) -> Sight:
    values = header_values(headers, name)
    return Sight((b", ".join(values).decode("latin-1"),)) if values else Sight(absent=1)


def _cookie(headers: Headers, name: str) -> Sight:
    for line in header_values(headers, "set-cookie"):
        key, _, value = line.partition(b";")[0].decode("latin-1").partition("=")
        if key.strip() == name:
            return Sight((value.strip(),))
    return Sight(absent=1)
