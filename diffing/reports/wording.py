"""The sentences all reports share, so that the terminal, the page and the CI say the same thing of one result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from captures.visible import visible
from captures.wording import counted
from diffing.model import ABSENT, Decision, Finding, Group, Level, Origin, Result
from diffing.reports.values import shown, shown_pair

WORDS = {"clean": "Clean", "drift": "Drift", "inconclusive": "Inconclusive"}
COLUMNS = (  # ledger columns in reading order, with the words for people
    ("same", "same"),
    ("same_by_rule", "same by rule"),
    ("drifted", "drifted"),
    ("failed", "failed"),
    ("not_replayed", "not replayed"),
)
_COUNTING_CALLS = frozenset(
    f"outbound.{change}"
    for change in ("missing", "extra", "repeated", "n-plus-one", "retried", "fewer", "new-dependency", "unattributed")
)
LEVELS = (Level.ERROR, Level.WARNING, Level.INFO)


def verdict_word(result: Result) -> str:
    """``Clean``; ``Clean (smoke)`` where a tier left something out."""
    word = WORDS.get(result.verdict, visible(result.verdict))
    return f"{word} ({visible(result.tier['name'])})" if result.tier else word


def verdict_sentence(result: Result) -> str:
    """One sentence under the verdict: what it rests on; where a tier left something out another says so."""
    said = _verdict_sentence(result)
    if not result.tier:
        return said
    left, of = result.tier["left_out"], result.tier["of"]
    return f"{said} The {visible(result.tier['name'])} tier left out {left:,} of {counted(of, 'exchange')}."


def _verdict_sentence(result: Result) -> str:
    ledger, groups = result.ledger, result.groups
    exchanges = counted(ledger.recorded, "recorded exchange")
    if result.verdict == "drift":
        open_groups = sum(group.open for group in groups)
        parts = [f"{counted(open_groups, 'drift group')} in {ledger.drifted + ledger.failed:,} of {exchanges}"]
        for decision in (Decision.ACCEPTED, Decision.IGNORED):
            count = sum(group.decision is decision for group in groups)
            if count:
                parts.append(f"{count:,} more {decision.value}")
        for origin in (Origin.STALE, Origin.FLAKY):
            count = sum(group.origin is origin for group in groups)
            if count:
                parts.append(f"{count:,} more {'from a ' if origin is Origin.STALE else ''}{origin.value}")
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
        line = (result.meta.get("fail_on") or "warning") if result.meta else "warning"
        counts = {
            "accepted": sum(group.decision is Decision.ACCEPTED for group in groups),
            "ignored": sum(group.decision is Decision.IGNORED for group in groups),
            "older than this build": sum(not group.passed and group.origin is Origin.STALE for group in groups),
        }
        counts[f"below the line of --fail-on {line}"] = len(groups) - sum(counts.values())
        told = [f"{count:,} {words}" for words, count in counts.items() if count]
        differ = f", {ledger.drifted + ledger.failed:,} differ" if ledger.drifted + ledger.failed else ""
        what = told[0].replace(" ", f" drift group{'' if len(groups) == 1 else 's'} ", 1)
        more = f"{differ}; {what if len(told) == 1 else f'{len(groups):,} drift groups: ' + ', '.join(told)}"
        return f"{judged}{by_rule}{more}."
    return f"{judged}{by_rule}."


def decision_said(group: Group) -> str:
    """Who decided and why, or why a decision no longer counts: ``accepted by dana until 2026-12-31: ORD-1182``."""
    approval = group.approval
    if approval is None:
        return group.reopened
    who = f" by {approval.author}" if approval.author else ""
    until = f" until {approval.until}" if approval.until else ""
    why = f": {approval.reason}" if approval.reason else ""
    return f"{approval.decision.value}{who}{until}{why}"


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
    if type(group.recorded) is int and type(group.replayed) is int and group.class_id in _COUNTING_CALLS:
        change = f"is made {'more' if group.replayed > group.recorded else 'less'} often"
    elif group.recorded is ABSENT and group.replayed is not ABSENT:
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
    if of.class_id in _COUNTING_CALLS and int in (type(of.recorded), type(of.replayed)):
        return _calls(of.recorded, limit), _calls(of.replayed, limit)
    return shown_pair(of.recorded, of.replayed, limit)


def _calls(value: object, limit: int) -> str:
    count = 0 if value is ABSENT else value
    return counted(count, "call") if type(count) is int else shown(count, limit)


def name_of(path: str) -> str:
    """The file's name alone: a report travels, folders of the machine that made it do not."""
    return visible(PurePath(path).name) if path else ""


def rule_snippet(group: Group) -> str:
    """The ``[[rules]]`` entries for ``retape.rules.toml`` that stop this group and still assert something.

    Empty where no rule can say it: a call or an exchange as a whole is accepted or not.
    """
    from diffing.rulebook.rulesfile import written
    from diffing.rulebook.suggesting import drafts_of

    drafts, _ = drafts_of((group,))
    return "\n".join(written(draft) for draft in drafts)
