"""What comparing costs: pairs alone, against parsing them and against the peers; rules; the whole ``retape diff``.

    python -m benchmarks diffing

Each peer compares values that are already parsed; ours takes bytes, decodes both sides and judges them. A peer that
cannot finish the size asked for is measured at one it can, and the row says which.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.bodies import (
    Rows,
    changed,
    copied,
    exchange,
    one_leaf,
    reordered_keys,
    rows_of,
    rows_of_size,
    shuffled,
    size_of,
)
from benchmarks.table import Ratio
from captures.model import Exchange
from diffing.engine import compare_captures
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.rulebook.rules import RuleBook, current, parse_rules

RULES = 200
ENDPOINTS = 40
"""What a fifth of the rules is spread over; the others mean an endpoint, a glob of them, or all."""

LARGE = 100_000
"""Bytes from which on an equal pair is measured seldomer."""


def best(action: Callable[[], Any], times: int = 5) -> float:
    """The shortest of ``times`` runs, seconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return min(taken)


def judged(one: Exchange, other: Exchange, rules: RuleBook | None = None) -> Callable[[], Any]:
    """Judging the pair once it is learned, as the second pass of a diff does."""
    context = Context(rules=rules or RuleBook())
    learn_recorded(one, context)
    learn_pair(one, other, context)
    return lambda: compare_exchange(one, other, context)


def learned_and_judged(one: Exchange, other: Exchange) -> Callable[[], Any]:
    """All that a diff does with one pair, but for reading it."""

    def whole() -> None:
        context = Context()
        learn_recorded(one, context)
        learn_pair(one, other, context)
        compare_exchange(one, other, context)

    return whole


def deepdiff(one: Any, other: Any, *, ignore_order: bool = False) -> Callable[[], Any]:
    """deepdiff, strict; with ``ignore_order`` also counting repetitions, without which it loses rows."""
    from deepdiff import DeepDiff

    if ignore_order:
        return lambda: DeepDiff(one, other, ignore_order=True, report_repetition=True)
    return lambda: DeepDiff(one, other, threshold_to_diff_deeper=0, zip_ordered_iterables=True)


def parsing(*exchanges: Exchange) -> Callable[[], Any]:
    """Only parsing both bodies, with the fastest JSON library there is for Python."""
    import orjson

    bodies = [one.response.body for one in exchanges if one.response]
    return lambda: [orjson.loads(body) for body in bodies]


def equal_pairs(sizes: tuple[int, ...]) -> Iterator[Ratio]:
    """Equal pairs against parsing alone: the floor for anybody who looks at both sides."""
    for size in sizes:
        rows = rows_of_size(size)
        one = exchange(rows)
        for label, other in (
            ("equal bytes", exchange(rows, replayed=True)),
            ("another layout", exchange(rows, indent=1, replayed=True)),
            ("another order of keys", exchange(reordered_keys(rows), replayed=True)),
        ):
            times = 200 if size < LARGE else 10
            ours, parsed = best(judged(one, other), times), best(parsing(one, other), times)
            detail = f"{_short(ours)} against {_short(parsed)}"
            yield Ratio(f"diff, equal pair, {size_of(one)}, {label}", "orjson parsing both", ours / parsed,
                        "at most 2 x", detail)  # fmt: skip


def changed_pairs(sizes: tuple[int, ...]) -> Iterator[Ratio]:
    """Pairs in the same order with something changed, against deepdiff over the parsed values."""
    for size in sizes:
        rows = rows_of_size(size)
        one = exchange(rows)
        for label, other in (("one leaf changed", one_leaf(rows)), ("10 % of the rows changed", changed(rows, 0.1))):
            times = 50 if size < LARGE else 3
            ours = best(judged(one, exchange(other, replayed=True)), times)
            theirs = best(deepdiff(rows, other), 3 if size < LARGE else 1)
            yield Ratio(f"diff, {size_of(one)}, {label}", "deepdiff, strict, values only", ours / theirs, "",
                        f"{_short(ours)} against {_short(theirs)}")  # fmt: skip


def shuffled_rows(counts: tuple[int, ...], peers: int) -> Iterator[Ratio]:
    """Shuffled arrays: ours at full size, the peers where they can finish (their cost is quadratic)."""
    for share in (0.01, 0.3):
        for count in counts:
            rows = rows_of(count)
            ours = best(
                judged(exchange(rows), exchange(shuffled(rows, share), replayed=True)), 3 if count < 9999 else 1
            )
            what = f"diff, {count:,} rows, shuffled, {share:.0%} changed"
            limit, text = (0.06, "60 ms") if count <= 2_000 else (3.0, "3 s (60 ms for 2,000, by size)")
            yield Ratio(what, text, ours / limit, "at most 1 x", f"{_short(ours)}, parsing included")
        few = rows_of(peers)
        other = shuffled(few, share)
        ours = best(judged(exchange(few), exchange(other, replayed=True)))
        what = f"diff, {peers:,} rows, shuffled, {share:.0%} changed"
        theirs = best(deepdiff(few, copied(other), ignore_order=True), 1)
        yield Ratio(what, f"deepdiff ignore_order, {peers:,} rows", ours / theirs, "",
                    f"{_short(ours)} against {_short(theirs)}")  # fmt: skip
        yield _against_jsondiff(what, few, other, ours, peers)


