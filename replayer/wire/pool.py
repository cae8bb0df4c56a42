"""Idle HTTP/1.x connections by the name of the recorded connection they stand for."""

from __future__ import annotations

from replayer.wire.http1_wire import Http1Wire


class IdleWires:
    """At most ``limit`` of them, the ones unused for longest given up first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._by_name: dict[str, list[tuple[int, Http1Wire]]] = {}  # each with when it was kept; oldest first
        self._size = 0
        self._kept = 0

    def __len__(self) -> int:
        return self._size

    async def take(self, name: str) -> Http1Wire | None:
        """The one used last that still serves; those that do not are closed."""
        while name in self._by_name:
            wire = self._pop(name, -1)
            ended = wire.has_ended()
            if ended is None:
                ended = await wire.ends()
            if not ended:
                return wire
            wire.abort()
        return None

    def keep(self, name: str, wire: Http1Wire) -> None:
        """Take in ``wire``, which is reusable."""
        self._kept += 1
        self._size += 1
        self._by_name.setdefault(name, []).append((self._kept, wire))
        while self._size > self.limit:
            self._pop(min(self._by_name, key=lambda name: self._by_name[name][0][0]), 0).close()

    def close(self) -> None:
        """Close all."""
        while self._by_name:
            self._pop(next(iter(self._by_name)), -1).abort()

    def _pop(self, name: str, index: int) -> Http1Wire:
        wires = self._by_name[name]
        _, wire = wires.pop(index)
        self._size -= 1
        if not wires:
            del self._by_name[name]
        return wire
