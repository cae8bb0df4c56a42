"""Starting a service so that its outbound traffic goes where Retape listens, and stopping it with all its children.

Which variables reach which client was measured, not guessed (Go, curl, urllib, requests, httpx, Node, Java, gRPC).
What they cannot reach is known too: Go and older Node never proxy loopback addresses, Java ignores them without
``JAVA_TOOL_OPTIONS``. For those a dependency gets a listener of its own (``--dependency``), handed over in a variable.
"""

from __future__ import annotations

import http.client
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, Self
from urllib.parse import urlsplit

from captures.errors import TargetError, UsageError
from captures.trust import TRUSTSTORE_PASSWORD, Authority

TAIL_LINES = 20
TRIES = 20  # ports, before any free one is taken

CA_VARIABLES = (
    "SSL_CERT_FILE",  # OpenSSL, Go, httpx, urllib
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "AWS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "DENO_CERT",
    "CARGO_HTTP_CAINFO",
)


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where a service's outbound traffic must go."""

    proxy_url: str | None = None  # "http://127.0.0.1:43210"
    authority: Authority | None = None  # the CA the proxy proves itself with
    dependencies: Mapping[str, str] = field(default_factory=dict)  # variable -> base URL
    extra_ca: Path | None = None  # further PEM roots to trust


class Connect(Protocol):
    """``socket.create_connection``, or the same from within another network."""

    def __call__(self, address: tuple[str, int], timeout: float) -> socket.socket:
        """A connection to ``address``. Raises ``OSError``."""


@dataclass(frozen=True, slots=True)
class Doorway:
    """How a command is started and reached that does not live in our network."""

    words: Sequence[str] = ()  # go before the command's own
    descriptors: Sequence[int] = ()  # which those need
    connect: Connect = socket.create_connection


