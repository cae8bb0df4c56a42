"""Two bodies of one place: by what they say where they say something, by lines, by parts, else by their bytes."""

from __future__ import annotations

import codecs
import json
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from captures.formats.binaryvalues import described
from captures.formats.bodykinds import name_of
from captures.formats.decoding import (
    BinaryBody,
    Decoded,
    EmptyBody,
    FormBody,
    JsonBody,
    MultipartBody,
    TextBody,
    Undecodable,
    content_decoded,
    decode,
    media_type,
)
from captures.formats.jsonlayout import same_but_layout
from captures.formats.jsontext import DEEPEST, MAX_NESTING, deeper_than, shadowed
from captures.formats.mediatypes import is_json
from captures.formats.structures import Structure, Unreadable, structured, structures
from captures.model import Headers, header
from diffing.contract.profile import Node, Profile
from diffing.messages.texts import compare_text
from diffing.model import ABSENT
from diffing.place import Place, Verdicts
from diffing.walk.flatten import same
from diffing.walk.jsonwalk import JsonComparison

Message = tuple[bytes, Headers]

_CODING, _LAYOUT = "builtin.content-coding", "builtin.layout"


def compare_bodies(place: Place, verdicts: Verdicts, recorded: Message, replayed: Message) -> bool:
    """Compare (body, headers) of both sides; whether the decoded bodies are equal byte for byte."""
    alike = told_alike(recorded[1], replayed[1])
    if not place.learning and alike and recorded[0] == replayed[0]:
        return True  # equal bytes under equal headers say the same: nothing is parsed
    rule = next((rule for rule in place.rules.for_part(f"{place.where}.body") if rule.path is None), None)
    if not place.learning and alike and rule is None:
        known = _rule_at_once(recorded, replayed)
        if known is not None:
            verdicts.rule(known)
            return known == _CODING
    left = decode(*recorded, DEEPEST)
    right = left if alike and recorded[0] == replayed[0] else decode(*replayed, DEEPEST)
    if _decoded_equal(left, right):
        if place.learning:
            _learn_equal(place, verdicts, left)
        elif isinstance(left, JsonBody | TextBody) and content_decoded(*recorded) != content_decoded(*replayed):
            one, other = (
                _charset(content_decoded(*side), body) for side, body in ((recorded, left), (replayed, right))
            )
            _find(place, verdicts, "charset-changed", one, other, "the same text in other bytes")
        elif alike and recorded[0] != replayed[0]:
            verdicts.rule(_CODING)
        return True
    if rule is not None and not isinstance(right, EmptyBody):
        complaint = rule.matcher.complaint(_value(left), _value(right))
        if complaint is None:
            verdicts.rule(rule.id)
        else:
            _find(place, verdicts, "rule-broken", _brief(left), _brief(right), f"{complaint} ({rule.id})")
        return False
    before = verdicts.count()
    _compare(place, verdicts, left, right)
    if not place.learning and before == verdicts.count():
        # Fail closed: unequal bytes end as a finding or as a named rule, whatever the walk above overlooked.
        from diffing.walk.describe import describe

        _find(place, verdicts, "changed", _brief(left), _brief(right), describe(_value(left), _value(right)))
    return False


def learn_body(
    profile: Profile, scope: str, body: bytes, headers: Headers, asked: Hashable | None = None, request: int = 0
) -> None:
    """Count a recorded body into the profile. ``asked``, ``request``: see :meth:`contract.profile.Profile.add`."""
    structure = structured(decode(body, headers, DEEPEST))
    if isinstance(structure, Structure):
        profile.add(scope, "body", structure.value, asked, request)


def told_alike(recorded: Headers, replayed: Headers) -> bool:
    """Whether the headers of two bodies say that equal bytes say the same."""
    return recorded == replayed or (
        header(recorded, "content-type") == header(replayed, "content-type")
        and header(recorded, "content-encoding") == header(replayed, "content-encoding")
    )


def _rule_at_once(recorded: Message, replayed: Message) -> str | None:
    """The rule under which unequal bytes say the same, where that can be told without decoding them; else None."""
    try:
        left, right = content_decoded(*recorded), content_decoded(*replayed)
    except ValueError:
        return None  # a broken content coding: decoding says so
    if left == right:
        return _CODING
    return _LAYOUT if is_json(media_type(recorded[1])) and same_but_layout(left, right) else None


