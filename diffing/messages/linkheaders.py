"""Link (RFC 8288): relations by name, their targets judged like any other URL. Which comes first says nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from diffing.place import Accepted, Drift, Outcome, Place
from diffing.values.embedded import judge_text

_LINK = re.compile(r'\s*<([^>]*)>((?:\s*;\s*[\w*-]+\s*(?:=\s*(?:"[^"]*"|[^",;\s]*))?)*)\s*(?:,|$)')
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*(?:=\s*(?:"([^"]*)"|([^",;\s]*)))?')

Relations = dict[tuple[tuple[str, str], ...], list[str]]


def parse(text: str) -> Relations | None:
    """Targets by their parameters (``rel`` and the others, in order of their names); None for a malformed header."""
    found: Relations = {}
    at = 0
    while at < len(text):
        match = _LINK.match(text, at)
        if match is None or match.end() == at:
            return None
        at = match.end()
        parameters = sorted((name.lower(), quoted or plain) for name, quoted, plain in _PARAMETER.findall(match[2]))
        found.setdefault(tuple(parameters), []).append(match[1])
    return found


def judge_links(recorded: Sequence[str], replayed: Sequence[str], place: Place) -> Outcome | None:
    """Judge two unequal Link headers; None when one of them is malformed."""
    old, new = parse(", ".join(recorded)), parse(", ".join(replayed))
    if old is None or new is None:
        return None
    rules: list[str] = []
    for key in old.keys() | new.keys():
        rel = dict(key).get("rel", "")
        ours, theirs = old.get(key, []), new.get(key, [])
        if len(ours) != len(theirs):
            return Drift("value-changed", f'rel="{rel}" is {"gone" if len(theirs) < len(ours) else "new"}')
        for one, other in zip(ours, theirs, strict=True):
            if one == other:
                continue
            outcome = judge_text(one, other, (), None, place)
            if not isinstance(outcome, Accepted):
                evidence = f'rel="{rel}" points elsewhere'
                return Drift(outcome.change, f"{evidence}: {outcome.evidence}" if outcome.evidence else evidence)
            rules.extend(rule for rule in outcome.rules if rule not in rules)
    return Accepted(tuple(rules) or ("builtin.list-order",))
