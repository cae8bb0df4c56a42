"""The sentences all reports share, so that the terminal, the page and the CI say the same thing of one result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath

from diffing.model import ABSENT, Decision, Finding, Group, Level, Result
from diffing.reports.text import counted, visible
from diffing.reports.values import dump, shown, shown_pair

WORDS = {"clean": "Clean", "drift": "Drift", "inconclusive": "Inconclusive"}
COLUMNS = (  # ledger columns in reading order, with the words for people
    ("same", "same"),
    ("same_by_rule", "same by rule"),
    ("drifted", "drifted"),
    ("failed", "failed"),
    ("not_replayed", "not replayed"),
)
_COUNTING_CALLS = frozenset(
    f"outbound.{change}" for change in ("missing", "extra", "repeated", "fewer", "new-dependency", "unattributed")
)
LEVELS = (Level.ERROR, Level.WARNING, Level.INFO)


def verdict_sentence(result: Result) -> str:
    """One sentence under the verdict: what it rests on."""
    ledger, groups = result.ledger, result.groups
    exchanges = counted(ledger.recorded, "recorded exchange")
    if result.verdict == "drift":
        open_groups = sum(group.decision not in (Decision.ACCEPTED, Decision.IGNORED) for group in groups)
        parts = [f"{counted(open_groups, 'drift group')} in {ledger.drifted + ledger.failed:,} of {exchanges}"]
        decided = len(groups) - open_groups
        if decided:
            parts.append(f"{decided:,} more accepted or ignored")
        if result.reasons:
            parts.append("and not everything could be judged")
        return ", ".join(parts) + "."
    if result.verdict == "inconclusive":
        why = f": {visible(result.reasons[0])}" if result.reasons else "."
        rest = f" (and {counted(len(result.reasons) - 1, 'more reason')})" if len(result.reasons) > 1 else ""
        return f"This run does not show that nothing drifted{why.rstrip('.')}{rest}."
    judged = f"{ledger.same + ledger.same_by_rule:,} of {exchanges} answered as recorded"
    by_rule = f", {ledger.same_by_rule:,} of them by named rules" if ledger.same_by_rule else ""
    if groups:
        more = f"; {counted(len(groups), 'group')} accepted, ignored or below the line"
        return f"{judged}{by_rule}{more}."
    return f"{judged}{by_rule}."


def title(class_id: str) -> str:
    """A class as two or three words: ``response.body.field-removed`` is "Field removed"."""
    *before, last = class_id.split(".")
    words = last.replace("-", " ").replace("_", " ")
    subject = before[-1] if before else ""
    if before == ["outbound"]:
        called = {"missing": "call", "extra": "call", "repeated": "call", "fewer": "calls", "unattributed": "calls"}
        words = f"call {words}" if last == "order" else f"{words} {called.get(last, '')}"
    elif subject == "exchange":
        words = f"{words} exchange"
    elif subject == "request":
        words = f"call {words}"
    elif subject != "body" or last in ("changed", "emptied", "appeared", "undecodable"):
        words = f"{subject} {words}"
    words = words.strip()
    return visible(words[:1].upper() + words[1:])


def meaning(class_id: str) -> str:
    """The class's own sentence; empty for a class that is not in the list (a report of another version)."""
    from diffing.classes import class_of

    try:
        return class_of(class_id).meaning
    except KeyError:
        return ""


def statement(group: Group) -> str:
    """One sentence saying what changed, without the values."""
    place = visible(group.location)
    if group.recorded is ABSENT and group.replayed is not ABSENT:
        change = "is new in the replayed build"
    elif group.replayed is ABSENT and group.recorded is not ABSENT:
        change = "is gone from the replayed build"
    else:
        before, after = type_name(group.recorded), type_name(group.replayed)
        change = f"was {before} and is {after}" if before != after else "has another value"
    return f"{place} {change}"


def type_name(value: object) -> str:
    """``a string``, ``null``: the JSON type in words."""
    if value is ABSENT:
        return "absent"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list | tuple):
        return "an array"
    if isinstance(value, Mapping):
        return "an object"
    return "a number"


def shown_values(of: Group | Finding, limit: int = 160) -> tuple[str, str]:
    """Both values on one line each, cut around their first difference; a number of calls says so (``2 calls``)."""
    if of.class_id in _COUNTING_CALLS:
        return _calls(of.recorded, limit), _calls(of.replayed, limit)
    return shown_pair(of.recorded, of.replayed, limit)


def _calls(value: object, limit: int) -> str:
    return counted(value, "call") if type(value) is int else shown(value, limit)


def name_of(path: str) -> str:
    """The file's name alone: a report travels, folders of the machine that made it do not."""
    return visible(PurePath(path).name) if path else ""


def toml_string(text: str) -> str:
    """``text`` as a basic TOML string."""
    return json.dumps(visible(text), ensure_ascii=False)


def rule_snippet(group: Group) -> str:
    """A ``[[rules]]`` entry for ``retape.rules.toml`` that stops this group and still asserts something.

    Empty where no rule can say it: a call or an exchange as a whole is accepted or not. A group of every endpoint
    (its endpoint stands in parentheses) makes a rule for every endpoint.
    """
    place = group.location.split(" ")[0]
    if place in ("exchange", "response") or (place == "outbound" and "$" not in group.location):
        return ""
    lines = [
        "[[rules]]",
        f'id = "drift-{group.fingerprint}"',
        *([] if group.endpoint.startswith("(") else [f"endpoint = {toml_string(group.endpoint)}"]),
        f"location = {toml_string(group.location)}",
        *_still_holds(group),
        'reason = "say why this may vary"',
    ]
    return "\n".join(lines)


def _still_holds(group: Group) -> tuple[str, ...]:
    """The strictest matcher of ``diffing.matchers`` that this change satisfies."""
    if group.recorded is ABSENT or group.replayed is ABSENT:
        return ('expect = "optional"',)
    if group.location == "response.status":
        return ('expect = "one-of"', f"values = [{dump(group.recorded)}, {dump(group.replayed)}]")
    if group.class_id.endswith(".array-order"):
        return ('expect = "unordered"',)
    if type_name(group.recorded) == type_name(group.replayed):
        return ('expect = "type"',)
    return ('expect = "any"',)
