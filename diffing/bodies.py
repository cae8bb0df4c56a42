"""Two bodies of one place: by what they say where they say something, by lines, by parts, else by their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from difflib import SequenceMatcher
from typing import Any

from captures import jsontext
from captures.decoding import (
    BinaryBody,
    Decoded,
    EmptyBody,
    FormBody,
    JsonBody,
    MultipartBody,
    TextBody,
    Undecodable,
    decode,
)
from captures.model import Headers, header
from diffing.embedded import judge_text
from diffing.flatten import same
from diffing.jsonwalk import JsonComparison
from diffing.model import ABSENT
from diffing.place import Accepted, Place, Verdicts
from diffing.profile import Node, Profile

MAX_LINES = 3_000  # beyond it lines are compared by position, not aligned


def compare_bodies(
    place: Place, verdicts: Verdicts, recorded: tuple[bytes, Headers], replayed: tuple[bytes, Headers]
) -> bool:
    """Compare (body, headers) of both sides; whether the decoded bodies are equal byte for byte."""
    if not place.learning and recorded[0] == replayed[0] and _told_alike(recorded[1], replayed[1]):
        return True  # equal bytes under equal headers say the same: nothing is parsed
    left, right = decode(*recorded), decode(*replayed)
    if _bytes_equal(recorded, replayed, left, right):
        if place.learning and isinstance(left, JsonBody):
            JsonComparison(place, verdicts, _node(place)).run(left.value, left.value)
        return True
    rule = next((rule for rule in place.rules.for_part(f"{place.where}.body") if rule.path is None), None)
    if rule is not None and not isinstance(right, EmptyBody):
        complaint = rule.matcher.complaint(_as_json(left), _as_json(right))
        if complaint is None:
            verdicts.rule(rule.id)
        else:
            _find(place, verdicts, "rule-broken", _brief(left), _brief(right), f"{complaint} ({rule.id})")
        return False
    before = verdicts.count()
    _compare(place, verdicts, left, right)
    if not place.learning and before == verdicts.count():
        # Fail closed: unequal bytes end as a finding or as a named rule, whatever the walk above overlooked.
        from diffing.describe import describe

        _find(place, verdicts, "changed", _brief(left), _brief(right), describe(_as_json(left), _as_json(right)))
    return False


def _told_alike(recorded: Headers, replayed: Headers) -> bool:
    return all(header(recorded, name) == header(replayed, name) for name in ("content-type", "content-encoding"))


def learn_body(profile: Profile, scope: str, body: bytes, headers: Headers, asked: Hashable | None = None) -> None:
    """Count a recorded body into the profile. ``asked``: see :meth:`diffing.profile.Profile.add`."""
    decoded = decode(body, headers)
    value = _structured(decoded)
    if value is not None or isinstance(decoded, JsonBody):
        profile.add(scope, "body", value, asked)


def _node(place: Place) -> Node | None:
    return place.profile.tree(place.scope, "body")


def _bytes_equal(
    recorded: tuple[bytes, Headers], replayed: tuple[bytes, Headers], left: Decoded, right: Decoded
) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, JsonBody) and isinstance(right, JsonBody):
        return left.text == right.text
    if isinstance(left, TextBody) and isinstance(right, TextBody):
        return left.text == right.text
    if isinstance(left, BinaryBody | Undecodable) and isinstance(right, BinaryBody | Undecodable):
        return left.data == right.data
    return recorded[0] == replayed[0] or left == right


def _compare(place: Place, verdicts: Verdicts, left: Decoded, right: Decoded) -> None:
    if isinstance(left, EmptyBody) or isinstance(right, EmptyBody):
        change = "appeared" if isinstance(left, EmptyBody) else "emptied"
        _find(place, verdicts, change, _brief(left), _brief(right))
        return
    if isinstance(left, JsonBody) and isinstance(right, JsonBody):
        _compare_json(place, verdicts, left, right)
        return
    one, other = _structured(left), _structured(right)
    if one is not None and other is not None and type(left) is type(right):
        JsonComparison(place, verdicts, _node(place)).run(one, other)
        if same(one, other):
            verdicts.rule("builtin.layout")
        return
    if isinstance(left, TextBody) and isinstance(right, TextBody):
        compare_text(place, verdicts, left.text, right.text)
        return
    if isinstance(left, Undecodable) and isinstance(right, Undecodable):
        _compare_undecodable(place, verdicts, left, right)
    elif isinstance(right, Undecodable):
        _find(place, verdicts, "undecodable", _brief(left), _brief(right), right.reason)
    elif isinstance(left, Undecodable):
        verdicts.inconclusive.append(f"the recorded body is not what its headers say ({left.reason})")
        _find(place, verdicts, "changed", _brief(left), _brief(right), left.reason)
    elif isinstance(left, BinaryBody) and isinstance(right, BinaryBody):
        _find(place, verdicts, "binary-changed", _digest(left.data), _digest(right.data))
    else:
        _find(place, verdicts, "kind-changed", _brief(left), _brief(right), f"{_kind(left)} became {_kind(right)}")


def _compare_json(place: Place, verdicts: Verdicts, left: JsonBody, right: JsonBody) -> None:
    before = verdicts.count()
    JsonComparison(place, verdicts, _node(place)).run(left.value, right.value)
    told = verdicts.count() != before
    twice = [path for path in right.duplicates if path not in left.duplicates]
    once = [path for path in left.duplicates if path not in right.duplicates]
    if twice or once:
        evidence = f"{(twice or once)[0]} stands twice in the {'replayed' if twice else 'recorded'} body"
        _find(place, verdicts, "duplicate-keys", list(left.duplicates), list(right.duplicates), evidence)
    elif not told and same(left.value, right.value):
        verdicts.rule("builtin.layout")


def _compare_undecodable(place: Place, verdicts: Verdicts, left: Undecodable, right: Undecodable) -> None:
    """As text where they are text, else as bytes."""
    try:
        compare_text(place, verdicts, left.data.decode("utf-8"), right.data.decode("utf-8"))
    except UnicodeDecodeError:
        verdicts.inconclusive.append(f"a body is not what its headers say on either side ({left.reason})")
        _find(place, verdicts, "binary-changed", _digest(left.data), _digest(right.data), left.reason)


def compare_text(place: Place, verdicts: Verdicts, recorded: str, replayed: str) -> None:
    """Compare by lines; what differs within a line may be accepted piece by piece."""
    left, right = recorded.splitlines(), replayed.splitlines()
    if left == right:
        _find(place, verdicts, "text-changed", "line ends", "line ends", "only the line ends differ")
        return
    verdicts.spend(len(left) + len(right))
    changed: list[tuple[int, Any, Any]] = []
    for at, one, other in _lines(left, right, verdicts):
        if one is None or other is None:
            changed.append((at, ABSENT if one is None else one, ABSENT if other is None else other))
            continue
        outcome = judge_text(one, other, (), None, place)
        if isinstance(outcome, Accepted):
            verdicts.rule(*outcome.rules)
        else:
            changed.append((at, one, other))
    if changed and not place.learning:
        at, one, other = changed[0]
        evidence = f"{len(changed)} of {max(len(left), len(right))} lines, the first at line {at + 1}"
        verdicts.find(
            place, f"{place.side}.body.text-changed", f"{place.where}.body", f"line {at + 1}", one, other, evidence
        )


def _lines(left: list[str], right: list[str], verdicts: Verdicts) -> list[tuple[int, str | None, str | None]]:
    if len(left) == len(right):
        return [(at, one, other) for at, (one, other) in enumerate(zip(left, right, strict=True)) if one != other]
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    ours, theirs = left[start : len(left) - end], right[start : len(right) - end]
    rows: list[tuple[int, str | None, str | None]] = []
    codes: list[tuple[str, int, int, int, int]]
    if max(len(ours), len(theirs)) > MAX_LINES:
        codes = [("replace", 0, len(ours), 0, len(theirs))]
    else:
        verdicts.spend(len(ours) * len(theirs) // 50)
        codes = list(SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes())
    for word, i1, i2, j1, j2 in codes:
        if word == "equal":
            continue
        common = min(i2 - i1, j2 - j1)
        rows.extend((start + i1 + at, ours[i1 + at], theirs[j1 + at]) for at in range(common))
        rows.extend((start + at, ours[at], None) for at in range(i1 + common, i2))
        rows.extend((start + i1, None, theirs[at]) for at in range(j1 + common, j2))
    return rows


def _structured(body: Decoded) -> Any:
    """Forms, multipart bodies and JSON as one JSON-like value, None for what has no members."""
    if isinstance(body, JsonBody):
        return body.value
    if isinstance(body, FormBody):
        return _members(body.fields)
    if isinstance(body, MultipartBody):
        return _members(
            tuple(
                (part.name, {"filename": part.filename, "type": _kind(part.content), "content": _as_json(part.content)})
                for part in body.parts
            )
        )
    if isinstance(body, TextBody) and "json" in body.media_type:  # NDJSON, and several values sent as one
        return _json_lines(body.text)
    return None


def _members(pairs: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """Repeated names become arrays; single ones stay values."""
    names: dict[str, list[Any]] = {}
    for name, value in pairs:
        names.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in names.items()}


def _as_json(body: Decoded) -> Any:
    if isinstance(body, TextBody):
        return body.text
    if isinstance(body, BinaryBody | Undecodable):
        return _digest(body.data)
    return None if isinstance(body, EmptyBody) else _structured(body)


def _json_lines(text: str) -> list[Any] | None:
    try:
        return [jsontext.parse(line)[0] for line in text.split("\n") if line.strip()]
    except ValueError:
        return None


def _kind(body: Decoded) -> str:
    return {
        JsonBody: "JSON",
        TextBody: "text",
        FormBody: "a form",
        MultipartBody: "multipart",
        BinaryBody: "bytes",
        EmptyBody: "nothing",
        Undecodable: "undecodable",
    }[type(body)]


def _digest(data: bytes) -> str:
    return f"sha256 {hashlib.sha256(data).hexdigest()}, {len(data):,} bytes"


def _brief(body: Decoded) -> Any:
    return ABSENT if isinstance(body, EmptyBody) else _as_json(body)


def _find(place: Place, verdicts: Verdicts, change: str, recorded: Any, replayed: Any, evidence: str = "") -> None:
    location = f"{place.where}.body"
    verdicts.find(place, f"{place.side}.body.{change}", location, location, recorded, replayed, evidence)
