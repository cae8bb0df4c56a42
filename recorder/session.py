"""One recording from the parent's side: the proxy process, the service, signals, the clock, and who hears of it.

The proxy listens first (the service needs its addresses), then CMD starts, then the recording is *ready*. It
ends by SIGINT, SIGTERM or SIGHUP, after ``--for``, or with CMD: inbound listeners close, what is open finishes (its
outbound calls still recorded), CMD stops, and the rest is cut and kept as failures.
"""

from __future__ import annotations

import os
import queue
import secrets
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from captures.errors import RetapeError, TargetError, UsageError
from captures.model import authority
from captures.service import Service, Wiring, environment
from captures.state import redaction_key, state_dir
from captures.trust import Authority
from captures.unended import sessions_of
from captures.wording import counted
from recorder.child import Event
from recorder.crew import PROXY, STOP_TIMEOUT, WRITER, Crew
from recorder.listeners import LOOPBACK, Listener, Role, is_loopback
from recorder.plan import ProxyPlan
from recorder.provenance import provenance
from recorder.settings import Overload, Settings
from recorder.succession import paths_of

START_TIMEOUT = 60.0  # seconds for the proxy process to listen: importing mitmproxy alone takes one or more
_FIND_OUT = "Look for who killed it, which the kernel does where memory is short, and record again."
LOOK = 1.0  # seconds between looks whether there is progress
POLL = 0.05  # seconds between looks at CMD


class Observer(Protocol):
    """Hears what happens, in order."""

    def listening(self, listener: Listener, host: str, port: int) -> None:
        """A listener is open."""

    def ready(self, settings: Settings) -> None:
        """Traffic is recorded from now on."""

    def counters(self, event: Event) -> None:
        """Counters, about once a second."""

    def warning(self, what: str, where: str) -> None:
        """Something the user should act on (see ``recorder.tape``)."""

    def trouble(self, why: str, waiting: int) -> None:
        """Nothing can be written, and ``waiting`` exchanges are kept in memory; or ("") it can again."""

    def next_file(self, path: str) -> None:
        """The recording goes on in another file."""

    def writing(self, left: int) -> None:
        """The traffic has ended, and ``left`` exchanges are still to be written."""

    def stopping(self, why: str) -> None:
        """The recording ends."""

    def done(self, settings: Settings, outcome: Outcome) -> None:
        """Everything is on disk."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a recording ended."""

    counters: Mapping[str, Any]
    command_code: int | None  # CMD's exit code when it ended by itself


class CaptureVanished(RetapeError):
    """Somebody removed the capture while it was written (exit code 3: what was recorded is not to be had)."""


class ProxyDied(RetapeError):
    """The proxy process ended by itself: our fault (exit code 4)."""


class WriterDied(ProxyDied):
    """It was the writing process, and no other could go on: what it was told and had not written is lost with it."""


def record(settings: Settings, observer: Observer) -> Outcome:
    """Run the whole recording.

    Raises :class:`UsageError` (a port taken), :class:`captures.errors.CaptureError` (the file),
    :class:`TargetError` (CMD), :class:`CaptureVanished`, :class:`ProxyDied`, and, before *ready*,
    :class:`KeyboardInterrupt` for a signal.
    """
    with tempfile.TemporaryDirectory(prefix="retape-") as work, _Signals() as signals:
        return _Recording(settings, observer, signals, Path(work)).run()


