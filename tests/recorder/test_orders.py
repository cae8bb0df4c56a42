"""Lines for a child process."""

from __future__ import annotations

import os
import subprocess
import sys

from recorder.orders import orders


def test_lines_are_told_apart_however_they_come() -> None:
    out, into = os.pipe()
    for piece in (b"one\ntw", b"o\n\n", b"last without an end"):
        os.write(into, piece)
    os.close(into)
    assert list(orders(out)) == [b"one", b"two", b""]
    os.close(out)


def test_a_process_ends_while_it_waits_for_orders() -> None:
    code = (
        "import threading, time\n"
        "from recorder.orders import orders\n"
        "said = orders()\n"
        "print(next(said).decode(), flush=True)\n"
        "threading.Thread(target=lambda: next(said), daemon=True).start()\n"
        "time.sleep(0.2)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"begin\n")
        process.stdin.flush()
        assert process.stdout.read() == b"begin\n"
        assert process.wait() == 0
        assert process.stderr.read() == b""
