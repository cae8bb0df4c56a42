from __future__ import annotations

from captures.quantities import seconds_of, size_of
from tests.corpus import each


@each(
    ("text", "size"),
    [
        ("0B", 0), ("12b", 12), ("1kB", 1_000), ("1.5 MB", 1_500_000), ("2GB", 2 * 10**9), ("64MiB", 64 * 2**20),
        ("1tib", 2**40), ("7", None), ("", None), ("GB", None), ("-1MB", None), ("1MB2", None), ("\u0661MB", None),
    ],
)  # fmt: skip
def test_sizes(text: str, size: int | None) -> None:
    assert size_of(text) == size


@each(
    ("text", "seconds"),
    [
        ("30s", 30.0), ("250ms", 0.25), ("1.5h", 5_400.0), ("1h30m", 5_400.0), ("1h 30m", 5_400.0), ("7d", 604_800.0),
        ("2w", 1_209_600.0), ("0s", 0.0), ("90", None), ("", None), ("h", None), ("1h30", None), ("-1h", None),
        ("\u0661s", None),
    ],
)  # fmt: skip
def test_times(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds
