"""The narrowest matcher that every observed value of one place satisfies: what ``retape learn`` proposes. Pure.

From narrow to wide: a UUID, a moment, a closed set, a pattern (fixed text, alphabets, lengths), a range, a type. Never
``any``. What no matcher says without hiding a drift is refused with the reason; what more samples would decide is left
open, for a rule that is too wide is worse than one more run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Any

from diffing.rulebook.forms import is_opaque
from diffing.rulebook.matchers import broad_type, compile_matcher
from diffing.values import moments
from diffing.values.volatile import shape_of
from diffing.walk.flatten import literal

DISTINCT = 2_000
"""Different values remembered per place."""

CLOSED = 8
"""Values of a set that is taken for closed. More of them are a list nobody reviews."""

UNSEEN = 0.05
"""Largest share of values still to come that a closed set may have: seen once / seen in all (Good and Turing)."""

LARGEST = Decimal("1e15")
"""Numbers up to which a range is written: beyond 2^53 a float in TOML is no longer exact."""

HEX_LETTERS = 12
"""Characters that must all be hexadecimal digits before a wider alphabet is ruled out."""

_FORMATS = ("http", "rfc3339", "s", "ms", "us", "ns", "Z", "offset", "local")
"""Words of a timestamp's format, as ``diffing.rulebook.demands`` reads them."""

_TOKEN = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9]")
_ALPHABETS = (
    ("[0-9]", re.compile(r"[0-9]*"), 1),
    ("[0-9a-f]", re.compile(r"[0-9a-f]*"), HEX_LETTERS),
    ("[0-9A-F]", re.compile(r"[0-9A-F]*"), HEX_LETTERS),
    ("[a-z]", re.compile(r"[a-z]*"), 1),
    ("[A-Z]", re.compile(r"[A-Z]*"), 1),
    ("[0-9a-z]", re.compile(r"[0-9a-z]*"), 1),
    ("[0-9A-Z]", re.compile(r"[0-9A-Z]*"), 1),
    ("[A-Za-z]", re.compile(r"[A-Za-z]*"), 1),
    ("[0-9A-Za-z]", re.compile(r"[0-9A-Za-z]*"), 1),
)


