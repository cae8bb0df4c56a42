"""The whole configuration as one table: what ``retape.toml`` and ``retape.rules.toml`` may hold. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from captures.settings.judging_keys import APPROVALS, ENDPOINTS, RULES
from captures.settings.recording_keys import DEPENDENCIES, RECORD, REDACT
from captures.settings.replaying_keys import CHAIN, REPLAY
from captures.settings.tables import Key, Table, Tables

ROOT = Table(
    (
        Key("record", RECORD, RECORD.meaning),
        Key("dependencies", DEPENDENCIES, "Names for what the service calls"),
        Key("redact", REDACT, REDACT.meaning),
        Key("replay", REPLAY, REPLAY.meaning),
        Key("chain", Tables(CHAIN), CHAIN.meaning),
        Key("endpoints", ENDPOINTS, ENDPOINTS.meaning),
        Key("rules", Tables(RULES), RULES.meaning),
        Key("approvals", Tables(APPROVALS), APPROVALS.meaning),
    ),
    meaning="retape.toml, or [tool.retape] in pyproject.toml",
)

RULES_FILE = Table(
    (
        Key("rules", Tables(RULES), RULES.meaning),
        Key("approvals", Tables(APPROVALS), APPROVALS.meaning),
    ),
    meaning="retape.rules.toml, beside retape.toml",
)

SECTIONS: tuple[Table, ...] = (RECORD, REDACT, REPLAY, ENDPOINTS)
"""The tables whose keys each have one value: those that ``retape config show`` shows one by one."""


LISTED: tuple[tuple[str, Key], ...] = tuple((key.name, key) for key in ROOT.keys if not isinstance(key.kind, Table))
"""What there may be any number of: ``[dependencies]``, ``[[chain]]``, ``[[rules]]``, ``[[approvals]]``."""


def section(name: str) -> Table:
    """The section ``[name]``; ``KeyError`` where it is none of :data:`SECTIONS`."""
    for table in SECTIONS:
        if table.name == name:
            return table
    raise KeyError(name)


def leaves() -> Iterator[tuple[Table, Key]]:
    """Every key that has a value of its own, with its table, in the order of the documentation."""
    for table in SECTIONS:
        for key in table.keys:
            if not isinstance(key.kind, Table):
                yield table, key