def _against_jsondiff(what: str, rows: Rows, other: Rows, ours: float, count: int) -> Ratio:
    peer = f"jsondiff, {count:,} rows"
    if importlib.util.find_spec("jsondiff") is None:
        return Ratio(what, peer, None, "", "jsondiff is not installed")
    import jsondiff  # type: ignore[import-untyped,import-not-found,unused-ignore]

    theirs = best(lambda: jsondiff.diff(rows, other), 1)
    return Ratio(what, peer, ours / theirs, "", f"{_short(ours)} against {_short(theirs)}")


def rule_entries(count: int = RULES) -> list[dict[str, Any]]:
    """``count`` rules over many endpoints, a fifth of each form people write; three name a field that is there."""
    forms: tuple[tuple[str, str, str], ...] = (
        ("GET /things-{n}/{{id}}", "$.owner.field{n}", "any"),
        ("GET /rows", "$[*].field{n}", "type"),
        ("GET /*", "$..field{n}", "timestamp"),
        ("*", "header x-field-{n}", "type"),
        ("GET /rows", "$[*].owner.field{n}", "uuid"),
    )
    there = {1: "$[*].price", 2: "$..updated", 4: "$[*].owner.team"}
    entries = []
    for number in range(count):
        endpoint, location, expect = forms[number % len(forms)]
        entries.append(
            {
                "id": f"rule-{number}",
                "endpoint": endpoint.format(n=number // len(forms) % ENDPOINTS),
                "location": there.get(number) or location.format(n=number),
                "expect": expect,
                "reason": "measured",
            }
        )
    return entries


def rules_on_and_off(size: int, times: int) -> Iterator[Ratio]:
    """The same pair with and without rules, none about what changed: what is measured is what rules cost."""
    book, _ = current(parse_rules(rule_entries()), date(2026, 11, 20))
    rows = rows_of_size(size)
    one = exchange(rows)
    for label, value in (("equal but for the layout", rows), ("10 % of the rows changed", changed(rows, 0.1))):
        other = exchange(value, indent=1, replayed=True)
        off, on = judged(one, other), judged(one, other, book)
        without, with_rules = [], []
        for _ in range(times):  # alternating, so that the machine's moods meet both
            without.append(best(off, 3))
            with_rules.append(best(on, 3))
        ratio = min(with_rules) / min(without)
        yield Ratio(f"diff with {RULES} rules, {size_of(one)}, {label}", "without rules", ratio, "at most 1.3 x",
                    f"{_short(min(with_rules))} against {_short(min(without))}")  # fmt: skip


def whole_pairs(size: int) -> Iterator[Ratio]:
    """What a diff pays for one pair in all, learning included."""
    rows = rows_of_size(size)
    one = exchange(rows)
    for label, value in (("equal", rows), ("10 % of the rows changed", changed(rows, 0.1))):
        other = exchange(value, replayed=True)
        ours, alone = best(learned_and_judged(one, other), 20), best(judged(one, other), 20)
        yield Ratio(f"learning and judging, {size_of(one)}, {label}", "judging alone", ours / alone, "",
                    f"{_short(ours)} against {_short(alone)}")  # fmt: skip


def whole_diffs(exchanges: int) -> Iterator[Ratio]:
    """``compare_captures`` over files, against reading both files once."""
    from benchmarks.shop import write_capture, write_run
    from captures.store import Capture

    with tempfile.TemporaryDirectory() as folder:
        capture, run = Path(folder) / "capture.sqlite", Path(folder) / "run.sqlite"
        write_capture(capture, exchanges)
        write_run(capture, run, exchanges)
        started = time.perf_counter()
        for path in (capture, run):
            with Capture.open(path) as opened:
                for _ in opened.exchanges():
                    pass
        reading = time.perf_counter() - started
        started = time.perf_counter()
        compare_captures(capture, run)
        ours = time.perf_counter() - started
    yield Ratio(f"diff of a capture of {exchanges:,} and its run", "reading both files once", ours / reading, "",
                f"{exchanges / ours:,.0f} exchanges/s; {_short(ours)} against {_short(reading)}")  # fmt: skip


def _short(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 0.01 else f"{seconds * 1e6:,.0f} µs"


def measure(*, quick: bool = False) -> list[Ratio]:
    """The rows of this benchmark."""
    sizes = (1_000,) if quick else (1_000, 20_000, 1_000_000)
    table = [*equal_pairs(sizes), *changed_pairs(sizes)]
    table += shuffled_rows((50,) if quick else (2_000, 100_000), 10 if quick else 100)
    table += rules_on_and_off(1_000 if quick else 20_000, 1 if quick else 10)
    table += whole_pairs(1_000 if quick else 20_000)
    table += whole_diffs(80 if quick else 2_000)
    return table