@dataclass(frozen=True, slots=True)
class Narrow:
    """A matcher as a rule writes it, and the same in words for the evidence."""

    expect: str
    params: Mapping[str, Any]
    words: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No rule, and why. ``later``: more runs may decide it."""

    reason: str
    later: bool = False


@dataclass(slots=True)
class Values:
    """What stood at one place, by the answer it stood in (0 is the recording, then the runs)."""

    counts: dict[str, int] = field(default_factory=dict)  # literal -> how often
    by_answer: dict[int, dict[str, int]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # literal -> the value
    total: int = 0
    overflow: bool = False  # more different values than are remembered

    def add(self, answer: int, value: Any) -> None:
        """Note one value."""
        text = literal(value) if type(value) not in (dict, list) else f"<{broad_type(value)}>"
        self.total += 1
        if text not in self.values:
            if len(self.values) >= DISTINCT:
                self.overflow = True
                return
            self.values[text] = value
        self.counts[text] = self.counts.get(text, 0) + 1
        mine = self.by_answer.setdefault(answer, {})
        mine[text] = mine.get(text, 0) + 1

    def draws(self) -> dict[str, int]:
        """How often each value was *drawn*: what a process makes once and says in every answer is one draw."""
        if self.total > len(self.by_answer) and all(len(mine) == 1 for mine in self.by_answer.values()):
            drawn: dict[str, int] = {}
            for mine in self.by_answer.values():
                for text in mine:
                    drawn[text] = drawn.get(text, 0) + 1
            return drawn
        return self.counts


def narrowest(seen: Values) -> Narrow | Refused:
    """The narrowest matcher all of ``seen`` satisfies."""
    kinds = {broad_type(value) for value in seen.values.values()}
    if not kinds:
        return Refused("no value could be read there")
    if kinds & {"object", "array"}:
        return Refused(f"it is a whole {' or '.join(sorted(kinds))}: a rule there would hide everything in it")
    if len(kinds) > 1:
        if "null" in kinds:
            return Refused("null and a value take turns: no matcher says that without letting every null pass")
        return Refused(f"its type flaps ({' and '.join(sorted(kinds))}): clients break on that, in any build")
    kind = kinds.pop()
    if kind == "null":
        return Refused("it only ever was null")
    if kind == "boolean":
        return Narrow("boolean", {}, "always true or false")
    return _strings(seen) if kind == "string" else _numbers(seen)


def _strings(seen: Values) -> Narrow | Refused:
    texts: list[str] = list(seen.values.values())
    shapes = [shape_of(text) for text in texts]
    kinds = {shape.kind if shape is not None else "" for shape in shapes}
    facets = {shape.facets if shape is not None else () for shape in shapes}
    if kinds == {"uuid"}:
        versions = {str(form[0]) for form in facets}
        version = versions.pop() if len(versions) == 1 else ""
        known = {"format": f"v{version}"} if version in tuple("12345678") and version else {}
        return Narrow("uuid", known, f"always a uuid {known['format']}" if known else "always a uuid")
    if kinds <= {"datetime", "http-date"} and len(facets) == 1:
        return _moments(texts)
    if kinds == {"date"}:
        return Narrow("date", {}, "always a date")
    closed = _closed(seen)
    if closed is not None:
        return closed
    if len(texts) >= 3:
        pattern = pattern_of(texts)
        if pattern is not None:
            return Narrow(f"regex:{pattern}", {}, f"always {pattern}")
    if all(is_opaque(text) for text in texts):
        return Narrow("opaque", {}, "always one unbroken token, in no common form")
    return Narrow("string", {}, "always a string, in no common form")


def _moments(texts: Sequence[str]) -> Narrow:
    """In the one form that all of ``texts`` have, as far as a rule can name it."""
    words = [word for word in _FORMATS if all(map(_form(word), texts))]
    words = ["http"] if "http" in words else words
    params = {"format": " ".join(words)} if words else {}
    return Narrow("timestamp", params, f"always a moment{''.join(f' {word}' for word in words)}")


def _form(word: str) -> Callable[[str], bool]:
    matcher = compile_matcher("timestamp", {"format": word}, "learn")
    return lambda text: matcher.complaint(text, text) is None


def _numbers(seen: Values) -> Narrow | Refused:
    numbers = [Decimal(str(value)) for value in seen.values.values()]
    if not all(number.is_finite() for number in numbers):
        return Refused("NaN or Infinity stands there, which JSON does not have")
    whole = all(type(value) is int for value in seen.values.values())
    word = "integer" if whole else "number"
    kind = "a whole number" if whole else "a number"
    if _grows(seen):
        units = {moment.facets[0] if (moment := moments.read_epoch(float(number))) else None for number in numbers}
        if len(units) == 1 and units != {None}:
            unit = f"epoch {units.pop()}"
            return Narrow("timestamp", {"format": unit}, f"always a moment in {unit}")
        return Narrow(word, {}, f"always {kind} that grows from each answer to the next, so no range holds")
    closed = _closed(seen)
    if closed is not None and not (isinstance(closed, Refused) and closed.later):
        return closed  # numbers of a set that may have more of them lie in a range all the same
    if max(map(abs, numbers)) > LARGEST:
        return Narrow(word, {}, f"always {kind}, too large for a range")
    low, high = widened(min(numbers), max(numbers), sum(seen.draws().values()), whole=whole)
    return Narrow(word, {"min": low, "max": high}, f"always {kind} from {min(numbers)} to {max(numbers)}")


def _closed(seen: Values) -> Narrow | Refused | None:
    """One of few values, when hardly another one is to be expected. None: it is no closed set."""
    drawn = seen.draws()
    total, different = sum(drawn.values()), len(drawn)
    if seen.overflow or different > CLOSED or total < different * 3 // 2:
        return None
    once = sum(times == 1 for times in drawn.values())
    if different == 1:
        return Refused("only one value was ever seen there")
    if total >= 3 * different and once <= UNSEEN * total:
        values = sorted(map(_written, seen.values.values()), key=lambda value: (str(type(value)), value))
        if any(str(value) not in map(str, seen.values.values()) for value in values):
            return None  # digits that a rules file would not keep: 1.10
        return Narrow("one-of", {"values": values}, f"always one of {different} values, each seen more than once")
    return Refused(f"{different} values in {total} look like a closed set, but more of it may be unseen", later=True)


def _written(value: Any) -> Any:
    """``value`` as a rules file holds it: lossless numbers as floats."""
    return float(value) if isinstance(value, Decimal) else value


def _grows(seen: Values) -> bool:
    """Whether every run's values lie above those of the run before: a counter or a clock that nothing resets."""
    spans = [
        (min(numbers), max(numbers))
        for at in sorted(seen.by_answer)
        if (numbers := [Decimal(str(seen.values[text])) for text in seen.by_answer[at]])
    ]
    if len(spans) < 3 or (len(spans) < 4 and seen.total < 8):
        return False
    # A service that was started for the recording and once for all runs says the same in the first two.
    several = (spans, spans[1:]) if len(spans) > 3 and seen.total >= 8 else (spans,)
    return any(all(below[1] < above[0] for below, above in pairwise(some)) for some in several)


