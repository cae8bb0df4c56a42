"""Many small cases in one test, because a test costs pytest more than most of them take.

Every case of a test is tried; the test fails once, with the name and the reason of each that failed. ``--case TEXT``
tries only the cases whose names have TEXT. :func:`each` makes such a test of a table, :func:`try_each` of anything.
"""

from __future__ import annotations

import functools
import inspect
import reprlib
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROW = reprlib.Repr()  # a row may be deeper than Python can say
ROW.maxstring = ROW.maxother = 100


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
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - reported below, under the case's name
            failed.append(f"{name}\n{_told(error)}")
    if not tried:
        pytest.skip(f"no case here has {wanted!r} in its name")
    if failed:
        pytest.fail(f"{len(failed)} of {tried} cases failed.\n\n" + "\n\n".join(failed), pytrace=False)


def each(
    names: str | Sequence[str], rows: Iterable[Any], ids: Sequence[str] | Callable[[Any], object] | None = None
) -> Any:
    """``parametrize`` as one test, for a pure function of values alone: no fixture of a single test may be asked for.

    ``names`` and ``rows`` as there; ``ids`` names each row, or tells a row's name. ``parametrize`` may stand above it,
    for the other side of a table.
    """
    keys = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = list(rows)
    told = map(ids, table) if callable(ids) else ids or map(_label, range(1, len(table) + 1), table)
    cases = [
        (str(name), dict(zip(keys, row if len(keys) > 1 else (row,), strict=True)))
        for name, row in zip(told, table, strict=True)
    ]

    def decorate(function: Callable[..., object]) -> Callable[..., None]:
        @functools.wraps(function)
        def test(wanted: str, **given: Any) -> None:
            try_each(((name, functools.partial(function, **row, **given)) for name, row in cases), wanted)

        others = [one for name, one in inspect.signature(function).parameters.items() if name not in keys]
        asked = inspect.Parameter("wanted", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        test.__signature__ = inspect.Signature([asked, *others])  # type: ignore[attr-defined]
        return test

    return decorate


def _label(number: int, row: object) -> str:
    return f"{number}: {ROW.repr(row)}"


def _told(error: BaseException) -> str:
    """Where in the tests it happened, and what; of anything but a failed assertion also the way there."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    at = [frame for frame in frames if HERE in Path(frame.filename).parents] or frames
    where = f"{Path(at[-1].filename).name}:{at[-1].lineno}: " if at else ""
    said = f"{where}{type(error).__name__}: {error}"
    if not isinstance(error, AssertionError):
        said += "\n" + "".join(traceback.format_list(frames)).rstrip()
    return "\n".join(f"    {line}" for line in said.splitlines())
