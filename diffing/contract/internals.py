"""What belongs into a log and stands in an answer: stack traces, queries, paths of the server's disk (CWE-209)."""

from __future__ import annotations

import re

LOOKED_AT = 100_000  # characters of a text

_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a Python stack trace", re.compile(r'Traceback \(most recent call last\)|File "[^"\n]+", line \d+')),
    (
        "a Java stack trace",
        re.compile(
            r"\bat [\w$.]+\.[\w$<>]+\((?:[\w$]+\.(?:java|kt|scala|groovy|clj)(?::\d+)?|Native Method|Unknown Source)\)"
            r"|(?<![\w.])(?:[a-z]\w{0,40}\.){2,12}[A-Z]\w{0,60}(?:Exception|Error)\b"
        ),
    ),
    (
        "a Node stack trace",
        re.compile(r"\bat (?:async )?(?:[^\n()]{1,200} \()?(?:file://|node:|/|[A-Z]:\\)[^\s()]*:\d+:\d+\)?"),
    ),
    ("a Go stack trace", re.compile(r"\bgoroutine \d+ \[|\.go:\d+ \+0x[0-9a-f]+|\bpanic: runtime error")),
    (
        "a .NET stack trace",
        re.compile(
            re.compile(
                r"\bat [\w.`<>\[\]]+\([^()\n]{0,200}\) in [^\n]{1,300}:line \d+"
                r"|(?<![\w.])System\.(?:\w{1,40}\.){0,8}\w{1,60}Exception\b"
            ),
        ),
    ),
    (
        "a PHP stack trace",
        re.compile(r"#\d+ [^\s()]+\.php\(\d+\)|(?:error|Warning|Notice)\b[^\n]{0,300}\.php(?::| on line )\d+"),
    ),
    ("a Ruby stack trace", re.compile(r"\.rb:\d+:in [`']")),
    ("a Rust panic", re.compile(r"\bthread '[^'\n]*' panicked at\b")),
    (
        "SQL",
        re.compile(
            r"\bSELECT\b[\s\S]{1,400}?\bFROM\b\s+[\w\"`\[.]+|\bINSERT INTO\b\s+[\w\"`\[.]+[\s\S]{0,400}?\bVALUES\b"
            r"|\bUPDATE\b\s+[\w\"`\[.]+\s+SET\b|\bDELETE FROM\b\s+[\w\"`\[.]+|\bSQLSTATE\b|\bORA-\d{5}\b"
            r"|syntax error at or near|violates (?:unique|foreign key|not-null|check) constraint"
            r"|You have an error in your SQL syntax|\bno such (?:table|column): "
        ),
    ),
    (
        "a path of the server's disk",
        re.compile(
            r"(?<![\w:/.%-])/(?:home|usr|var|etc|opt|srv|root|proc|Users)/[\w.@+-]+(?:/[\w.@+-]+)*"
            r"|(?<![\w:/.%-])/(?:[\w.@+-]+/)+[\w.@+-]+\.(?:py|rb|go|php|java|kt|cs|rs|ex|pl|(?:js|ts|mjs)(?=:\d))\b"
            r"|(?<![A-Za-z0-9])[A-Z]:\\(?:[^\\/:*?\"<>|\s]+\\)+[^\\/:*?\"<>|\s]*"
        ),
    ),
)


def internals_in(text: str) -> list[str]:
    """What of that sort ``text`` holds, the most telling first."""
    if len(text) < 6:
        return []
    text = text[:LOOKED_AT]
    return [what for what, sign in _SIGNS if sign.search(text)]


def new_internals(recorded: str, replayed: str) -> str:
    """What stands in ``replayed`` of any sort that ``recorded`` has nothing of, or nothing."""
    found = internals_in(replayed)
    if not found:
        return ""
    before = internals_in(recorded)
    return next((what for what in found if what not in before), "")
