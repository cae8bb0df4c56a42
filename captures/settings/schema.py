"""The configuration as JSON Schema, for editors: made from the tables, printed by ``retape config schema``. Pure."""

from __future__ import annotations

import json

from captures.settings.keys import ROOT, RULES_FILE
from captures.settings.tables import Table

DIALECT = "http://json-schema.org/draft-07/schema#"
"""What the TOML extensions of editors understand."""


def schema_text(table: Table = ROOT) -> str:
    """The schema of ``retape.toml`` (or of ``retape.rules.toml``: :data:`RULES_FILE`) as the files in this package."""
    title = "Retape's rules and approvals" if table is RULES_FILE else "Retape's configuration"
    schema = {"$schema": DIALECT, "title": title, **table.schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
