"""Endpoints: which requests are "the same call with another id". ``GET /orders/8412`` is ``GET /orders/{id}``.

A path segment becomes a parameter on one of three grounds, strongest first:

1. a template given in the configuration says so (or, without braces, that it is none);
2. it looks like an id: a number, UUID, hash, ULID, date, e-mail, ``ord_8fk2``, ``ORD-2026-0001``
   (:mod:`captures.routes.segments`);
3. evidence of its siblings and of the answers (:mod:`captures.routes.pathtree`).

The query is no part of an endpoint; the method is, and where one path serves many calls the operation
(:mod:`captures.routes.operations`). The result depends on nothing but the set of requests.

What is stable: an inferred parameter is always called ``{id}``, so the text of an endpoint never depends on which
values were seen; and a path is never touched by traffic of another first segment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from captures.errors import ConfigError
from captures.model import Request
from captures.routes.echoes import Answer
from captures.routes.operations import operation_of
from captures.routes.pathtree import FEW, MANY, NOWHERE, Ground, Place, Tree, still_guarded
from captures.routes.segments import ID, looks_like_id, parameter, singular

__all__ = [
    "FEW",
    "MANY",
    "Evidence",
    "Given",
    "Templates",
    "explicit_templates",
    "looks_like_id",
    "parse_template",
    "segments_of",
    "singular",
]

GIVEN = "given in retape.toml"

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
_TEMPLATE = re.compile(r"(?:(?P<method>[A-Za-z]+) +)?(?P<path>/[^\s?#]*)")
_BRACED = re.compile(r"\{[A-Za-z_][A-Za-z0-9_.-]*\}")


@dataclass(frozen=True, slots=True)
class Given:
    """A template of the user: ``GET /orders/{order}``, ``/files/{name}.{kind}``, or ``GET /users/me``: a word stays."""

    text: str
    method: str  # "" for any
    segments: tuple[str, ...]
    patterns: tuple[re.Pattern[str] | None, ...]  # None: the segment is fixed

    def fits(self, method: str, segments: Sequence[str]) -> bool:
        """Whether it means this request."""
        return self.method in ("", method.upper()) and all(
            there == wanted if pattern is None else bool(pattern.fullmatch(there))
            for wanted, pattern, there in zip(self.segments, self.patterns, segments, strict=True)
        )

    @property
    def shape(self) -> tuple[str, tuple[str, ...]]:
        """Equal for templates that mean the same requests."""
        return self.method, tuple(_BRACED.sub("{}", segment) for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why one segment of an endpoint is a parameter."""

    after: str  # the endpoint's path up to it: "/orders"
    name: str  # "{id}", "{id}.pdf"
    ground: str  # "looks like an id", "25 different words in one place", "given in retape.toml"
    different: int  # values seen
    formats: Mapping[str, int]  # format -> how many of the values: {"number": 12, "word": 3}
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Templates:
    """The endpoints of a service, as far as known. ``explicit``: templates given by the user."""

    root: Place = NOWHERE
    explicit: tuple[Given, ...] = ()  # the most specific first
    used: frozenset[str] = frozenset()  # of the explicit ones, those that some request fits
    _by_length: Mapping[int, tuple[Given, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def infer(
        cls,
        requests: Iterable[tuple[str, bytes]],
        explicit: Sequence[str] = (),
        answers: Iterable[Answer] = (),
    ) -> Self:
        """Learn from ``(method, target)`` pairs. ``explicit`` are templates that win: ``GET /orders/{id}``, ``/x/{y}``.

        ``answers``: what responses name (:func:`routes.echoes.answer_of`), as further evidence. Methods share one
        tree: what is an id under GET is one under DELETE. Raises :class:`ConfigError` for a malformed template.
        """
        tree = Tree()
        known = cls.of(tree, explicit)
        used: set[str] = set()
        for method, target in requests:
            segments = segments_of(target)
            tree.add(method, segments)
            given = known.given(method, segments)
            if given is not None:
                used.add(given.text)
        for answer in answers:
            tree.answered(answer)
        return cls.of(tree, explicit, frozenset(used))

    @classmethod
    def of(cls, tree: Tree, explicit: Sequence[str] = (), used: frozenset[str] = frozenset()) -> Self:
        """The templates of counted paths."""
        # The template with the fewest parameters is the most specific one.
        given = sorted(
            map(parse_template, dict.fromkeys(explicit)),
            key=lambda one: (sum(map(bool, one.patterns)), not one.method, one.text),
        )
        by_length: dict[int, list[Given]] = {}
        for one in given:
            by_length.setdefault(len(one.segments), []).append(one)
        lengths = {length: tuple(some) for length, some in by_length.items()}
        return cls(tree.decided(), tuple(given), used, lengths)

    def given(self, method: str, segments: Sequence[str]) -> Given | None:
        """The user's template for a request."""
        for given in self._by_length.get(len(segments), ()):
            if given.fits(method, segments):
                return given
        return None

    def endpoint_of(self, request: Request) -> str:
        """The endpoint with its operation: ``POST /graphql query GetOrder``, ``POST /rpc eth_call``."""
        endpoint = self.endpoint(request.method, request.target)
        operation = operation_of(request)
        return f"{endpoint} {operation}" if operation else endpoint

    def endpoint(self, method: str, target: bytes) -> str:
        """``GET /orders/{id}`` for a request, also one that was not among those learnt from. Without operation."""
        segments = segments_of(target)
        given = self.given(method, segments)
        if given is not None:
            return f"{method} /{'/'.join(given.segments)}"
        if segments == ("*",):
            return f"{method} *"
        return f"{method} /{'/'.join(name for name, _ in self._walk(segments))}"

    def evidence(self, endpoint: str) -> tuple[Evidence, ...]:
        """Why each parameter of ``endpoint`` (of :meth:`endpoint` or :meth:`endpoint_of`) is one, in order."""
        method, _, rest = endpoint.partition(" ")
        path = rest.partition(" ")[0]
        segments = tuple(path.split("/")[1:])
        for given in self._by_length.get(len(segments), ()):
            if given.segments == segments and given.method in ("", method.upper()):
                return tuple(
                    Evidence("/" + "/".join(segments[:index]), segment, GIVEN, 0, {}, ())
                    for index, segment in enumerate(segments)
                    if _BRACED.search(segment)
                )
        found = []
        for index, (name, ground) in enumerate(self._walk(segments)):
            if ground is not None:
                after = "/" + "/".join(segments[:index])
                found.append(Evidence(after, name, ground.text, ground.different, ground.formats, ground.samples))
        return tuple(found)

    def complaints(self, elsewhere: frozenset[str] = frozenset()) -> list[str]:
        """What is wrong with the user's templates, as sentences: two that mean the same requests, one never met.

        ``elsewhere``: those that other templates of the same capture made use of.
        """
        told: list[str] = []
        shapes: dict[tuple[str, tuple[str, ...]], Given] = {}
        for given in self.explicit:
            first = shapes.setdefault(given.shape, given)
            if first is not given:
                told.append(f"[endpoints] {given.text!r} means the same requests as {first.text!r}, which is used.")
            elif given.text not in self.used | elsewhere:
                told.append(f"[endpoints] {given.text!r} fits no request here that no more specific template fits.")
        return told

    def _walk(self, segments: Sequence[str]) -> Iterable[tuple[str, Ground | None]]:
        """Each segment as it stands in the endpoint, with what is known of a parameter. Idempotent over templates."""
        place = self.root
        guarded = True  # the first segment, and the one after a version: only what looks like an id, or never
        for index, segment in enumerate(segments):
            name: str | None = segment if ID in segment and segment in place.parameters else None
            if name is None:
                found = parameter(segment, index)
                name = found[0] if found else None
            if name is None and not guarded and place.takes(segment):
                name = ID
            if name is None:
                yield segment, None
                place = place.children.get(segment, NOWHERE)
            else:
                yield name, place.grounds.get(name)
                place = place.parameters.get(name, NOWHERE)
            guarded = still_guarded(guarded, segment)


def segments_of(target: bytes) -> tuple[str, ...]:
    """The path of a raw target, cut at ``/``, nothing decoded (latin-1); ``("*",)`` and authorities stay whole."""
    text = target.decode("latin-1").split("?", 1)[0].split("#", 1)[0]
    if not text.startswith("/"):
        text = _ORIGIN.sub("", text, count=1) or "/"
    if not text.startswith("/"):
        return (text,)
    return tuple(text[1:].split("/"))


def explicit_templates(section: Mapping[str, object]) -> tuple[str, ...]:
    """The ``templates`` of ``[endpoints]``. Raises :class:`ConfigError` naming a malformed one."""
    given = section.get("templates", [])
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise ConfigError('[endpoints] templates must be a list of strings like "GET /orders/{id}".')
    for template in given:
        parse_template(template)
    return tuple(given)


def parse_template(text: str) -> Given:
    """``GET /orders/{order}`` as a template. Raises :class:`ConfigError` naming it when it is malformed."""
    hint = 'Like: templates = ["GET /orders/{order}", "/files/{name}.{kind}", "GET /users/me"]'
    match = _TEMPLATE.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f'[endpoints] template {text!r} is not of the form "METHOD /path/{{name}}".', hint=hint)
    segments = tuple(match["path"].split("/")[1:])
    for segment in segments:
        rest = _BRACED.sub("", segment)
        if "{" in rest or "}" in rest:
            raise ConfigError(f"[endpoints] template {text!r} has a malformed parameter in {segment!r}.", hint=hint)
        if "}{" in segment:
            raise ConfigError(f"[endpoints] template {text!r} has two parameters with nothing between.", hint=hint)
    patterns = tuple(_pattern(segment) if "{" in segment else None for segment in segments)
    return Given(text.strip(), (match["method"] or "").upper(), segments, patterns)


def _pattern(segment: str) -> re.Pattern[str]:
    fixed = [re.escape(piece) for piece in _BRACED.split(segment)]
    return re.compile("(.+?)".join(fixed) if len(fixed) > 2 else "(.+)".join(fixed))
