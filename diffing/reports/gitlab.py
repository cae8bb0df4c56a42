"""GitLab's Code Quality report: a JSON list, one entry a drift group that nobody let pass.

GitLab tells new entries from known ones by their fingerprints, so these hold neither values nor counts. An entry has to
name a file; the one in which the drift is answered is named.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from captures.visible import visible
from captures.wording import counted
from diffing.model import Group, Level, Result
from diffing.reports.text import clip
from diffing.reports.wording import shown_values, title, verdict_sentence

FILE = "retape.rules.toml"
SEVERITIES = {Level.ERROR: "critical", Level.WARNING: "major", Level.INFO: "info"}
LONGEST = 1_000  # characters of a description
MOST = 5_000  # entries; GitLab reads no more than some megabytes


def render(result: Result) -> str:
    """The report as JSON in ASCII, ending in a line feed."""
    groups = [group for group in result.groups if group.open]
    entries = [_entry(group) for group in groups[:MOST]]
    if result.reasons:
        said = verdict_sentence(result) if result.verdict == "inconclusive" else "; ".join(result.reasons)
        entries.append(_said("retape.inconclusive", "critical", f"Not everything could be judged: {said}"))
    if len(groups) > MOST:
        entries.append(_said("retape.more", "critical", f"{counted(len(groups) - MOST, 'more drift group')}"))
    return json.dumps(entries, indent=2).replace("##[", "#\\u0023[") + "\n"


def _entry(group: Group) -> dict[str, Any]:
    before, after = shown_values(group.examples[0] if group.examples else group, 120)
    spread = counted(max(group.spread, len(group.exchanges)) or group.count, "exchange")
    said = f"{title(group.class_id)}: {group.endpoint} {group.location}: {before} → {after} ({spread})"
    return _said(group.class_id, SEVERITIES[group.level], said, group.fingerprint)


def _said(check: str, severity: str, description: str, fingerprint: str = "") -> dict[str, Any]:
    return {
        "type": "issue",
        "check_name": check,
        "description": clip(visible(description), LONGEST),
        "fingerprint": fingerprint or hashlib.sha256(check.encode()).hexdigest()[:32],
        "severity": severity,
        "location": {"path": FILE, "lines": {"begin": 1}},
    }
