"""Rules that would hide everything are refused: a matcher is never a hole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from captures.errors import ConfigError
from captures.jsonpaths import Any_, Filter, JsonPath, Slice, Step

_ASSERT_LITTLE = frozenset({"any", "optional", "type", "any-of"})
_STATUS_WORDS = _ASSERT_LITTLE | {"integer", "number"}
_TYPE_ONLY = frozenset({"string", "integer", "number", "boolean", "opaque", "id"})
_ROOMY = 1_000
"""A length that may differ by so many characters bounds nothing."""
_UNLIKE = ("a", "Zürich 12:30", "-4.5e7\n<b>", "x" * 40)
"""Texts that no pattern matches that says anything; that there is a text at all is little."""


def is_wide(endpoint: str) -> bool:
    """Whether the glob names no part of any path: ``*``, ``GET *``, ``* /**``, ``[A-Z]* /{id}``."""
    return not re.sub(r"^[A-Z*?]+ |\[[^\]]+\]|[*?/ ]|\{[^}]*\}", "", endpoint)


def refuse_holes(
    endpoint: str,
    location: str,
    part: str,
    path: JsonPath | None,
    word: str,
    params: Mapping[str, Any],
    here: str,
) -> None:
    """Raise :class:`ConfigError` for a rule that asserts next to nothing about next to everything."""
    if part == "response.status":
        if word in _STATUS_WORDS and not _bounds(params):
            raise ConfigError(
                f"{here}: expect = {word!r} accepts every status, an error as well as a success.",
                hint='Say which: expect = "one-of", values = [200, 204]',
            )
        return
    plain = word in _TYPE_ONLY and not _bounds(params)
    if word not in _ASSERT_LITTLE and word != "same-shape" and not plain and not _matches_all(word):
        return
    name = part.partition(" ")[2]
    steps = path.steps if path is not None else ()
    everything = all(_takes_all(step) for step in steps)
    if part.startswith(("response.header", "response.cookie", "response.trailer")):
        if not name.strip("*?"):
            raise ConfigError(
                f"{here}: {location!r} with expect = {word!r} hides every {part.split()[0].split('.')[1]}.",
                hint='Name the one that varies: location = "header x-served-by"',
            )
    elif part.startswith("outbound"):
        if everything and not re.sub(r"request\.\w+|[A-Z]+ |[*?/ ]", "", name):
            raise ConfigError(
                f"{here}: {location!r} with expect = {word!r} hides what every dependency is asked.",
                hint='Name the dependency and the call: location = "outbound audit POST /events request.body $.at"',
            )
        if everything and steps and word in _ASSERT_LITTLE:
            raise ConfigError(
                f"{here}: expect = {word!r} accepts whatever {part.removesuffix(' request.body')} sends.",
                hint='Name the field that varies: location = "outbound audit POST /events request.body $.at"',
            )
    elif part.endswith(".body") and everything and (is_wide(endpoint) or (steps and word in _ASSERT_LITTLE)):
        which = "the whole body" if not steps else f"everything that {path.text if path else '$'} names"
        whose = "every endpoint" if is_wide(endpoint) else endpoint
        raise ConfigError(
            f"{here}: expect = {word!r} accepts {which} of {whose}.",
            hint='Name the field that varies: location = "$.meta.host"; or the endpoint, with expect = "same-shape".',
        )


def _takes_all(step: Step) -> bool:
    """Whether a step leaves next to nothing out: it stands for many, and no value is named that they must have."""
    if isinstance(step, Filter):
        return not any(condition.operator == "==" for condition in step.conditions)
    if isinstance(step, Slice):
        return step.start == 0 and step.stop is None and step.step == 1
    return isinstance(step, Any_)


def _bounds(params: Mapping[str, Any]) -> bool:
    """Whether the parameters of a rule leave less than any value of the type."""
    tolerance = str(params.get("tolerance", ""))
    if tolerance and not (tolerance.endswith("%") and float(tolerance[:-1]) >= 100):
        return True
    length = params.get("length")
    if isinstance(length, int) or (isinstance(length, list) and length[-1] - length[0] < _ROOMY):
        return True
    if params.get("prefix") or params.get("format"):
        return True
    return "max" in params or ("min" in params and params["min"] >= 0)


def _matches_all(word: str) -> bool:
    """Whether ``word`` is a pattern that any text matches: ``regex:.*``."""
    pattern = word.removeprefix("regex:")
    if pattern == word:
        return False
    try:
        return all(re.fullmatch(pattern, text, re.DOTALL) for text in _UNLIKE)
    except re.error:
        return False  # said elsewhere
