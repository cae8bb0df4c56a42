"""Writing rules: ``[[rules]]`` entries added to, changed in and taken out of a file that people wrote and review.

Everything outside the touched entry stays byte for byte: comments, order, blank lines, line endings. A file that would
not read back as meant is never written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from captures.errors import ConfigError
from diffing.rulebook.tables import Span, spans, without
from diffing.rulebook.tomlfile import MARK, NEWLINES, parsed, rewrite
from diffing.rulebook.tomltext import table_text

HEADER = (
    "# [[rules]]: what must hold where a value cannot be equal to the recorded one. [[approvals]]: drift that people\n"
    "# accepted or rejected. Reviewed like code; comments stay. `retape rules check` says what of it does nothing.\n"
)


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule about to be written. ``params`` are the matcher's own keys (``values``, ``tolerance``, ``format``, …)."""

    endpoint: str  # a glob; "*" for every endpoint
    location: str  # "$.created_at", "header etag", "outbound payments POST /charges request.body $.at"
    expect: str
    params: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    author: str = ""
    evidence: str = ""  # written by tools: "40 of 40 replays differed, always uuid v4"
    expires: date | None = None
    created: date | None = None
    id: str = ""  # made from endpoint and location when empty

    def entry(self) -> dict[str, Any]:
        """The keys and values of its ``[[rules]]`` table, in the order they are written."""
        everywhere = self.endpoint in ("", "*")
        pairs = {
            "id": self.id or draft_id(self.endpoint, self.location),
            "endpoint": "" if everywhere else self.endpoint,
            "location": self.location,
            "expect": self.expect,
            **self.params,
            "reason": self.reason,
            "author": self.author,
            "evidence": self.evidence,
            "created": self.created,
            "expires": self.expires,
        }
        return {key: value for key, value in pairs.items() if value is not None and value != ""}


def draft_id(endpoint: str, location: str) -> str:
    """An id for a rule about this place, the same every time: ``get-orders-id-items-price``."""
    text = location if endpoint in ("", "*") else f"{endpoint} {location}"
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    plain = re.fullmatch(r"[\w$ ./{}*\[\]:-]*", text, re.ASCII) is not None
    if plain and 0 < len(slug) <= 64:
        return slug
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{slug[:57].rstrip('-') or 'rule'}-{digest}"


def written(draft: RuleDraft) -> str:
    """The entry as TOML text, without a blank line around it. Raises what :func:`table_text` raises."""
    return table_text("rules", draft.entry())


def add_rules(path: Path, drafts: Sequence[RuleDraft]) -> list[str]:
    """Append ``drafts`` to ``path`` (made when missing) and return their ids, in order.

    A draft that stands there already, word for word but for who and when, is not written again: its id is returned.
    An id that another rule has gets a number behind it. Raises :class:`ConfigError` for a draft that is no sound rule
    and for a file that cannot be read or written; the file is then as it was.
    """
    ids: list[str] = []

    def change(before: str) -> tuple[str, Mapping[str, Any]]:
        ids.clear()
        after, meant, names = added(before, drafts, path)
        ids.extend(names)
        return after, meant

    rewrite(path, change)
    return ids


def added(before: str, drafts: Sequence[RuleDraft], path: Path) -> tuple[str, Mapping[str, Any], list[str]]:
    """The text with ``drafts`` in it, the data that it says, and their ids: what :func:`add_rules` writes."""
    data = parsed(before, path)
    standing = _entries(data, path)
    taken = {str(entry.get("id", "")) for entry in standing}
    by_place: dict[str, list[dict[str, Any]]] = {}  # a file may hold thousands, and be given thousands more
    for one in standing:
        by_place.setdefault(_place(one), []).append(one)
    new: list[dict[str, Any]] = []
    ids: list[str] = []
    for draft in drafts:
        entry = draft.entry()
        alike = by_place.setdefault(_place(entry), [])
        known = next((one for one in alike if _says_the_same(one, entry)), None)
        if known is not None and "id" in known:
            ids.append(str(known["id"]))
            continue
        entry["id"] = _free(str(entry["id"]), taken)
        taken.add(entry["id"])
        new.append(entry)
        alike.append(entry)
        ids.append(entry["id"])
    if not new:
        return before, data, ids
    _sound(new, path)
    if _is_inline(data, before):
        after = _appended_inline(before, new)
    else:
        base = HEADER if not before.strip() else before
        base += "" if base.endswith("\n") else "\n"
        blocks = "\n".join(table_text("rules", entry) for entry in new)
        after = f"{base}{'' if base.endswith(chr(10) * 2) else chr(10)}{blocks}"
    return after, {**data, "rules": [*standing, *new]}, ids


