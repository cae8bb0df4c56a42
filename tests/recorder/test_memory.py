from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAGMENTED = """
import random, re, sys, time
from pathlib import Path
from recorder.memory import stay_small

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

chance = random.Random(1)
held = [bytes(chance.randint(600, 6000)) for _ in range(20_000)]
chance.shuffle(held)
del held[2_000:]
before = resident()
stay_small(0.01)
deadline = time.monotonic() + 60
while resident() > 0.7 * before and time.monotonic() < deadline:
    time.sleep(0.01)
print(before, resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a way to give memory back")
def test_what_is_free_between_what_is_in_use_goes_back_to_the_system() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", FRAGMENTED], env=environment, capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert after < 0.7 * before