def _node(place: Place) -> Node | None:
    return place.profile.tree(place.scope, "body")


def _decoded_equal(left: Decoded, right: Decoded) -> bool:
    """Whether nothing but content codings, charsets and boundaries tells them apart. Never compares deep values."""
    if type(left) is not type(right):
        return False
    if isinstance(left, JsonBody | TextBody) and isinstance(right, JsonBody | TextBody):
        return left.text == right.text
    if isinstance(left, BinaryBody | Undecodable) and isinstance(right, BinaryBody | Undecodable):
        return left.data == right.data
    if isinstance(left, MultipartBody) and isinstance(right, MultipartBody):
        ours, theirs = ([(part.headers, part.body) for part in side.parts] for side in (left, right))
        return ours == theirs
    if isinstance(left, FormBody) and isinstance(right, FormBody):
        return left.fields == right.fields
    return True  # nothing on either side


def _charset(data: bytes, body: Decoded) -> str:
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    name = body.charset if isinstance(body, TextBody) else json.detect_encoding(data)
    return f"{name.removesuffix('-sig')}{' with a byte order mark' if marked else ''}"


def _learn_equal(place: Place, verdicts: Verdicts, body: Decoded) -> None:
    structure = structured(body)
    if isinstance(structure, Structure):
        verdicts.spend(_reach(body, structure.value))
        JsonComparison(place, verdicts, _node(place)).run(structure.value, structure.value)


def _compare(place: Place, verdicts: Verdicts, left: Decoded, right: Decoded) -> None:
    if isinstance(left, EmptyBody) or isinstance(right, EmptyBody):
        change = "appeared" if isinstance(left, EmptyBody) else "emptied"
        _find(place, verdicts, change, _brief(left), _brief(right))
        return
    one, other = structures((left, right))
    if isinstance(one, Structure) and isinstance(other, Structure) and one.kind == other.kind:
        verdicts.spend(_reach(left, one.value) + _reach(right, other.value))
        found = len(verdicts.findings)
        if one.duplicates and isinstance(left, JsonBody) and isinstance(right, JsonBody) and not place.learning:
            _compare_shadowed(place, verdicts, left, right)
        _compare_structures(place, verdicts, one, other, told=len(verdicts.findings) > found)
    elif isinstance(one, Structure) and isinstance(other, Unreadable) and one.kind == other.kind:
        _find(place, verdicts, "undecodable", _brief(left), _brief(right), other.reason)
    elif isinstance(left, TextBody) and isinstance(right, TextBody):
        compare_text(place, verdicts, left.text, right.text)
    elif isinstance(left, Undecodable) and isinstance(right, Undecodable):
        _compare_undecodable(place, verdicts, left, right)
    elif isinstance(right, Undecodable):
        _find(place, verdicts, "undecodable", _brief(left), _brief(right), right.reason)
    elif isinstance(left, Undecodable):
        verdicts.inconclusive.append(f"the recorded body is not what its headers say ({left.reason})")
        _find(place, verdicts, "changed", _brief(left), _brief(right), left.reason)
    elif isinstance(left, BinaryBody) and isinstance(right, BinaryBody):
        _find(place, verdicts, "binary-changed", described(left.data), described(right.data))
    else:
        evidence = f"{name_of(left)} became {name_of(right)}"
        _find(place, verdicts, "kind-changed", _brief(left), _brief(right), evidence)


def _compare_structures(place: Place, verdicts: Verdicts, left: Structure, right: Structure, *, told: bool) -> None:
    before, found = verdicts.count(), len(verdicts.findings)
    JsonComparison(place, verdicts, _node(place)).run(left.value, right.value)
    if place.learning:
        return
    _tell_literals(place, verdicts, found, [defect for defect in right.defects if defect not in left.defects])
    twice = [path for path in right.duplicates if path not in left.duplicates]
    once = [path for path in left.duplicates if path not in right.duplicates]
    if twice or once:
        evidence = f"{(twice or once)[0]} stands twice in the {'replayed' if twice else 'recorded'} body"
        _find(place, verdicts, "duplicate-keys", list(left.duplicates), list(right.duplicates), evidence)
    if found == len(verdicts.findings):  # what differs already has also lost its order and its pixels
        _compare_order(place, verdicts, left, right)
        if left.remainder != right.remainder:
            one, other = ({**side.value, "content": described(side.remainder)} for side in (left, right))
            _find(place, verdicts, "binary-changed", one, other, f"another {left.kind} of the same type and size")
    if not told and before == verdicts.count() and same(left.value, right.value):
        verdicts.rule(_LAYOUT)


