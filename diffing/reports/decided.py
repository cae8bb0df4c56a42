"""What the comparison decided about one message: which item is which, what moved, and why values passed.

Only where the judgement was kept with its trace; elsewhere the drawing has to guess (:mod:`diffing.reports.alignment`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from captures.jsonpaths import Place
from captures.visible import visible
from diffing.model import Acceptance, Judgement
from diffing.reports.text import clip
from diffing.rulebook.builtins import BUILTIN_RULES

Pairs = tuple[tuple[int, int], ...]
Call = tuple[int | None, int | None]

SAID = 90  # characters of what is said beside a value


@dataclass(frozen=True, slots=True)
class Decided:
    """One message. Places are those of the recorded document, but for ``came``, which are those of the replayed one."""

    words: Mapping[str, str] = field(default_factory=dict)  # "$.items[0].id", "header date" -> why it passed, in words
    pairs: Mapping[Place, Pairs] = field(default_factory=dict)  # of arrays: (recorded position, replayed position)
    went: Mapping[Place, Place] = field(default_factory=dict)
    came: Mapping[Place, Place] = field(default_factory=dict)

    @classmethod
    def of(cls, judgement: Judgement | None, side: str, call: Call = (None, None)) -> Decided:
        """``side``: "response", or "request" of the outbound ``call`` (its recorded and replayed id)."""
        if judgement is None:
            return cls()
        words: dict[str, str] = {}
        for one in judgement.accepted:
            _, found, part = one.location.partition(f"{side}.")
            if found and one.outbound == call:
                words[one.path if part.startswith("body") else part.partition(" attribute")[0]] = in_words(one)
        arranged = [one for one in judgement.arranged if one.outbound == call and one.where.endswith(f"{side}.body")]
        moved = [one for one in arranged if one.pairs is None and one.recorded != one.replayed]
        return cls(
            words,
            {one.recorded: one.pairs for one in arranged if one.pairs is not None},
            {one.recorded: one.replayed for one in moved},
            {one.replayed: one.recorded for one in moved},
        )


NOTHING = Decided()


def in_words(one: Acceptance) -> str:
    """Why a rule let a value pass, in plain words and with the rule's name: ``uuid v4, named id (volatile.uuid)``."""
    rule = one.rules[0] if one.rules else ""
    why = one.why.replace("; ", ", ") or next((known.accepts for known in BUILTIN_RULES if known.id == rule), "")
    return clip(visible(f"{why} ({rule})" if why and rule else why or rule), SAID)
