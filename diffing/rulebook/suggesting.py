"""A rule for a drift that people let pass: the strictest matcher that the change satisfies.

A suggestion is text to be judged by a person, and still asserts something. What it asserts is tried on every example
before it is offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_UP, Decimal
from types import MappingProxyType
from typing import Any

from captures.errors import ConfigError
from captures.wording import counted
from diffing.contract.errorshape import SHAPE
from diffing.model import ABSENT, Finding, Group, Standing
from diffing.rulebook.forms import digest_form, is_opaque, same_shape, same_url
from diffing.rulebook.rules import parse_rules
from diffing.rulebook.rulesfile import RuleDraft, written
from diffing.values.volatile import Family, Shape, shape_of
from diffing.walk.flatten import same
from diffing.walk.jsontypes import broad_type, json_type

REASON = "say why this may vary"
NEW = "accepts that it is new: say why it may also be left out"
GONE = "accepts a removal, which is no volatility: say why no reader needs it"
NEAR = Decimal("0.1")
"""Up to this relative distance a number is suggested to stay near the recorded one."""

FEW = 4
"""Values of several types that are named one by one."""

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")  # what begins with a zero is a code, what is longer an id
_WORD = re.compile(r"[A-Za-z][A-Za-z _.-]{0,40}")
_KINDS = {"ulid": "ulid", "jwt": "jwt", "date": "date"}
_Demand = tuple[str, dict[str, Any]]


def drafts_of(
    groups: Iterable[Group],
    today: date | None = None,
    further: Mapping[str, Sequence[tuple[Any, Any]]] = MappingProxyType({}),
) -> tuple[list[RuleDraft], list[Standing]]:
    """Rules that let groups of findings pass, and the places where no rule can: a call or an exchange as a whole.

    One rule for each place at which a change stands; what several groups say of one place is one rule, too, for only
    the first rule of a place is asked. ``further``: by the id of a draft, more pairs that it has to hold of.
    """
    by_place: dict[tuple[str, str], list[Standing]] = {}
    for group in groups:
        for one in group.places or (_only(group),):
            by_place.setdefault((one.endpoint, one.location), []).append(one)
    drafts: list[RuleDraft] = []
    without: list[Standing] = []
    for standing in by_place.values():
        first = standing[0]
        count, exchanges = sum(one.count for one in standing), sum(one.exchanges for one in standing)
        name = f"drift-{first.fingerprint}"
        draft = draft_for(
            first.class_id,
            _everywhere(first.endpoint),
            first.location,
            [*(pair for one in standing for pair in one.pairs), *further.get(name, ())],
            id=name,
            evidence=f"{counted(count, 'difference')} in {counted(exchanges, 'exchange')}",
            today=today,
        )
        if draft is None:
            without.append(first)
        else:
            drafts.append(draft)
    return drafts, without


def _only(group: Group) -> Standing:
    pairs = tuple((example.recorded, example.replayed) for example in group.examples)
    return Standing(
        group.fingerprint,
        group.class_id,
        group.endpoint,
        group.location,
        group.count,
        max(group.spread, len(group.exchanges)),
        pairs or ((group.recorded, group.replayed),),
    )


def _everywhere(endpoint: str) -> str:
    return "*" if endpoint.startswith("(") else endpoint


def draft_for_finding(finding: Finding) -> RuleDraft | None:
    """The same for one finding."""
    return draft_for(
        finding.class_id, _everywhere(finding.endpoint), finding.location, [(finding.recorded, finding.replayed)]
    )


def draft_for(
    class_id: str,
    endpoint: str,
    location: str,
    pairs: Sequence[tuple[Any, Any]],
    *,
    id: str = "",  # noqa: A002 - the key of the file
    evidence: str = "",
    today: date | None = None,
) -> RuleDraft | None:
    """A rule for one place, from the (recorded, replayed) values that differed there."""
    place = location.split(" ")[0]
    if class_id == SHAPE:  # of errors alone, and a rule about a body is about every answer of the endpoint
        return None
    if place in ("exchange", "response") or (place == "outbound" and "request." not in location):
        return None
    for expect, params in _strictest_first(class_id, location, pairs):
        reason = REASON if expect != "optional" else GONE if any(new is ABSENT for _, new in pairs) else NEW
        draft = RuleDraft(endpoint, location, expect, params, reason, "", evidence, id=id, created=today)
        if _holds(draft, pairs):
            return draft
    return None


def _holds(draft: RuleDraft, pairs: Sequence[tuple[Any, Any]]) -> bool:
    try:
        written(draft)  # no TOML has half a character, which a name out of JSON may hold
        matcher = parse_rules([draft.entry()])[0].matcher
    except ConfigError:
        return False
    return all(
        matcher.optional if recorded is ABSENT or replayed is ABSENT else matcher.complaint(recorded, replayed) is None
        for recorded, replayed in pairs
    )


def _strictest_first(class_id: str, location: str, pairs: Sequence[tuple[Any, Any]]) -> Iterator[_Demand]:
    olds, news = [old for old, _ in pairs], [new for _, new in pairs]
    if any(value is ABSENT for value in (*olds, *news)):
        yield "optional", {}
        return
    if class_id.endswith((".array-order", ".order-lost")):
        yield "unordered", {}
    if location == "response.status":
        yield "one-of", {"values": _different((*olds, *news))}
        return
    kinds = {json_type(value) for value in (*olds, *news)}
    broad = {broad_type(value) for value in (*olds, *news)}
    if kinds == {"string"}:
        if not location.partition(" $")[0].endswith(".body") and all(_WHOLE.fullmatch(text) for text in (*olds, *news)):
            yield from _numbers(olds, news, whole=True)
        yield from _texts(pairs)
    elif broad == {"number"}:
        yield from _numbers(olds, news, whole=kinds == {"integer"})
    elif broad == {"boolean"}:
        yield "boolean", {}
    elif broad <= {"object", "array"}:
        yield "same-shape", {}
    elif "null" not in kinds and _short((*olds, *news)):  # TOML has no null to name
        values = _different((*olds, *news))
        if len(values) <= FEW:
            yield "one-of", {"values": values}
    yield "type", {}
    yield "any-of", {"types": _types((*olds, *news))}
    yield "any", {}


def _types(values: Sequence[Any]) -> list[str]:
    """A word for each JSON type among ``values``, the narrowest of it that they all satisfy."""
    by_type: dict[str, list[Any]] = {}
    for value in values:
        by_type.setdefault(broad_type(value), []).append(value)
    words = []
    for kind, those in by_type.items():
        if kind == "string":
            words.append(_word_of(those))
        elif kind == "number" and all(json_type(value) == "integer" for value in those):
            words.append("integer")
        else:
            words.append(kind)
    return words


def _word_of(texts: Sequence[str]) -> str:
    shapes = [shape_of(text) for text in texts]
    kinds = {shape.kind if shape is not None else "" for shape in shapes}
    moments = all(shape is not None and shape.family is Family.MOMENT for shape in shapes)
    if kinds <= {"uuid", "ulid", "date"} and len(kinds) == 1:
        return kinds.pop()
    if moments:
        return "timestamp"
    if all(_WHOLE.fullmatch(text) for text in texts):
        return f"regex:{_WHOLE.pattern}"
    return "opaque" if all(is_opaque(text) for text in texts) else "string"


def _texts(pairs: Sequence[tuple[str, str]]) -> Iterator[_Demand]:
    texts = [text for pair in pairs for text in pair]
    shapes = [shape_of(text) for text in texts]
    if all(shape is not None for shape in shapes):
        known = [shape for shape in shapes if shape is not None]
        kinds = {shape.kind for shape in known}
        if len(kinds) == 1:
            yield from _shaped(next(iter(kinds)), known, texts)
    if all(digest_form(text) for text in texts):
        forms = {form for text in texts if (form := digest_form(text))}
        yield "digest", {"format": " ".join(forms.pop())} if len(forms) == 1 else {}
    if all("/" in text and same_url(old, new) for old, new in pairs for text in (old,)):
        yield "url", {}
    if all(_WORD.fullmatch(text) for text in texts) and len(set(texts)) <= 6:
        yield "one-of", {"values": _different(texts)}
    if all(same_shape(old, new) for old, new in pairs) and all(shapes):
        yield "same-shape", {}
    if all(is_opaque(text) for text in texts):
        lengths = {len(text) for text in texts}
        yield "opaque", {"length": lengths.pop()} if len(lengths) == 1 else {}
    yield "string", {}


def _shaped(kind: str, shapes: Sequence[Shape], texts: Sequence[str]) -> Iterator[_Demand]:
    if kind == "uuid":
        versions = {text.removeprefix("urn:uuid:")[14:15].lower() for text in texts}
        version = versions.pop() if len(versions) == 1 else ""
        yield "uuid", {"format": f"v{version}"} if version and version in "12345678" else {}
    elif kind in _KINDS:
        yield _KINDS[kind], {}
    elif shapes[0].family is Family.MOMENT:
        if len({shape.facets for shape in shapes}) == 1:
            yield "timestamp", {"format": "recorded"}
        yield "timestamp", {}
    elif kind == "prefixed-id":
        prefix = str(shapes[0].facets[0]) + str(shapes[0].facets[1])
        lengths = {len(text) for text in texts}
        yield "id", {"prefix": prefix, **({"length": lengths.pop()} if len(lengths) == 1 else {})}


def _numbers(olds: Sequence[Any], news: Sequence[Any], *, whole: bool) -> Iterator[_Demand]:
    word = "integer" if whole else "number"
    far = Decimal(0)
    for old, new in zip(olds, news, strict=True):
        before, after = Decimal(str(old)), Decimal(str(new))
        if not (before.is_finite() and after.is_finite()):
            return
        far = max(far, abs(before - after) / abs(before) if before else Decimal(1))
    if far <= NEAR:
        percent = (far * 100).quantize(Decimal(1) if far > Decimal("0.01") else Decimal("0.01"), ROUND_UP)
        yield word, {"tolerance": f"{percent.normalize():f}%"}
    if min(Decimal(str(value)) for value in (*olds, *news)) >= 0:
        yield word, {"min": 0}
    yield word, {}


def _short(values: Iterable[Any]) -> bool:
    return all(not isinstance(value, dict | list) and len(str(value)) <= 60 for value in values)


def _different(values: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    for value in values:
        plain = float(value) if isinstance(value, Decimal) else value
        if not any(same(plain, one) for one in out):
            out.append(plain)
    return out


def careful(draft: RuleDraft) -> str:
    """What one should not overlook of a rule that was made by itself; empty for most."""
    if draft.reason == GONE:
        return f"{draft.id} accepts that {draft.location} is gone: whoever reads it breaks, and nothing varies."
    if draft.expect == "any":
        return f"{draft.id} accepts whatever is at {draft.location}, of whatever type."
    types = draft.params.get("types", [])
    if "object" in types or "array" in types:
        return f"{draft.id} says nothing of what is inside {draft.location}, which changed its type."
    return ""


def as_row(draft: RuleDraft) -> Mapping[str, Any]:
    """A draft as JSON data."""
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in draft.entry().items()}
