"""A digest beside what it is the digest of: equal content has an equal one.

A digest looks made at random and never is: ``sha256`` differs when the file differs. Beside a size or a content that
stayed, with everything else of the object as recorded, nothing else says that the file is another one, so it is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from diffing.values.layouts import layout_of
from diffing.values.names import words
from diffing.values.volatile import shape_of
from diffing.walk.flatten import same

if TYPE_CHECKING:
    from diffing.contract.profile import Node

_OF = frozenset("size length bytes content contents data body text payload".split())


def unfounded(recorded: dict[str, Any], replayed: dict[str, Any], node: Node | None) -> Iterator[tuple[str, str]]:
    """(member, evidence) of every digest that changed while what it is beside stayed."""
    digests = layout_of(recorded).digests
    changed = [name for name in digests if recorded[name] != replayed.get(name)]
    if not changed or recorded.keys() != replayed.keys():
        return
    others = [name for name in recorded if name not in digests]
    kept = next((name for name in others if _OF.intersection(words(name)[-1:]) and recorded[name]), None)
    if kept is None or not all(same(recorded[name], replayed[name]) for name in others):
        return
    for name in changed:
        below = node.child(name) if node is not None else None
        if below is not None and below.moving():
            continue
        if _is_digest(recorded[name]) and _is_digest(replayed[name]):
            yield name, f"{kept} and everything else beside {name} are as recorded"


def _is_digest(value: Any) -> bool:
    shape = shape_of(value) if type(value) is str else None
    return shape is not None and shape.kind == "digest"
