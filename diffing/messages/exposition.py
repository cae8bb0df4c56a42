"""Prometheus' text exposition: what a process says of itself moves by itself, what its gauges say of the business not.

Accepted are another count of a counter, histogram or summary (its ``# TYPE`` says that it only goes up) and the metrics
that client libraries keep about the process. The name and the labels stay as they are, and a number stays a number.
"""

from __future__ import annotations

import re

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(\{.*\})? ([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(?: ([0-9]+))?")
_TYPE = re.compile(r"# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary|untyped)")
_PARTS = re.compile(r"_(?:total|sum|count|created)$")
_PROCESS = ("process_", "go_", "python_", "jvm_", "nodejs_", "dotnet_", "ruby_", "promhttp_")


def types(lines: list[str]) -> dict[str, str]:
    """Metric -> type, as the exposition declares it; empty for every other text."""
    return {match[1]: match[2] for line in lines if line.startswith("# TYPE ") and (match := _TYPE.fullmatch(line))}


def moved(recorded: str, replayed: str, declared: dict[str, str]) -> str:
    """Why two unequal lines of an exposition are one sample at two times; "" when nothing says so."""
    one, other = _SAMPLE.fullmatch(recorded), _SAMPLE.fullmatch(replayed)
    if one is None or other is None or one.group(1, 2) != other.group(1, 2) or bool(one[4]) != bool(other[4]):
        return ""
    name = one[1]
    if name.startswith(_PROCESS):
        return "a metric of the process" if (float(one[3]) > 0) == (float(other[3]) > 0) else ""
    kind = declared.get(name) or declared.get(_PARTS.sub("", name)) or declared.get(name.removesuffix("_bucket"))
    counts = kind in ("counter", "histogram", "summary") and float(one[3]) > 0 and float(other[3]) > 0
    return f"a {kind} goes on counting" if counts else ""
