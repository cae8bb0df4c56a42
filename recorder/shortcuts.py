"""What makes mitmproxy faster without changing what it does: the recorder stands in a service's path.

Measured with py-spy on 1 KB answers, on top of the lean master: a task and a turn of the loop for every hook (a
quarter), header look-ups by exception (a tenth), a system call each for head and body (a tenth), random ids (a
twentieth). All hooks here are plain functions, so they run at once, in the order mitmproxy asked for them; what
mitmproxy would have done in between it does afterwards.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import secrets
from collections import deque
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

from hpack import hpack
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from mitmproxy import connection as connection_module
from mitmproxy import flow as flow_module
from mitmproxy.http import Headers
from mitmproxy.proxy import commands, events, mode_servers, server

TEXTS = 2048  # of HTTP/2 headers that are remembered
LONGEST = 256  # bytes of such a text


def take() -> None:
    """Take every shortcut, once per process."""
    handler = mode_servers.ProxyConnectionHandler
    if getattr(handler, "hooks_run_at_once", False):
        return
    handler.hooks_run_at_once = True
    handler.hook_task = _remember
    handler.server_event = _with_hooks(handler.server_event)
    server.asyncio_utils = _Tasks(server.asyncio_utils)
    _look_up_headers_directly()
    _remember_huffman()
    run, counter = secrets.token_hex(3), itertools.count(1)
    ids = SimpleNamespace(uuid4=lambda: f"{run}-{next(counter)}")
    flow_module.uuid = connection_module.uuid = ids


class _Done:
    """In place of the task of a hook that has only been remembered."""

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Nothing to wait for."""


class _Tasks:
    """mitmproxy's ``asyncio_utils``, except that what :func:`_remember` returned is no coroutine to start."""

    def __init__(self, original: Any) -> None:
        self._original = original
        self._done = _Done()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def create_task(self, coroutine: Coroutine[Any, Any, Any] | None, **options: Any) -> Any:
        """As the original."""
        if coroutine is None:
            return self._done
        return self._original.create_task(coroutine, **options)


def _remember(self: Any, hook: commands.StartHook) -> None:
    """In place of the coroutine that runs ``hook``: it is run when the current event has been handled."""
    waiting: deque[commands.StartHook] | None = getattr(self, "hooks_waiting", None)
    if waiting is None:
        waiting = self.hooks_waiting = deque()
    waiting.append(hook)


def _with_hooks(original: Callable[..., Any]) -> Callable[..., Any]:
    async def server_event(self: Any, event: events.Event) -> None:
        gathering = [
            _gather(transport) for transport in self.transports.values() if isinstance(transport.writer, _WRITERS)
        ]
        try:
            await original(self, event)
            waiting = getattr(self, "hooks_waiting", None)
            while waiting:
                hook = waiting.popleft()
                await self.master.addons.handle_lifecycle(hook)
                if hook.blocking:
                    await original(self, events.HookCompleted(hook))
        finally:
            for writer in gathering:
                writer.flush()

    return server_event


class _Gathering:
    """A stream writer that sends what is written while one event is handled in one go: a head with its body."""

    __slots__ = ("_parts", "_writer")

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def write(self, data: bytes) -> None:
        """Keep ``data`` for the next :meth:`flush`."""
        self._parts.append(data)

    def flush(self) -> None:
        """Send what was kept."""
        if self._parts:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            self._writer.write(data)

    async def drain(self) -> None:
        """As the original."""
        self.flush()
        await self._writer.drain()

    def write_eof(self) -> None:
        """As the original."""
        self.flush()
        self._writer.write_eof()

    def close(self) -> None:
        """As the original."""
        self.flush()
        self._writer.close()


_WRITERS = (_Gathering, asyncio.StreamWriter)


def _gather(transport: server.ConnectionIO) -> _Gathering:
    if not isinstance(transport.writer, _Gathering):
        transport.writer = _Gathering(transport.writer)
    writer: _Gathering = transport.writer
    return writer


def _look_up_headers_directly() -> None:
    """Give mitmproxy's headers look-ups that neither raise nor lower-case a name they have seen before."""

    @functools.lru_cache(maxsize=1024)
    def wanted(key: str | bytes) -> bytes:
        return (key.encode("utf-8", "surrogateescape") if isinstance(key, str) else key).lower()

    def get(self: Headers, key: str | bytes, default: Any = None) -> Any:
        name = wanted(key)
        found = [value for one, value in self.fields if one.lower() == name]
        if not found:
            return default
        if len(found) == 1:
            return found[0].decode("utf-8", "surrogateescape")
        return ", ".join([value.decode("utf-8", "surrogateescape") for value in found])

    def getitem(self: Headers, key: str | bytes) -> Any:
        value = get(self, key)
        if value is None:
            raise KeyError(key)
        return value

    def contains(self: Headers, key: object) -> bool:
        if not isinstance(key, str | bytes):
            return False
        name = wanted(key)
        for one, _ in self.fields:  # noqa: SIM110 - a generator costs as much as the loop
            if one.lower() == name:
                return True
        return False

    Headers.get = get
    Headers.__getitem__ = getitem
    Headers.__contains__ = contains


def _remember_huffman() -> None:
    """Have texts in HTTP/2 headers decoded and encoded once: most come again, also those no table may hold."""
    module: Any = hpack
    decoding: Callable[..., bytes] = module.decode_huffman
    decoded = functools.lru_cache(maxsize=TEXTS)(decoding)
    encoded = functools.lru_cache(maxsize=TEXTS)(HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode)
    encoding = HuffmanEncoder.encode

    def decode(text: bytes | bytearray | memoryview | None) -> bytes:
        return decoding(text) if text is None or len(text) > LONGEST else decoded(bytes(text))

    def encode(self: HuffmanEncoder, text: bytes | None) -> bytes:
        return encoding(self, text) if text is None or len(text) > LONGEST else encoded(text)

    module.decode_huffman = decode
    HuffmanEncoder.encode = encode  # type: ignore[method-assign, assignment]
