"""What a rule may demand beside its matcher word: each is one key of the ``[[rules]]`` table.

values = ["pending", "paid"]     with one-of
types = ["null", "uuid"]         with any-of
tolerance = 0.01 (or "1%")       with number, integer: how far from the recorded value
min = 0, max = 100               with number, integer
prefix = "ord_"                  with string, opaque, id, digest, url, type
length = 26 (or [20, 40])        with the same, and arrays: how many characters or items
format = "rfc3339 ms Z"          with timestamp; "v4 lower" with uuid; "sha256 hex" with digest; "recorded" with any
after = "$.created_at"           with timestamp, number, integer: a relation to another place of the same body
within = 3600                    with after or before: by how much at most (seconds, or units of the numbers)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from captures.errors import ConfigError
from captures.jsonpaths import Any_, JsonPath, Place, compile_path
from diffing.rulebook.formats import compile_format, formed
from diffing.values import moments
from diffing.walk.jsontypes import broad_type

Check = Callable[[Any, Any], bool]

_NUMBERS = ("number", "integer")
_TEXTS = ("string", "opaque", "id", "digest", "url", "type")
_GOES_WITH: Mapping[str, tuple[str, ...]] = {
    "values": ("one-of",),
    "types": ("any-of",),
    "tolerance": _NUMBERS,
    "min": _NUMBERS,
    "max": _NUMBERS,
    "prefix": _TEXTS,
    "length": (*_TEXTS, "same-shape"),
    "format": ("timestamp", "uuid", "digest"),
    "after": ("timestamp", "date", *_NUMBERS),
    "before": ("timestamp", "date", *_NUMBERS),
    "within": ("timestamp", "date", *_NUMBERS),
}
PARAMETERS = tuple(_GOES_WITH)


def fitting(key: str) -> tuple[str, ...]:
    """The matcher words beside which ``key`` may stand."""
    return _GOES_WITH[key]


@dataclass(frozen=True, slots=True)
class Demand:
    """One further thing that must hold of a value. ``text`` completes "the rule expects …"."""

    text: str
    check: Check


@dataclass(frozen=True, slots=True)
class Relation:
    """The value stands after (``sign`` 1) or before (-1) another place of its body, by ``within`` at most."""

    text: str
    sign: int
    other: JsonPath
    within: Decimal | None

    def holds(self, value: Any, other: Any) -> bool:
        """Whether ``value`` stands so to ``other``. Equal moments do: a row just made was last changed then."""
        mine, theirs = _measure(value), _measure(other)
        if mine is None or theirs is None:
            return False
        distance = (mine - theirs) * self.sign
        return distance >= 0 and (self.within is None or distance <= self.within)


@dataclass(slots=True)
class Document:
    """A replayed body, for relations between its places. Each relation is worked out once for all of them."""

    value: Any
    _broken: dict[tuple[Relation, JsonPath], frozenset[str]] = field(default_factory=dict)

    def breaks(self, relation: Relation, path: JsonPath, replayed: Any) -> bool:
        """Whether ``replayed``, at one of the places of ``path``, does not stand in ``relation`` to its partner.

        A place whose partner is absent or null breaks nothing: presence is judged where the partner stands.
        """
        known = self._broken.get((relation, path))
        if known is None:
            known = frozenset(
                repr(value)
                for place, value in path.find(self.value)
                for other in _partners(relation.other, path, place, self.value)
                if other is not None and not relation.holds(value, other)
            )
            self._broken[relation, path] = known
        return repr(replayed) in known


def implied(params: Mapping[str, Any]) -> str:
    """The matcher word that may be left out beside ``params``; empty when it may not."""
    if "values" in params:
        return "one-of"
    if "types" in params:
        return "any-of"
    if {"tolerance", "min", "max"} & params.keys():
        return "number"
    return "string" if "prefix" in params else ""


def compile_demands(
    word: str, params: Mapping[str, Any], where: str
) -> tuple[tuple[Demand, ...], tuple[Relation, ...]]:
    """What ``params`` demand beside ``word``. Raises :class:`ConfigError` naming ``where`` and the key."""
    for key in params:
        if word not in _GOES_WITH[key]:
            fitting = " or ".join(f'"{one}"' for one in _GOES_WITH[key])
            raise ConfigError(f"{where}: {key} only goes with expect = {fitting}, not with {word!r}.")
    demands: list[Demand] = []
    if "tolerance" in params:
        demands.append(_near(params["tolerance"], where))
    demands.extend(_bounds(params, where))
    if "prefix" in params:
        demands.append(_prefix(params["prefix"], where))
    if "length" in params:
        demands.append(_length(params["length"], where))
    if "format" in params:
        tokens = compile_format(word, params["format"], where)
        text = f'the format "{" ".join(tokens)}"'
        demands.append(Demand(text, lambda recorded, replayed: formed(word, tokens, recorded, replayed)))
    return tuple(demands), tuple(_relations(params, where))


def _near(tolerance: object, where: str) -> Demand:
    text = str(tolerance).strip()
    bound = _number(text.removesuffix("%"))
    if bound is None or bound < 0 or isinstance(tolerance, bool):
        raise ConfigError(f'{where}: tolerance = {text!r} is neither a number nor a percentage like "1%".')
    relative = text.endswith("%")

    def check(recorded: Any, replayed: Any) -> bool:
        if broad_type(recorded) != "number" or broad_type(replayed) != "number":
            return False
        # Through text: Decimal arithmetic on the lossless Number would keep its strict comparison.
        old, new = Decimal(str(recorded)), Decimal(str(replayed))
        if not (old.is_finite() and new.is_finite()):
            return False
        allowed = abs(old) * bound / 100 if relative else bound
        return abs(old - new) <= allowed

    return Demand(f"within {text} of the recorded value", check)


def _bounds(params: Mapping[str, Any], where: str) -> Iterator[Demand]:
    bounds: dict[str, Decimal] = {}
    for key in ("min", "max"):
        if key in params:
            bound = None if isinstance(params[key], bool | str) else _number(str(params[key]))
            if bound is None:
                raise ConfigError(f"{where}: {key} = {params[key]!r} is no number.")
            bounds[key] = bound
    if len(bounds) == 2 and bounds["min"] > bounds["max"]:
        raise ConfigError(f"{where}: min = {params['min']} is above max = {params['max']}: nothing can satisfy it.")
    if "min" in bounds:
        least = bounds["min"]
        yield Demand(
            f"{params['min']} or more", lambda _, value: (mine := _measure(value)) is not None and mine >= least
        )
    if "max" in bounds:
        most = bounds["max"]
        yield Demand(
            f"{params['max']} or less", lambda _, value: (mine := _measure(value)) is not None and mine <= most
        )


def _prefix(prefix: object, where: str) -> Demand:
    if not isinstance(prefix, str) or not prefix:
        raise ConfigError(f"{where}: prefix must be a string with something in it.")
    return Demand(
        f'a string that begins with "{prefix}"', lambda _, value: type(value) is str and value.startswith(prefix)
    )


def _length(length: object, where: str) -> Demand:
    bounds: list[Any] = length if isinstance(length, list) else [length, length]
    if len(bounds) != 2 or not all(type(one) is int and one >= 0 for one in bounds) or bounds[0] > bounds[1]:
        raise ConfigError(
            f"{where}: length = {length!r} is neither a count nor a range of counts.",
            hint="Write length = 26, or length = [20, 40]",
        )
    least, most = bounds
    text = f"a length of {least}" if least == most else f"a length from {least} to {most}"
    return Demand(text, lambda _, value: type(value) in (str, list) and least <= len(value) <= most)


def _relations(params: Mapping[str, Any], where: str) -> Iterator[Relation]:
    within = params.get("within")
    bound = None if within is None or isinstance(within, bool | str) else _number(str(within))
    if within is not None and (bound is None or bound < 0):
        raise ConfigError(f"{where}: within = {within!r} is no number of seconds.", hint="Write within = 3600")
    if within is not None and not {"after", "before"} & params.keys():
        raise ConfigError(
            f"{where}: within says by how much, and nothing says from where.",
            hint='Add after = "$.created_at", or use tolerance for the distance to the recorded value.',
        )
    for key, sign in (("after", 1), ("before", -1)):
        if key not in params:
            continue
        if not isinstance(params[key], str):
            raise ConfigError(f'{where}: {key} must be a JSON path: {key} = "$.created_at".')
        try:
            other = compile_path(params[key])
        except ConfigError as error:
            raise ConfigError(f"{where}: {key}: {error.message}", hint=error.hint) from error
        by = f" by {within} at most" if within is not None else ""
        yield Relation(f"{key} {params[key]}{by}", sign, other, bound)


def _partners(other: JsonPath, path: JsonPath, place: Place, document: Any) -> Iterator[Any]:
    """What stands at ``other``, with the wildcards that it shares with ``path`` standing for what they do in ``place``.

    ``$.items[*].end`` after ``$.items[*].start`` is about one item; ``$.items[*].end`` after ``$.start`` about all.
    """
    steps = list(other.steps)
    if Any_.DESCENDANTS not in path.steps:
        for at, (mine, theirs) in enumerate(zip(path.steps, other.steps, strict=False)):
            if mine != theirs:
                break
            steps[at] = place[at]
    elif path.steps[:-1] == other.steps[:-1]:  # `$..end` after `$..start`: siblings
        steps = [*place[:-1], other.steps[-1]]
    for _, value in JsonPath(other.text, tuple(steps)).find(document):
        yield value


def _measure(value: Any) -> Decimal | None:
    """A number, or the seconds of a moment; None for anything else."""
    if broad_type(value) == "number":
        return _number(str(value))
    if type(value) is not str:
        return None
    moment = moments.read(value) or moments.read_epoch_text(value)
    return None if moment is None else Decimal(str(moment.seconds))


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
