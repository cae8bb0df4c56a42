"""The service manager's view: systemd's notification protocol (sd_notify(3)), a datagram for each piece of news.

``READY=1`` comes when everything listens, so that what starts after us finds us there. ``WATCHDOG=1`` is sent only
while the proxy process reports, so that systemd restarts a recorder that hangs, and not only one that died.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Self

from recorder.child import Event
from recorder.session import Outcome
from recorder.settings import Settings
from recorder.watching.observers import Deaf
from recorder.watching.words import status

SOCKET, WATCHDOG, WATCHED = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
STATUS_EVERY = 10.0  # seconds between two STATUS lines that only differ in their numbers
MORE_TIME = "EXTEND_TIMEOUT_USEC=60000000"  # a minute from now on; a recorder without progress ends by itself before


class Notifier(Deaf):
    """Tells the service manager. A manager that is gone or slow is no trouble of the recording's."""

    def __init__(self, address: str, watched: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._address = "\0" + address[1:] if address.startswith("@") else address  # @: of the abstract kind, unix(7)
        self._watched = watched
        self._clock = clock
        self._told = float("-inf")
        self._alarm = ""
        self._writing = False  # what is left, at the end

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str], process: int | None = None) -> Self | None:
        """For who started us; None when nobody wants to hear. The variables are taken out: CMD is not meant by them."""
        address = environment.pop(SOCKET, "")
        interval, meant = environment.pop(WATCHDOG, ""), environment.pop(WATCHED, "")
        if not address.startswith(("/", "@")):  # vsock is for whole machines
            return None
        watched = interval.isdecimal() and meant in ("", str(process if process is not None else os.getpid()))
        return cls(address, watched)

    def ready(self, settings: Settings) -> None:
        """``READY=1``."""
        self._tell("READY=1", f"STATUS=Recording into {settings.capture}")

    def counters(self, event: Event) -> None:
        """``WATCHDOG=1`` each time, ``STATUS`` now and then, and at once when something is lost."""
        now, news = self._clock(), ["WATCHDOG=1"] if self._watched else []
        news += [MORE_TIME] if self._writing else []
        alarm = f"{event.get('trouble', '')}{bool(event.get('dropped'))}"
        if now - self._told >= STATUS_EVERY or alarm != self._alarm:
            self._told, self._alarm = now, alarm
            news.append(f"STATUS={status(event)}")
        if news:
            self._tell(*news)

    def stopping(self, why: str) -> None:
        """``STOPPING=1``."""
        self._tell("STOPPING=1", f"STATUS=Stopping: {why}")

    def writing(self, left: int) -> None:
        """It may take longer than the unit's ``TimeoutStopSec``: more time is asked for as long as it lasts."""
        self._writing = True
        self._tell(MORE_TIME, f"STATUS=Writing what is left: {left} exchanges")

    def done(self, settings: Settings, outcome: Outcome) -> None:
        """The last numbers."""
        self._tell(f"STATUS={status(outcome.counters)}")

    def close(self) -> None:
        """Nothing more will be told."""
        self._socket.close()

    def _tell(self, *news: str) -> None:
        with suppress(OSError):
            self._socket.sendto("\n".join(line.replace("\n", " ") for line in news).encode(), self._address)
