"""``[[approvals]]`` entries put into, changed in and taken out of a rules file; all around them stays byte for byte."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from captures.errors import ConfigError
from captures.visible import in_toml
from diffing.model import Approval, Decision
from diffing.review.approvals import entry_of, parse_approvals
from diffing.review.tables import Span, spans
from diffing.rulebook.rulesfile import HEADER, without_rule
from diffing.rulebook.tomlfile import MARK, NEWLINES, parsed

NAME = "approvals"
RULE_PREFIX = "drift-"  # then the fingerprint: the id of a rule that was made for a group


def with_approvals(
    before: str, approvals: Sequence[Approval], path: Path, over: Collection[str] = ()
) -> tuple[str, Mapping[str, Any]]:
    """The text with ``approvals`` in it, and the data that it says.

    One that has an entry already changes that; comments in it stay. ``over``: fingerprints that rejections no longer
    speak of, because they are accepted now. Raises :class:`ConfigError`.
    """
    text, entries = _opened(before, path)
    for approval in approvals:
        entry = entry_of(approval)
        mine = [at for at, one in enumerate(entries) if one.get("fingerprint") == approval.fingerprint]
        for at in reversed(mine[1:]):  # two branches that were merged may have one each
            text = _cut(text, spans(text, NAME)[at])
            del entries[at]
        if mine:
            text = _replaced(text, spans(text, NAME)[mine[0]], entries[mine[0]], entry)
            entries[mine[0]] = entry
        else:
            text = _appended(text, entry)
            entries.append(entry)
    own = {approval.fingerprint for approval in approvals}
    if over:
        text, entries = _dropped(text, entries, set(over), own, only=Decision.REJECTED)
    return text, _meant(before, path, entries)


def undecided(before: str, fingerprints: Collection[str], path: Path) -> tuple[str, Mapping[str, Any], tuple[str, ...]]:
    """The text in which no approval speaks of ``fingerprints`` and no rule was made for them, the data it says, and
    which of them there was something of.
    """
    known = decisions_in(before, path)
    text, entries = _opened(before, path)
    text, entries = _dropped(text, entries, set(fingerprints), set())
    meant = _meant(before, path, entries)
    for name in fingerprints:
        if f"{RULE_PREFIX}{name}" in {rule.get("id") for rule in meant.get("rules", [])}:
            text, meant = without_rule(text, f"{RULE_PREFIX}{name}", path)
    return text, meant, tuple(name for name in fingerprints if name in known)


def decisions_in(text: str, path: Path) -> tuple[str, ...]:
    """The fingerprints that ``text`` decides about: of approvals, and of the groups that rules were made for."""
    rules = parsed(text, path).get("rules", [])
    ids = [str(rule.get("id", "")) for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    made = [name.removeprefix(RULE_PREFIX) for name in ids if re.fullmatch(rf"{RULE_PREFIX}[0-9a-f]{{12}}", name)]
    entries = _opened(text, path)[1]
    decided = [name for entry in entries for name in (str(entry["fingerprint"]), *entry.get("places", []))]
    return tuple(dict.fromkeys([*decided, *made]))


def _opened(before: str, path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The text and its entries, which are checked: what is wrong in the file is said before anything is written."""
    data = parsed(before, path)
    entries = data.get(NAME, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{NAME} in {path} must be written as [[{NAME}]] tables.")
    parse_approvals(entries, path.name)
    if len(spans(before, NAME)) != len(entries):
        raise ConfigError(f"{path} holds its {NAME} in one list.", hint=f"Write them as [[{NAME}]] tables first.")
    return before, list(entries)


def _meant(before: str, path: Path, entries: list[dict[str, Any]]) -> Mapping[str, Any]:
    meant = {**parsed(before, path), NAME: entries}
    if not entries:
        del meant[NAME]
    return meant


def _dropped(
    text: str,
    entries: list[dict[str, Any]],
    names: set[str],
    keep: set[str],
    only: Decision | None = None,
) -> tuple[str, list[dict[str, Any]]]:
    kept: list[dict[str, Any]] = []
    for at in range(len(entries) - 1, -1, -1):
        entry = entries[at]
        if entry["fingerprint"] in keep or (only is not None and entry["decision"] != only.value):
            kept.append(entry)
            continue
        if entry["fingerprint"] in names:
            text = _cut(text, spans(text, NAME)[at])
            continue
        places = [name for name in entry.get("places", []) if name not in names]
        left = {key: value for key, value in {**entry, "places": places}.items() if value != []}
        if left != entry:
            text = _replaced(text, spans(text, NAME)[at], entry, left)
        kept.append(left)
    return text, kept[::-1]


def _appended(text: str, entry: Mapping[str, Any]) -> str:
    base = text if text.removeprefix(MARK).strip() else f"{text.rstrip()}{HEADER}"
    base += "" if base.endswith("\n") else "\n"
    gap = "" if NEWLINES.sub("\n", base).endswith("\n\n") else "\n"
    return f"{base}{gap}{_rendered(entry)}"


def _cut(text: str, span: Span) -> str:
    before, after = text[: span.start], text[span.end :]
    if not after.strip():
        return re.sub(r"(\n)[ \t]*\r?\n\Z", r"\1", before) + after
    if not before.removeprefix(MARK) or NEWLINES.sub("\n", before).endswith("\n\n"):
        after = re.sub(r"\A(?:[ \t]*\r?\n)+", "", after)
    return before + after


def _replaced(text: str, span: Span, was: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    import tomlkit

    small = tomlkit.parse(NEWLINES.sub("\n", text[span.start : span.end]))
    tables: Any = small[NAME]
    table = tables[0]
    for key in was:
        if key not in entry:
            table.pop(key, None)
    for key, value in entry.items():
        if was.get(key) != value:
            table[key] = value
    rendered = in_toml(tomlkit.dumps(small))
    return text[: span.start] + rendered + ("" if rendered.endswith("\n") else "\n") + text[span.end :]


def _rendered(entry: Mapping[str, Any]) -> str:
    import tomlkit

    table = tomlkit.table()
    for key, value in entry.items():
        table.add(key, value)
    tables = tomlkit.aot()
    tables.append(table)
    document = tomlkit.document()
    document.add(NAME, tables)
    return in_toml(tomlkit.dumps(document)).rstrip("\n") + "\n"
