"""The processes of a recording, seen from the parent as one: the proxies (``recorder.proxy``) and the one that writes
(``recorder.scribe``).

Each proxy has a socket to the writing process; nobody else holds an end of it, so that whoever dies, the other notices.
Several proxies share the listeners: the first picks the ports, the kernel deals the connections out (SO_REUSEPORT).
When one of several dies, the others go on; what it had begun is counted as lost. When the writing process dies, what
it had been told and had not written is counted as lost in its session, and another goes on into the same capture, with
new sockets: the proxies tell it what is open. When that happens again and again, the recording ends.
"""

from __future__ import annotations

import itertools
import queue
import re
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from captures.errors import CaptureError
from captures.unended import complete, left_by
from captures.wording import counted
from recorder.child import ChildProcess, Event
from recorder.plan import ProxyPlan
from recorder.relay import total
from recorder.succession import Deaths, bequest, left_out_of, settled, together

STOP_TIMEOUT = 60.0  # seconds without progress after which the processes are not waited for any more
SILENT = 3.0  # seconds without a word of a proxy, which tells its numbers once a second
_EXCEPTION = re.compile(r"[\w.]*[A-Z]\w+")
_QUOTE_NOTHING = frozenset(("ImportError", "ModuleNotFoundError", "MemoryError", "OSError", "PermissionError"))
NUMBERS = ("open", "held_back", "faults", "refused", "ended", "told", "untold")  # of a proxy
WRITER_DIED = "writer_died"
WRITER, PROXY = "The writing process", "The recording proxy"


@dataclass(slots=True)
class _Proxy:
    """What is known of one proxy."""

    process: ChildProcess
    renewals: socket.socket  # where it gets its end of another socket to a writing process
    planned: bool = False  # it was told what to do
    said: set[str] = field(default_factory=set)
    counters: Event = field(default_factory=lambda: dict.fromkeys(NUMBERS, 0))
    alive: bool = True
    heard: float = field(default_factory=time.monotonic)  # when it last told its numbers
    broke: list[int] = field(default_factory=list)  # exchanges it had told each writing process that died

    @property
    def tells(self) -> bool:
        """Whether it may have anything to tell a writing process."""
        return self.alive and self.planned and "done" not in self.said