class _Recording:
    def __init__(self, settings: Settings, observer: Observer, signals: _Signals, work: Path) -> None:
        self._settings = settings
        self._observer = observer
        self._signals = signals
        self._work = work
        self._events: queue.SimpleQueue[Event] = signals.events
        self._bound: dict[int, tuple[str, int]] = {}
        self._counters: dict[str, Any] = {}
        self._service: Service | None = None
        self._finished = False  # the proxy has written down everything
        self._writing = False  # the person knows that the end takes a while
        self._trouble = self._unrotated = ""
        self._file = str(settings.capture)
        self._name = secrets.token_hex(6)  # by which its sessions know each other

    def run(self) -> Outcome:
        settings = self._settings
        try:
            ca = Authority.load_or_create(state_dir())
            extra = self._extra_roots()
            plan = self._plan(ca, extra)
        except OSError as error:
            raise UsageError(
                f"{error.filename or self._work} cannot be written: {error.strerror}.",
                hint="Make room on the disk, or set TMPDIR and RETAPE_STATE_DIR to folders that have some.",
            ) from error
        proxy = Crew.start(plan, self._events, settings.workers)
        try:
            self._await(proxy, "started", START_TIMEOUT)
            if settings.command:
                self._start_service(proxy, ca, extra)
            self._signals.ready = True
            self._warn_of_exposure()
            self._observer.ready(replace(settings, capture=Path(self._file)))
            code = self._watch(proxy)
            self._stop(proxy, service_runs=code is None)
        except BaseException as error:
            self._stop_service(proxy)
            proxy.send("discard")
            proxy.end(2.0 if isinstance(error, ProxyDied) else STOP_TIMEOUT)
            if isinstance(error, WriterDied) and proxy.unwritten:
                error.hint = f"{error.hint} {counted(proxy.unwritten, 'exchange')} lost with it.".lstrip()
            if isinstance(error, ProxyDied) and proxy.lost:
                error.hint += f" Exchanges it had begun and could not finish: {proxy.lost}."
            raise
        proxy.end(STOP_TIMEOUT)
        if (self._counters.get("untold_files") or {}).get("files"):
            self._counters["files"] = [
                (str(path), one.id) for path, one in sessions_of(self._name, settings.capture, paths_of(self._counters))
            ]
        outcome = Outcome(self._counters, code)
        if not any(Path(path).exists() for path in paths_of(self._counters)):
            lost = self._counters.get("seen", 0)
            raise CaptureVanished(
                f"{settings.capture} vanished while it was being recorded: all it held is lost"
                f" ({lost} exchange{'' if lost == 1 else 's'} of this session).",
                hint="Record again, and leave the file where it is until the recording has stopped.",
            )
        self._observer.done(settings, outcome)
        return outcome

    # -- starting ----------------------------------------------------------------------------------------------------

    def _plan(self, ca: Authority, extra: Path | None) -> ProxyPlan:
        settings = self._settings
        return ProxyPlan(
            capture=str(settings.capture),
            listeners=settings.listeners,
            confdir=str(ca.directory),
            redaction_key=redaction_key(settings.configured_key),
            redaction=settings.redaction,
            dependencies=settings.names,
            trusted=str(ca.bundle(self._work / "upstream.pem", extra)),
            insecure=settings.insecure_upstream,
            meta={**provenance(settings), "recording": self._name},
            max_body=settings.max_body,
            max_messages=settings.max_messages,
            max_queue=settings.max_queue,
            blocks=settings.on_overload is Overload.BLOCK,
            inject_trace=settings.inject_trace,
            rotation=settings.rotation,
            choice=settings.choice,
            sample_key=secrets.token_hex(16),
            drain=settings.drain,
            work=str(self._work),
        )

    def _extra_roots(self) -> Path | None:
        """What the service trusted before we came: ``--upstream-ca``, and the roots its environment names."""
        files = [self._settings.upstream_ca, *(_environment_roots(os.environ))]
        parts = [path.read_bytes() for path in files if path is not None]
        if not parts:
            return None
        path = self._work / "extra.pem"
        path.write_bytes(b"\n".join(parts))
        return path

    def _start_service(self, proxy: Crew, ca: Authority, extra: Path | None) -> None:
        settings = self._settings
        proxy_url = None
        dependencies = {}
        for index, listener in enumerate(settings.listeners):
            host, port = self._bound[index]
            url = f"http://{authority(_reachable(host), port)}"
            if listener.role is Role.OUTBOUND:
                proxy_url = url
            elif listener.role is Role.DEPENDENCY:
                dependencies[listener.variable] = url + listener.path
        wiring = Wiring(proxy_url, ca, dependencies, extra)
        env = environment(wiring, os.environ, self._work)
        self._service = Service.start(settings.command, env, port=settings.port)
        proxy.send(f"service {self._service.pid}")
        if settings.await_ready:
            self._service.wait_ready(settings.ready_timeout)

    def _warn_of_exposure(self) -> None:
        exposed = [authority(host, port) for host, port in self._bound.values() if not is_loopback(host)]
        if exposed:
            self._observer.warning("exposed", ", ".join(exposed))

    # -- running -----------------------------------------------------------------------------------------------------

    def _watch(self, proxy: Crew) -> int | None:
        """Until something ends the recording; CMD's exit code if it was CMD."""
        duration = self._settings.duration
        deadline = None if duration is None else time.monotonic() + duration
        while True:
            event = self._next(POLL)
            if event is not None:
                if event["event"] == "signal":
                    self._observer.stopping("interrupted")
                    return None
                self._hear(proxy, event)
                if self._finished:
                    self._observer.stopping("the recording proxy was asked to stop")
                    return None
            if self._service is not None and self._service.returncode is not None:
                self._observer.stopping(f"{self._service.name} ended")
                return self._service.returncode
            if deadline is not None and time.monotonic() >= deadline:
                self._observer.stopping("time is up")
                return None

    def _stop(self, proxy: Crew, *, service_runs: bool) -> None:
        if service_runs and not self._finished:
            proxy.send("drain")
            self._await(proxy, "drained", self._settings.drain + 10.0)
        self._stop_service(proxy)
        proxy.send("stop")
        self._await(proxy, "done", STOP_TIMEOUT)

    def _stop_service(self, proxy: Crew) -> None:
        if self._service is not None:
            self._service.stop()
            proxy.send("service 0")

    def _await(self, proxy: Crew, wanted: str, timeout: float) -> None:
        began = since = time.monotonic()
        settled = proxy.settled()
        while not self._finished:
            event = self._next(min(LOOK, timeout))
            if settled != (settled := proxy.settled()):
                since = time.monotonic()
            if time.monotonic() - since >= timeout:
                who, died = (WRITER, WriterDied) if proxy.left() else (PROXY, ProxyDied)
                raise died(f"{who} made no progress for {timeout:g} s ({wanted}).")
            if wanted == "done" and not self._writing and time.monotonic() - began >= LOOK and proxy.left():
                self._writing = True
                self._observer.writing(proxy.left())
            if event is None:
                continue
            if event["event"] == "signal":
                if event["number"] != signal.SIGHUP:  # of those several come when a terminal goes
                    proxy.send("abandon" if self._writing else "now")  # asked twice: do not wait for anybody
                continue
            self._hear(proxy, event)
            if event["event"] == wanted:
                return

    def _next(self, timeout: float) -> Event | None:
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None

    def _hear(self, proxy: Crew, event: Event) -> None:
        match event["event"]:
            case "listening":
                self._bound[event["index"]] = (event["host"], event["port"])
                self._observer.listening(self._settings.listeners[event["index"]], event["host"], event["port"])
            case "counters" | "done":
                self._counters = {key: value for key, value in event.items() if key != "event"}
                self._tell_of_files(event)
                self._finished = event["event"] == "done"
                if not self._finished:
                    self._observer.counters({**event, "queued": event["left"]} if self._writing else event)
            case "started":
                self._file = event["capture"]
            case "warning":
                self._observer.warning(event["what"], event["where"])
            case "error":
                raise UsageError(event["message"], hint=event.get("hint", ""))
            case "exited":
                died = WriterDied if event["name"] == WRITER else ProxyDied
                raise died(f"{event['name']} died: {event['how']}.", hint=self._what_is_left(event["name"]))

    def _what_is_left(self, died: str) -> str:
        files = paths_of(self._counters)
        older = sum(path != self._file for path in files)
        more = f" and {older} older file{'' if older == 1 else 's'}" if older else ""
        if died == WRITER:
            return f"What it had written until then is in {self._file}{more}. {_FIND_OUT}"
        return f"What it had recorded until then is in {self._file}{more}."

    def _tell_of_files(self, event: Event) -> None:
        trouble = event.get("trouble", "")
        if bool(trouble) != bool(self._trouble):
            self._observer.trouble(trouble, event.get("queued", 0))
        self._trouble = trouble
        if event.get("capture", self._file) != self._file:
            self._file = event["capture"]
            self._observer.next_file(self._file)
        if event.get("unrotated") and not self._unrotated:
            self._observer.warning("unrotated", event["unrotated"])
        self._unrotated = event.get("unrotated", "")


class _Signals:
    """SIGINT, SIGTERM and SIGHUP (unless it is ignored: nohup).

    Before *ready* they interrupt, after it they are the normal way to end a recording.
    """

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.ready = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.ready:
            self.ready = True  # a second one must not interrupt the cleaning up
            raise KeyboardInterrupt
        self.events.put({"event": "signal", "number": number})


def check_command(outcome: Outcome, settings: Settings) -> None:
    """Raise :class:`TargetError` when CMD ended by itself with a code other than 0: its traffic may be incomplete."""
    code = outcome.command_code
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"
        raise TargetError(
            f"{settings.command[0]} {how} while it was being recorded.",
            hint=f"What it did until then is in {settings.capture}.",
        )


def _environment_roots(env: Mapping[str, str]) -> Iterator[Path]:
    seen = set()
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        path = Path(env.get(name) or "/nonexistent")
        if path.is_file() and path not in seen:
            seen.add(path)
            yield path


def _reachable(host: str) -> str:
    """The address a process on this machine reaches a listener on ``host`` by."""
    return {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}.get(host, host)  # noqa: S104 - a comparison, not a bind
