"""Ids inside a token: one that has separators in it may be a composite key, whose parts name objects.

``tenant-ord_8fk2b1.v2`` looks like one random run of characters. Its parts are held to the same bijection as every
other id of the run, before the whole may pass as a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diffing.place import Place

LONGEST = 512  # characters: a longer token is no key
SHORTEST = 5  # characters of a part
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ANY = re.compile(r"[^A-Za-z0-9]+")
_CUTS = (re.compile(r"[./~:+=\"]+"), re.compile(r"[./~:+=\"-]+"), re.compile(r"[./~:+=\"_]+"), _ANY)


def judge_ids(recorded: str, replayed: str, place: Place) -> str:
    """Why an id in ``recorded`` is not renamed as in the rest of the run; "" when all are. Learns them, first."""
    if len(recorded) > LONGEST:
        return ""
    identity = place.identity
    if place.learning:
        shape = place.shape(recorded)
        if shape is not None and shape.identity:
            return ""  # the whole is an id, and learnt
        for one, other in parts(recorded, replayed):
            shape = place.shape(one)
            if shape is not None and shape.identity and shape.strong:
                identity.observe(one, other)
        return ""
    if identity.times(recorded, recorded) or identity.times(replayed, replayed):
        return identity.contradiction(recorded, replayed) or ""
    for one, other in parts(recorded, replayed):
        if identity.partner(one) is not None or identity.origin(other) is not None:
            broken = identity.contradiction(one, other)
            if broken is not None:
                return f"{one} in it became {other}: {broken}"
    return ""


def parts(recorded: str, replayed: str) -> Iterator[tuple[str, str]]:
    """Unequal parts in the same place of both, as each of the usual separators cuts them; each pair once."""
    if recorded.isalnum():
        return
    seen = {(recorded, replayed)}
    if recorded.count("-") >= 4:
        ours, theirs = _UUID.findall(recorded), _UUID.findall(replayed)
        if ours and len(ours) == len(theirs) and _UUID.split(recorded) == _UUID.split(replayed):
            yield from (pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1])
            return
    for cut in _CUTS if len(_ANY.findall(recorded)) > 1 else (_ANY,):
        if cut.findall(recorded) != cut.findall(replayed):
            continue
        for pair in zip(cut.split(recorded), cut.split(replayed), strict=True):
            if pair[0] != pair[1] and len(pair[0]) >= SHORTEST and pair not in seen:
                seen.add(pair)
                yield pair
