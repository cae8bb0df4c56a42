"""Writing rules: ``[[rules]]`` entries added to, changed in and taken out of a file that people wrote and review.

Everything outside the touched entry stays byte for byte: comments, order, blank lines, line endings. tomlkit reads
where an entry stands and writes the entry itself; a file that would not read back as meant is never written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from captures.errors import ConfigError
from diffing.rulebook.tomlfile import MARK, NEWLINES, parsed, rewrite
from diffing.rulebook.tomltext import table_text

HEADER = (
    "# [[rules]]: what must hold where a value cannot be equal to the recorded one. [[approvals]]: drift that people\n"
    "# accepted or rejected. Reviewed like code; comments stay. `retape rules check` says what of it does nothing.\n"
)
_TITLE = re.compile(r"(?:^|(?<=\ufeff))[ \t]*\[\[[ \t]*(?:rules|\"rules\"|'rules')[ \t]*\]\][^\n]*\n?", re.MULTILINE)


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
    new: list[dict[str, Any]] = []
    ids: list[str] = []
    for draft in drafts:
        entry = draft.entry()
        known = next((one for one in (*standing, *new) if _says_the_same(one, entry)), None)
        if known is not None and "id" in known:
            ids.append(str(known["id"]))
            continue
        entry["id"] = _free(str(entry["id"]), taken)
        taken.add(entry["id"])
        new.append(entry)
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
    rewrite(path, lambda before: without_rule(before, rule_id, path))


def without_rule(before: str, rule_id: str, path: Path) -> tuple[str, Mapping[str, Any]]:
    """The text without the rule, and the data that it says: what :func:`remove_rule` writes."""

    def gone(text: str, start: int, end: int) -> str:
        before, after = text[:start], text[end:]
        if not before or NEWLINES.sub("\n", before).endswith("\n\n"):
            after = re.sub(r"\A(?:[ \t]*\r?\n)+", "", after)
        return before + after

    return _edited(before, path, rule_id, gone, lambda _: None)


def update_rule(path: Path, rule_id: str, changes: Mapping[str, Any]) -> None:
    """Set keys of a rule (``None`` takes one out); its other keys, comments and their order stay.

    Raises :class:`ConfigError` when the rule is not there or would no longer be sound.
    """

    def changed(text: str, start: int, end: int) -> str:
        import tomlkit

        small = tomlkit.parse(NEWLINES.sub("\n", text[start:end]))
        table: Any = small["rules"]
        for key, value in changes.items():
            if value is None:
                table[0].pop(key, None)
            else:
                table[0][key] = value
        rendered = tomlkit.dumps(small)
        return text[:start] + rendered + ("" if rendered.endswith("\n") else "\n") + text[end:]

    def meant(entry: dict[str, Any]) -> dict[str, Any]:
        merged = {**entry, **changes}
        return {key: value for key, value in merged.items() if value is not None}

    rewrite(path, lambda before: _edited(before, path, rule_id, changed, meant))


def _edited(
    before: str,
    path: Path,
    rule_id: str,
    change: Callable[[str, int, int], str],
    meant: Callable[[dict[str, Any]], dict[str, Any] | None],
) -> tuple[str, Mapping[str, Any]]:
    data = parsed(before, path)
    standing = _entries(data, path)
    at = next((number for number, entry in enumerate(standing) if entry.get("id") == rule_id), None)
    if at is None:
        known = ", ".join(str(entry.get("id")) for entry in standing) or "no rule"
        raise ConfigError(f'{path} has no rule "{rule_id}".', hint=f"It has {known}.")
    if _is_inline(data, before):
        raise ConfigError(f"{path} holds its rules in one list.", hint="Write them as [[rules]] tables first.")
    entry = meant(dict(standing[at]))
    if entry is not None:
        _sound([entry], path)
    start, end = _span(before, at, path)
    rules = [*standing[:at], *([entry] if entry is not None else []), *standing[at + 1 :]]
    expected = {**data, "rules": rules}
    if not rules:
        del expected["rules"]
    return change(before, start, end), expected


def _span(text: str, at: int, path: Path) -> tuple[int, int]:
    """From the title of rule number ``at`` to the end of its last key: comments that follow belong to what comes."""
    import tomlkit

    tables: Any = tomlkit.parse(text.removeprefix(MARK))["rules"]
    position = 0
    for number, table in enumerate(tables):
        body = table.as_string()
        for title in _TITLE.finditer(text, position):
            if text.startswith(body, title.end()):
                break
        else:
            raise ConfigError(f"{path}: rule {number + 1} cannot be found in the text.", hint="Edit it by hand.")
        if number == at:
            trailing = 0
            for key, item in reversed(table.value.body):
                if key is not None:
                    break
                trailing += len(item.as_string())
            return title.start(), title.end() + len(body) - trailing
        position = title.end() + len(body)
    raise ConfigError(f"{path}: rule {at + 1} cannot be found in the text.", hint="Edit it by hand.")


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
    return "rules" in data and _TITLE.search(text) is None


def _entries(data: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    rules = data.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(entry, dict) for entry in rules):
        raise ConfigError(f"rules in {path} must be written as [[rules]] tables.")
    return rules


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
