"""A lean mitmproxy inside our own process: only the add-ons recording needs, and a cached dispatch.

Half of stock mitmproxy's time goes into walking its 31 add-ons for every event (measured with py-spy); here an event's
hooks are looked up once. Embedding is not a supported interface of mitmproxy, so the versions are pinned and
the tests run on both ends of the range (11.0.2 and 12.x). Written from its documentation and behaviour.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mitmproxy import addonmanager, exceptions, flow, master, options
from mitmproxy.addons.core import Core
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.proxy import mode_servers, mode_specs

from captures.errors import UsageError
from captures.model import authority
from captures.service import free_port
from recorder.listeners import Listener, Role
from recorder.plan import ProxyPlan

IDLE = 24 * 3600  # seconds before an idle client connection is closed; mitmproxy's 600 cuts long polls and pools
ATTEMPTS = 5  # for a free port that another process took in between
TURNS = 16  # of the loop, twice what a connection in the kernel's queue needs to be accepted and its request read


class CachedDispatch(addonmanager.AddonManager):  # type: ignore[misc]
    """Looks the hooks of an event up once. Hooks added to an add-on object later are not seen."""

    def __init__(self, owner: master.Master) -> None:
        self._hooks: dict[str, list[Callable[..., Any]]] = {}
        super().__init__(owner)

    def add(self, *addons: Any) -> None:
        """As the base class."""
        self._hooks.clear()
        super().add(*addons)
        self._hooks.clear()

    async def trigger_event(self, event: Any) -> None:
        """As the base class: an add-on's exception is logged and traffic goes on."""
        hooks = self._hooks.get(event.name)
        if hooks is None:
            hooks = [hook for addon in self.chain if (hook := getattr(addon, event.name, None)) and callable(hook)]
            self._hooks[event.name] = hooks
        for hook in hooks:
            try:
                result = hook(*event.args())
                if result is not None and inspect.isawaitable(result):
                    await result
            except exceptions.AddonHalt:
                return
            except Exception:
                # The one wide net of the recorder: whatever goes wrong in here, the service's traffic must flow.
                logging.getLogger(__name__).exception("%s failed", event.name)

    async def handle_lifecycle(self, event: Any) -> None:
        """As the base class, but ``update`` is skipped when nobody listens."""
        await self.trigger_event(event)
        if self._hooks.get("update") != []:
            message = event.args()[0]
            if isinstance(message, flow.Flow):
                from mitmproxy import hooks

                await self.trigger_event(hooks.UpdateHook([message]))


@dataclass(frozen=True, slots=True)
class Bound:
    """A listener and where it really listens."""

    listener: Listener
    host: str
    port: int

    @property
    def spec(self) -> str:
        """mitmproxy's mode specification: unique per listener, and how an exchange tells where it came in."""
        at = f"@{self.host}:{self.port}"
        target = self.listener.target
        return f"regular{at}" if target is None else f"reverse:{target.url}{at}"


