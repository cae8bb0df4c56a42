"""HTTP/2 connections by the name of the recorded connection they stand for: each serves many requests at once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from replayer.wire.dial import Dialler
from replayer.wire.http1_wire import Http1Wire
from replayer.wire.http2_wire import Http2Wire


class _Dialling:
    """Who waits for a connection of one name."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class SharedWires:
    """One connection for each name; with ``grow`` another one where the server allows no more streams on it.

    About ``limit`` stay open, those without a request and unused for longest given up first. ``speaks``: whether the
    target speaks HTTP/2 at all; None while nobody has asked. ``forced``: nothing else will do, so that is not asked.
    """

    def __init__(self, dialler: Dialler, limit: int, *, grow: bool, forced: bool) -> None:
        self.limit = limit
        self.speaks: bool | None = None
        self._dialler = dialler
        self._grow = grow
        self._forced = forced
        self._by_name: OrderedDict[str, list[Http2Wire]] = OrderedDict()  # oldest first
        self._dialling: dict[str, _Dialling] = {}
        self._asking = asyncio.Lock()

    async def wire(self, name: str, deadline: float, timeout: float) -> Http2Wire | Http1Wire | None:  # noqa: ASYNC109
        """A connection for one request, new for each where ``name`` is empty; else what the dialler gives instead.

        Raises :class:`~replayer.wire.reply.DialError`.
        """
        if not name:
            return await self._dial(deadline, timeout)
        found = self._usable(name)
        if found is not None:
            return found
        dialling = self._dialling.setdefault(name, _Dialling())
        dialling.users += 1
        try:
            async with dialling.lock:  # who comes second finds what the first one dialled
                found = self._usable(name)
                if found is not None:
                    return found
                wire = await self._dial(deadline, timeout)
                if isinstance(wire, Http2Wire):
                    self._by_name.setdefault(name, []).append(wire)
                    self._give_up()
                return wire
        finally:
            dialling.users -= 1
            if not dialling.users:
                del self._dialling[name]

    def close(self) -> None:
        """Close all."""
        for wires in self._by_name.values():
            for wire in wires:
                wire.close()
        self._by_name.clear()

    def _usable(self, name: str) -> Http2Wire | None:
        wires = self._by_name.get(name)
        if wires is None:
            return None
        wires[:] = [wire for wire in wires if wire.usable]
        self._by_name.move_to_end(name)
        if self._grow:
            return next((wire for wire in wires if wire.room), None)
        return wires[0] if wires else None

    async def _dial(self, deadline: float, timeout: float) -> Http2Wire | Http1Wire | None:  # noqa: ASYNC109
        if self._forced:
            return await self._dialler.http2(deadline, timeout, forced=True)
        if self.speaks is None:
            async with self._asking:  # once per target
                if self.speaks is None:
                    wire = await self._dialler.http2(deadline, timeout)
                    self.speaks = isinstance(wire, Http2Wire)
                    return wire
        return await self._dialler.http2(deadline, timeout) if self.speaks else None

    def _give_up(self) -> None:
        excess = sum(map(len, self._by_name.values())) - self.limit
        for name in list(self._by_name):
            if excess <= 0:
                return
            wires = self._by_name[name]
            for wire in [wire for wire in wires if not wire.busy]:
                wire.close()
                wires.remove(wire)
                excess -= 1
            if not wires:
                del self._by_name[name]
