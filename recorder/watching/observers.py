"""Who hears of a recording while it runs: one that hears nothing, to build on, and several as one."""

from __future__ import annotations

from recorder.child import Event
from recorder.listeners import Listener
from recorder.session import Observer, Outcome
from recorder.settings import Settings


class Deaf:
    """An observer (``recorder.session.Observer``) that does nothing: others override what they care for."""

    def listening(self, listener: Listener, host: str, port: int) -> None:
        """Nothing."""

    def ready(self, settings: Settings) -> None:
        """Nothing."""

    def counters(self, event: Event) -> None:
        """Nothing."""

    def warning(self, what: str, where: str) -> None:
        """Nothing."""

    def trouble(self, why: str, waiting: int) -> None:
        """Nothing."""

    def next_file(self, path: str) -> None:
        """Nothing."""

    def writing(self, left: int) -> None:
        """Nothing."""

    def stopping(self, why: str) -> None:
        """Nothing."""

    def done(self, settings: Settings, outcome: Outcome) -> None:
        """Nothing."""


class Several:
    """All of ``observers``, in their order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def listening(self, listener: Listener, host: str, port: int) -> None:
        """To each."""
        for one in self._observers:
            one.listening(listener, host, port)

    def ready(self, settings: Settings) -> None:
        """To each."""
        for one in self._observers:
            one.ready(settings)

    def counters(self, event: Event) -> None:
        """To each."""
        for one in self._observers:
            one.counters(event)

    def warning(self, what: str, where: str) -> None:
        """To each."""
        for one in self._observers:
            one.warning(what, where)

    def trouble(self, why: str, waiting: int) -> None:
        """To each."""
        for one in self._observers:
            one.trouble(why, waiting)

    def next_file(self, path: str) -> None:
        """To each."""
        for one in self._observers:
            one.next_file(path)

    def writing(self, left: int) -> None:
        """To each."""
        for one in self._observers:
            one.writing(left)

    def stopping(self, why: str) -> None:
        """To each."""
        for one in self._observers:
            one.stopping(why)

    def done(self, settings: Settings, outcome: Outcome) -> None:
        """To each."""
        for one in self._observers:
            one.done(settings, outcome)