class Proxy:
    """The running proxy. Make it inside the loop it shall live in."""

    def __init__(self, plan: ProxyPlan) -> None:
        self._options = options.Options(confdir=plan.confdir, mode=[])
        original = addonmanager.AddonManager
        addonmanager.AddonManager = CachedDispatch
        try:
            self._master = master.Master(self._options)
        finally:
            addonmanager.AddonManager = original
        self._servers = Proxyserver()
        self._master.addons.add(Core(), self._servers, NextLayer(), TlsConfig())
        settings: dict[str, Any] = {
            "keep_host_header": True,
            "validate_inbound_headers": False,  # the recorder judges nobody's headers
            # Reverse listeners must learn the request before they find their server down, to record what failed.
            "connection_strategy": "lazy",
            "stream_large_bodies": "1",  # when asked, which is only for a request its tee says is large (see mends)
            "ssl_insecure": plan.insecure,
            "ssl_verify_upstream_trusted_ca": plan.trusted,
            "http2_ping_keepalive": 0,  # no frames the two sides did not send
            "tcp_timeout": IDLE,
        }
        self._options.update(**{name: value for name, value in settings.items() if name in self._options})
        self._shared = plan.workers > 1
        self._first = plan.worker == 0
        if self._shared:
            mode_servers.AsyncioServerInstance.listen = _listen_together
        self._task: asyncio.Task[None] | None = None
        self._bound: list[Bound] = []

    def add(self, addon: object) -> None:
        """Register an add-on, after mitmproxy's own."""
        self._master.addons.add(addon)

    def add_first(self, addon: object) -> None:
        """Register an add-on before mitmproxy's own: for ``next_layer``, where the first word counts."""
        self._master.addons.add(addon)
        self._master.addons.chain.insert(0, self._master.addons.chain.pop())

    async def start(self, listeners: Iterable[Listener]) -> list[Bound]:
        """Listen. Raises :class:`UsageError` naming the listener when its port is taken."""
        self._task = asyncio.create_task(self._master.run())
        while not self._servers.is_running:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.001)
        for listener in listeners:
            self._bound.append(await self._listen(listener))
        return list(self._bound)

    @property
    def bound(self) -> list[Bound]:
        """What is being listened on."""
        return list(self._bound)

    async def close_listeners(self, *roles: Role) -> None:
        """Stop accepting on the listeners of ``roles``; connections that are open go on.

        Whoever has connected has done so, also where the loop had no time yet to notice: the kernel would reset them.
        """
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self._bound = [one for one in self._bound if one.listener.role not in roles]
        await self._update()

    def cut(self, keep: Callable[[str], bool] = lambda _: False) -> int:
        """Close every client connection but those whose id ``keep`` wants; how many remain."""
        for handler in list(self._servers.connections.values()):
            if keep(handler.client.id):
                continue
            transport = handler.transports.get(handler.client)
            if transport is not None and transport.handler is not None:
                transport.handler.cancel("shutdown")
        return len(self._servers.connections)

    async def shutdown(self) -> None:
        """Close every listener and connection, then end mitmproxy's loop. Its own shutdown does neither."""
        await self.close_listeners(*Role)
        for _ in range(200):
            if not self.cut():
                break
            await asyncio.sleep(0.01)
        self._master.shutdown()
        if self._task is not None:
            await self._task

    async def _listen(self, listener: Listener) -> Bound:
        for attempt in range(ATTEMPTS):
            try:
                port = listener.port or free_port(listener.host if ":" not in listener.host else "127.0.0.1")
            except OSError as error:
                raise _not_listening(Bound(listener, listener.host, 0), error) from error
            bound = Bound(listener, listener.host, port)
            try:
                mode = mode_specs.ProxyMode.parse(bound.spec)
            except ValueError as error:
                raise UsageError(f"{_named(listener)} cannot be set up: {error}.") from error
            if self._shared and self._first and (taken := _probe(listener.host, port)):
                # Who shares a port could share it with another program, too, and would take half of its traffic.
                if listener.port or attempt == ATTEMPTS - 1:
                    raise _not_listening(bound, taken)
                continue
            await self._update(mode)
            (instance,) = [one for one in self._servers.servers if one.mode == mode]
            if instance.is_running:
                return bound
            reason = instance.last_exception
            if getattr(reason, "errno", None) is None:
                reason = _probe(listener.host, port) or reason  # mitmproxy does not always keep the reason
            await self._update()
            if listener.port or attempt == ATTEMPTS - 1:
                raise _not_listening(bound, reason)
        raise AssertionError("unreachable")

    async def _update(self, *more: mode_specs.ProxyMode) -> None:
        modes = [mode_specs.ProxyMode.parse(one.spec) for one in self._bound]
        logger = logging.getLogger("mitmproxy.addons.proxyserver")
        logger.disabled = True  # it logs "failed to listen"; we raise a sentence instead
        try:
            await self._servers.servers.update([*modes, *more])
        finally:
            logger.disabled = False


async def _listen_together(self: Any, host: str, port: int) -> list[asyncio.Server]:
    """In place of mitmproxy's ``listen``: the kernel deals connections out to all processes that listen so."""
    return [await asyncio.start_server(self.handle_stream, host, port, reuse_port=True)]


def _named(listener: Listener) -> str:
    return f"--dependency {listener.name}" if listener.role is Role.DEPENDENCY else f"--{listener.role}"


def _probe(host: str, port: int) -> OSError | None:
    """Why nobody can listen on ``host`` and ``port``, if so."""
    import socket

    try:
        for family, kind, number, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, number) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
    except OSError as error:
        return error
    return None


def _not_listening(bound: Bound, error: Exception | None) -> UsageError:
    where = authority(bound.host, bound.port) if bound.port else bound.host
    number = getattr(error, "errno", None)
    import errno
    import os
    import socket

    if number == errno.EADDRINUSE:
        return UsageError(
            f"{_named(bound.listener)}: port {bound.port} on {bound.host} is taken by another program.",
            hint="Choose another port, or 0 for a free one.",
        )
    if isinstance(error, socket.gaierror):
        reason = "the host name was not found"
    elif isinstance(number, int) and number > 0:
        reason = os.strerror(number).lower()
    else:
        reason = "the system refused" if error is None else type(error).__name__
    return UsageError(
        f"{_named(bound.listener)} cannot listen on {where}: {reason}.", hint="Choose another address or port."
    )
