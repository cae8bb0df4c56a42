"""The add-on that watches connections: where they came in, which could not be made and why, which are not HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from mitmproxy.connection import Client
from mitmproxy.proxy import server_hooks
from mitmproxy.tcp import TCPFlow
from mitmproxy.tls import ClientHelloData, TlsData

from captures.model import Failure, authority
from recorder.failures import CERTIFICATE, connect_failure, tls_failure
from recorder.listeners import LOOPBACK, Listener, Role

Address = tuple[str, int]
HOSTS, OTHERS = 1_000, "other hosts"  # so many are counted by name


class Doors:
    """The open listeners, by mitmproxy's mode specification and by the addresses they are reached at."""

    def __init__(self) -> None:
        self._by_spec: dict[str, Listener] = {}
        self._by_address: dict[Address, Listener] = {}

    def open(self, spec: str, listener: Listener, host: str, port: int) -> None:
        """Note a listener."""
        self._by_spec[spec] = listener
        for name in {host, LOOPBACK, "localhost", "::1"}:
            self._by_address[name, port] = listener

    def of(self, client: Client) -> Listener:
        """The listener ``client`` came in through."""
        return self._by_spec[client.proxy_mode.full_spec]

    def at(self, address: Address) -> Listener | None:
        """The listener of ours at ``address``, if there is one."""
        return self._by_address.get(address)


class Connections:
    """Watches connections; ``warn`` is told once per host what a user should act on."""

    def __init__(self, doors: Doors, warn: Callable[[str, str], None]) -> None:
        self.opaque: Counter[str] = Counter()  # connections that were not HTTP, by destination
        self.untrusted: Counter[str] = Counter()  # connections whose client refused our certificate
        self.distrusted: Counter[str] = Counter()  # connections to a server whose certificate we refused
        self.refused = 0  # requests that were no HTTP the proxy could pass on
        self._upgraded: set[str] = set()  # client connections that went on in another protocol
        self._doors = doors
        self._warn = warn
        self._unreachable: dict[str, dict[Address, Failure]] = {}  # client connection id -> server address -> why

    def why(self, client: str, address: Address) -> Failure | None:
        """Why client connection ``client`` could not be connected to ``address``, if it could not."""
        return self._unreachable.get(client, {}).get(address)

    def tls_clienthello(self, data: ClientHelloData) -> None:
        """Shake hands with the server first, so that its choice of HTTP version is what the client is offered."""
        if data.context.server.tls:
            data.establish_server_tls_first = True

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Let the service call itself through its own front door; mitmproxy takes that for a loop."""
        called = self._doors.at(data.server.address[:2]) if data.server.address else None
        if called and called.role is Role.INBOUND and self._doors.of(data.client).role is Role.OUTBOUND:
            data.server.error = None

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A server accepted the connection."""
        if data.server.address:
            self._unreachable.get(data.client.id, {}).pop(data.server.address[:2], None)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A server did not accept the connection."""
        if data.server.address:
            self._note(data.client, data.server.address[:2], connect_failure(data.server.error or ""))

    def tls_failed_server(self, data: TlsData) -> None:
        """A server's TLS handshake failed."""
        if data.conn.address:
            failure = tls_failure(data.conn.error or "")
            self._note(data.context.client, data.conn.address[:2], failure)
            if (failure.detail or "").startswith(CERTIFICATE):
                where = authority(*data.conn.address[:2])
                self._count(self.distrusted, "distrusted", where)

    def tls_failed_client(self, data: TlsData) -> None:
        """A client gave up the handshake with us: it does not know our authority."""
        if self._doors.of(data.context.client).role is not Role.OUTBOUND:
            self._count(self.untrusted, "unexpected_tls", authority(*data.context.client.sockname[:2]))
            return
        host = data.conn.sni or (data.context.server.address or ("an unknown host",))[0]
        self._count(self.untrusted, "untrusted", host)

    def request_refused(self, client: Client) -> None:
        """A request was answered with 400 by the proxy itself (see ``recorder.mends``)."""
        self.refused += 1
        if self.refused == 1:
            self._warn("refused", self._doors.of(client).role.value)

    def client_disconnected(self, client: Client) -> None:
        """Nothing about this connection is asked any more."""
        self._unreachable.pop(client.id, None)
        self._upgraded.discard(client.id)

    def upgraded(self, client: Client) -> None:
        """An exchange on the tape says that this connection speaks another protocol from now on."""
        self._upgraded.add(client.id)

    def tcp_start(self, flow: TCPFlow) -> None:
        """A connection that is not HTTP passes through; what it says is not recorded."""
        if flow.client_conn.id in self._upgraded:
            return
        host, port = (flow.server_conn.address or ("an unknown host", 0))[:2]
        where = authority(host, port)
        self._count(self.opaque, "opaque", where)

    def tcp_message(self, flow: TCPFlow) -> None:
        """mitmproxy would keep the whole connection in memory."""
        flow.messages.clear()

    def _count(self, counter: Counter[str], what: str, where: str) -> None:
        """Count ``where``, and warn the first time. Names are the clients' to choose: not every one has its number."""
        if where not in counter and len(counter) >= HOSTS:
            where = OTHERS
        counter[where] += 1
        if counter[where] == 1:
            self._warn(what, where)

    def _note(self, client: Client, address: Address, failure: Failure) -> None:
        # A client that has left is told of here as well, when the connection made for it is given up: nobody would ask
        # for that, and nobody would ever forget it.
        if client.timestamp_end is None:
            self._unreachable.setdefault(client.id, {})[address] = failure
