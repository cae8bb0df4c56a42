"""Names of secrets that stand apart from their values in forms, queries and parts: ``name=password&value=…``. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from captures.redacting.secret_apart import is_label, is_value

_MAY = re.compile(rb"val|(?<![a-z])v(?![a-z])|input|answer|received", re.IGNORECASE)
_WORD = re.compile(r"(.{0,200}(?<![A-Za-z]))?([A-Za-z]{1,40})([^A-Za-z]{0,40})", re.DOTALL)
"""``items[0][`` ``name`` ``]``"""


def may_hold(raw: bytes) -> bool:
    """A cheap look at the names and values together."""
    return _MAY.search(raw) is not None


def named_apart(pairs: Sequence[tuple[str, str]], is_secret: Callable[[str], bool]) -> dict[int, str]:
    """Which of ``pairs`` (names and values as they are meant) hold what another one names, and the name it gives.

    The first value belongs to the first name of the same list (``items[0]``), the second to the second; where one of
    them is missing all values do.
    """
    labels: dict[tuple[str, str], list[str]] = {}
    values: dict[tuple[str, str], list[int]] = {}
    for index, (name, value) in enumerate(pairs):
        parts = _WORD.fullmatch(name)
        if parts is None:
            continue
        key = parts[1] or "", parts[3]
        if is_value(parts[2]):
            values.setdefault(key, []).append(index)
        elif is_label(parts[2]):
            labels.setdefault(key, []).append(value)
    found: dict[int, str] = {}
    for key, names in labels.items():
        secret = [name if is_secret(name) else None for name in names]
        its = values.get(key, [])
        if len(its) != len(names):
            first = next(filter(None, secret), None)
            secret = [first] * len(its)
        found.update((index, name) for index, name in zip(its, secret, strict=True) if name)
    return found
