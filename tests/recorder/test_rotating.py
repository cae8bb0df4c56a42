from __future__ import annotations

import pytest

from captures.errors import UsageError
from captures.rotation import Rotation
from recorder.rotating import parse_rotation
from tests.corpus import each


@each(
    ("rotate", "keep", "rotation"),
    [
        (None, None, None),
        ("1GB", None, Rotation(size=10**9)),
        ("1.5 GiB", None, Rotation(size=3 * 2**29)),
        ("6h", None, Rotation(seconds=21600.0)),
        ("1GB|6h", None, Rotation(size=10**9, seconds=21600.0)),
        ("90m,100mb", None, Rotation(size=10**8, seconds=5400.0)),
        ("1GB", "10", Rotation(size=10**9, keep_files=10)),
        ("1GB", "7d", Rotation(size=10**9, keep_seconds=604800.0)),
        ("1GB", "20GB|7d|30", Rotation(10**9, None, 30, 604800.0, 20 * 10**9)),
    ],
)
def test_bounds_as_they_are_written(rotate: str | None, keep: str | None, rotation: Rotation | None) -> None:
    assert parse_rotation(rotate, keep) == rotation


@each(
    ("rotate", "keep", "words"),
    [
        (None, "10", "--keep removes files of a recording that rotates"),
        ("1", None, "--rotate '1' is no size and no time"),
        ("1GB|2GB", None, "--rotate '1GB|2GB' has two bounds of one kind"),
        ("1GB|6h", "5,7d,6", "--keep '5,7d,6' has two bounds of one kind"),
        ("1G", None, "no size and no time"),
        ("often", None, "no size and no time"),
        ("0GB", None, "no size and no time"),
        ("6h|", None, "no size and no time"),
        ("10KB", None, "holds hardly anything"),
        ("1GB", "0", "--keep '0' is no number of files, no time and no size"),
        ("1GB", "all", "no number of files"),
        ("1GB", "-3", "no number of files"),
    ],
)
def test_bounds_that_are_none(rotate: str | None, keep: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=words) as told:
        parse_rotation(rotate, keep)
    assert told.value.hint