def environment(wiring: Wiring, base: Mapping[str, str], work: Path) -> dict[str, str]:
    """``base`` with every variable set that routes a client through ``wiring``. Bundles are written into ``work``."""
    result = dict(base)
    java: list[str] = []
    if wiring.proxy_url:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "grpc_proxy", "ALL_PROXY", "all_proxy"):
            result[name] = wiring.proxy_url
        # npm and yarn read their own; clients that honour NO_PROXY must not bypass us for loopback dependencies.
        result["NO_PROXY"] = result["no_proxy"] = ""
        result["npm_config_proxy"] = result["npm_config_https_proxy"] = wiring.proxy_url
        result["npm_config_noproxy"] = ""
        result["NODE_USE_ENV_PROXY"] = "1"  # Node >= 22.21; older ones need an agent that reads the variables
        host, _, port = wiring.proxy_url.rpartition("//")[2].rpartition(":")
        for scheme in ("http", "https"):
            java += [f"-D{scheme}.proxyHost={host}", f"-D{scheme}.proxyPort={port}"]
        java.append("-Dhttp.nonProxyHosts=")
    if wiring.authority is not None:
        work.mkdir(parents=True, exist_ok=True)
        bundle = str(wiring.authority.bundle(work / "ca-bundle.pem", wiring.extra_ca))
        for name in CA_VARIABLES:
            result[name] = bundle
        result["NODE_EXTRA_CA_CERTS"] = str(wiring.authority.certificate_path)
        store = wiring.authority.java_truststore(work / "truststore.p12")
        java += [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={TRUSTSTORE_PASSWORD}"]
        java.append(f"-Djavax.net.ssl.trustStoreType={'JKS' if store.suffix == '.jks' else 'PKCS12'}")
        result["WGETRC"] = str(_wgetrc(base, bundle, work / "wgetrc"))
    if java:
        result["JAVA_TOOL_OPTIONS"] = " ".join(filter(None, [base.get("JAVA_TOOL_OPTIONS", ""), *java]))
    result.update(wiring.dependencies)
    return result


def _wgetrc(base: Mapping[str, str], bundle: str, path: Path) -> Path:
    """What the user tells wget, and the bundle: a wget made with GnuTLS reads no variable that names one."""
    theirs = Path(base.get("WGETRC") or Path(base.get("HOME") or "/nonexistent") / ".wgetrc")
    told = theirs.read_bytes() if theirs.is_file() and os.access(theirs, os.R_OK) else b""
    path.touch(mode=0o600)  # theirs may hold a password
    path.write_bytes(told + f"\nca_certificate = {bundle}\n".encode())
    return path


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on right now, for a process that will listen on it in a moment.

    Of those that the system itself gives to nobody, where it says which these are (Linux): a connection that somebody
    opens in that moment would else get just this port.
    """
    for port in random.SystemRandom().sample(_left_alone(), TRIES):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else what was just closed counts as taken
            probe.bind((host, port))
            return port
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _left_alone() -> range:
    """Ports below those that connections get (``ip_local_port_range``); any where that is not to be known."""
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        first = 32_768
    return range(10_000, first) if first >= 20_000 else range(10_000, 65_536)


class Service:
    """A running CMD in a process group of its own. Its stdout and stderr go to our stderr: our stdout is data."""

    def __init__(
        self, process: subprocess.Popen[bytes], name: str, port: int | None, tail: deque[str], connect: Connect
    ) -> None:
        self._process = process
        self._tail = tail
        self._connect = connect
        self.name = name
        self.port = port
        self.echoed = False  # what it prints goes to our stderr
        self._pump: threading.Thread | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        port: int | None = None,
        cwd: Path | None = None,
        echo: IO[bytes] | None = None,
        doorway: Doorway | None = None,
    ) -> Self:
        """Start ``argv``; ``{port}`` in it becomes ``port``, which is also in ``PORT`` and ``RETAPE_PORT``.

        ``echo`` is where its output goes (default our stderr), ``doorway`` leads into another network than ours.
        Raises :class:`UsageError` when there is no such command.
        """
        if not argv:
            raise UsageError(
                "No command to start.", hint="Give it after --, for example: -- python app.py --port {port}"
            )
        settings = dict(env)
        words = list(argv)
        if port is not None:
            words = [word.replace("{port}", str(port)) for word in words]
            settings["PORT"] = settings["RETAPE_PORT"] = str(port)
        doorway = doorway or Doorway()
        try:
            if doorway.words and cwd is None and shutil.which(words[0], path=settings.get("PATH")) is None:
                raise FileNotFoundError  # it would be missed inside, where nobody could tell from whom the exit code is
            process = subprocess.Popen(
                [*doorway.words, *words],
                pass_fds=doorway.descriptors,
                env=settings,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise UsageError(f"There is no command {words[0]!r}.", hint="Check the words after --.") from error
        except OSError as error:
            raise UsageError(f"{words[0]!r} cannot be started: {error.strerror}.") from error
        service = cls(process, words[0], port, deque(maxlen=TAIL_LINES), doorway.connect)
        service.echoed = echo is None
        service._pump = threading.Thread(
            target=_pump, args=(process.stdout, echo or sys.stderr.buffer, service._tail), daemon=True
        )
        service._pump.start()
        service._guard = _guarded(process.pid)
        return service

    @property
    def returncode(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """The process id (also of its group)."""
        return self._process.pid

    def stderr_tail(self) -> str:
        """The last lines it printed."""
        if self._pump is not None and self.returncode is not None:
            self._pump.join(1.0)
        return "\n".join(self._tail)

    def wait(self, timeout: float | None = None) -> int | None:
        """Its exit code, or None when it still runs after ``timeout`` seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def wait_ready(self, timeout: float = 60.0, *, url: str | None = None) -> None:
        """Wait until its port accepts a connection (or ``url`` answers below 500).

        Raises :class:`TargetError` with its last lines when it exits first or is not ready in ``timeout`` seconds.
        """
        probe: Callable[[], bool]
        if url is not None:
            probe, what = lambda: _answers(url, self._connect), url
        elif self.port is not None:
            probe, what = lambda: _accepts(int(self.port or 0), self._connect), f"port {self.port}"
        else:
            return
        deadline = time.monotonic() + timeout
        while True:
            code = self.returncode
            if code is not None:
                raise TargetError(
                    f"{self.name} exited with code {code} before it was ready.{self._last_words()}",
                    brief=self._brief(f"{self.name} exited with code {code} before it was ready."),
                    hint="Run the command by itself to see why; it must listen on {port} (also in $PORT).",
                )
            if probe():
                return
            if time.monotonic() > deadline:
                raise TargetError(
                    f"{self.name} did not answer on {what} within {timeout:g} s.{self._last_words()}",
                    brief=self._brief(f"{self.name} did not answer on {what} within {timeout:g} s."),
                    hint="Does it listen on {port} (also in $PORT)? Give it longer with --ready-timeout.",
                )
            time.sleep(0.02)

    def stop(self, grace: float = 5.0) -> int | None:
        """SIGTERM to its whole group, SIGKILL to what is left after ``grace`` seconds. Idempotent."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGTERM)
        code = self.wait(grace)
        with suppress(ProcessLookupError, PermissionError):  # children that outlived it, or that ignored SIGTERM
            os.killpg(self._process.pid, signal.SIGKILL)
        if code is None:
            code = self.wait(grace)
        if self._guard is not None:  # before its pipe closes, which it would take for our end
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        if self._pump is not None:
            self._pump.join(1.0)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _brief(self, sentence: str) -> str:
        return f"{sentence} What it printed is above." if self.echoed and self.stderr_tail() else ""

    def _last_words(self) -> str:
        tail = self.stderr_tail()
        return f" Its last lines:\n{tail}" if tail else " It printed nothing."


_GUARD = """read -r _
kill -s TERM -- "-$1" 2>/dev/null || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 0.5; kill -s 0 -- "-$1" 2>/dev/null || exit 0; done
kill -s KILL -- "-$1" 2>/dev/null"""
"""Waits for the end of its standard input, which comes when we are gone, whatever ended us (kill -9, out of memory)."""


def _guarded(group: int) -> subprocess.Popen[bytes] | None:
    """A process that ends ``group`` when we are no more; None where there is no shell to be it."""
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "retape-guard", str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None


def _pump(source: IO[bytes] | None, sink: IO[bytes], tail: deque[str]) -> None:
    if source is None:
        return
    for line in source:
        tail.append(line.decode("utf-8", "replace").rstrip())
        with suppress(OSError, ValueError):  # our own stderr is gone: keep draining, or the service blocks
            sink.write(line)
            sink.flush()


def _accepts(port: int, connect: Connect) -> bool:
    for host in ("127.0.0.1", "::1"):
        try:
            with connect((host, port), timeout=0.5):
                return True
        except OSError:
            continue
    return False


def _answers(url: str, connect: Connect) -> bool:
    """Whether ``url`` answers below 500. Its certificate is not asked for: nothing of ours is sent there."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    connection = http.client.HTTPConnection(host, parts.port or (443 if secure else 80))
    try:
        connection.sock = connect((host, connection.port), timeout=2)
        connection.sock.settimeout(2)
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")
        return connection.getresponse().status < 500
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
