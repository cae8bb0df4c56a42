"""deepdiff's words for an unequal remainder. Nothing rests on them: they are evidence beside a finding.

deepdiff 9.1 misses ``1`` against ``True`` and ``1.0`` in lists unless ``zip_ordered_iterables`` is set, reports whole
objects below its threshold, loses duplicates under ``ignore_order``, and costs 40 µs per node; so it is asked only
about small values that are already known to differ, with the options that make it tell.
"""

from __future__ import annotations

from typing import Any

SMALL = 2_000  # nodes on both sides together


def describe(recorded: Any, replayed: Any, limit: int = 3) -> str:
    """Up to ``limit`` differences in words, without values; "" when it has none to tell or the values are large."""
    if _nodes(recorded) + _nodes(replayed) > SMALL:
        return ""
    from deepdiff import DeepDiff

    try:
        tree = DeepDiff(
            recorded,
            replayed,
            view="tree",
            threshold_to_diff_deeper=0,
            zip_ordered_iterables=True,
            verbose_level=2,
        )
    except RecursionError:
        return ""
    words: list[str] = []
    for kind, levels in tree.items():
        for level in levels:
            steps = "".join(f"[{step!r}]" for step in level.path(output_format="list"))
            words.append(f"{kind.replace('_', ' ')} at ${steps}")
    return "; ".join(sorted(words)[:limit])


def _nodes(value: Any) -> int:
    count, stack = 0, [value]
    while stack and count <= SMALL:
        item = stack.pop()
        count += 1
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return count
