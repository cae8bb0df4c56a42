"""From recorded exchanges to a :class:`Pin`: what matters of the request, what is compared of the answer, its stubs.

Pure over exchanges. A :class:`Scribe` writes one pin, twice: the first time to see which volatile values there are and
how often each occurs, the second time with a name for every one that occurs more than once.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from captures.flows.words import words_of
from captures.formats.decoding import JsonBody, TextBody, decode
from captures.jsonpaths import Place, normalised
from captures.model import Exchange, Headers, Request, Response, header, url_of
from replayer import pin_bodies, pin_notation
from replayer.alignment import MISSING, json_pairs
from replayer.pin_headers import (
    CREDENTIALS,
    HOP_BY_HOP,
    NOT_COMPARED,
    OF_EVERY_CLIENT,
    REQUEST_IDS,
    TRACING,
    echoed,
    of_a_library,
)
from replayer.pin_notation import Slot
from replayer.pin_volatile import Scene, members, name_for, pieces, slot_for
from replayer.pin_words import is_segment, references, spans, words_in_message, words_in_request
from replayer.pins import Body, Pin, PinRequest, PinResponse, PinStub, Step
from replayer.prerequisites import Key, Minted
from replayer.rewriting import endpoint_noun
from replayer.tokens import Kind, is_idish, kind_of

UNNAMED = ("timestamp", "date", "number", "string", "any")
"""Kinds whose equal values say nothing: two clocks read in one millisecond."""


@dataclass(frozen=True, slots=True)
class Material:
    """What one pin (or step) is made from. ``twin``: the other side of a run, which proves what is volatile."""

    exchange: Exchange
    calls: tuple[Exchange, ...] = ()
    twin: Exchange | None = None
    made: frozenset[str] = frozenset()  # generated-looking values that stood nowhere in the capture before
    secrets: frozenset[str] = frozenset()  # values at places that hold secrets: pseudonyms in a redacted capture


@dataclass(frozen=True, slots=True)
class Origin:
    """Where it comes from, for the pin's ``source:``."""

    capture: str
    endpoint: str = ""
    session: str = ""
    build: str = ""
    dependencies: tuple[tuple[str, str, str], ...] = ()
    maker: str = ""  # "retape 0.1.0"


def write_pin(
    material: Material, setup: Sequence[tuple[Material, Sequence[tuple[Key, Minted]]]], origin: Origin, name: str
) -> Pin:
    """The pin of ``material.exchange``; ``setup``: the steps before it, with the ids each was the first to show.

    Raises ``ValueError`` (one sentence) when there is no complete response to expect.
    """
    if material.exchange.response is None or material.exchange.failure is not None:
        raise ValueError("it has no complete response to expect")
    if material.exchange.body_truncated:
        raise ValueError("its body was kept only in part")
    scribe = Scribe(origin)
    steps: list[Step] = []
    for step, minted in setup:
        if step.exchange.response is not None:
            request, bind = scribe.request(step.exchange), scribe.names_of(minted)
            _, stubs = scribe.answer(step, {value: name for value, name, _ in bind})
            scribe.bound.update({value: name for value, name, _ in bind})
            pairs = tuple((name, place) for _, name, place in bind)
            scribe.before.append(step.exchange.timing.started)
            steps.append(Step(request, step.exchange.response.status, pairs, stubs))
    request = scribe.request(material.exchange)
    expect, stubs = scribe.answer(material, {})
    pin = Pin(name, request, expect, scribe.source(material.exchange), tuple(steps), stubs)
    used = references(pin)
    kept = tuple(replace(step, bind=tuple(pair for pair in step.bind if pair[0] in used)) for step in steps)
    return replace(pin, setup=kept, dependencies=origin.dependencies)


@dataclass(slots=True)
class _Sighting:
    """A volatile value seen while writing."""

    labels: set[str] = field(default_factory=set)
    weak: bool = False  # a small number: it means something only where its name says so
    kind: str = ""  # the first matcher's
    pattern: str = ""


