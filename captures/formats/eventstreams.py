"""Streams of values: JSON lines, JSON text sequences (RFC 7464), and server-sent events (HTML, 9.2.6)."""

from __future__ import annotations

import re
from typing import Any

from captures.formats import jsontext
from captures.formats.jsontext import Reading

_LINE_END = re.compile(r"\r\n|\r|\n")


def read_json_lines(text: str, nesting: int) -> Reading:
    """One value per line, or per record separator, as an array. Raises ``ValueError`` for what is no JSON."""
    records = text.split("\x1e") if text.startswith("\x1e") else text.split("\n")
    return _together([jsontext.read(record.strip("\r\n"), nesting) for record in records if record.strip()])


def read_events(text: str, nesting: int) -> Reading:
    """Server-sent events as an array of their fields, by name; ``data`` that is JSON as its value.

    Comments say nothing to a client (``: keep-alive``) and are left out. What stands after the last blank line is no
    event yet, so a stream that was cut off shows: its last event has ``#incomplete``.
    """
    readings: list[Reading] = []
    fields: dict[str, list[str]] = {}
    *lines, rest = _LINE_END.split(text)
    for line in (*lines, *([rest] if rest else ())):
        if not line:
            if fields:
                readings.append(_event(fields, nesting))
                fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
    if fields:
        last = _event(fields, nesting)
        last.value["#incomplete"] = True
        readings.append(last)
    return _together(readings)


def _event(fields: dict[str, list[str]], nesting: int) -> Reading:
    event: dict[str, Any] = {}
    duplicates: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    for name, values in fields.items():
        if name != "data":
            event[name] = values[-1] if name in ("event", "id", "retry") or len(values) == 1 else values
            continue
        data = "\n".join(values)
        event["data"] = data
        if data.lstrip()[:1] in ("{", "["):
            try:
                reading = jsontext.read(data, nesting)
            except ValueError:
                continue  # text that only starts like JSON
            event["data"] = reading.value
            duplicates = tuple(f"$.data{path[1:]}" for path in reading.duplicates)
            defects = tuple(defect.replace(" at $", " at $.data", 1) for defect in reading.defects)
    return Reading(event, duplicates, defects)


def _together(readings: list[Reading]) -> Reading:
    return Reading(
        [reading.value for reading in readings],
        tuple(f"$[{at}]{path[1:]}" for at, reading in enumerate(readings) for path in reading.duplicates),
        tuple(
            defect.replace(" at $", f" at $[{at}]", 1)
            for at, reading in enumerate(readings)
            for defect in reading.defects
        ),
    )
