"""Volatile values *inside* strings: URLs, messages, composite keys, lines of text.

``Order ord_8fk2b1 confirmed at 2026-11-21T07:50:12Z`` is cut into pieces that could be values and the text between
them. The text between must be equal; each unequal piece is judged like a value of its own, named by the word before it
(``token=…``, ``/orders/…``). One piece that does not pass makes the whole string a difference.
"""

from __future__ import annotations

import re
from typing import Any

from diffing.identity import BOUND
from diffing.names import Hint, hint_of, singular
from diffing.place import Accepted, Drift, Outcome, Place
from diffing.profile import Node
from diffing.scalars import integer_key, judge_integer_id, judge_whole

_PIECE = re.compile(
    r"\d{4}-\d\d-\d\d[Tt _]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d)(?![A-Za-z0-9]))?"
    r"|(?<![\d./])\d\d?/\d\d?/\d{4},? \d\d?:\d\d(?::\d\d)?[ \u00a0\u202f]?(?:[AP]M|[ap]m)\b"
    r"|(?<![\d./])\d\d?\.\d\d?\.\d{4},? \d\d?:\d\d(?::\d\d)?(?![\d:])"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? \d\d?[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}"
    r"|\d\d?/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"
    r"|eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*"
    r"|[A-Za-z0-9][A-Za-z0-9_-]*(?:={1,2}(?![\w\"'=/.%+-]))?"
)
_NAMES_NEXT = re.compile(r"""["']?\s*[:=]\s*["']?$""")
LONGEST = 100_000  # characters: a longer string is compared as it stands


def judge_text(recorded: str, replayed: str, names: tuple[str, ...], node: Node | None, place: Place) -> Outcome:
    """Judge two unequal strings. Never None: what nothing explains is a changed value."""
    used: list[str] = []
    at_home = own_hosts_hidden(recorded, place, 0)
    if at_home != recorded:
        replayed_at_home = own_hosts_hidden(replayed, place, 1)
        used.append("builtin.own-host")
        if at_home == replayed_at_home:
            return Accepted(tuple(used))
        recorded, replayed = at_home, replayed_at_home
    whole = judge_whole(recorded, replayed, names, node, place)
    if isinstance(whole, Accepted):
        return Accepted((*used, *whole.rules))
    if whole is not None:
        return whole
    if len(recorded) > LONGEST or len(replayed) > LONGEST:
        return Drift("value-changed", "too long to look into")
    inside = _judge_pieces(recorded, replayed, names, node, place)
    if isinstance(inside, Accepted):
        return Accepted((*used, *inside.rules))
    return inside or Drift("value-changed")


def own_hosts_hidden(text: str, place: Place, side: int) -> str:
    """``text`` with the service's own authority replaced by a mark: it moves with every start."""
    for pair in place.hosts:
        own = pair[side]
        if own and own in text:
            text = re.sub(rf"(?<![\w.-]){re.escape(own)}(?![\w.-]|:\d)", "\x00own", text)
    return text


def learn_request(recorded: str, replayed: str) -> list[tuple[str, str]]:
    """Pairs of pieces that differ between two request targets of one shape: the replay put one for the other."""
    old, new = _pieces(recorded), _pieces(replayed)
    if old[1] != new[1]:
        return []
    return [(one, other) for one, other in zip(old[0], new[0], strict=True) if one != other]


def path_context(target: str) -> list[tuple[str, str]]:
    """(name, digits) of every integer in a target: ``/orders/15`` has ``("order_id", "15")``."""
    pieces, gaps = _pieces(target)
    return [(_name(pieces, gaps, at), piece) for at, piece in enumerate(pieces) if piece.isdigit()]


def _pieces(text: str) -> tuple[list[str], list[str]]:
    pieces: list[str] = []
    gaps: list[str] = []
    end = 0
    for match in _PIECE.finditer(text):
        gaps.append(text[end : match.start()])
        pieces.append(match[0])
        end = match.end()
    gaps.append(text[end:])
    return pieces, gaps


def _judge_pieces(
    recorded: str, replayed: str, names: tuple[str, ...], node: Node | None, place: Place
) -> Outcome | None:
    old, gaps = _pieces(recorded)
    new, new_gaps = _pieces(replayed)
    if gaps != new_gaps or gaps == ["", ""]:  # a single piece has been judged as a whole
        return None
    rules: list[str] = []
    for at, (one, other) in enumerate(zip(old, new, strict=True)):
        if one == other:
            continue
        outcome = _judge_piece(one, other, _name(old, gaps, at), names, node, place)
        if not isinstance(outcome, Accepted):
            return outcome
        rules.extend(rule for rule in outcome.rules if rule not in rules)
    return Accepted(tuple(rules)) if rules else None


def _judge_piece(
    one: str, other: str, name: str, names: tuple[str, ...], node: Node | None, place: Place
) -> Outcome | None:
    if one.isdigit() and other.isdigit() and hint_of(name) is Hint.ID:
        key, new_key = integer_key(one, (name,), place), integer_key(other, (name,), place)
        if place.identity.times(key, new_key) >= BOUND:
            return Accepted(("volatile.binding",))
        return judge_integer_id(one, other, (name,), None, place)
    outer = names[-1] if names else ""
    hint = hint_of(name)
    within = (name,) if hint is not None else (outer,) if hint_of(outer) in (Hint.ID, Hint.TOKEN) else ()
    outcome = judge_whole(one, other, within, node, place)
    if outcome is None and place.identity.times(one, other) >= 2 and not place.identity.contradiction(one, other):
        return Accepted(("volatile.binding",))
    return outcome


def _name(pieces: list[str], gaps: list[str], at: int) -> str:
    """What the text before piece ``at`` calls it."""
    if not at:
        return ""
    gap, before = gaps[at], pieces[at - 1]
    if gap.endswith("/"):
        return f"{singular(before)}_id" if gap == "/" else ""
    if _NAMES_NEXT.search(gap):
        if before in ("value", "content", "data"):  # <input name="csrf_token" value="…">
            for word in reversed(pieces[max(0, at - 5) : at - 1]):
                if hint_of(word) is not None:
                    return word
        return before
    if gap == " " and hint_of(before) in (Hint.ID, Hint.TOKEN, Hint.REFERENCE):
        return before
    return ""


def strings_in(value: Any, found: set[str]) -> None:
    """Every string and integer of a JSON value, as text, into ``found``."""
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            stack.extend(item.values())
        elif type(item) is list:
            stack.extend(item)
        elif type(item) is str or type(item) is int:
            found.add(str(item))
