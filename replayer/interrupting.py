"""Ctrl-C, SIGTERM, SIGHUP during a replay: the first one ends it in good order, the second one does not wait.

After the first the build is stopped as always (SIGTERM, then five seconds), and the run is written to its end. The
second kills the build and everything it started; what is left is the writing of the run. A third is Python's own. Of
SIGHUP several come when a terminal goes (the shell's, the kernel's): they are one, and show no impatience.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from replayer.launch import Launched

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible(launched: Launched, on_first: Callable[[], None]) -> Iterator[None]:
    """Cancel the current task on one of :data:`SIGNALS`; only in the main thread, for nobody signals another."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    interrupted = False

    def stop() -> None:
        nonlocal interrupted
        if interrupted:
            for number in handled:
                if number is not signal.SIGHUP:
                    loop.remove_signal_handler(number)
            if launched.service is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(launched.service.pid, signal.SIGKILL)
        else:
            interrupted = True
            on_first()
        task.cancel()

    handled: list[signal.Signals] = []

    def hang_up() -> None:
        if not interrupted:
            stop()

    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            continue  # nohup
        with suppress(ValueError, RuntimeError, NotImplementedError):
            loop.add_signal_handler(number, hang_up if number is signal.SIGHUP else stop)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
