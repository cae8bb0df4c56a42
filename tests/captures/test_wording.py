from __future__ import annotations

import pytest

from captures.wording import counted, sized


def test_numbers_of_things() -> None:
    assert (counted(1, "exchange"), counted(1200, "exchange")) == ("1 exchange", "1,200 exchanges")
    assert (counted(0, "body", "bodies"), counted(1, "body", "bodies")) == ("0 bodies", "1 body")


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (200 << 20, "200 MiB"), (3 << 40, "3.0 TiB")]
)
def test_sizes(number: int, text: str) -> None:
    assert sized(number, 1024) == text