class Crew:
    """Started by :meth:`start`. Its events arrive in the queue given; an ``exited`` one says which process died."""

    def __init__(self, plan: ProxyPlan, events: queue.SimpleQueue[Event], workers: int) -> None:
        self._plan = replace(plan, workers=workers)
        self._events = events
        self._state = threading.RLock()
        self._proxies: list[_Proxy] = []
        self._warned: set[tuple[str, str]] = set()
        self._ports: dict[int, int] = {}
        self._written: Event = {}  # the writing process's numbers
        self._before: Mapping[str, Any] = {}  # those of writing processes that died
        self._deaths = Deaths()
        self._died = 0  # writing processes
        self._why: Event = {}  # the last one could not begin
        self._ending = self._finished = self._writer_died = self._succeeding = False
        self._changed = threading.Condition(self._state)
        self._capture = ""  # the file, once it is open
        self.lost = 0  # exchanges that proxies which died had begun
        self.unwritten = 0  # exchanges that are lost with the last writing process
        pairs = [socket.socketpair() for _ in range(workers)]
        with self._state:
            self._scribe = self._start_scribe(end for _, end in pairs)
            for number, (line, _) in enumerate(pairs):
                hear = partial(self._hear_proxy, number)
                ours, theirs = socket.socketpair()
                process = ChildProcess.start("recorder.proxy", hear, [line.fileno(), theirs.fileno()])
                theirs.close()
                self._proxies.append(_Proxy(process, ours))
            self._tell_plan(self._proxies[0], self._plan)
        for end in itertools.chain.from_iterable(pairs):
            end.close()

    @classmethod
    def start(cls, plan: ProxyPlan, events: queue.SimpleQueue[Event], workers: int = 1) -> Crew:
        """Start all processes. The first proxy listens at once, the others when it has said on which ports."""
        return cls(plan, events, workers)

    def send(self, command: str) -> None:
        """One of the commands in ``recorder.proxy``, to every proxy. One that is gone shows in the events, not here.

        ``abandon`` is for the writing process.
        """
        with self._state:
            if command == "abandon":
                self._scribe.send(command)
                return
            self._ending = self._ending or command in ("stop", "now", "discard")
            for proxy in self._proxies:
                if proxy.planned:
                    proxy.process.send(command)

    def settled(self) -> int:
        """How many exchanges have come to their end: it grows as long as there is progress."""
        with self._state:
            return settled(together(self._before, self._written))

    def left(self) -> int:
        """How many exchanges have ended and are neither written nor lost."""
        with self._state:
            return int(self._numbers()["left"])

    def end(self, timeout: float) -> None:
        """Wait for all of them, after they were told to stop; kill a proxy after ``timeout`` seconds without progress.

        The writing process ends with the last proxy, when everything is on disk.
        """
        with self._state:
            self._ending = True
        for proxy in self._proxies:
            if not proxy.planned or (self._writer_died and "started" not in proxy.said):
                proxy.process.kill()  # it has nothing that is worth waiting for
        for proxy in self._proxies:
            proxy.process.end(timeout, self.settled)
        while True:
            with self._state:
                self._changed.wait_for(lambda: not self._succeeding)
                scribe = self._scribe
            scribe.end(STOP_TIMEOUT, self.settled)
            with self._state:
                if not self._succeeding and self._scribe is scribe:
                    break
        for proxy in self._proxies:
            proxy.renewals.close()
        if self._writer_died:
            with self._state:
                self._account()

    def _start_scribe(self, lines: Iterable[socket.socket]) -> ChildProcess:
        scribe = ChildProcess.start("recorder.scribe", self._hear_scribe, [end.fileno() for end in lines])
        scribe.plan(self._plan.to_line())
        return scribe

    def _tell_plan(self, proxy: _Proxy, plan: ProxyPlan) -> None:
        proxy.planned = True
        proxy.process.plan(plan.to_line())

    def _tell_others(self) -> None:
        """The first proxy listens: the others shall listen on the same ports."""
        listeners = [replace(one, port=self._ports[index]) for index, one in enumerate(self._plan.listeners)]
        for number, proxy in enumerate(self._proxies[1:], start=1):
            self._tell_plan(proxy, replace(self._plan, listeners=tuple(listeners), worker=number))

    # -- hearing, on the threads that read the events ------------------------------------------------------------------

    def _hear_proxy(self, number: int, event: Event) -> None:
        with self._state:
            proxy = self._proxies[number]
            what = event["event"]
            match what:
                case "listening":
                    if number == 0:
                        self._ports[event["index"]] = event["port"]
                        self._events.put(event)
                case "started":
                    proxy.heard = time.monotonic()
                    if number == 0 and not self._ending:
                        self._tell_others()
                    self._said(proxy, what)
                case "drained":
                    self._said(proxy, what)
                case "counters":
                    proxy.counters, proxy.heard = event, time.monotonic()
                case "broke":
                    proxy.broke.append(event["told"])
                    self._changed.notify_all()
                case "warning":
                    self._warn(event["what"], event["where"])
                case "done":
                    proxy.counters = event
                    proxy.said |= {"done", "drained"}
                    if not self._ending:  # it was sent a signal: the recording ends
                        self.send("stop")
                    self._finish()
                    self._changed.notify_all()
                case "exited":
                    self._exited(proxy, event)
                    self._changed.notify_all()
                case _:
                    self._events.put(event)

    def _exited(self, proxy: _Proxy, event: Event) -> None:
        proxy.alive = False
        if "done" in proxy.said:
            return
        proxy.counters = {**proxy.counters, "open": 0}
        if "started" in proxy.said and any(one.alive for one in self._proxies):
            left = sum(one.alive for one in self._proxies)
            self._warn("proxy_died", f"{_how(event['code'])}, {left} of {len(self._proxies)} proxies go on")
            for what in ("started", "drained"):
                self._said(proxy, what)
            self._finish()
        else:
            self._events.put(_death(PROXY, event, proxy.process))

    def _said(self, proxy: _Proxy, what: str) -> None:
        """Tell it when the last of those that live has said it."""
        before = self._all_said(what)
        proxy.said.add(what)
        if not before and self._all_said(what):
            self._events.put({"event": what, "capture": self._capture})

    def _all_said(self, what: str) -> bool:
        if not self._capture:
            return False  # the writing process is not ready
        return all(what in one.said for one in self._proxies if one.alive)

    def _one_is_silent(self) -> bool:
        return any(one.alive and time.monotonic() - one.heard > SILENT for one in self._proxies)

    def _warn(self, what: str, where: str) -> None:
        if (what, where) not in self._warned:
            self._warned.add((what, where))
            self._events.put({"event": "warning", "what": what, "where": where})

    def _hear_scribe(self, event: Event) -> None:
        with self._state:
            match event["event"]:
                case "counters":
                    self._written = event
                    # Before all have started nobody has asked for it; and one that hangs shows as the report's age.
                    if self._all_said("started") and (self._ending or not self._one_is_silent()):
                        self._events.put(self._numbers())
                case "done":
                    self._written = event
                    self._finished = True
                    self._finish()
                case "open":
                    first, self._capture = not self._capture, event["capture"]
                    if first and self._all_said("started"):
                        self._events.put({"event": "started", "capture": self._capture})
                case "error" if self._died:
                    self._why = {"how": event["message"].rstrip(".")}
                case "lost":
                    self.lost += event["exchanges"]
                case "exited":
                    if not self._finished:
                        self._succeeding = True
                        death = {**_death(WRITER, event, self._scribe), **self._why}
                        threading.Thread(target=self._succeed, args=(death,), daemon=True).start()
                case _:
                    self._events.put(event)

    def _finish(self) -> None:
        done = ["done" in one.said for one in self._proxies if one.alive or "done" in one.said]
        if self._finished and done and all(done):
            self._events.put({**self._numbers(), "event": "done"})

    def _numbers(self) -> dict[str, Any]:
        """The proxies' numbers together, and the writing processes', as the latest one's event."""
        told = ({name: value for name, value in one.counters.items() if name != "event"} for one in self._proxies)
        proxies = total(told)
        written = together(self._before, self._written)
        faults = proxies["faults"] + self._written.get("unapplied", 0)
        left = max(0, proxies.pop("ended") - settled(written))
        del proxies["told"], proxies["untold"]
        return {**proxies, **written, "faults": faults, "left": left}

    # -- another writing process, on a thread of its own ---------------------------------------------------------------

    def _succeed(self, death: Event) -> None:
        """The writing process died: count what is lost, and let another go on. What the proxies tell waits for it."""
        self._scribe.end(0.0)
        with self._changed:
            try:
                if self._all_said("started") and self._deaths.one_more(time.monotonic()):
                    self._go_on(death["how"])
                else:
                    self._writer_died = True
                    for proxy in self._proxies:
                        proxy.renewals.close()
                    self._events.put(death)
            finally:
                self._succeeding = False
                self._changed.notify_all()

    def _go_on(self, how: str) -> None:
        number = self._died
        tell = [one for one in self._proxies if one.tells]
        self._changed.wait_for(lambda: all(len(one.broke) > number or not one.tells for one in tell), SILENT)
        where = f"{how}, {counted(self._account(), 'exchange')} lost with it"
        self._events.put({"event": "warning", "what": WRITER_DIED, "where": where})
        self._replace_scribe([one for one in tell if one.tells])

    def _replace_scribe(self, proxies: list[_Proxy]) -> None:
        if not proxies:  # they had told everything
            self._finished = True
            self._finish()
            return
        pairs = [socket.socketpair() for _ in proxies]
        self._scribe = self._start_scribe(end for _, end in pairs)
        for proxy, (line, _) in zip(proxies, pairs, strict=True):
            with suppress(OSError):  # it has just ended
                socket.send_fds(proxy.renewals, [b"+"], [line.fileno()])
        for end in itertools.chain.from_iterable(pairs):
            end.close()

    def _account(self) -> int:
        """How many exchanges are lost with the writing process; they are counted, here and in its session."""
        told = sum(self._told_by(proxy) for proxy in self._proxies)
        last, self._written = self._written, {}
        known = {(path, session) for path, session in self._before.get("files", ())}
        names = [path for path, _ in last.get("files", ())]
        found = left_by(self._plan.meta["recording"], Path(self._plan.capture), names, known)
        numbers, lost = bequest(told, last, found)
        with suppress(CaptureError, sqlite3.Error):  # it is told here in any case
            complete(found, time.time(), lost, left_out_of(last) | {WRITER_DIED: lost})
        self._before = together(self._before, numbers)
        self._died += 1
        self.unwritten = lost
        return lost

    def _told_by(self, proxy: _Proxy) -> int:
        """How many exchanges ``proxy`` had told the writing process that died, or could tell nobody."""
        told: int
        if len(proxy.broke) > self._died:
            told = proxy.broke[self._died]
        else:  # it has ended or hangs: as it said last
            told = proxy.counters["told"]
            proxy.counters = {**proxy.counters, "told": 0}
        return told + int(proxy.counters["untold"])


def _death(name: str, event: Event, process: ChildProcess) -> Event:
    how = _how(event["code"]) if event["code"] < 0 else last_of(process.last_words()) or _how(event["code"])
    return {"event": "exited", "name": name, "how": how, "code": event["code"]}


def last_of(words: str) -> str:
    """The last line of what a process said. Of an exception only its kind: what it says may quote traffic."""
    line = "".join(words.splitlines()[-1:])
    kind, colon, _ = line.partition(": ")
    if not colon or not _EXCEPTION.fullmatch(kind) or kind in _QUOTE_NOTHING:
        return line
    return f"{kind} (RETAPE_DEBUG=1 shows what it says)"


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}" if -code in signal.valid_signals() else f"signal {-code}"
    return f"code {code}"