def widened(low: Decimal, high: Decimal, draws: int, *, whole: bool) -> tuple[Any, Any]:
    """A range around the observed one, wider the fewer values it rests on; a sign that never changed stays.

    Of n even draws, one more lies beyond the observed span widened by m spans on a side with a probability of about
    (1 + m) ** -n: under 1 in 1,000 for m = 10 / n, between a quarter of the span and all of it.
    """
    span = high - low
    room = span * min(Decimal(1), max(Decimal("0.25"), Decimal(10) / max(draws, 1)))
    step = Decimal(1).scaleb((span or Decimal(1)).adjusted())
    if whole:
        step = max(step, Decimal(1))
    below = ((low - room) / step).to_integral_value(ROUND_FLOOR) * step
    above = ((high + room) / step).to_integral_value(ROUND_CEILING) * step
    if low >= 0:
        below = max(below, Decimal(0))
    if high <= 0:
        above = min(above, Decimal(0))
    return (int(below), int(above)) if whole else (float(below), float(above))


def pattern_of(texts: Sequence[str]) -> str | None:
    """A regular expression for texts that are built alike: the same punctuation at the same places, else None."""
    if any(len(text) > 200 or not text for text in texts):
        return None
    rows = [_TOKEN.findall(text) for text in texts]
    if len({len(row) for row in rows}) > 1 or len(rows[0]) > 40:
        return None
    parts: list[str] = []
    for column in zip(*rows, strict=True):
        if len(set(column)) == 1:
            parts.append(_literal(column[0]))
        elif not all(token[0].isascii() and token[0].isalnum() for token in column):
            return None  # other punctuation: built otherwise
        else:
            parts.append(_run(column))
    pattern = "".join(parts)
    return pattern if any(text for text in parts if not text.startswith("[")) or len(parts) == 1 else None


def _literal(token: str) -> str:
    """Escaped where that is needed, and nowhere else: people review it."""
    return re.sub(r"[\\.^$*+?{}\[\]|()]", r"\\\g<0>", token)


def _run(column: Sequence[str]) -> str:
    """Letters and digits: what all of them begin with, then an alphabet and a length."""
    prefix = ""
    for letters in zip(*column, strict=False):
        if len(set(letters)) > 1 or not letters[0].isalpha():
            break
        prefix += letters[0]
    if len(set(column)) < 5:
        prefix = ""  # four random texts may well begin with the same letter
    rest = [token[len(prefix) :] for token in column]
    count = sum(map(len, rest))
    alphabet = next(name for name, pattern, least in _ALPHABETS if count >= least and all(map(pattern.fullmatch, rest)))
    lengths = {len(token) for token in rest}
    return prefix + alphabet + (f"{{{lengths.pop()}}}" if len(lengths) == 1 else "*" if 0 in lengths else "+")
