"""``[[approvals]]`` entries put into, changed in and taken out of a rules file; all around them stays byte for byte."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from captures.errors import ConfigError
from captures.visible import in_toml
from diffing.model import Approval, Decision
from diffing.review.approvals import entry_of, parse_approvals
from diffing.rulebook.rulesfile import HEADER, without_rules
from diffing.rulebook.tables import ends_blank, spans, without
from diffing.rulebook.tomlfile import MARK, NEWLINES, parsed
from diffing.rulebook.tomltext import table_text

NAME = "approvals"
RULE_PREFIX = "drift-"  # then the fingerprint: the id of a rule that was made for a group


def with_approvals(
    before: str, approvals: Sequence[Approval], path: Path, over: Collection[str] = ()
) -> tuple[str, Mapping[str, Any]]:
    """The text with ``approvals`` in it, and the data that it says.

    One that has an entry already changes that; comments in it stay. ``over``: fingerprints that rejections no longer
    speak of, because they are accepted now. Raises :class:`ConfigError`.
    """
    data, entries = _opened(before, path)
    standing: dict[str, list[int]] = {}
    for at, one in enumerate(entries):
        standing.setdefault(str(one.get("fingerprint")), []).append(at)
    edits: dict[int, dict[str, Any] | None] = {}
    new: dict[str, dict[str, Any]] = {}
    for approval in approvals:
        mine = standing.get(approval.fingerprint, [])
        edits.update(dict.fromkeys(mine[1:]))  # two branches that were merged may have one each
        if mine:
            edits[mine[0]] = entry_of(approval)
        else:
            new[approval.fingerprint] = entry_of(approval)
    if over:
        rejected = {at for at, one in enumerate(entries) if one["decision"] == Decision.REJECTED.value} - edits.keys()
        edits |= _without(entries, set(over), rejected)
    text, entries = _edited(before, entries, edits)
    return _appended(text, list(new.values())), _meant(data, [*entries, *new.values()])


def undecided(before: str, fingerprints: Collection[str], path: Path) -> tuple[str, Mapping[str, Any], tuple[str, ...]]:
    """The text in which no approval speaks of ``fingerprints`` and no rule was made for them, the data it says, and
    which of them there was something of.
    """
    known = set(decisions_in(before, path))
    data, entries = _opened(before, path)
    text, entries = _edited(before, entries, _without(entries, set(fingerprints), range(len(entries))))
    meant = _meant(data, entries)
    text, meant = without_rules(text, meant, {f"{RULE_PREFIX}{name}" for name in fingerprints}, path)
    return text, meant, tuple(name for name in fingerprints if name in known)


def decisions_in(text: str, path: Path) -> tuple[str, ...]:
    """The fingerprints that ``text`` decides about: of approvals, and of the groups that rules were made for."""
    rules = parsed(text, path).get("rules", [])
    ids = [str(rule.get("id", "")) for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    made = [name.removeprefix(RULE_PREFIX) for name in ids if re.fullmatch(rf"{RULE_PREFIX}[0-9a-f]{{12}}", name)]
    entries = _opened(text, path)[1]
    decided = [name for entry in entries for name in (str(entry["fingerprint"]), *entry.get("places", []))]
    return tuple(dict.fromkeys([*decided, *made]))


def _opened(before: str, path: Path) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """The data and its entries, which are checked: what is wrong in the file is said before anything is written."""
    data = parsed(before, path)
    entries = data.get(NAME, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{NAME} in {path} must be written as [[{NAME}]] tables.")
    parse_approvals(entries, path.name)
    if len(spans(before, NAME)) != len(entries):
        raise ConfigError(f"{path} holds its {NAME} in one list.", hint=f"Write them as [[{NAME}]] tables first.")
    return data, list(entries)


def _meant(data: Mapping[str, Any], entries: list[dict[str, Any]]) -> Mapping[str, Any]:
    meant = {**data, NAME: entries}
    if not entries:
        del meant[NAME]
    return meant


def _without(
    entries: Sequence[Mapping[str, Any]], names: set[str], among: Iterable[int]
) -> dict[int, dict[str, Any] | None]:
    """What becomes of the entries ``among`` so that none speaks of ``names``; None: it goes."""
    edits: dict[int, dict[str, Any] | None] = {}
    for at in among:
        entry = dict(entries[at])
        if entry["fingerprint"] in names:
            edits[at] = None
            continue
        places = [name for name in entry.get("places", []) if name not in names]
        left = {key: value for key, value in {**entry, "places": places}.items() if value != []}
        if left != entry:
            edits[at] = left
    return edits


def _edited(
    text: str, entries: Sequence[dict[str, Any]], edits: Mapping[int, dict[str, Any] | None]
) -> tuple[str, list[dict[str, Any]]]:
    """Each of ``edits`` in its place; where an entry stands is looked for once, as a file may hold thousands."""
    if not edits:
        return text, list(entries)
    parts, done = [], 0
    for at, span in enumerate(spans(text, NAME)):
        entry = edits.get(at)
        if entry is not None:
            parts += [text[done : span.start], _changed(text[span.start : span.end], entries[at], entry)]
            done = span.end
    text = "".join([*parts, text[done:]])
    if None in edits.values():
        where = spans(text, NAME)
        text = without(text, [where[at] for at in sorted(edits) if edits[at] is None])
    kept = [edits.get(at, entry) for at, entry in enumerate(entries)]
    return text, [entry for entry in kept if entry is not None]


def _appended(text: str, entries: Sequence[Mapping[str, Any]]) -> str:
    if not entries:
        return text
    base = text if text.removeprefix(MARK).strip() else f"{text.rstrip()}{HEADER}"
    base += "" if base.endswith("\n") else "\n"
    gap = "" if ends_blank(base) else "\n"
    blocks = "\n".join(table_text(NAME, entry) for entry in entries)
    return f"{base}{gap}{blocks}"


def _changed(block: str, was: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    import tomlkit

    small = tomlkit.parse(NEWLINES.sub("\n", block))
    tables: Any = small[NAME]
    table = tables[0]
    for key in was:
        if key not in entry:
            table.pop(key, None)
    for key, value in entry.items():
        if was.get(key) != value:
            table[key] = value
    rendered = in_toml(tomlkit.dumps(small))
    return rendered + ("" if rendered.endswith("\n") else "\n")
