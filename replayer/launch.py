"""Bringing up what a replay needs: stub listeners, the build wired to them, and a target that answers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from captures.errors import TargetError
from captures.model import Session
from captures.service import Service, Wiring, environment, free_port
from replayer.client import Target
from replayer.plan import ReplayPlan
from replayer.stubs import Server, StubServer

PATIENCE = 5.0  # seconds a target somebody else started may take to accept


@dataclass(slots=True)
class Launched:
    """The build under test. ``service`` is None when somebody else started it."""

    target: Target | None = None
    service: Service | None = None

    async def stop(self) -> None:
        """Stop what was started, its whole process group; the stub server goes on answering meanwhile."""
        if self.service is not None:
            await asyncio.shield(asyncio.to_thread(self.service.stop))


async def listen(stubs: StubServer, sessions: Sequence[Session], port: int = 0) -> tuple[str, dict[str, str]]:
    """Open the stub proxy on ``port`` and one listener per recorded ``--dependency``.

    Returns the proxy's URL, and the variables that hand over the listeners. Raises :class:`UsageError`.
    """
    proxy = await stubs.listen(port=port)
    variables: dict[str, str] = {}
    for url, variable in recorded_dependencies(sessions).values():
        server, path = _server_of(url)
        variables[variable] = await stubs.listen(server) + path
    return proxy, variables


async def launch(launched: Launched, plan: ReplayPlan, wiring: Wiring, work: Path) -> Target:
    """Start CMD, if there is one, and wait until the target is ready.

    ``launched`` is filled in at once, so that it can be stopped whatever happens. Raises :class:`TargetError`.
    """
    target = plan.target
    if plan.command:
        port = free_port() if target is None else target.port if target.loopback else None
        launched.service = Service.start(plan.command, environment(wiring, os.environ, work), port=port)
        target = target or Target("http", "127.0.0.1", port or 0)
    assert target is not None
    launched.target = target
    url = None
    if plan.ready is not None:
        url = plan.ready if "://" in plan.ready else f"{target}/{plan.ready.lstrip('/')}"
    service = launched.service
    if service is not None and (url is not None or service.port is not None):
        await asyncio.to_thread(service.wait_ready, plan.ready_timeout, url=url)
    else:
        await _accepting(target, service, plan.ready_timeout if service else min(plan.ready_timeout, PATIENCE))
    return target


async def _accepting(target: Target, service: Service | None, seconds: float) -> None:
    """Until a target that has its port from elsewhere accepts a connection."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            async with asyncio.timeout(2.0):
                _, writer = await asyncio.open_connection(target.host, target.port)
        except (OSError, TimeoutError):
            if service is not None and service.returncode is not None:
                raise TargetError(
                    f"{service.name} exited with code {service.returncode} before it was ready. "
                    f"Its last lines:\n{service.stderr_tail()}",
                    hint="Run the command by itself to see why.",
                ) from None
            if time.monotonic() > deadline:
                raise TargetError(
                    f"Nothing answers at {target}.", hint="Start the build there, or let retape start it: -- CMD"
                ) from None
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def recorded_dependencies(sessions: Sequence[Session]) -> dict[str, tuple[str, str]]:
    """The ``--dependency`` listeners of the recording: name -> (URL, variable)."""
    found: dict[str, tuple[str, str]] = {}
    for session in sessions:
        given = session.meta.get("dependencies") or {}
        entries = given.items() if isinstance(given, dict) else ((entry.get("name", ""), entry) for entry in given)
        for name, entry in entries:
            if entry.get("url") and entry.get("env"):
                found[name] = (entry["url"], entry["env"])
    return found


def enforced(sessions: Sequence[Session]) -> list[str]:
    """What keeps the build's calls on this machine, and what does not, in sentences."""
    statements = [
        "The stub server opens no connections: a call that reaches it cannot leave this machine.",
        "Proxy and CA variables were set for the build; a client that ignores them is not held back by them.",
    ]
    listeners = recorded_dependencies(sessions)
    if listeners:
        names = ", ".join(f"{name} ({variable})" for name, (_, variable) in sorted(listeners.items()))
        statements.append(f"These dependencies were handed over as listeners of the stub server: {names}.")
    return statements


def _server_of(url: str) -> tuple[Server, str]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Server(parts.scheme, (parts.hostname or "").lower(), port), parts.path.rstrip("/")
