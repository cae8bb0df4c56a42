"""Errors as a contract of their own: clients branch on the shape of an error's body and on its codes, people read it.

In answers of 4xx and 5xx of equal status all that is structural (fields gone or of other types, another kind of body,
another media type) has one cause, the error handler, and is one finding. What a machine reads (``code``, ``type``) is
judged as any value; sentences for people may be reworded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from captures.formats.decoding import EmptyBody, JsonBody, TextBody, decode
from captures.model import Response
from diffing.classes import class_of
from diffing.model import ABSENT, Finding, Level
from diffing.values.names import words

SHAPE = "response.error-shape"
MESSAGE = "response.error-message"
TOLD = 4  # details in the evidence
LONGEST = 65_536
"""Bytes of a body that is shown as it is; of a longer one what differs in it."""

_STRUCTURAL = frozenset(
    "field-removed optional-field-removed field-added field-renamed field-moved null-left-out type-changed "
    "became-null null-changed format-changed number-widened kind-changed undecodable emptied appeared "
    "array-emptied duplicate-keys map-key-removed map-key-added".split()
)
_VALUES = frozenset({"value-changed", "constant-changed", "enum-value-added", "string-form", "out-of-range"})
_FOR_PEOPLE = frozenset(
    "message msg detail details description title reason hint text error errors summary help".split()
)
_SENTENCE = re.compile(r"\S+\s+\S+")


def judged_as_error(findings: Sequence[Finding], old: Response, new: Response) -> list[Finding]:
    """The findings of a pair of error answers of one status, read as such; what both say is their bodies."""
    read = [_message(finding) for finding in findings]
    structural = [finding for finding in read if _is_structural(finding)]
    if not any(class_of(finding.class_id).level is Level.ERROR for finding in structural):
        return read
    first = next(finding for finding in structural if class_of(finding.class_id).level is Level.ERROR)
    structural.sort(key=lambda finding: finding.class_id != "response.media-type")
    details = [_detail(finding) for finding in structural]
    more = f" and {len(details) - TOLD} more" if len(details) > TOLD else ""
    whole = replace(
        first,
        class_id=SHAPE,
        location="response.body",
        path="response.body",
        evidence=f"{'; '.join(details[:TOLD])}{more}",
    )
    bodies = _body(old), _body(new)
    if None not in bodies and bodies[0] != bodies[1]:
        whole = replace(whole, recorded=bodies[0], replayed=bodies[1])
    elif len(structural) > 1:
        whole = replace(
            whole,
            recorded={finding.path: _shown(finding.recorded) for finding in structural},
            replayed={finding.path: _shown(finding.replayed) for finding in structural},
        )
    return [whole if finding is first else finding for finding in read if finding is first or finding not in structural]


def _body(response: Response) -> Any:
    """What is read of a body: its JSON value, its text, :data:`ABSENT` for none; None for a long one and any other."""
    if len(response.body) > LONGEST:
        return None
    decoded = decode(response.body, response.headers)
    if isinstance(decoded, JsonBody):
        return decoded.value
    if isinstance(decoded, TextBody):
        return decoded.text
    return ABSENT if isinstance(decoded, EmptyBody) else None


def _is_structural(finding: Finding) -> bool:
    if finding.class_id == "response.media-type":
        return True
    side, _, change = finding.class_id.rpartition(".")
    return side == "response.body" and change in _STRUCTURAL


def _detail(finding: Finding) -> str:
    change = finding.class_id.removeprefix("response.").removeprefix("body.").replace("-", " ")
    where = "" if finding.path in ("response.body", "response.header content-type") else f" {finding.path}"
    why = f" ({finding.evidence})" if finding.evidence else ""
    return f"{change}{where}{why}"


def _shown(value: object) -> object:
    return "absent" if value is ABSENT else value


def _message(finding: Finding) -> Finding:
    side, _, change = finding.class_id.rpartition(".")
    if side != "response.body" or change not in _VALUES:
        return finding
    names = re.findall(r"\.?([A-Za-z_][\w-]*)", re.sub(r"\[\d+\]|\['|'\]", ".", finding.path))
    last = words(names[-1])[-1:] if names else ()
    sentences = all(type(side) is str and _SENTENCE.search(side) for side in (finding.recorded, finding.replayed))
    if not sentences or not last or last[0] not in _FOR_PEOPLE:
        return finding
    return replace(finding, class_id=MESSAGE, evidence=finding.evidence or "a sentence for people")
