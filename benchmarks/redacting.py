"""What looking for secrets by their form costs: redaction with every detector, against the same by names alone.

Each exchange carries a bearer token and a cookie, as staging traffic does; bodies of 1 KB: one that holds nothing, and
one with two dozen addresses and phone numbers. Both sides take turns in one process; the median of the rounds counts.

    python -m benchmarks.redacting --rounds 9
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence

from benchmarks.recording import BODY, HEADERS
from benchmarks.table import Ratio, render
from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from captures.redacting.redaction import RedactionPolicy, Redactor

PEOPLE = json.dumps(
    {"users": [{"id": n, "email": f"ada{n}@shop.io", "phone": f"+4930123456{n}", "plan": "basic"} for n in range(12)]}
)
_SENT: Headers = tuple(
    (name.encode(), value.encode()) for name, value in (line.split(": ", 1) for line in ("Host: shop", *HEADERS))
)
_ANSWERED: Headers = (
    (b"Server", b"nginx/1.22.1"),
    (b"Date", b"Mon, 30 Nov 2026 13:00:00 GMT"),
    (b"Content-Type", b"application/json"),
)


def exchanges(body: str, count: int) -> list[Exchange]:
    """``count`` exchanges, no two answers of which are equal."""
    return [
        Exchange(
            number, Direction.INBOUND, Request("GET", "http", "shop", 80, b"/orders/%d" % number, _SENT),
            Timing(1.0, 1.0, 1.0, 1.0), Response(200, _ANSWERED, body.replace('"id": 1', f'"id": {number}').encode()),
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def seconds(policy: RedactionPolicy, traffic: Sequence[Exchange]) -> float:
    """CPU time per exchange."""
    redactor = Redactor(b"a key of the benchmark", policy)
    started = time.process_time()
    for one in traffic:
        redactor.exchange(one)
    return (time.process_time() - started) / len(traffic)


def measure(*, quick: bool = False, rounds: int = 9) -> list[Ratio]:
    """The rows of this benchmark. ``quick``: one round of few exchanges."""
    count = 50 if quick else 1_500
    rows: list[Ratio] = []
    for what, body, goal in (
        ("redaction, 1 KB of JSON without secrets", BODY, "at most 1.5 x"),
        ("redaction, 1 KB of JSON with 24 personal values", PEOPLE, "at most 6 x"),
    ):
        traffic = exchanges(body, count)
        pairs = [
            (seconds(RedactionPolicy(), traffic), seconds(RedactionPolicy(detectors=frozenset()), traffic))
            for _ in range(1 if quick else rounds)
        ]
        with_detectors = statistics.median(one for one, _ in pairs)
        without = statistics.median(other for _, other in pairs)
        detail = f"{with_detectors * 1e6:.0f} against {without * 1e6:.0f} µs an exchange"
        ratio = statistics.median(one / other for one, other in pairs)
        rows.append(Ratio(what, "the same without detectors", ratio, goal, detail))
    large = json.dumps({"password": "hunter2-abc", "orders": [json.loads(BODY)] * (100 if quick else 4_000)})
    traffic = exchanges(large, 1)
    pairs = [(seconds(RedactionPolicy(), traffic), parsing(large)) for _ in range(1 if quick else max(3, rounds // 3))]
    searched, parsed = (statistics.median(column) for column in zip(*pairs, strict=True))
    each = [taken / len(large) * 1e9 for taken in (searched, parsed)]
    detail = f"{each[0]:.0f} against {each[1]:.0f} ns a byte of {len(large) / 1e6:.1f} MB"
    ratio = statistics.median(one / other for one, other in pairs)
    rows.append(
        Ratio("redaction, a large body of JSON with one secret", "`json.loads` of it", ratio, "at most 15 x", detail)
    )
    return rows


def parsing(text: str) -> float:
    """CPU time of parsing ``text`` by the standard library."""
    started = time.process_time()
    json.loads(text)
    return time.process_time() - started


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each side; the median counts")
    print(render(measure(rounds=parser.parse_args(argv).rounds)))


if __name__ == "__main__":
    main()
