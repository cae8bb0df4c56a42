"""Which drift groups an expression means: the grammar of the report page's search box, for copying.

Every word has to match: ``level:``, ``kind:``, ``class:``, ``endpoint:``, ``location:`` or ``id:`` looks there, any
other word everywhere a row of the page has text. ``!`` before a word turns it round, quotes keep blanks in it, case
never counts. ``assets/overview.js`` is the same in the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from captures.visible import visible
from diffing.model import ABSENT, Group
from diffing.reports.values import shown_pair
from diffing.reports.wording import title

FIELDS = ("kind", "level", "class", "endpoint", "location", "id")
SHOWN = 160  # characters of a value, as in the page's rows
_WORD = re.compile(r'!?(?:[a-z]+:)?(?:"[^"]*"|\S+)')
_PARTS = re.compile(rf"!?(?:({'|'.join(FIELDS)}):)?(.*)", re.DOTALL)


def matcher(expression: str) -> Callable[[Group], bool]:
    """Whether a group is one of those meant. An empty expression means every one."""
    tests: list[tuple[bool, str | None, str]] = []
    for word in _WORD.findall(expression.lower()):
        parts = _PARTS.fullmatch(word)
        assert parts is not None  # anything fits
        tests.append((word.startswith("!"), parts[1], parts[2].replace('"', "")))

    def matches(group: Group) -> bool:
        row = _row(group)
        every = " ".join(row.values()).lower()
        return all(
            (wanted in (row[field].lower() if field else every)) is not turned for turned, field, wanted in tests
        )

    return matches


def _row(group: Group) -> dict[str, str]:
    """The texts of a group's row in the page."""
    example = group.examples[0] if group.examples else group
    before, after = shown_pair(example.recorded, example.replayed, SHOWN)
    return {
        "id": group.fingerprint,
        "class": visible(group.class_id),
        "title": title(group.class_id),
        "kind": group.kind.value,
        "level": group.level.value,
        "endpoint": visible(group.endpoint),
        "location": visible(group.location),
        "from": "" if example.recorded is ABSENT else before,
        "to": "" if example.replayed is ABSENT else after,
    }
