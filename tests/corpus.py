"""Many small cases in one test, because a test costs pytest more than most of them take.

Every case of a test is tried; the test fails once, with the name and the reason of each that failed. ``--case TEXT``
tries only the cases whose names have TEXT.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def try_each(cases: Iterable[tuple[str, Callable[[], object]]], wanted: str = "") -> None:
    """Call each of ``cases`` (name, function); fail with what was raised, case by case. Skips when none is wanted."""
    tried = 0
    failed = []
    for name, case in cases:
        if wanted not in name:
            continue
        tried += 1
        try:
            case()
        except Exception as error:  # noqa: BLE001 - reported below, under the case's name
            failed.append(f"{name}\n{_told(error)}")
    if not tried:
        pytest.skip(f"no case here has {wanted!r} in its name")
    if failed:
        pytest.fail(f"{len(failed)} of {tried} cases failed.\n\n" + "\n\n".join(failed), pytrace=False)


def _told(error: Exception) -> str:
    """Where in the tests it happened, and what; of anything but a failed assertion also the way there."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    at = [frame for frame in frames if HERE in Path(frame.filename).parents] or frames
    where = f"{Path(at[-1].filename).name}:{at[-1].lineno}: " if at else ""
    said = f"{where}{type(error).__name__}: {error}"
    if not isinstance(error, AssertionError):
        said += "\n" + "".join(traceback.format_list(frames)).rstrip()
    return "\n".join(f"    {line}" for line in said.splitlines())
