"""A missed call and its nearest recorded one, as an edit script: what to change in the call to get the recorded one.

Every part of the request is told, also behind a path that has moved; each edit that a rule can allow comes with that
rule. Pure; give it redacted requests: their values stand in the result.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from captures.formats.decoding import decode, form_fields
from captures.model import Headers, Request
from diffing.model import ABSENT
from diffing.rulebook.rulesfile import RuleDraft, written
from diffing.rulebook.suggesting import draft_for
from replayer.alignment import MISSING, Missing, body_pairs, field_pairs, unquote
from replayer.tokens import kind_of

MAX_EDITS = 20
MAX_SHOWN = 200  # characters of one value
_UNSAID = frozenset(
    b"host connection keep-alive proxy-connection te trailer transfer-encoding content-length accept-encoding "
    b"user-agent date traceparent tracestate b3 expect".split()
)
"""Headers whose difference explains nothing: they frame the message, name the client, or are new every time."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One step. ``op`` is replace, add or remove; ``call`` is what the call says, ``recorded`` what was recorded."""

    op: str
    where: str  # "method", "host", "path segment 2", "query page", "header accept", "body $.amount"
    call: Any
    recorded: Any
    counts: bool = True  # False for a header: it did not cost the call its answer

    def to_json(self) -> dict[str, Any]:
        """As it stands in a note; values cut."""
        entry: dict[str, Any] = {"edit": self.op, "where": self.where}
        if self.op != "add":
            entry["from"] = shown(self.call)
        if self.op != "remove":
            entry["to"] = shown(self.recorded)
        return entry

    def sentence(self) -> str:
        """For people: ``replace path segment 3 'charges' by 'payments'``."""
        if self.op == "add":
            return f"add {self.where} {shown(self.recorded)!r}"
        if self.op == "remove":
            return f"remove {self.where} {shown(self.call)!r}"
        return f"replace {self.where} {shown(self.call)!r} by {shown(self.recorded)!r}"


def edits(recorded: Request, call: Request) -> list[Edit]:
    """The script, in the order of the request: server, method, path, query, headers, body."""
    found = [_edit(name, getattr(call, name), getattr(recorded, name)) for name in ("scheme", "host", "port", "method")]
    old, _, old_query = recorded.target.partition(b"?")
    new, _, new_query = call.target.partition(b"?")
    found += _path([unquote(part) for part in old.split(b"/")], [unquote(part) for part in new.split(b"/")])
    for pair in field_pairs(form_fields(old_query), form_fields(new_query)):
        found.append(_edit(f"query {pair.name}", pair.replayed, pair.recorded))
    found += _headers(recorded.headers, call.headers)
    if recorded.body != call.body:
        pairs = body_pairs(decode(recorded.body, recorded.headers), decode(call.body, call.headers))
        found += [_edit(f"body {pair.path}".strip(), pair.replayed, pair.recorded) for pair in pairs if not pair.equal]
    return [edit for edit in found if edit is not None]


def accepting_rules(call_name: str, endpoint: str, recorded: Request, call: Request) -> list[str]:
    """One ``[[rules]]`` table as TOML for each difference that a rule may accept; method and server always count."""
    where = f"outbound {call_name} request"
    tables: list[str] = []
    for change, location, one, other in _ruled(where, recorded, call):
        draft = draft_for(f"outbound.request.{change}", endpoint or "*", location, [(one, other)])
        if draft is not None and len(tables) < MAX_EDITS:
            tables.append(_as_table(draft))
    return tables


def shown(value: Any) -> Any:
    """``value`` JSON-able and short."""
    if isinstance(value, Missing) or value is MISSING:
        return None
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, str):
        return value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…"
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, dict | list):
        return f"{type(value).__name__} of {len(value)}"
    return str(value)


def _as_table(draft: RuleDraft) -> str:
    return written(draft).strip()


def _edit(where: str, call: Any, recorded: Any, *, counts: bool = True) -> Edit | None:
    if type(call) is type(recorded) and str(call) == str(recorded):
        return None
    op = "remove" if recorded is MISSING else "add" if call is MISSING else "replace"
    return Edit(op, where, call, recorded, counts)


def _path(recorded: list[str], call: list[str]) -> list[Edit | None]:
    """Segments inserted, removed and renamed; a segment before which one was inserted stays what it is."""
    found: list[Edit | None] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, call, recorded, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        gone, wanted = call[i1:i2], recorded[j1:j2]
        shared = min(len(gone), len(wanted))
        found += [_edit(f"path segment {i1 + at}", gone[at], wanted[at]) for at in range(shared)]
        found += [_edit(f"path segment {i1 + at}", gone[at], MISSING) for at in range(shared, len(gone))]
        found += [_edit(f"path segment {j1 + at}", MISSING, wanted[at]) for at in range(shared, len(wanted))]
    return found


def _headers(recorded: Headers, call: Headers) -> list[Edit | None]:
    sides: list[dict[str, str]] = [{}, {}]
    for side, headers in zip(sides, (recorded, call), strict=True):
        for name, value in headers:
            lower = name.lower()
            text = value.decode("latin-1")
            if lower not in _UNSAID and kind_of(text) is None:
                side.setdefault(lower.decode("latin-1"), text.partition("boundary=")[0])
    return [
        _edit(f"header {name}", sides[1].get(name, MISSING), sides[0].get(name, MISSING), counts=False)
        for name in {**sides[0], **sides[1]}
    ]


def _ruled(where: str, recorded: Request, call: Request) -> Iterator[tuple[str, str, Any, Any]]:
    """(change, location, recorded, call) of what a rule may speak of."""
    old, _, old_query = recorded.target.partition(b"?")
    new, _, new_query = call.target.partition(b"?")
    if old != new:
        yield "target", f"{where}.target", old.decode("latin-1"), new.decode("latin-1")
    for pair in field_pairs(form_fields(old_query), form_fields(new_query)):
        if not pair.equal:
            yield "query", f"{where}.query {pair.name}", _absent(pair.recorded), _absent(pair.replayed)
    if recorded.body != call.body:
        for pair in body_pairs(decode(recorded.body, recorded.headers), decode(call.body, call.headers)):
            if not pair.equal and pair.path.startswith("$"):
                yield "body.value", f"{where}.body {pair.path}", _absent(pair.recorded), _absent(pair.replayed)


def _absent(value: Any) -> Any:
    return ABSENT if value is MISSING else value
