"""No regular expression of ours can be made to hang by what a service or a client sends.

The patterns are tried in a child process: one that backtracks exponentially ends within no limit, and is then killed.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
import time

import pytest

UNITS = "a A 1 aA a1 A1 a_ a- a. 1. 1- /a a= a, a: \\a <a &a a@ - _ . / = \" ' { [ ( %2 +1".split()
HOSTILE = [unit * times + end for unit in (*UNITS, " ", "\n", "a b ") for times in (30, 2_000) for end in ("!", "\0")]
SLOW = 0.5  # seconds; linear ones take less than a thousandth of it


def slow_patterns() -> list[str]:
    """Every pattern of the two packages that takes long over one of the texts."""
    import captures
    import diffing

    found: list[str] = []
    for package in (captures, diffing):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not info.name.endswith("datasette_plugin"):
                module = importlib.import_module(info.name)
                patterns = {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}
                found.extend(f"{info.name}.{name}" for name, value in patterns.items() if _is_slow(value))
    return found


def _is_slow(pattern: re.Pattern[str] | re.Pattern[bytes]) -> bool:
    for text in HOSTILE:
        started = time.process_time()
        if isinstance(pattern.pattern, str):
            pattern.fullmatch(text)  # type: ignore[arg-type]
        else:
            pattern.fullmatch(text.encode())  # type: ignore[arg-type]
        if time.process_time() - started > SLOW:
            return True
    return False


@pytest.mark.slow
def test_no_pattern_takes_long_over_hostile_text() -> None:
    done = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == []


if __name__ == "__main__":
    print(*slow_patterns(), sep="\n")
