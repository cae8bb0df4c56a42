"""The configuration with every key, as the documentation shows it, and its tables of keys. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from captures.settings.faults import toml
from captures.settings.judging_keys import APPROVALS, ENDPOINTS, RULES
from captures.settings.recording_keys import DEPENDENCY, RECORD, REDACT
from captures.settings.replaying_keys import AS, AUTH, CHAIN, LOGIN, REPLAY
from captures.settings.tables import Key, Table, Tables

COLUMN, WIDTH = 38, 118

DEPENDENCIES = """\
[dependencies]                        # names for what the service calls
payments = "https://payments.internal"
search = { url = "http://search.internal:9200", env = "SEARCH_URL" }   # a listener of its own, on replay too
"""
CHAINS = """\
[[chain]]                             # a flow that inference cannot see: a value that neither name nor place tells
name = "table number"
from = "POST /tables json $.number"   # json, header, cookie or text, as in a pin's bind:
to = "GET /tables/{number}"           # or: path 2, query NAME, header, cookie or form NAME, json PATH, text PATTERN

[[chain]]
to = "POST /search json $.filter"     # what stands there is sent as recorded (from: nothing is learnt there)
never = true
"""
EVERY: tuple[Table, ...] = (RECORD, DEPENDENCY, REDACT, REPLAY, AUTH, LOGIN, AS, CHAIN, ENDPOINTS, RULES, APPROVALS)
"""Every table, in the order of the documentation."""


def example() -> str:
    """All but rules and approvals, in TOML with a comment on each key."""
    parts = [_section(RECORD), DEPENDENCIES, _section(REDACT), _section(REPLAY), _section(AUTH)]
    parts += [_section(LOGIN, without=("form",)), _section(AS, without=("cookie", "basic", "login"), many=True), CHAINS]
    return "\n".join([*parts, _section(ENDPOINTS)])


def table_of(table: Table) -> str:
    """The keys of ``table`` in Markdown: what is accepted, the default, the twins, the meaning."""
    rows = ["| key | accepted | default | otherwise given by | meaning |", "|---|---|---|---|---|"]
    for key in (key for key in table.keys if not isinstance(key.kind, Table | Tables)):
        default = key.otherwise or "none" if key.default is None else f"`{toml(key.default)}`"
        twins = ", ".join(f"`{twin}`" for twin in (key.option, key.variable) if twin)
        needed = "needed" if key.needed else default
        rows.append(f"| `{key.name}` | {_cell(key.kind.accepts)} | {_cell(needed)} | {twins} | {_cell(key.meaning)} |")
    return "\n".join(rows)


def title_of(table: Table) -> str:
    """How the table is written."""
    if table is DEPENDENCY:
        return "[dependencies] NAME"
    return f"[[{table.name}]]" if table in (AS, CHAIN, RULES, APPROVALS) else f"[{table.name}]"


def _section(table: Table, without: tuple[str, ...] = (), *, many: bool = False) -> str:
    head = f"[[{table.name}]]" if many else f"[{table.name}]"
    meaning = table.meaning[0].lower() + table.meaning[1:]
    lines = [f"{head:<{COLUMN}}# {meaning}"]
    for key in table.keys:
        if key.name not in without and not isinstance(key.kind, Table | Tables):
            lines += _lines(key)
    return "\n".join(lines) + "\n"


def _lines(key: Key) -> Iterator[str]:
    """The key with its comment beside it; above it, where there is no room."""
    beside = f"{key.shown:<{COLUMN - 1}} # {key.meaning}"
    if len(beside) <= WIDTH:
        yield beside
    else:
        yield f"# {key.meaning}:"
        yield key.shown


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
