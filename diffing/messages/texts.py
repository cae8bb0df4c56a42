"""Two texts of one place: line by line, what differs within a line judged piece by piece."""

from __future__ import annotations

from typing import Any

from diffing.messages import exposition
from diffing.messages.lines import aligned
from diffing.model import ABSENT
from diffing.place import Accepted, Place, Verdicts
from diffing.values.embedded import judge_text

ENOUGH = 1_000
"""Lines that drift after which a text is another one: no further line of it is judged."""
LEARNT = 20_000
"""Lines without an explanation after which nothing more is learnt from a text."""


def compare_text(place: Place, verdicts: Verdicts, recorded: str, replayed: str) -> None:
    """Compare by lines. Raises :class:`diffing.place.BudgetSpentError` for more lines than the budget has."""
    left, right = recorded.splitlines(), replayed.splitlines()
    location = f"{place.where}.body"
    class_id = f"{place.side}.body.text-changed"
    if left == right:
        if not place.learning:
            verdicts.find(place, class_id, location, location, "line ends", "line ends", "only the line ends differ")
        return
    verdicts.spend(len(left) + len(right))
    alignment = aligned(left, right)
    changed: list[tuple[int, Any, Any]] = []
    metrics = exposition.types(left)
    judged = 0
    for i, j in alignment.unequal:
        if len(changed) >= (LEARNT if place.learning else ENOUGH):
            break
        judged += 1
        if i is None or j is None:
            changed.append((i if i is not None else j or 0, _of(left, i), _of(right, j)))
            continue
        why = exposition.moved(left[i], right[j], metrics) if metrics else ""
        outcome = Accepted(("volatile.metric",), why) if why else judge_text(left[i], right[j], (), None, place)
        if isinstance(outcome, Accepted):
            verdicts.accept(place, location, f"line {i + 1}", outcome.rules, left[i], right[j], outcome.why)
        else:
            changed.append((i, left[i], right[j]))
    if changed and not place.learning:
        at, one, other = changed[0]
        evidence = f"{len(changed)} of {max(len(left), len(right))} lines, the first at line {at + 1}"
        if judged < len(alignment.unequal):
            evidence = f"at least {evidence}; {len(alignment.unequal) - judged:,} more that differ were not judged"
        if alignment.by_position:
            evidence += f"; {alignment.by_position:,} lines compared by position: too many to align"
        verdicts.find(place, class_id, location, f"line {at + 1}", one, other, evidence)


def _of(lines: list[str], at: int | None) -> Any:
    return ABSENT if at is None else lines[at]