def _compare_shadowed(place: Place, verdicts: Verdicts, left: JsonBody, right: JsonBody) -> None:
    """Other values under a key that stands twice on both sides: one reader takes the last of them, another the first.

    RFC 8259, 4: what is made of such an object is not predictable.
    """
    ours, theirs = shadowed(left.text), shadowed(right.text)
    for path, values in ours.items():
        if path not in theirs or same(values, theirs[path]):
            continue
        apart = Verdicts(budget=verdicts.budget)
        JsonComparison(place, apart, None).run(values, theirs[path])
        if apart.findings:
            evidence = f"{path} stands twice in both bodies, and with another value before the last one"
            _find(place, verdicts, "duplicate-keys", values, theirs[path], evidence)


def _tell_literals(place: Place, verdicts: Verdicts, found: int, defects: list[str]) -> None:
    """Give findings from ``found`` on the class of their cause: NaN or Infinity where the recording has none."""
    class_id = f"{place.side}.body.invalid-literal"
    by_path = {defect.partition(" at ")[2]: defect for defect in defects}
    for at, finding in enumerate(verdicts.findings[found:], found):
        defect = by_path.pop(finding.path, None)
        if defect is not None:
            verdicts.findings[at] = replace(finding, class_id=class_id, evidence=defect)
    if by_path:  # inside something that is new as a whole
        _find(place, verdicts, "invalid-literal", ABSENT, list(by_path.values())[:10], next(iter(by_path.values())))


def _reach(body: Decoded, value: Any) -> int:
    """What a walk that knows the way to every place costs beyond its nodes, in nodes: nothing for ordinary depths.

    A million values under five thousand levels are five thousand million steps of ways to them.
    """
    if isinstance(body, JsonBody) and body.text.count("{") + body.text.count("[") <= MAX_NESTING:
        return 0  # told at C speed
    if not deeper_than(value, MAX_NESTING):
        return 0
    steps, depth, level = 0, 0, [value]
    while level:
        depth += 1
        below = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
        steps += depth * len(below)
        level = [child for child in below if isinstance(child, dict | list)]
    return steps // 100


def _compare_order(place: Place, verdicts: Verdicts, left: Structure, right: Structure) -> None:
    """Elements or parts of different names, which the walk pairs by name, in another order."""
    moved = next((pair for pair in zip(left.order, right.order, strict=False) if pair[0] != pair[1]), None)
    if moved is None or sorted(moved[0]) != sorted(moved[1]):
        return
    one, other = list(moved[0]), list(moved[1])
    if left.kind == "multipart":
        _find(place, verdicts, "part-changed", one, other, "the same parts in another order")
    else:
        _find(place, verdicts, "array-order", one[1:], other[1:], f"children of {one[0] or 'the document'}")


def _compare_undecodable(place: Place, verdicts: Verdicts, left: Undecodable, right: Undecodable) -> None:
    """As text where they are text, else as bytes."""
    try:
        compare_text(place, verdicts, left.data.decode("utf-8"), right.data.decode("utf-8"))
    except UnicodeDecodeError:
        verdicts.inconclusive.append(f"a body is not what its headers say on either side ({left.reason})")
        _find(place, verdicts, "binary-changed", described(left.data), described(right.data), left.reason)


def _value(body: Decoded) -> Any:
    """What a rule for the whole body, and a finding about it, is shown."""
    structure = structured(body)
    if isinstance(structure, Structure):
        return structure.value
    if isinstance(body, TextBody):
        return body.text
    return described(body.data) if isinstance(body, BinaryBody | Undecodable) else None


def _brief(body: Decoded) -> Any:
    return ABSENT if isinstance(body, EmptyBody) else _value(body)


def _find(place: Place, verdicts: Verdicts, change: str, recorded: Any, replayed: Any, evidence: str = "") -> None:
    location = f"{place.where}.body"
    verdicts.find(place, f"{place.side}.body.{change}", location, location, recorded, replayed, evidence)
