"""Starting a service so that its outbound traffic goes where Retape listens, and stopping it with all its children.

Which variables reach which client was measured, not guessed (Go, curl, urllib, requests, httpx, Node, Java, gRPC).
What they cannot reach is known too: Go and older Node never proxy loopback addresses, Java ignores them without
``JAVA_TOOL_OPTIONS``. For those a dependency gets a listener of its own (``--dependency``), handed over in a variable.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from captures.errors import TargetError, UsageError
from captures.trust import TRUSTSTORE_PASSWORD, Authority

TAIL_LINES = 20

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
        if store is not None:
            java += [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={TRUSTSTORE_PASSWORD}"]
            java.append("-Djavax.net.ssl.trustStoreType=PKCS12")
    if java:
        result["JAVA_TOOL_OPTIONS"] = " ".join(filter(None, [base.get("JAVA_TOOL_OPTIONS", ""), *java]))
    result.update(wiring.dependencies)
    return result


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on right now. (Another process may take it before you do.)"""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Service:
    """A running CMD in a process group of its own. Its stdout and stderr go to our stderr: our stdout is data."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, port: int | None, tail: deque[str]) -> None:
        self._process = process
        self._tail = tail
        self.name = name
        self.port = port
        self._pump: threading.Thread | None = None

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        port: int | None = None,
        cwd: Path | None = None,
        echo: IO[bytes] | None = None,
    ) -> Self:
        """Start ``argv``; ``{port}`` in it becomes ``port``, which is also in ``PORT`` and ``RETAPE_PORT``.

        ``echo`` is where its output goes (default our stderr). Raises :class:`UsageError` when there is no such
        command.
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
        try:
            process = subprocess.Popen(
                words,
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
        service = cls(process, words[0], port, deque(maxlen=TAIL_LINES))
        service._pump = threading.Thread(
            target=_pump, args=(process.stdout, echo or sys.stderr.buffer, service._tail), daemon=True
        )
        service._pump.start()
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
            probe, what = lambda: _answers(url), url
        elif self.port is not None:
            probe, what = lambda: _accepts(int(self.port or 0)), f"port {self.port}"
        else:
            return
        deadline = time.monotonic() + timeout
        while True:
            code = self.returncode
            if code is not None:
                raise TargetError(
                    f"{self.name} exited with code {code} before it was ready.{self._last_words()}",
                    hint="Run the command by itself to see why; it must listen on {port} (also in $PORT).",
                )
            if probe():
                return
            if time.monotonic() > deadline:
                raise TargetError(
                    f"{self.name} did not answer on {what} within {timeout:g} s.{self._last_words()}",
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
        if self._pump is not None:
            self._pump.join(1.0)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _last_words(self) -> str:
        tail = self.stderr_tail()
        return f" Its last lines:\n{tail}" if tail else " It printed nothing."


def _pump(source: IO[bytes] | None, sink: IO[bytes], tail: deque[str]) -> None:
    if source is None:
        return
    for line in source:
        tail.append(line.decode("utf-8", "replace").rstrip())
        with suppress(OSError, ValueError):  # our own stderr is gone: keep draining, or the service blocks
            sink.write(line)
            sink.flush()


def _accepts(port: int) -> bool:
    for host in ("127.0.0.1", "::1"):
        try:
            with socket.create_connection((host, port), 0.5):
                return True
        except OSError:
            continue
    return False


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False
