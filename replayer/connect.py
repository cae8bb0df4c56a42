"""TLS on the stub server's side of a connection, without I/O: ciphertext in, plaintext out, and back.

asyncio's ``start_tls`` takes the bytes after CONNECT for granted: one cannot look at the first byte (some clients
speak plain HTTP through a tunnel), tell whose fault a failed handshake was, or end TLS with a close_notify.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress

CLIENT_HELLO = 0x16
"""First byte of a TLS connection: the content type *handshake* (RFC 8446 section 5.1)."""


class TlsChannel:
    """One server-side TLS connection over memory."""

    def __init__(self, host: str, context_for: Callable[[str], ssl.SSLContext]) -> None:
        self.established = False
        self.sni: str | None = None
        self._context_for = context_for
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        context = context_for(host)
        # A client that tunnels to an address names the host it means in SNI: it is that name we must prove to be.
        context.sni_callback = self._on_sni
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def feed(self, data: bytes) -> bytes:
        """Plaintext out of received ``data``. Raises ``ssl.SSLError`` when the peer gives up or breaks the protocol."""
        self._incoming.write(data)
        if not self.established:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                return b""
            self.established = True
        plain: list[bytes] = []
        while True:
            try:
                piece = self._tls.read(256 * 1024)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                break
            if not piece:
                break
            plain.append(piece)
        return b"".join(plain)

    @property
    def protocol(self) -> str | None:
        """What ALPN agreed on (RFC 7301), once established."""
        return self._tls.selected_alpn_protocol() if self.established else None

    def write(self, data: bytes) -> None:
        """Encrypt ``data``; fetch it with :meth:`pending`."""
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]

    def pending(self) -> bytes:
        """Ciphertext to send now."""
        return self._outgoing.read()

    def end(self) -> None:
        """Say close_notify, or the client takes a body that ends by closing for a truncated one."""
        with suppress(ssl.SSLError, OSError):  # it waits for the peer's close_notify: what had to be said is pending
            self._tls.unwrap()

    def _on_sni(self, tls: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        del context
        if name and name != self.sni:
            self.sni = name
            tls.context = self._context_for(name)


def parse_authority(target: bytes, default_port: int) -> tuple[str, int]:
    """``host:port`` or ``[v6]:port`` as host (lower case, no brackets) and port. Raises ``ValueError``."""
    text = target.decode("latin-1")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise ValueError("an IPv6 address without its bracket")
        port = rest.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    if not host:
        raise ValueError("no host")
    return host.lower(), int(port) if port else default_port
