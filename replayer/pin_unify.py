"""A template of a pin against what really came: where a matcher holds the real value takes its place. Pure.

What is left are two plain messages that ``diffing`` compares as it compares any two, and a list of :class:`Broken`
matchers. So a pin is judged by the same engine as a replay, and a matcher is never a hole: where it does not hold, or
where a name would have to be two values at once, that is a finding of its own.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from captures.formats.decoding import JsonBody, content_decoded, decode
from captures.formats.jsontext import Number
from captures.jsonpaths import Place, normalised
from captures.model import Headers, Request, Response, url_of
from replayer import pin_bodies, pin_notation
from replayer.alignment import MISSING
from replayer.pin_notation import KINDS, Slot
from replayer.pin_send import addressed
from replayer.pins import Body, Lines, PinRequest, PinResponse

COMPARED_PAIRS = 40_000  # elements times elements; longer arrays are paired by position
ALWAYS = ("content-type", "content-encoding")  # a body cannot be read without them


@dataclass(frozen=True, slots=True)
class Broken:
    """A matcher that does not hold. ``part`` is "body", "header NAME" or "target"; ``place`` is in a JSON body."""

    part: str
    place: Place | None
    expected: str  # as written: «uuid as order_id»
    actual: Any
    why: str


@dataclass(slots=True)
class Unifier:
    """Fills templates. ``names`` grows with every named value met."""

    names: dict[str, Any]
    broken: list[Broken] = field(default_factory=list)
    _part: str = "body"

    def response(self, template: PinResponse, actual: Response) -> tuple[Response, Response]:
        """The expected response, and the actual one with only what the pin compares."""
        expected_headers, seen_headers = self.headers(template.headers, actual.headers)
        body = self.body(template.body, expected_headers, actual.body, actual.headers)
        version, reason = actual.http_version, actual.reason
        return (
            Response(template.status, expected_headers, body, reason, (), version),
            Response(actual.status, seen_headers, actual.body, reason, (), version),
        )

    def request(self, template: PinRequest, actual: Request) -> tuple[Request, Request]:
        """The same for a call to a dependency."""
        self._part = "target"
        url = self.string(template.target, url_of(actual), None)
        expected_headers, seen_headers = self.headers(template.headers, actual.headers)
        body = self.body(template.body, expected_headers, actual.body, actual.headers)
        expected = addressed(template.method, url, expected_headers, body, actual.http_version)
        return expected, replace(actual, headers=seen_headers, trailers=())

    def uncalled(self, template: PinRequest) -> Request:
        """What a call looks like that nobody made: samples stand for what nothing is known of."""
        url = self.string(template.target, MISSING, None)
        headers, _ = self.headers(template.headers, ())
        return addressed(template.method, url, headers, self.body(template.body, headers, b"", ()))

    def headers(self, lines: Lines, actual: Headers) -> tuple[Headers, Headers]:
        """Expected headers, and those of ``actual`` that the pin names (and what it takes to read the body)."""
        listed = {name.lower() for name, _ in lines}
        remaining: dict[str, list[str]] = {}
        seen: list[tuple[bytes, bytes]] = []
        for raw_name, raw in actual:
            lower = raw_name.decode("latin-1").lower()
            if lower in listed or lower in ALWAYS:
                seen.append((raw_name, raw))
                remaining.setdefault(lower, []).append(raw.decode("latin-1"))
        expected: list[tuple[bytes, bytes]] = []
        for name, template in lines:
            lower = name.lower()
            self._part = f"header {lower}"
            value = self.string(template, _taken(remaining.get(lower, []), lower, template), ())
            expected.append((lower.encode("latin-1"), str(value).encode("latin-1", "replace")))
        expected += [pair for pair in seen if pair[0].decode("latin-1").lower() not in listed]
        return tuple(expected), tuple(seen)

    def body(self, template: Body, headers: Headers, actual: bytes, actual_headers: Headers) -> bytes:
        """The expected body, encoded as ``headers`` say."""
        self._part = "body"
        if template.form == "json":
            decoded = decode(actual, actual_headers)
            value = self.json(template.value, decoded.value if isinstance(decoded, JsonBody) else MISSING, ())
            return pin_bodies.wire(Body("json", value), headers)
        try:
            plain = content_decoded(actual, actual_headers)
        except ValueError:
            plain = actual
        if template.form == "sha256":
            digest = hashlib.sha256(plain).hexdigest()
            if digest != template.value:
                why = "other bytes than were pinned"
                shown = f"sha256 {digest} ({len(plain)} bytes)"
                self.broken.append(Broken("body", None, f"sha256 {template.value}", shown, why))
            return actual
        if template.form == "text":
            charset = "iso-8859-1" if "latin-1" in template.layout else "utf-8"
            text = self.lines(template.value, plain.decode(charset, "replace").replace("\r\n", "\n"))
            return pin_bodies.wire(Body("text", text, template.layout), headers)
        return pin_bodies.wire(template, headers)

    def json(self, template: Any, actual: Any, place: Place) -> Any:
        """The JSON value to expect where ``actual`` stands (MISSING: nothing does)."""
        if isinstance(template, dict):
            there = actual if isinstance(actual, dict) else {}
            return {key: self.json(child, there.get(key, MISSING), (*place, key)) for key, child in template.items()}
        if isinstance(template, list):
            partners = paired(template, actual) if isinstance(actual, list) else [MISSING] * len(template)
            return [
                self.json(child, partner, (*place, index))
                for index, (child, partner) in enumerate(zip(template, partners, strict=True))
            ]
        if not isinstance(template, str):
            return template
        slot = pin_notation.whole(template)
        return self.string(template, actual, place) if slot is None else self.slot(slot, actual, place)

    def slot(self, slot: Slot, actual: Any, place: Place) -> Any:
        """The value to expect for one matcher or reference."""
        if not slot.kind:
            if slot.name not in self.names:
                if actual is MISSING:
                    return slot.name
                self.names[slot.name] = actual
            return self.names[slot.name]
        if actual is MISSING:
            return self.names.get(slot.name, sample(slot))
        if not slot.holds(actual):
            self._break(place, str(slot), actual, f"not {slot.meaning}")
        elif slot.name:
            self._bind(slot, actual, place)
        return actual

    def string(self, template: str, actual: Any, place: Place | None) -> str:
        """The string to expect for one with matchers in it."""
        if not pin_notation.has_slot(template):
            return pin_notation.unescape(template)
        parts = pin_notation.parse(template)
        if isinstance(actual, str):
            pattern, slots = pin_notation.as_regex(parts, self._text)
            match = pattern.match(actual)
            if match is None:
                self._break(place, template, actual, "does not read so")
            else:
                for index, slot in enumerate(slots):
                    if slot.name:
                        self._bind(slot, match[f"slot{index}"], place)
            return actual
        return "".join(part if isinstance(part, str) else self._text(part) or sample_text(part) for part in parts)

    def lines(self, template: str, actual: str) -> str:
        """A text line by line; lines without a partner of their shape are left for the comparison to describe."""
        if not pin_notation.has_slot(template):
            return pin_notation.unescape(template)
        ours, theirs = template.split("\n"), actual.split("\n")
        partners: list[Any] = list(theirs)
        if len(ours) != len(theirs):
            partners = [MISSING] * len(ours)
            like = [self._like(line, theirs) for line in ours]
            for one, start, size in difflib.SequenceMatcher(None, like, theirs, autojunk=False).get_matching_blocks():
                partners[one : one + size] = theirs[start : start + size]
        return "\n".join(self.string(line, partner, None) for line, partner in zip(ours, partners, strict=True))

    def _like(self, line: str, theirs: list[str]) -> str:
        """The first of ``theirs`` that ``line`` could be, else ``line``."""
        if not pin_notation.has_slot(line):
            return pin_notation.unescape(line)
        pattern, _ = pin_notation.as_regex(pin_notation.parse(line), self._text)
        return next((other for other in theirs if pattern.match(other)), line)

    def _bind(self, slot: Slot, actual: Any, place: Place | None) -> None:
        known = self.names.setdefault(slot.name, actual)
        if pin_notation.text_of(known) != pin_notation.text_of(actual):
            self._break(place, str(slot), actual, f"{slot.name} stands for another value elsewhere in this exchange")

    def _break(self, place: Place | None, expected: str, actual: Any, why: str) -> None:
        self.broken.append(Broken(self._part, place if self._part == "body" else None, expected, actual, why))

    def _text(self, slot: Slot) -> str | None:
        return pin_notation.text_of(self.names[slot.name]) if slot.name in self.names else None


def sample(slot: Slot) -> Any:
    """A value that could stand for ``slot``, of its JSON type."""
    text = sample_text(slot)
    if slot.kind in KINDS and KINDS[slot.kind].type == "number":
        return Number(text) if "." in text else int(text)
    return text


def sample_text(slot: Slot) -> str:
    """The same as text. Of a pattern there is none, so it is the pattern."""
    return KINDS[slot.kind].sample if slot.kind in KINDS else slot.pattern or slot.name


def _taken(values: list[str], name: str, template: str) -> Any:
    """Takes the value that ``template`` is about: cookies go by their name, other headers by their order."""
    if not values:
        return MISSING
    if name == "set-cookie":
        cookie = template.partition("=")[0]
        return next((values.pop(at) for at, value in enumerate(values) if value.partition("=")[0] == cookie), MISSING)
    return values.pop(0)


def paired(template: list[Any], actual: list[Any]) -> list[Any]:
    """For each element of ``template`` the one of ``actual`` that is most likely meant, or MISSING.

    By position, unless another element agrees better in what is literal: a moved item keeps its own id.
    """
    count = min(len(template), len(actual))
    by_place: list[Any] = [actual[index] if index < count else MISSING for index in range(len(template))]
    if len(template) * len(actual) > COMPARED_PAIRS or not any(isinstance(one, dict | list) for one in template):
        return by_place
    ours = [set(literals(one, ())) for one in template]
    theirs = [set(literals(one, ())) for one in actual]
    if len(ours) == len(theirs) and all(one <= other for one, other in zip(ours, theirs, strict=True)):
        return by_place
    scores = sorted(
        ((len(one & other), -abs(i - j), -i, i, j) for i, one in enumerate(ours) for j, other in enumerate(theirs)),
        reverse=True,
    )
    result: list[Any] = [MISSING] * len(template)
    free_ours, free_theirs = set(range(len(ours))), set(range(len(theirs)))
    for _, _, _, i, j in scores:
        if i in free_ours and j in free_theirs:
            result[i] = actual[j]
            free_ours.remove(i)
            free_theirs.remove(j)
    return result


def literals(value: Any, place: Place) -> Iterator[tuple[str, str]]:
    """Every literal leaf with its place."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from literals(child, (*place, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from literals(child, (*place, index))
    elif not (isinstance(value, str) and pin_notation.has_slot(value)):
        text = pin_notation.unescape(value) if isinstance(value, str) else value
        yield normalised(place), repr(text)
