"""Which values the replay itself put in the place of recorded ones, as the run says it, in the words of identities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

NUMBER = 6
"""Digits of a number that stands for nothing else wherever it stands."""
WORD = 4
"""Characters of a text that does."""


def under(name: str, value: object) -> str:
    """The identity of a value that ``[[chain]]`` names: its looks mean nothing but under the name it was taken from."""
    return f"[{name}] {value}"


def handed_pairs(meta: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Where dependencies were reached, as the recorded build and as the new one were told: authorities."""
    return tuple((str(one), str(other)) for one, other in meta.get("handed_over") or () if one != other)


def certain_pairs(meta: Mapping[str, Any], sessions: Iterable[int]) -> Iterator[tuple[str, str]]:
    """Pairs out of a run's ``meta``. ``sessions``: of the recording, whose numbers mean nothing without them.

    What is bound by a noun stands as (recorded, new, kind, name): kind ``id`` for a number of that noun, ``value`` for
    a text, ``field`` for what a rule named.
    """
    for one, other in meta.get("bindings") or ():
        if one != other:
            yield str(one), str(other)
    numbers = tuple(sessions)
    for one, other, kind, name in meta.get("named_bindings") or ():
        if one == other:
            continue
        if kind == "id":
            noun = str(name).rpartition("_")[2]
            for session in numbers:
                yield f"{session}:{noun}#{one}", f"{session}:{noun}#{other}"
            continue
        if kind == "field" and name:
            yield under(name, one), under(name, other)
        if len(one) >= (NUMBER if one.isdigit() else WORD):
            yield str(one), str(other)
