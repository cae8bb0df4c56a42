"""What is said of a process that died by itself."""

from __future__ import annotations

import pytest

from recorder.crew import last_of

TRACE = 'Traceback (most recent call last):\n  File "<string>", line 1\n'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", ""),
        ("Killed by the house rules", "Killed by the house rules"),
        (
            TRACE + "ModuleNotFoundError: No module named 'mitmproxy'",
            "ModuleNotFoundError: No module named 'mitmproxy'",
        ),
        (TRACE + "KeyError: b'Bearer not-a-real-token'", "KeyError (RETAPE_DEBUG=1 shows what it says)"),
        (
            TRACE + "sqlite3.InterfaceError: not-a-real-token",
            "sqlite3.InterfaceError (RETAPE_DEBUG=1 shows what it says)",
        ),
    ],
)
def test_no_exception_is_quoted(words: str, said: str) -> None:
    assert last_of(words) == said
