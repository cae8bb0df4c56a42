"""Everybody who looks on, put together: what a recording is given as its one observer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from recorder.session import Observer
from recorder.settings import Settings
from recorder.summary import JsonObserver, TextObserver
from recorder.watching.observers import Several


@contextmanager
def watching(settings: Settings, summary: TextObserver | JsonObserver) -> Iterator[Observer]:
    """``summary`` and all others that ``settings`` ask for, until the block ends.

    Raises :class:`captures.errors.UsageError` when ``--metrics`` cannot be listened on.
    """
    observers: list[Observer] = [summary]
    with ExitStack() as stack:
        if settings.metrics is not None:
            from recorder.watching.board import Board
            from recorder.watching.endpoint import Endpoint

            board = Board(settings.capture)
            observers.append(board)
            summary.metrics(*stack.enter_context(Endpoint.open(*settings.metrics, board)).address)
        from recorder.watching.notifying import Notifier

        notifier = Notifier.from_environment(os.environ)
        if notifier is not None:
            stack.callback(notifier.close)
            observers.append(notifier)
        yield Several(*observers)
