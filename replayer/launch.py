"""Bringing up what a replay needs: stub listeners, the build wired to them, and a target that answers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from captures.errors import TargetError
from captures.model import Session
from captures.service import Service, Wiring, environment
from replayer.client import Target
from replayer.faketime import tidy
from replayer.handovers import Dependencies, handed_over, server_of
from replayer.plan import ReplayPlan
from replayer.stubs import StubServer
from replayer.surroundings import Surroundings

PATIENCE = 5.0  # seconds a target somebody else started may take to accept


@dataclass(slots=True)
class Launched:
    """The build under test. ``service`` is None when somebody else started it."""

    service: Service | None = None
    surroundings: Surroundings = field(default_factory=Surroundings)

    async def stop(self) -> None:
        """Stop what was started, its whole process group; the stub server goes on answering meanwhile."""
        if self.service is not None:
            await asyncio.shield(asyncio.to_thread(self.service.stop))
            if self.surroundings.clock is not None:
                tidy(self.service.pid)


async def listen(
    stubs: StubServer,
    sessions: Sequence[Session],
    port: int = 0,
    *,
    configured: Dependencies | None = None,
    surroundings: Surroundings | None = None,
) -> tuple[str, dict[str, str]]:
    """Open the stub proxy on ``port`` and one listener per recorded or ``configured`` dependency.

    Returns the proxy's URL, and the variables that hand over the listeners. Raises :class:`UsageError`.
    """
    serve = surroundings.serve if surroundings is not None else None
    proxy = await stubs.listen(port=port, serve=serve)
    variables: dict[str, str] = {}
    for url, variable in handed_over(sessions, configured or {}).values():
        server, path = server_of(url)
        variables[variable] = await stubs.listen(server, serve=serve) + path
    return proxy, variables


async def launch(launched: Launched, plan: ReplayPlan, wiring: Wiring, work: Path) -> Target:
    """Start CMD, if there is one, and wait until the target is ready.

    ``launched`` is filled in at once, so that it can be stopped whatever happens. Raises :class:`TargetError`.
    """
    target, around = plan.target, launched.surroundings
    if plan.command:
        port = around.free_port() if target is None else target.port if target.loopback else None
        variables = around.environment(environment(wiring, os.environ, work))
        launched.service = Service.start(plan.command, variables, port=port, doorway=around.doorway)
        target = target or Target("http", "127.0.0.1", port or 0)
    assert target is not None
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
                sentence = f"{service.name} exited with code {service.returncode} before it was ready."
                raise TargetError(
                    f"{sentence} Its last lines:\n{service.stderr_tail()}",
                    brief=f"{sentence} What it printed is above." if service.echoed else "",
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


def enforced(sessions: Sequence[Session], plan: ReplayPlan) -> list[str]:
    """What keeps the build's calls on this machine, and what does not, in sentences."""
    if not plan.command and plan.stub_listen is None:
        return [
            "Nothing held the build's calls back: it was started by someone else, without the stub server, and they "
            "went where it sends them."
        ]
    statements = ["The stub server opens no connections: a call that reaches it cannot leave this machine."]
    if not plan.command:
        statements.append(
            "The build was started by someone else: it is up to its own settings which calls go to the stub server, "
            "and nothing held the others back."
        )
    elif plan.isolate:
        statements.append(
            "The build ran in a network namespace of its own, whose only way out is the stub server: it could reach no "
            "other address, whatever it did with the proxy and CA variables that were set for it. Such attempts fail "
            "at once and cannot be counted; Unix sockets are files, and were not held back."
        )
    else:
        statements.append(
            "Proxy and CA variables were set for the build; a client that ignores them is not held back by them "
            "(--isolate does that)."
        )
    listeners = handed_over(sessions, plan.dependencies)
    if listeners:
        names = ", ".join(f"{name} ({variable})" for name, (_, variable) in sorted(listeners.items()))
        where = "were handed over as" if plan.command else "have"
        statements.append(f"These dependencies {where} listeners of the stub server: {names}.")
    return statements
