"""The pin that says what came: of an old one and its outcome. Pure.

What held stays as it is written, matchers, names and order included. What did not is written anew, by the same rules as
in a new pin; a value that this run made becomes a matcher, one that was bound before a reference. ``varying``: the two
answers are of one build, so whatever differs between them varies by itself and is written as what both share.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from captures.formats.decoding import JsonBody, decode
from captures.jsonpaths import Place, normalised
from captures.model import Direction, Exchange, Headers, Request, Response, url_of
from diffing.walk.flatten import same
from replayer import pin_bodies, pin_notation
from replayer.alignment import MISSING
from replayer.pin_check import Came
from replayer.pin_desk import Served
from replayer.pin_notation import Slot
from replayer.pin_unify import Unifier
from replayer.pin_write import Material, Origin, Scribe
from replayer.pins import Body, Lines, Pin, PinRequest, PinResponse, PinStub

GENERIC = ("integer", "number", "uuid", "digits", "token", "string", "any")
"""What two values of one build may share, the narrowest first."""


def amended(pin: Pin, came: Came, names: Mapping[str, Any], varying: bool = False) -> Pin:
    """``pin`` as it holds for ``came``. ``names``: what setup and stubs bound.

    Raises ``ValueError`` with a sentence where a pin cannot say what came.
    """
    response = came.response
    if response is None or came.failure is not None:
        raise ValueError("the build gave no complete answer")
    scribe = _scribe(pin, names)
    if pin.expect is None:
        expect, _ = scribe.answer(Material(_exchange(came, response)), {})
        return replace(pin, expect=expect, stubs=_stubs(pin, came, scribe, Unifier(dict(names)), varying))
    unifier = Unifier(dict(names))
    stubs = _stubs(pin, came, scribe, unifier, varying)
    unifier.broken.clear()
    writer = _Writer(scribe, came, varying)
    expect = _expected(pin.expect, response, writer, unifier)
    return replace(pin, expect=expect, stubs=stubs)


def _scribe(pin: Pin, names: Mapping[str, Any]) -> Scribe:
    scribe = Scribe(Origin(str(pin.source.get("capture", ""))))
    scribe.bound = {pin_notation.text_of(value): name for name, value in names.items()}
    scribe.taken = set(names)
    return scribe


def _exchange(came: Came, response: Response) -> Exchange:
    return Exchange(1, Direction.INBOUND, came.request, came.timing, response)


def _expected(template: PinResponse, response: Response, writer: _Writer, unifier: Unifier) -> PinResponse:
    filled, seen = unifier.response(template, response)
    broken = {(one.part, normalised(one.place or ())) for one in unifier.broken}
    lines = writer.lines(template.headers, filled.headers, seen.headers, broken)
    body = writer.body(template.body, filled.body, filled.headers, response.body, response.headers, broken)
    varies = dict(template.varies) | writer.varies
    return PinResponse(response.status, lines, body, tuple(varies.items()))


def _stubs(pin: Pin, came: Came, scribe: Scribe, unifier: Unifier, varying: bool) -> tuple[PinStub, ...]:
    """Those that were called, in the order of the pin, each saying the call that came; one more for a call repeated."""
    if not came.calls_seen:
        return pin.stubs
    by_stub: dict[int, list[Served]] = {}
    for call in came.calls:
        if call.stub is None:
            asked = call.exchange.request
            raise ValueError(
                f"the build now calls {asked.method} {url_of(asked).partition('?')[0]}, and nothing says what that "
                "answers; record it and pin it again"
            )
        by_stub.setdefault(call.stub, []).append(call)
    stubs: list[PinStub] = []
    for index, stub in enumerate(pin.stubs):
        for call in by_stub.get(index, ()):
            writer = _Writer(scribe, came, varying)
            stubs.append(replace(stub, request=_asked(stub.request, call.exchange.request, writer, unifier)))
    return tuple(stubs)


def _asked(template: PinRequest, request: Request, writer: _Writer, unifier: Unifier) -> PinRequest:
    unifier.broken.clear()
    filled, seen = unifier.request(template, request)
    broken = {(one.part, normalised(one.place or ())) for one in unifier.broken}
    target = template.target
    if url_of(filled) != url_of(request) or ("target", "$") in broken:
        target = writer.text("", url_of(request), url_of(filled))
    lines = writer.lines(template.headers, filled.headers, seen.headers, broken)
    body = writer.body(template.body, filled.body, filled.headers, request.body, request.headers, broken)
    return PinRequest(request.method, target, lines, body)


@dataclass(slots=True)
class _Writer:
    """Writes what changed, by the rules of a new pin."""

    scribe: Scribe
    came: Came
    varying: bool
    varies: dict[str, str] = field(default_factory=dict)

    def lines(self, template: Lines, filled: Headers, seen: Headers, broken: set[tuple[str, str]]) -> Lines:
        """Headers as the pin names them, without those that are gone."""
        expected, actual = _grouped(filled), _grouped(seen)
        result: list[tuple[str, str]] = []
        for name, text in template:
            lower = name.lower()
            ours, theirs = expected.get(lower, []), actual.get(lower, [])
            if not theirs:
                continue
            mine = ours.pop(0) if ours else ""
            its = next((one for one in theirs if lower == "set-cookie" and _cookie(one) == _cookie(mine)), theirs[0])
            theirs.remove(its)
            kept = mine == its and (f"header {lower}", "$") not in broken
            result.append((name, text if kept else self.text(lower, its, mine)))
        return tuple(result)

    def body(
        self, template: Body, filled: bytes, filled_headers: Headers, actual: bytes, headers: Headers,
        broken: set[tuple[str, str]],
    ) -> Body:  # fmt: skip
        """A body; in the old form where that still says it."""
        if not broken and filled == actual and filled_headers == headers:
            return template
        ours, theirs = decode(filled, filled_headers), decode(actual, headers)
        if template.form == "json" and isinstance(ours, JsonBody) and isinstance(theirs, JsonBody):
            value = self.json(template.value, ours.value, theirs.value, (), broken)
            return replace(template, value=value)
        fresh = self.scribe.body_of(actual, headers, None, self.scene())
        if template.form == fresh.form == "text":
            return replace(fresh, value=self._by_line(template.value, _plain(filled), fresh.value))
        return fresh

    def json(self, template: Any, filled: Any, actual: Any, place: Place, broken: set[tuple[str, str]]) -> Any:
        """``template`` where it holds, what came where it does not."""
        if isinstance(filled, dict) and isinstance(actual, dict) and isinstance(template, dict):
            return self._object(template, filled, actual, place, broken)
        if isinstance(filled, list) and isinstance(actual, list) and isinstance(template, list):
            return self._array(template, filled, actual, place, broken)
        if ("body", normalised(place)) not in broken and same(filled, actual):
            return template
        name = next((step for step in reversed(place) if isinstance(step, str)), "")
        return self.value(name, place, actual, filled)

    def _object(
        self, template: Any, filled: Any, actual: Any, place: Place, broken: set[tuple[str, str]]
    ) -> dict[str, Any]:
        result: dict[str, Any] = {}
        if self.varying:  # of one build, a member that comes and goes
            for key in [*filled, *actual]:
                if (key in filled) != (key in actual):
                    self.varies[normalised((*place, key))] = "optional"
                    if key in template:
                        result[key] = template[key]
        for key, child in actual.items():
            if key in template:
                result[key] = self.json(template[key], filled[key], child, (*place, key), broken)
            elif not self.varying:
                result[key] = self.value(key, (*place, key), child, MISSING)
        order = [*(key for key in template if key in result), *(key for key in result if key not in template)]
        return {key: result[key] for key in order}

    def _array(self, template: Any, filled: Any, actual: Any, place: Place, broken: set[tuple[str, str]]) -> list[Any]:
        if self.varying and not same(filled, actual) and _same_items(filled, actual):
            self.varies[normalised(place)] = "unordered"
            return list(template)
        name = next((step for step in reversed(place) if isinstance(step, str)), "")
        result: list[Any] = []
        for ours, theirs in _aligned(filled, actual):
            if theirs is None:
                continue
            at = (*place, len(result) if ours is None else ours)
            if ours is None:
                result.append(self.value(name, (*place, len(result)), actual[theirs], MISSING))
            else:
                result.append(self.json(template[ours], filled[ours], actual[theirs], at, broken))
        return result

    def value(self, name: str, place: Place, actual: Any, other: Any) -> Any:
        """A new value; ``other`` is what stood there."""
        if self.varying and other is not MISSING and not isinstance(actual, dict | list):
            return str(next(slot for kind in GENERIC if (slot := Slot(kind)).holds(actual) and slot.holds(other)))
        return self.scribe.value_of(place, name, actual, None, self.scene())

    def text(self, name: str, actual: str, other: str) -> str:
        """A header or a target."""
        if self.varying and name:
            return str(next(slot for kind in ("token", "string") if (slot := Slot(kind)).holds(actual)))
        del other
        if name:
            return self.scribe.header_of(name, actual, MISSING, self.scene())
        return self.scribe.text_of("", actual, MISSING, self.scene())

    def scene(self) -> Any:
        """What is known around the values."""
        response = self.came.response
        assert response is not None
        return self.scribe.scene(Material(_exchange(self.came, response)))

    def _by_line(self, template: str, filled: str, fresh: str) -> str:
        ours, said, theirs = template.split("\n"), filled.split("\n"), fresh.split("\n")
        actual = [_unslotted(line) for line in theirs]
        if len(ours) != len(said):
            return fresh
        lines: list[str] = []
        for tag, i, k, j, m in difflib.SequenceMatcher(None, said, actual, autojunk=False).get_opcodes():
            lines += ours[i:k] if tag == "equal" else theirs[j:m]
        return "\n".join(lines)


def _unslotted(line: str) -> str:
    return pin_notation.unescape(line) if not pin_notation.has_slot(line) else line


def _plain(body: bytes) -> str:
    return body.decode("utf-8", "replace").replace("\r\n", "\n")


def _cookie(line: str) -> str:
    return line.partition("=")[0]


def _grouped(headers: Headers) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _same_items(left: Sequence[Any], right: Sequence[Any]) -> bool:
    rest = list(right)
    for one in left:
        at = next((index for index, other in enumerate(rest) if same(one, other)), None)
        if at is None:
            return False
        del rest[at]
    return not rest


def _aligned(filled: Sequence[Any], actual: Sequence[Any]) -> list[tuple[int | None, int | None]]:
    """Pairs of indices: equal items in order, what lies between them by position; None where there is no partner."""
    left, right = [_key(one) for one in filled], [_key(one) for one in actual]
    pairs: list[tuple[int | None, int | None]] = []
    for _, i, k, j, m in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        common = min(k - i, m - j)
        pairs += [(i + at, j + at) for at in range(common)]
        pairs += [(at, None) for at in range(i + common, k)] + [(None, at) for at in range(j + common, m)]
    return pairs


def _key(value: Any) -> str:
    return pin_bodies.json_bytes(value).decode("utf-8", "surrogatepass")
