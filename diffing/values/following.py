"""One value that changed in forty places: the same change, said once at its source and named in the other places.

A renamed product stands in its name, in messages and in URLs. Each place is still a finding; all but the source say
which one they repeat, so that a report can fold them. The source is where the change stands with the least around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LIMIT = 20_000  # changes remembered
LONGEST = 2_000  # characters: in a longer text nothing is looked for
SPECIFIC = 12  # letters of a word that is no status or flag
_WORD = re.compile(r"[\w-]+")

Change = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """The place that a change is told at."""

    endpoint: str
    location: str
    length: int  # of the whole recorded text there

    def __str__(self) -> str:
        return f"{self.endpoint} {self.location}"


@dataclass(slots=True)
class Repeats:
    """The source of every change of a text seen while learning."""

    sources: dict[Change, Source] = field(default_factory=dict)

    def note(self, recorded: str, replayed: str, endpoint: str, location: str) -> None:
        """Note one changed text."""
        change = core(recorded, replayed)
        if change is None:
            return
        known = self.sources.get(change)
        if known is None:
            if len(self.sources) >= LIMIT:
                return
        elif len(recorded) >= known.length:
            return
        self.sources[change] = Source(endpoint, location, len(recorded))

    def source(self, recorded: str, replayed: str, endpoint: str, location: str) -> Source | None:
        """The place whose change this one repeats; None for the source itself, and for a change of its own."""
        change = core(recorded, replayed)
        found = self.sources.get(change) if change is not None else None
        if change is None or found is None or (found.endpoint, found.location) == (endpoint, location):
            return None
        if len(recorded) == found.length == len(change[0]) and not _specific(change[0]):
            return None  # two flags that changed alike are two changes
        return found


def core(recorded: str, replayed: str) -> Change | None:
    """What was put for what in a text, in whole words; None where more than the words of one place differ."""
    if len(recorded) > LONGEST or len(replayed) > LONGEST:
        return None
    old, new = _WORD.findall(recorded), _WORD.findall(replayed)
    if len(old) != len(new) or _WORD.split(recorded) != _WORD.split(replayed):
        return None
    at = [place for place, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    if not at:
        return None
    pairs = {(old[place], new[place]) for place in at}
    if len(pairs) == 1:
        change = pairs.pop()
    elif at[-1] - at[0] + 1 == len(at):
        change = " ".join(old[at[0] : at[-1] + 1]), " ".join(new[at[0] : at[-1] + 1])
    else:
        return None
    return change if len(change[0]) >= 3 and any(character.isalpha() for character in change[0]) else None


def _specific(text: str) -> bool:
    return len(text) >= SPECIFIC or not text.isalpha()
