"""One table as TOML text. tomlkit does the same with comments and order in mind, at twenty times the cost, and a report
shows a rule for each of thousands of groups. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from captures.errors import ConfigError
from captures.visible import in_toml


def table_text(name: str, entry: Mapping[str, Any]) -> str:
    """``[[name]]`` and a line for each key, which has to be a bare one; whatever would not be seen is escaped.

    Values are strings, numbers, booleans, dates, and lists and tables of such. Raises :class:`ConfigError` for a string
    that holds half a character, for which TOML has no form.
    """
    return f"[[{name}]]\n" + "".join(f"{key} = {value_text(value)}\n" for key, value in entry.items())


def value_text(value: Any) -> str:
    """One value; see :func:`table_text`."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ConfigError("TOML has no form for half a character.") from error
        return in_toml(json.dumps(value, ensure_ascii=False))  # what JSON escapes, TOML does in the same way
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = (f"{value_text(key)} = {value_text(one)}" for key, one in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, value))}]"
    return str(value)
