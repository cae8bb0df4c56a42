"""What recording needs of this machine, for ``retape doctor``: mitmproxy in the tested range, ports that are free."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from captures.config import Config
from captures.doctor.cli import Asked
from captures.doctor.findings import Check, Finding, fine, problem, warning
from captures.model import authority
from recorder.listeners import Listener

OLDEST, NEWEST = (11, 0, 2), (13,)  # of pyproject.toml; from NEWEST on nothing was tried
INSTALL = "pip install 'retape[record]'"
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LISTENING = "0A"


def checks(asked: Asked, config: Config) -> tuple[Path | None, list[Check]]:
    """What to look at for a recording as it is ``asked`` for, and the capture it would write (None: not said).

    Raises :class:`captures.errors.UsageError` and :class:`captures.errors.ConfigError`, as the recording would.
    """
    from datetime import UTC, datetime

    from recorder.settings import Asked as Recording
    from recorder.settings import settle

    recording = Recording(
        asked.inbound,
        asked.outbound,
        asked.dependencies,
        command=("CMD",),
        capture=asked.capture,
        metrics=asked.metrics,
    )
    settings = settle(recording, config, now=datetime.now(UTC), port=0)
    return asked.capture, [
        Check("mitmproxy", mitmproxy),
        Check("ports", partial(ports, settings.listeners, settings.metrics)),
    ]


def mitmproxy() -> Iterator[Finding]:
    """Its version. Nothing of it is imported."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        text = version("mitmproxy")
    except PackageNotFoundError:
        yield warning("mitmproxy", "not installed: replaying works, recording does not", INSTALL)
        return
    numbers = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    if OLDEST <= numbers < NEWEST:
        yield fine("mitmproxy", f"{text}, in the tested range")
    else:
        tested = f"{'.'.join(map(str, OLDEST))} up to, not including, {'.'.join(map(str, NEWEST))}"
        yield problem("mitmproxy", f"{text} is not in the tested range ({tested})", INSTALL)


def ports(listeners: Sequence[Listener], metrics: tuple[str, int] | None = None) -> Iterator[Finding]:
    """Whether each address that is asked for can be listened on."""
    wanted = [(f"--{one.role}", one.host, one.port) for one in listeners]
    wanted += [("--metrics", *metrics)] if metrics else []
    for option, host, port in wanted:
        if port:
            yield _port(option, host, port)


def _port(option: str, host: str, port: int) -> Finding:
    name, where = f"port {port}", f"{option} {authority(host, port)}"
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, number) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror:
        return problem(name, f"{where}: there is no host of that name", f"getent hosts {host}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            by = holder(port)
            return problem(name, f"{where} is taken{f' by {by}' if by else ''}", f"ss -ltnp 'sport = :{port}'")
        if error.errno == errno.EACCES:
            says = f"{where}: this user may not listen on ports below 1024"
            return problem(name, says, "sysctl net.ipv4.ip_unprivileged_port_start")
        return problem(name, f"{where} cannot be listened on: {error.strerror}", "ip addr")
    return fine(name, f"{where} is free")


def holder(port: int, tables: Sequence[Path] = TABLES, processes: Path = Path("/proc")) -> str:
    """Who listens on ``port``, as "nginx (pid 17)"; empty when that is not for us to see."""
    inodes = set()
    for table in tables:
        with suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for process in processes.glob("[0-9]*"):
        with suppress(OSError):
            if any(os.readlink(descriptor) in inodes for descriptor in (process / "fd").iterdir()):  # noqa: PTH115
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""
