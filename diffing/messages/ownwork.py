"""What the replay itself put into a request and the answer repeats: no change of the build.

With several requests under way the replay adds a ``traceparent`` and renews trace and request ids (the exchange notes
say so). A build that shows the headers it was sent, in its body or in what it sends on, shows those, too.

And the replay sends the new numbers of objects in place of the recorded ones: ``{"item_ids": [1500]}`` is answered by
``{"items": [1500]}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from captures.formats.decoding import TextBody, decode
from captures.model import Exchange, header
from diffing.model import ABSENT, Finding
from diffing.place import Place, Verdicts
from diffing.values.identity import BOUND
from diffing.values.names import is_plural, singular
from diffing.values.numbers import integer_key

SHORTEST = 16  # characters of a value that nothing else has by chance
_PIECE = re.compile(r"[0-9A-Za-z]{16,}")  # a trace id or a span's, in any header that carries them
_LEAST = 100  # smaller numbers count things as often as they name them
_LAST = re.compile(r"\.([A-Za-z_]\w*)((?:\[[0-9]+\])?)$")  # $.order.items[0]: items, [0]
_ADDED = frozenset({"field-added", "null-changed", "array-item-added", "added"})

_VALUES = frozenset({"value-changed", "constant-changed", "out-of-range", "enum-value-added"})

Swapped = tuple[tuple[str, str], ...]
"""(recorded, sent) values; of what was not there before, ("", sent)."""


def accept_own_work(place: Place, verdicts: Verdicts, recorded: Exchange, replayed: Exchange) -> None:
    """Take the findings out that say no more than what the replay put into the headers of the request."""
    if not verdicts.findings or not replayed.notes.get("changes"):
        return
    names = tuple(_headers(replayed.notes["changes"]))
    swapped = tuple(_swapped(recorded, replayed, names))
    if not swapped:
        return

    def repeats(finding: Finding) -> bool:
        if finding.class_id == "response.body.text-changed":
            return _text_repeats(recorded, replayed, swapped)
        return _repeats(finding, swapped, names)

    _take_out(place, verdicts, repeats, "builtin.echo", "the replay put it into the request")


def accept_sent_numbers(place: Place, verdicts: Verdicts) -> None:
    """Take out numbers that name the objects which the replay's own requests named so, in this exchange or before.

    Members that promise no id (``items``, ``order``) are read as naming objects where the very pair of numbers was sent
    as ids of that noun: several in an array, one by itself. ``{"items": 3}`` stays a count.
    """
    sent = partial(_names_what_was_sent, place=place)
    _take_out(place, verdicts, sent, "volatile.integer-id", "the replay itself sent the new value")


def _take_out(place: Place, verdicts: Verdicts, ours: Callable[[Finding], bool], rule: str, why: str) -> None:
    """Let ``rule`` accept the findings that are ``ours``; the others stay."""
    kept: list[Finding] = []
    for finding in verdicts.findings:
        if ours(finding):
            one, other = finding.recorded, finding.replayed
            verdicts.accept(place, finding.location, finding.path, (rule,), one, other, why)
        else:
            kept.append(finding)
    verdicts.findings = kept


def _names_what_was_sent(finding: Finding, place: Place) -> bool:
    one, other = finding.recorded, finding.replayed
    if type(one) is not int or type(other) is not int or min(one, other) < _LEAST:
        return False
    last = _LAST.search(finding.path)
    if last is None or finding.class_id.rpartition(".")[2] not in _VALUES or is_plural(last[1]) is not bool(last[2]):
        return False
    names = (f"{singular(last[1])}_id",)
    return place.identity.times(integer_key(one, names, place), integer_key(other, names, place)) >= BOUND


def _headers(changes: Any) -> Iterator[str]:
    for change in changes if isinstance(changes, Sequence) else ():
        where = change.get("where") if isinstance(change, Mapping) else None
        if isinstance(where, str) and where.startswith("header "):
            yield where.removeprefix("header ").lower()


def _swapped(recorded: Exchange, replayed: Exchange, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The values of those headers whole, then the ids in them; the longest first."""
    pairs: list[tuple[str, str]] = []
    for name in names:
        old, new = (
            (header(side.request.headers, name) or b"").decode("latin-1").strip() for side in (recorded, replayed)
        )
        if old == new or len(new) < SHORTEST:
            continue
        pairs.append((old, new))
        before, after = _PIECE.findall(old), _PIECE.findall(new)
        if not old or len(before) == len(after):
            pairs.extend(zip(before or [""] * len(after), after, strict=True))
    yield from sorted(dict.fromkeys(pairs), key=lambda pair: -len(pair[1]))


def _repeats(finding: Finding, swapped: Swapped, names: Sequence[str]) -> bool:
    one, other = finding.recorded, finding.replayed
    if finding.class_id.endswith(".rule-broken"):
        return False  # a rule of the user's has the last word
    if one is ABSENT or one is None:
        return finding.class_id.rpartition(".")[2] in _ADDED and _only_added(other, swapped, names)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return _in_place(one, other, swapped)
    return isinstance(one, str) and isinstance(other, str) and _recorded_terms(other, swapped) == one


def _in_place(one: list[Any], other: list[Any], swapped: Swapped) -> bool:
    return all(
        mine == theirs or (isinstance(theirs, str) and _recorded_terms(theirs, swapped) == mine)
        for mine, theirs in zip(one, other, strict=True)
    )


def _only_added(value: Any, swapped: Swapped, names: Sequence[str]) -> bool:
    """Whether ``value`` is one that was added, alone or with the name of its header."""
    added = {new for old, new in swapped if not old}
    texts: list[Any] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        else:
            texts.append(item)
    said = [text for text in texts if not (isinstance(text, str) and text.lower() in names)]
    return bool(said) and all(isinstance(text, str) and text in added for text in said)


def _recorded_terms(text: str, swapped: Swapped) -> str:
    for old, new in swapped:
        if old:
            text = text.replace(new, old)
    return text


def _text_repeats(recorded: Exchange, replayed: Exchange, swapped: Swapped) -> bool:
    """Whether two texts are the same once what the replay put in is taken out again: put back, added lines left out."""
    if recorded.response is None or replayed.response is None:
        return False
    old = decode(recorded.response.body, recorded.response.headers)
    new = decode(replayed.response.body, replayed.response.headers)
    if not isinstance(old, TextBody) or not isinstance(new, TextBody):
        return False
    added = [value for before, value in swapped if not before]
    lines = [line for line in new.text.splitlines() if not any(value in line for value in added)]
    return [_recorded_terms(line, swapped) for line in lines] == old.text.splitlines()