def remove_rule(path: Path, rule_id: str) -> None:
    """Take the rule out of ``path``; comments around it stay. Raises :class:`ConfigError` when it is not there."""

    def change(before: str) -> tuple[str, Mapping[str, Any]]:
        data = parsed(before, path)
        _number(_entries(data, path), rule_id, path)
        return without_rules(before, data, {rule_id}, path)

    rewrite(path, change)


def without_rules(
    before: str, data: Mapping[str, Any], ids: Container[str], path: Path
) -> tuple[str, Mapping[str, Any]]:
    """The text, which says ``data``, without the rules that have one of ``ids``, and what it says then.

    Raises :class:`ConfigError`.
    """
    standing = _entries(data, path)
    gone = [at for at, entry in enumerate(standing) if entry.get("id") in ids]
    if not gone:
        return before, data
    where = _where(before, data, path)
    rules = [entry for entry in standing if entry.get("id") not in ids]
    left = {key: value for key, value in data.items() if key != "rules"}
    return without(before, [where[at] for at in gone]), {**left, "rules": rules} if rules else left


def update_rule(path: Path, rule_id: str, changes: Mapping[str, Any]) -> None:
    """Set keys of a rule (``None`` takes one out); its other keys, comments and their order stay.

    Raises :class:`ConfigError` when the rule is not there or would no longer be sound.
    """

    def change(before: str) -> tuple[str, Mapping[str, Any]]:
        data = parsed(before, path)
        standing = _entries(data, path)
        at = _number(standing, rule_id, path)
        span = _where(before, data, path)[at]
        merged = {**standing[at], **changes}
        entry = {key: value for key, value in merged.items() if value is not None}
        _sound([entry], path)
        block = _changed(before[span.start : span.end], changes)
        rules = [*standing[:at], entry, *standing[at + 1 :]]
        return f"{before[: span.start]}{block}{before[span.end :]}", {**data, "rules": rules}

    rewrite(path, change)


def _changed(block: str, changes: Mapping[str, Any]) -> str:
    import tomlkit

    small = tomlkit.parse(NEWLINES.sub("\n", block))
    table: Any = small["rules"]
    for key, value in changes.items():
        if value is None:
            table[0].pop(key, None)
        else:
            table[0][key] = value
    rendered = tomlkit.dumps(small)
    return rendered + ("" if rendered.endswith("\n") else "\n")


def _number(standing: Sequence[Mapping[str, Any]], rule_id: str, path: Path) -> int:
    at = next((number for number, entry in enumerate(standing) if entry.get("id") == rule_id), None)
    if at is None:
        known = ", ".join(str(entry.get("id")) for entry in standing) or "no rule"
        raise ConfigError(f'{path} has no rule "{rule_id}".', hint=f"It has {known}.")
    return at


def _where(text: str, data: Mapping[str, Any], path: Path) -> list[Span]:
    """Where each rule stands."""
    found = spans(text, "rules")
    if len(found) != len(data["rules"]):
        raise ConfigError(f"{path} holds its rules in one list.", hint="Write them as [[rules]] tables first.")
    return found


def _appended_inline(text: str, entries: Sequence[Mapping[str, Any]]) -> str:
    import tomlkit

    mark = MARK if text.startswith(MARK) else ""
    document = tomlkit.parse(text.removeprefix(MARK))
    rules: Any = document["rules"]
    for entry in entries:
        table = tomlkit.inline_table()
        table.update(entry)
        rules.append(table)
    return mark + tomlkit.dumps(document)


def _is_inline(data: Mapping[str, Any], text: str) -> bool:
    """Whether the rules are one list, ``rules = [{…}]``, rather than tables of their own."""
    return "rules" in data and not spans(text, "rules")


def _entries(data: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    rules = data.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(entry, dict) for entry in rules):
        raise ConfigError(f"rules in {path} must be written as [[rules]] tables.")
    return rules


def _place(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('endpoint', '*')} {entry.get('location')}"


def _says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    aside = {"id", "reason", "author", "evidence", "created"}
    plain = [{key: value for key, value in entry.items() if key not in aside} for entry in (one, other)]
    for entry in plain:
        if entry.get("endpoint") == "*":
            del entry["endpoint"]
    return plain[0] == plain[1]


def _free(wanted: str, taken: set[str]) -> str:
    number, free = 1, wanted
    while free in taken:
        number += 1
        free = f"{wanted}-{number}"
    return free


def _sound(entries: Sequence[Mapping[str, Any]], path: Path) -> None:
    from diffing.rulebook.rules import parse_rules

    parse_rules(entries, path.name)