@dataclass(slots=True)
class Scribe:
    """Writes the parts of one pin, in the order they happen."""

    origin: Origin
    bound: dict[str, str] = field(default_factory=dict)  # recorded value -> the name a setup step binds
    taken: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)  # volatile value -> name, in the second writing
    seen: dict[str, _Sighting] = field(default_factory=dict)
    made: frozenset[str] = frozenset()  # of the exchange being written
    before: list[float] = field(default_factory=list)  # when the steps written so far happened
    words: Counter[str] = field(default_factory=Counter)

    def names_of(self, minted: Iterable[tuple[Key, Minted]]) -> list[tuple[str, str, str]]:
        """Value, name and place of the ids that a step's answer is the first to show."""
        result: list[tuple[str, str, str]] = []
        for (value, noun), source in minted:
            if source.place and value not in self.bound and value not in {known for known, _, _ in result}:
                base = name_for(source.name or f"{noun}_id", (source.name,), Scene(0.0, noun=source.noun))
                result.append((value, self._fresh(base), source.place))
        return result

    def request(self, exchange: Exchange) -> PinRequest:
        """The request to send: framing, hops and tracing left out, bound ids as references."""
        lines: list[tuple[str, str]] = []
        for raw_name, raw in exchange.request.headers:
            name, value = raw_name.decode("latin-1"), raw.decode("latin-1")
            lower = name.lower()
            told = echoed(exchange.response, raw)
            if (lower in HOP_BY_HOP and not (lower == "connection" and told)) or lower in TRACING or name[:1] == ":":
                continue
            if lower == "host" and not told:
                continue
            if lower in REQUEST_IDS or (of_a_library(lower, value, exchange.response) and not told):
                continue
            text = self._refer(value).replace("${", "$${")
            if lower in CREDENTIALS and not pin_notation.has_slot(text):
                variable = "RETAPE_" + re.sub(r"[^A-Z0-9]+", "_", name.upper())
                text = f"${{{variable}:-{text}}}" if "}" not in text else f"${{{variable}}}"
            lines.append((name, text))
        target = self._refer(exchange.request.target.decode("latin-1"))
        return PinRequest(exchange.request.method, target, tuple(lines), self._sent_body(exchange.request))

    def answer(self, material: Material, names: Mapping[str, str]) -> tuple[PinResponse, tuple[PinStub, ...]]:
        """What is expected, and the stubs it needs. ``names``: values that have a name already."""
        self.named, self.seen, self.words = {}, {}, Counter()
        self.made = material.made if material.exchange.request.method not in ("GET", "HEAD", "OPTIONS") else frozenset()
        self._write(material)
        for value, sighting in self.seen.items():
            if value in names:
                self.named[value] = names[value]
            elif self.words[value] > 1 and len(sighting.labels) == 1:
                self.named[value] = self._fresh(next(iter(sighting.labels)))
        return self._write(material)

    def source(self, exchange: Exchange) -> Mapping[str, Any]:
        """Provenance."""
        when = datetime.datetime.fromtimestamp(exchange.timing.started, datetime.UTC)
        source: dict[str, Any] = {"capture": self.origin.capture, "exchange": exchange.id}
        if self.origin.endpoint:
            source["endpoint"] = self.origin.endpoint
        if exchange.replay_of is not None:
            source["replay_of"] = exchange.replay_of
        source["recorded"] = when.strftime("%Y-%m-%dT%H:%M:%SZ")
        origin = self.origin
        more = (("session", origin.session), ("build", origin.build), ("made_by", origin.maker))
        return {**source, **{name: value for name, value in more if value}}

    # -- writing ------------------------------------------------------------------------------------------------

    def _write(self, material: Material) -> tuple[PinResponse, tuple[PinStub, ...]]:
        scene = self.scene(material)
        stubs = tuple(self._stub(call, scene) for call in material.calls)
        response = material.exchange.response
        twin = material.twin.response if material.twin is not None else None
        return (self._expected(response, twin, scene) if response else PinResponse(0)), stubs

    def scene(self, material: Material) -> Scene:
        exchange = material.exchange
        given = words_in_request(exchange.request)
        for call in material.calls:
            if call.response is not None:  # what an answer only echoes is the build's own
                given |= words_in_message(call.response.headers, call.response.body) - words_in_request(call.request)
        made = exchange.request.method not in ("GET", "HEAD", "OPTIONS")
        fresh = made and exchange.response is not None and exchange.response.status < 300
        noun = endpoint_noun(exchange.request.target)
        return Scene(
            near=exchange.timing.started,
            fresh=fresh,
            created=fresh and exchange.response is not None and exchange.response.status == 201,
            noun=noun,
            given=frozenset(given - set(self.bound)),
            secrets=material.secrets,
            before=tuple(self.before),
            bound={value: name for value, name in self.bound.items() if not (made and _minted_again(value, exchange))},
        )

    def _expected(self, response: Response, twin: Response | None, scene: Scene) -> PinResponse:
        other_body = (twin.body, twin.headers) if twin is not None else None
        body = self.body_of(response.body, response.headers, other_body, scene)
        moving = _has_slot(body.value)
        lines: list[tuple[str, str]] = []
        for raw_name, raw in response.headers:
            name, value = raw_name.decode("latin-1").lower(), raw.decode("latin-1")
            if name in HOP_BY_HOP or name in NOT_COMPARED or name in TRACING:
                continue
            if name == "etag" and moving:
                lines.append((name, "«string»"))  # it follows the body
                continue
            other = header(twin.headers, name) if twin is not None else None
            lines.append((name, self.header_of(name, value, other.decode("latin-1") if other else MISSING, scene)))
        return PinResponse(response.status, tuple(lines), body)

    def _stub(self, call: Exchange, scene: Scene) -> PinStub:
        request = call.request
        inner = replace(scene, fresh=True, created=True, made=self.made, noun=endpoint_noun(request.target))
        lines: list[tuple[str, str]] = []
        for raw_name, raw in request.headers:
            name, value = raw_name.decode("latin-1").lower(), raw.decode("latin-1")
            if name in HOP_BY_HOP or name in TRACING or name in OF_EVERY_CLIENT or name in NOT_COMPARED:
                continue
            if name in CREDENTIALS:
                scheme, blank, _ = value.partition(" ")
                lines.append((name, f"{pin_notation.escape(scheme)} «string»" if blank else "«string»"))
            else:
                lines.append((name, self.header_of(name, value, MISSING, inner)))
        tunnel = request.method == "CONNECT"  # a refused one: its target is no path
        url = f"https://{request.host}:{request.port}/" if tunnel else url_of(request)
        target = self.text_of("", url, MISSING, inner)
        shown = PinRequest(
            request.method, target, tuple(lines), self.body_of(request.body, request.headers, None, inner)
        )
        response = None
        if call.response is not None:
            kept = tuple(
                (name.decode("latin-1"), self._refer(value.decode("latin-1")))
                for name, value in call.response.headers
                if name.decode("latin-1").lower() not in HOP_BY_HOP | {"date", "server"}
            )
            self.words.update(words_in_message(call.response.headers, call.response.body))
            response = PinResponse(call.response.status, kept, self._sent_body(call.response))
        failure = call.failure.kind.value if call.failure is not None else ""
        return PinStub(call.dependency or request.host, shown, response, failure)

    def header_of(self, name: str, value: str, twin: Any, scene: Scene) -> str:
        if name == "set-cookie":
            pair, semicolon, rest = value.partition(";")
            cookie, equals, content = pair.partition("=")
            slot = self._slot(cookie, content, MISSING, replace(scene, fresh=True, created=True)) or (
                Slot("string") if content and twin is not MISSING and twin.partition(";")[0] != pair else None
            )
            shown = str(slot) if slot else pin_notation.escape(content)
            rest = re.sub(r"(?i)(expires=)[^;]+", r"\1«timestamp http»", pin_notation.escape(rest))
            return f"{pin_notation.escape(cookie)}{equals}{shown}{semicolon}{rest}"
        if name == "etag" and (scene.fresh or (twin is not MISSING and twin != value)):
            return "«string»"  # follows whatever in the body is volatile
        return self.text_of(name, value, twin, scene)

    def body_of(self, body: bytes, headers: Headers, twin: tuple[bytes, Headers] | None, scene: Scene) -> Body:
        shown = pin_bodies.written(body, headers, exact=False)
        decoded = decode(body, headers)
        other = decode(*twin) if twin is not None else None
        if shown.form == "json" and isinstance(decoded, JsonBody):
            twins: Mapping[str, Any] | None = None
            if isinstance(other, JsonBody):
                twins = {pair.path: pair.replayed for pair in json_pairs((), decoded.value, other.value)}
            return replace(shown, value=self.value_of((), "", decoded.value, twins, scene))
        if shown.form == "text" and isinstance(decoded, TextBody):
            mine = decoded.text.replace("\r\n", "\n")
            theirs = other.text.replace("\r\n", "\n").split("\n") if isinstance(other, TextBody) else []
            lines = mine.split("\n")
            twin_lines: list[Any] = list(theirs) if len(theirs) == len(lines) else [MISSING] * len(lines)
            pairs = zip(lines, twin_lines, strict=True)
            return replace(shown, value="\n".join(self._line(one, two, scene) for one, two in pairs))
        return shown

    def value_of(self, place: Place, name: str, value: Any, twins: Mapping[str, Any] | None, scene: Scene) -> Any:
        if isinstance(value, dict):
            return {key: self.value_of((*place, key), key, child, twins, scene) for key, child in value.items()}
        if isinstance(value, list):
            return [self.value_of((*place, index), name, child, twins, scene) for index, child in enumerate(value)]
        twin = MISSING if twins is None else twins.get(normalised(place), MISSING)
        slot = self._slot(name, value, twin, scene, place)
        if slot is not None:
            return str(slot)
        return self.text_of(name, value, twin, scene) if isinstance(value, str) else value

    def _line(self, line: str, twin: Any, scene: Scene) -> str:
        """A line of a text; where it is a JSON object, each of its values by its name."""
        ours = members(line)
        if not ours:
            return self.text_of("", line, twin, scene)
        theirs = members(twin) if isinstance(twin, str) else []
        paired = [one.name for one in ours] == [one.name for one in theirs]
        shown, done = "", 0
        for index, member in enumerate(ours):
            other = theirs[index].value if paired else MISSING
            slot = self._slot(member.name, member.value, other, scene, (member.name,))
            if slot is not None:
                value = str(slot)
            elif isinstance(member.value, str):
                value = self.text_of(member.name, member.value, other, scene)
            else:
                value = line[member.start : member.end]
            shown += pin_notation.escape(line[done : member.start]) + value
            done = member.end
        return shown + pin_notation.escape(line[done:])

    def text_of(self, name: str, text: str, twin: Any, scene: Scene) -> str:
        """A string that is not one value as a whole, with what is volatile inside it."""
        slot = self._slot(name, text, twin, scene)
        if slot is not None:
            return str(slot)
        self.words.update(set(words_of(text)) - {text})
        parts = pieces(text, twin, scene, self._known(text))
        if sum(isinstance(part, Slot) for part, _ in parts) > pin_notation.MOST_SLOTS:
            return pin_notation.escape(text)  # a blob: chance makes some pieces of it look like ids
        for part, value in parts:
            if isinstance(part, Slot) and part.kind:
                self._sight("", value, part, scene, ())
        return "".join(
            str(self._with_name(part, value)) if isinstance(part, Slot) else pin_notation.escape(part)
            for part, value in parts
        )

    def _slot(self, name: str, value: Any, twin: Any, scene: Scene, place: Place = ()) -> Slot | None:
        slot = slot_for(name, value, twin, scene, place)
        if slot is None:
            return None
        if slot.kind:
            self.words[str(value)] += 1
            self._sight(name, str(value), slot, scene, place or (name,))
        return self._with_name(slot, str(value))

    def _sight(self, name: str, value: str, slot: Slot, scene: Scene, place: Place) -> None:
        if slot.kind.startswith(UNNAMED):
            return
        sighting = self.seen.setdefault(value, _Sighting())
        sighting.weak |= value.isdigit() and len(value) < 10
        sighting.kind = sighting.kind or slot.kind
        sighting.pattern = sighting.pattern or slot.pattern
        if name:
            label = name_for(name, place, scene)
            if not sighting.labels or sighting.weak:
                sighting.labels.add(label)

    def _with_name(self, slot: Slot, value: str) -> Slot:
        return replace(slot, name=self.named[value]) if slot.kind and value in self.named else slot

    def _known(self, text: str) -> Mapping[str, Slot]:
        """Named values that stand inside ``text``: what to look for beside what looks volatile by itself."""
        return {
            value: Slot("digits" if value.isdigit() else self.seen[value].kind, name, self.seen[value].pattern)
            for value, name in self.named.items()
            if value in text and (not self.seen[value].weak or is_segment(text, value, name))
        }

    def _sent_body(self, message: Request | Response) -> Body:
        body = pin_bodies.written(message.body, message.headers, exact=True)
        if body.form == "text":
            return replace(body, value=self._refer(pin_notation.unescape(body.value)))
        return replace(body, value=self._refer_json(body.value, "")) if body.form == "json" else body

    def _refer_json(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return {key: self._refer_json(child, key) for key, child in value.items()}
        if isinstance(value, list):
            return [self._refer_json(child, name) for child in value]
        if isinstance(value, str):
            return self._refer(pin_notation.unescape(value), name)
        if isinstance(value, int) and not isinstance(value, bool) and is_idish(name):
            known = {**self.named, **self.bound}.get(str(value))
            return str(Slot("", known)) if known else value
        return value

    def _refer(self, text: str, name: str = "") -> str:
        """``text`` as a literal with references for values that have a name."""
        known = {**self.named, **self.bound}
        weak = {value for value in known if value.isdigit() and len(value) < 10}
        parts: list[str] = []
        done = 0
        for start, end in spans(text, known):
            value = text[start:end]
            if value in weak and not (text == value and is_idish(name)) and not is_segment(text, value, known[value]):
                continue
            parts += [pin_notation.escape(text[done:start]), str(Slot("", known[value]))]
            done = end
        return "".join(parts) + pin_notation.escape(text[done:])

    def _fresh(self, base: str) -> str:
        name, number = base, 2
        while name in self.taken:
            name, number = f"{base}_{number}", number + 1
        self.taken.add(name)
        return name


def _has_slot(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_slot, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and pin_notation.has_slot(value)


def _minted_again(token: str, exchange: Exchange) -> bool:
    """Whether the answer to ``exchange`` has ``token`` by chance only: two logins within a second get one and the same,
    as the time in it counts seconds.
    """
    if kind_of(token) is not Kind.JWT:
        return False
    request = exchange.request
    return not any(token.encode() in text for text in (request.body, *(value for _, value in request.headers)))
