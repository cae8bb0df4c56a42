"""What an answer as a whole gives away, where no walk of its members tells: a stack trace in a page, the caller's own
credentials sent back.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from captures.formats.decoding import Decoded, TextBody, Undecodable, decode
from captures.model import Request, Response, header_values
from diffing.contract.internals import new_internals
from diffing.model import ABSENT, Finding
from diffing.place import Place, Verdicts
from diffing.rulebook.builtins import CREDENTIALS

SHORTEST = 8  # characters of a credential: a shorter one stands elsewhere by chance

_BODY = "response.body"
_UNWALKED = frozenset(
    f"{_BODY}.{change}" for change in ("text-changed", "kind-changed", "appeared", "undecodable", "changed")
)
_SECRETS = re.compile(r"[^\s=;,]+")


def find_leaks(
    place: Place, verdicts: Verdicts, recorded: tuple[Request, Response], replayed: tuple[Request, Response]
) -> None:
    """Look through the findings about two unequal bodies, and through bodies that were not walked."""
    if not verdicts.findings:
        return
    _echoes(verdicts, recorded[0], replayed[0])
    if not any(finding.class_id in _UNWALKED for finding in verdicts.findings):
        return
    before, after = (decode(side.body, side.headers) for side in (recorded[1], replayed[1]))
    if isinstance(after, TextBody | Undecodable):
        found = new_internals(_text(before), _text(after))
        if found:
            verdicts.find(place, f"{_BODY}.internals-exposed", _BODY, _BODY, ABSENT, found, f"{found} in the body")


def _echoes(verdicts: Verdicts, recorded: Request, replayed: Request) -> None:
    secrets = _credentials(replayed)
    if not secrets:
        return
    before = _credentials(recorded) | secrets
    for at, finding in enumerate(verdicts.findings):
        new = finding.class_id.startswith(f"{_BODY}.") and _holds(finding.replayed, secrets)
        if new and not _holds(finding.recorded, before):
            verdicts.findings[at] = _exposed(finding)


def _exposed(finding: Finding) -> Finding:
    why = "it holds a credential that the request was sent with"
    return replace(finding, class_id=f"{_BODY}.secret-exposed", evidence=why)


def _credentials(request: Request) -> set[str]:
    """What authenticates ``request``: tokens, keys, cookies' values."""
    found: set[str] = set()
    for name in CREDENTIALS:
        for value in header_values(request.headers, name):
            found.update(piece for piece in _SECRETS.findall(value.decode("latin-1")) if len(piece) >= SHORTEST)
    return {secret for secret in found if any(map(str.isdigit, secret))}


def _holds(value: Any, secrets: set[str]) -> bool:
    if value is ABSENT:
        return False
    text = value if type(value) is str else repr(value)
    return any(secret in text for secret in secrets)


def _text(body: Decoded) -> str:
    if isinstance(body, TextBody):
        return body.text
    return body.data.decode("utf-8", "replace") if isinstance(body, Undecodable) else ""
