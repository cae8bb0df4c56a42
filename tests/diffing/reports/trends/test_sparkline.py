from __future__ import annotations

from diffing.reports.trends.sparkline import sparkline
from tests.corpus import each


@each(
    ("series", "least", "blocks", "digits"),
    [
        ([], 0.0, "", ""),
        ([0, 0, 0], 0.0, "▁▁▁", "000"),
        ([0, 7], 0.0, "▁█", "09"),
        ([0, 1, 100], 0.0, "▁▂█", "019"),  # one of a hundred is not none
        ([5, 5], 0.0, "██", "99"),
        ([5, 5], None, "▁▁", "00"),
        ([10.0, None, 20.0], None, "▁·█", "0.9"),
        ([None], 0.0, "·", "."),
        (range(8), 0.0, "▁▂▃▄▅▆▇█", "02346789"),
    ],
)
def test_marks(series: list[float | None], least: float | None, blocks: str, digits: str) -> None:
    assert sparkline(series, least=least) == blocks
    assert sparkline(series, least=least, ascii_only=True) == digits
