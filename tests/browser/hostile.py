"""A recording and a run in which every text that anyone else chose attacks the page that shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from captures.model import Cause, CauseHow, Direction, Exchange, Failure, FailureKind, Request, Response, Timing
from captures.writer import CaptureWriter
from diffing.engine import compare_captures
from diffing.model import Result

PWN = "window.PWNED=1"
RUNNING = (  # what would run, load or navigate if it were taken for markup or for an address
    f"</script><script>{PWN}</script>",
    f"<img src=x onerror={PWN}>",
    f"<svg/onload={PWN}><animate onbegin={PWN} attributeName=x dur=1s>",
    f"'\"><details open ontoggle={PWN}>",
    "<iframe srcdoc='<script>parent.PWNED=1</script>'></iframe>",
    f"--></style></title></textarea></noscript><script>{PWN}</script>",
    "<style>@import url(http://evil.test/a.css);*{display:none}</style>",
    "<link rel=stylesheet href=//evil.test/b.css><base href=//evil.test/>",
    "<meta http-equiv=refresh content='0;url=http://evil.test/c'>",
    f"javascript:{PWN}//",
    f"data:text/html,<script>{PWN}</script>",
    f"{{{{constructor.constructor('{PWN}')()}}}}${{{PWN}}}`{PWN}`",
    f"&lt;script&gt;{PWN}&lt;/script&gt;&#60;b&#62;",
    "\x1b[2J\x1b]8;;http://evil.test\x07link\x1b]8;;\x07\x00\x08\x9b31m",
    "\u202eevil\u2066bidi\u2069\u200b\ufeff\u2028\u2029\ufff9\U000e0041\xad",
)
NAMES = ("__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "length", "app", "index", "e-0")
HUGE = "<b>" * 40_000
SURROGATES = r'"\ud800 \udfff\udbff"'
START = 1_790_000_000.0


def texts() -> Iterator[str]:
    """Everything hostile that fits on a line."""
    yield from RUNNING
    yield from NAMES


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _token(text: str) -> bytes:
    """As a header name: whatever a lenient parser would let through."""
    return bytes(byte for byte in _bytes(text) if byte not in b"\r\n\x00:")


def _line(text: str) -> bytes:
    return bytes(byte for byte in _bytes(text) if byte not in b"\r\n\x00")


def _body(at: int, text: str, *, run: bool) -> bytes:
    value: dict[str, Any] = {
        "said": text + ("!" if run else ""),
        text: {"under": at + run},
        "same": text,
        "list": [{"id": text, "n": at}, {"id": "other", "n": at + run}],
        **{name: {name: at + run} for name in NAMES},
        **({f"new {text}": text} if run else {f"old {text}": text}),
    }
    raw = (
        json.dumps(value)[:-1]
        + f', "surrogate": {SURROGATES[:-1]}{"x" if run else ""}", "__proto__": {{"PWNED": {at + run}}}}}'
    )
    return raw.encode()


def _exchanges(*, run: bool) -> Iterator[Exchange]:
    for at, text in enumerate((*texts(), HUGE)):
        identity, short = 10 * at + 1, text[:200]
        timing = Timing(START + at, START + at, START + at + 0.01, START + at + 0.02)
        headers = (
            (b"Content-Type", b"application/json; charset=" + _line(short)),
            (_token(short), _line(short) + (b" new" if run else b"")),
            (b"Location", _line(short) + (b"new" if run else b"")),
            (b"Set-Cookie", _line(short) + b"=" + _line(short) + (b"new" if run else b"")),
        )
        request = Request(
            "GET" if at % 3 else _line(short).decode("latin-1").replace(" ", ""), "http", "shop.test", 80,
            b"/" + _line(short).replace(b" ", b"%20") + b"?" + _line(short).replace(b" ", b"+"), headers, _bytes(text),
        )  # fmt: skip
        html = at % 4 == 1
        body = (f"<p>{short}</p>\n{short}" + ("\nnew" if run else "")).encode("utf-8", "replace")
        response = Response(
            200,
            ((b"Content-Type", b"text/html"),) if html else headers,
            body if html else _body(at, text, run=run),
            _line(short),
        )
        failed = run and at % 7 == 3
        common = {"replay_of": identity if run else None, "connection": short}
        yield Exchange(
            identity, Direction.INBOUND, request, timing, None if failed else response,
            Failure(FailureKind.RESET, short) if failed else None,
            notes={"changes": [{"where": short, "why": short}], "redacted": {short: 1}} if run else {}, **common,
        )  # fmt: skip
        call = replace(request, method="POST", host="stock.test", body=_body(at, text, run=run))
        miss = {
            "error": short,
            "call": short,
            "for": short,
            "hint": short,
            "differences": [{"path": short, "recorded": short, "replayed": short}],
            "nearest": {"exchange": identity + 1, "request": short, "served": True},
        }
        yield Exchange(
            identity + 1, Direction.OUTBOUND, call, timing, Response(204), dependency=short,
            cause=Cause(CauseHow.TRACE_HEADER, identity, short), notes={"miss": miss} if run and at % 2 else {},
            replay_of=None if at % 2 else common["replay_of"], connection=short,
        )  # fmt: skip


def hostile_result(folder: Path) -> tuple[Result, Path, Path]:
    """The verdict of the engine over both, with hostile rules, notes and file names besides."""
    recorded, replayed = (folder / f"{PWN}'\"><img src=x onerror={PWN}>{name}.sqlite" for name in ("a", "b"))
    for path, run in ((recorded, False), (replayed, True)):
        meta = {"label": RUNNING[0], "git": RUNNING[1], "command": [RUNNING[2], RUNNING[3]]}
        with CaptureWriter(path, mode="replay" if run else "record", meta=meta, now=lambda: START) as writer:
            for exchange in _exchanges(run=run):
                writer.put(exchange)
            if run:
                writer.skip(9_001, RUNNING[0])
    result = compare_captures(recorded, replayed)
    return (
        replace(
            result,
            rules=(*((text, 3) for text in texts()), *result.rules),
            rule_places={(text, text, text): 3 for text in texts()} | dict(result.rule_places),
            notes=(*texts(),),
            reasons=(*texts(),),
        ),
        recorded,
        replayed,
    )
