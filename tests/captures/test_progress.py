from __future__ import annotations

import io

import pytest

from captures.progress import Pass


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "expected"), [(Terminal(), "\rcounting: 5 of 10 (50 %)\r"), (io.StringIO(), "")])
def test_a_long_pass_says_how_far_it_is(stream: io.StringIO, expected: str) -> None:
    times = iter([0.0, 0.1, 2.0, 2.1])
    with Pass("counting", 10, stream, lambda: next(times)) as progress:
        progress(1)
        progress(5)
        progress(6)
    assert stream.getvalue().rstrip(" \r") + ("\r" if expected else "") == expected
    assert stream.getvalue().endswith("\r") is bool(expected)
