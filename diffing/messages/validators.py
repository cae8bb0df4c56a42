"""An entity tag that stays while the body changes: whoever has the old body is told that it is still good.

A strong ETag stands for the bytes of one representation (RFC 9110, 8.8.1). Only tags that look made of the content are
asked: ``"v1"`` counts versions, and weak ones leave it to the service what is the same.
"""

from __future__ import annotations

import re

from captures.model import Response, header
from diffing.place import Place, Verdicts

_MADE = re.compile(r'"(?=[^"]*[0-9])[A-Za-z0-9+/_=:-]{8,}"')
_COUNTED = re.compile(r'"[A-Za-z]*[-_]?[0-9.-]+"')


def find_kept_validator(place: Place, verdicts: Verdicts, method: str, recorded: Response, replayed: Response) -> None:
    """Note an ETag that is equal beside bodies that say something else."""
    tag = header(recorded.headers, "etag")
    if tag is None or tag != header(replayed.headers, "etag") or method not in ("GET", "HEAD"):
        return
    text = tag.decode("latin-1")
    if recorded.status != 200 or replayed.status != 200 or _MADE.fullmatch(text) is None or _COUNTED.fullmatch(text):
        return
    location = "response.header etag"
    if next(iter(place.rules.for_part(location)), None) is None:
        evidence = "the same strong tag beside another body (RFC 9110, 8.8.1)"
        verdicts.find(place, "response.header.validator-kept", location, location, text, text, evidence)
