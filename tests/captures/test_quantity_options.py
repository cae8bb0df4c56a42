"""Times as options take them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

import retape
from captures.quantity_options import Time


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30.0), ("0.5", 0.5), ("30s", 30.0), ("1m30s", 90.0), ("5ms", 0.005)]
)
def test_read(text: str, seconds: float) -> None:
    assert Time().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    ("option", "text", "says"),
    [
        (Time(), "soon", "not a time"),
        (Time(), "-1", "not a time"),
        (Time(), "inf", "not a time"),
        (Time(), "nan", "not a time"),
        (Time(0.01), "1ms", "at least 0.01"),
        (Time(above=True), "0s", "above 0"),
    ],
)
def test_refused(option: Time, text: str, says: str) -> None:
    with pytest.raises(click.BadParameter, match=says):
        option.convert(text, None, None)


def test_a_command_names_the_option(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert retape.run(["replay", "c.sqlite", "--timeout", "soon"]) == 2
    assert "'--timeout': 'soon' is not a time" in capfd.readouterr().err
