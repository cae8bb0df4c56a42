"""What a recording left out because it was asked to, in sentences for those who judge by it. Pure.

A session's ``meta`` says it: ``selection`` (what was asked for), ``sampling`` (what became of the sessions), and the
counters ``left_out`` and ``sampled_out`` with those of calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from captures.visible import visible

OPTIONS = ("only", "exclude", "only_calls", "exclude_calls")


def sentences(meta: Mapping[str, Any]) -> Iterator[str]:
    """One for the sample, one for the filters; none where everything was recorded."""
    selection = _mapping(meta.get("selection"))
    share = selection.get("sample")
    if isinstance(share, int | float) and not isinstance(share, bool):
        sampling = _mapping(meta.get("sampling"))
        kept = sum(_number(number) for number in _mapping(sampling.get("kept")).values())
        of = f" ({kept} of {_number(sampling.get('sessions'))} kept)" if sampling else ""
        left = _counted(meta, "sampled_out")
        yield f"The recording is a sample: {share * 100:g} % of the sessions of clients{of}{left}."
    filters = [f"--{name.replace('_', '-')} {visible(str(selection[name]))!r}" for name in OPTIONS if name in selection]
    if filters:
        yield f"The recording was made with {', '.join(filters)}{_counted(meta, 'left_out')}."


def _counted(meta: Mapping[str, Any], name: str) -> str:
    requests, calls = _number(meta.get(name)), _number(meta.get(f"{name}_calls"))
    what = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for number, word in ((requests, "request"), (calls, "call"))
        if number
    ]
    return f"; {' and '.join(what)} passed and {'was' if requests + calls == 1 else 'were'} left out" if what else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
